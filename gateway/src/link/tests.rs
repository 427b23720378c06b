//! The same promises for a socket and for memory.

use super::*;
use std::net::{Ipv4Addr, TcpListener};

/// Two connected TCP links whose socket buffers are as small as the system allows.
fn tcp_pair(send_bytes_max: usize) -> (TcpLink, TcpLink) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let config = DialConfig { send_bytes_max, ..DialConfig::new(listener.local_addr().unwrap()) };
    let ours = dial(&config).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    socket2::SockRef::from(ours.stream()).set_send_buffer_size(1).unwrap();
    (ours, TcpLink::from_stream(theirs, send_bytes_max).unwrap())
}

/// A message whose every byte tells its place and number.
fn message(number: usize, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 + number * 7) as u8).collect()
}

/// Sends until blocked with nobody reading, then reads everything: whole messages in order, none
/// taken twice, the refused ones absent.
fn sends_stay_whole(mut ours: impl Link, mut theirs: impl Link, bytes: usize) {
    let mut expected = Vec::new();
    let mut received = Vec::new();
    let mut buffer = vec![0; 3_000];
    let (mut partial, mut blocked) = (0, 0);
    for number in 0..400 {
        let message = message(number, bytes);
        match ours.send(&message) {
            SendResult::All => expected.extend_from_slice(&message),
            SendResult::Partial(count) => {
                assert!(count > 0 && count < bytes);
                assert!(ours.has_pending());
                expected.extend_from_slice(&message);
                partial += 1;
            }
            SendResult::WouldBlock => {
                blocked += 1;
                if let RecvResult::Bytes(count) = theirs.recv_into(&mut buffer) {
                    received.extend_from_slice(&buffer[..count]);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    for _ in 0..100_000 {
        match theirs.recv_into(&mut buffer) {
            RecvResult::Bytes(count) => received.extend_from_slice(&buffer[..count]),
            RecvResult::WouldBlock if received.len() == expected.len() => break,
            RecvResult::WouldBlock => assert!(!matches!(ours.flush(), SendResult::Closed(_))),
            other => panic!("{other:?}"),
        }
    }
    assert!(!ours.has_pending());
    assert_eq!(ours.flush(), SendResult::All);
    assert!(received == expected, "{} of {} bytes", received.len(), expected.len());
    assert!(blocked > 0 && partial > 0, "{blocked} refused, {partial} partial");
}

/// Goal: a partial write is finished before anything else goes out (E3), over a real socket.
#[test]
fn tcp_sends_stay_whole_and_in_order() {
    let (ours, theirs) = tcp_pair(60_000);
    sends_stay_whole(ours, theirs, 50_021);
}

/// Goal: the same in memory, with rings shorter than a message.
#[test]
fn memory_sends_stay_whole_and_in_order() {
    for capacity in [1, 7, 100, 1_000] {
        let (ours, theirs) = pair(capacity, 128);
        sends_stay_whole(ours, theirs, 127);
    }
}

/// Goal: what a link cannot keep it does not start.
#[test]
fn a_message_too_long_is_refused_whole() {
    let (mut ours, mut theirs) = pair(10, 10);
    assert_eq!(ours.send(&[1; 11]), SendResult::TooLong);
    assert_eq!(theirs.recv_into(&mut [0; 4]), RecvResult::WouldBlock);
    assert_eq!(ours.send(&[]), SendResult::All);
    let (mut ours, _theirs) = tcp_pair(10);
    assert_eq!(ours.send(&[1; 11]), SendResult::TooLong);
}

/// Goal: the end is seen after the last byte, and sends to it fail.
#[test]
fn the_end_comes_after_the_last_byte() {
    fn check(mut ours: impl Link, mut theirs: impl Link) {
        assert_eq!(ours.send(b"last"), SendResult::All);
        ours.shutdown();
        let mut buffer = [0; 16];
        let mut received = Vec::new();
        for _ in 0..100_000 {
            match theirs.recv_into(&mut buffer) {
                RecvResult::Bytes(count) => received.extend_from_slice(&buffer[..count]),
                RecvResult::WouldBlock => {}
                RecvResult::End => break,
                RecvResult::Closed(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(received, b"last");
        assert!(matches!(ours.send(b"more"), SendResult::Closed(_)));
        assert_eq!(theirs.recv_into(&mut []), RecvResult::WouldBlock, "no room is not the end");
    }
    let (ours, theirs) = tcp_pair(64);
    check(ours, theirs);
    let (ours, theirs) = pair(64, 64);
    check(ours, theirs);
}

/// Goal: another thread's handle makes a late write fail (K5).
#[test]
fn a_shutdown_handle_stops_later_writes() {
    let (mut ours, _theirs) = tcp_pair(64);
    let handle = ours.shutdown_handle().unwrap();
    std::thread::spawn(move || handle.shutdown().unwrap()).join().unwrap();
    assert!(matches!(ours.send(b"late"), SendResult::Closed(_)));
}

/// Goal: a dial to nobody fails with the system's word, within its time.
#[test]
fn a_dial_to_nobody_fails() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = dial(&DialConfig::new(address)).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}
