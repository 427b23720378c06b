use super::*;
use crate::stage::feed::{FileSource, Received, Source, file_packets};
use feed::binaryfile::{Compression, write_file};
use feed::codec::itch50::{Head, SystemEvent, encode};
use feed::moldudp64::{Packet, PacketKind};
use std::path::Path;

const SECOND: u64 = 1_000_000_000;

fn event(ts: u64) -> Vec<u8> {
    let mut out = [0; 64];
    let message = SystemEvent { head: Head::of::<SystemEvent>(0, 0, ts), event: b'O' };
    let length = encode(&message, &mut out).unwrap();
    out[..length].to_vec()
}

fn record(path: &Path, times: &[u64]) {
    let messages: Vec<Vec<u8>> = times.iter().map(|ts| event(*ts)).collect();
    write_file(path, Compression::Zstd, messages.iter().map(Vec::as_slice)).unwrap();
}

/// Plays a short file; its packets as (due, first number, kind), and what people hear.
fn play(path: &Path, speed: Speed) -> (Vec<(u64, u64, PacketKind)>, Option<String>) {
    let (packets, mut source) = file_packets(speed != Speed::Max);
    let fault = Arc::new(OnceLock::new());
    let recording = Recording::open(path).unwrap();
    Player::new(recording, speed, packets, Phase::new(), Arc::clone(&fault)).run();
    (read(&mut source), fault.get().cloned())
}

fn read(source: &mut FileSource) -> Vec<(u64, u64, PacketKind)> {
    let mut buffer = [0; 2_048];
    let mut packets = Vec::new();
    let start = 5 * SECOND;
    for due in (0..20_000).map(|tick| tick * SECOND / 1_000) {
        while let Some(received) = source.recv(0, Nanos(start + due), &mut buffer) {
            let Received::Packet { len, .. } = received else { panic!("{received:?}") };
            let packet = Packet::parse(&buffer[..len]).unwrap();
            packets.push((due / (SECOND / 1_000), packet.seq(), packet.kind()));
        }
    }
    packets
}

/// Goal: messages of one time share a packet, at every speed the same ones; a pace is kept; a pause
/// is told by heartbeats; the end is told.
#[test]
fn a_file_is_played_at_its_pace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day");
    let ms = SECOND / 1_000;
    record(&path, &[9 * SECOND, 9 * SECOND, 9 * SECOND + 10 * ms, 12 * SECOND]);
    let data = PacketKind::Data;
    let heartbeat = PacketKind::Heartbeat;
    let (played, fault) = play(&path, Speed::Milli(1_000));
    let end = PacketKind::EndOfSession;
    let expected = [
        (0, 1, data(2)),
        (10, 3, data(1)),
        (1_010, 4, heartbeat),
        (2_010, 4, heartbeat),
        (3_000, 4, data(1)),
        (3_000, 5, end),
    ];
    assert_eq!((&played[..], fault), (&expected[..], None));
    let (played, _) = play(&path, Speed::Milli(2_000));
    let expected = [
        (0, 1, data(2)),
        (5, 3, data(1)),
        (1_005, 4, heartbeat),
        (1_500, 4, data(1)),
        (1_500, 5, end),
    ];
    assert_eq!(played, expected);
    let (played, _) = play(&path, Speed::Max);
    assert_eq!(played, [(0, 1, data(2)), (0, 3, data(1)), (0, 4, data(1)), (0, 5, end)]);
}

/// Goal: a file that ends inside a message plays what is whole, says what is missing by a number
/// that never comes, and tells people.
#[test]
fn a_cut_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    let mut bytes = Vec::new();
    for ts in [1, 2] {
        bytes.extend([0, 12]);
        bytes.extend(event(ts));
    }
    std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    let (played, fault) = play(&path, Speed::Max);
    let end = PacketKind::EndOfSession;
    assert_eq!(played, [(0, 1, PacketKind::Data(1)), (0, 3, PacketKind::Heartbeat), (0, 3, end)]);
    let fault = fault.unwrap();
    assert!(fault.contains("cut: it ends inside a message, 11 bytes"), "{fault}");
    assert!(fault.contains("the 1 messages before were played"), "{fault}");
}

/// Goal: an engine that stops does not wait for a file. Method: more than the ring holds, nobody
/// reads.
#[test]
fn a_stop_ends_a_play() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long");
    record(&path, &(0..200_000).collect::<Vec<_>>());
    let (packets, source) = file_packets(false);
    let phase = Phase::new();
    let recording = Recording::open(&path).unwrap();
    let fault = Arc::new(OnceLock::new());
    let player = Player::new(recording, Speed::Max, packets, phase.clone(), fault);
    let playing = std::thread::spawn(move || player.run());
    std::thread::sleep(Duration::from_millis(50));
    assert!(!playing.is_finished(), "the ring is full");
    phase.set(PhaseOf::Stop);
    playing.join().unwrap();
    drop(source);
}
