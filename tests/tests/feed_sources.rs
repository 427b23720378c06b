//! Feeds that are no lines: a recorded file, and a SoupBinTCP session. The books that come of them
//! are the exchange's, nothing is lost, and the journal replays without file or session.
//!
//! Method: the loopback exchange's own stream, once over TCP through a relay that cuts it, once as
//! files; strategies trade on paper against it; the journal is replayed on every layout.

use clap::Parser;
use engine::config::{Loaded, Sources};
use engine::pipeline::live::{Finished, Options, Running, SecretSource, StartError, start};
use exchange::{Args, Exchange, Summary};
use feed::binaryfile::{Compression, write_file};
use feed::book::{BooksConfig, ItchBooks};
use feed::hash_channel::{BookHashes, HASH_EVERY, HashEntry};
use feed::instruments::Instruments;
use feed::moldudp64::{Event, Session};
use feed::recording::FILE_SESSION;
use gateway::session::soupbintcp::{Client, ClientConfig, ClientEvent, Credentials, Start};
use shm::message::FeedState;
use shm::units::Nanos;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wirelane_tests::memory::{Folder, hot_dir};
use wirelane_tests::random::Random;

const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// An exchange of the demo's symbols on free ports that ends after `messages` messages.
fn exchange(messages: u64, more: &[&str]) -> Exchange {
    let symbols = root().join("config/demo-instruments.csv");
    let any = "127.0.0.1:0";
    let count = messages.to_string();
    let mut line = vec!["exchange", "--itch-a", any, "--itch-b", any, "--request", any];
    line.extend(["--ouch", any, "--hash", any, "--itch-soup", any, "--seed", "11"]);
    line.extend(["--messages", &count, "--linger", "0", "--symbols", symbols.to_str().unwrap()]);
    line.extend(more);
    println!("{}", line.join(" "));
    Exchange::bind(Line::parse_from(line).args.options().unwrap()).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The demo's strategies on paper, and `feed` as the feed's keys.
fn configuration(dir: &Path, feed: &str, full: &str, sets: &[&str]) -> Loaded3 {
    let mut sources = Sources::read(&root().join("config/demo.toml")).unwrap();
    let mut cut = |from: &str, to: &str, with: &str| {
        let from = sources.text.find(from).unwrap();
        let to = from + sources.text[from..].find(to).unwrap() + to.len();
        sources.text.replace_range(from..to, with);
    };
    cut("session = {", "}", "session = { codec = \"paper\" }");
    cut("a = \"127.0.0.1:26400\"", "26403\"", feed);
    cut("full = \"conflate\"", "\n", &format!("full = \"{full}\"\n"));
    sources.sets = vec![
        format!("engine.dir={}", dir.display()),
        format!("engine.name=f{}", std::process::id()),
        format!("engine.hot_dir={}", hot_dir(dir).display()),
        "journal.segment_mib=4".to_owned(),
    ];
    sources.sets.extend(sets.iter().map(|set| (*set).to_owned()));
    sources.load_and_bind().unwrap_or_else(|report| panic!("{report}"))
}

type Loaded3 = (Loaded, Instruments, engine::config::Bound);

fn run(with: Loaded3) -> Result<Running, StartError> {
    let (loaded, instruments, bound) = with;
    let secrets: SecretSource = |_| Some("loopback".to_owned());
    let options = Options { arm: true, secrets: Some(secrets), ..Options::default() };
    start(&loaded, instruments, &bound, options)
}

fn counter(running: &Running, key: &str) -> u64 {
    running.region().unwrap().counter(&format!("feed:itch.{key}")).unwrap().get()
}

fn wait_for(running: &Running, key: &str, at_least: u64) {
    let since = Instant::now();
    while counter(running, key) < at_least {
        assert!(since.elapsed() < PATIENCE, "{key} = {}", counter(running, key));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Every counter that tells of something missing.
fn assert_whole(running: &Running, messages: u64) {
    for key in ["lost", "gaps", "malformed", "capture_gaps", "book_faults", "book_mismatches"] {
        assert_eq!(counter(running, key), 0, "{key}");
    }
    assert_eq!(counter(running, "messages"), messages);
}

fn stop(running: Running) -> Finished {
    running.stop_flag().stop();
    running.wait()
}

fn assert_replays_alike(dir: &Path, finished: &Finished) {
    for layout in ["fused", "split2", "split4"] {
        let replayed = engine::replay::run(dir, None, Some(layout)).unwrap();
        assert_eq!(replayed.order_stream_hash, replayed.recorded_hash, "{layout}");
        assert_eq!(replayed.state_hash, replayed.recorded_state_hash, "{layout}");
        assert_eq!(replayed.state_hash, finished.state_hash, "{layout}");
    }
    assert!(finished.positions.iter().any(|row| row.fees.0 != 0), "paper orders filled");
}

/// Everything the exchange publishes, heard by a client that blocks.
fn listen(address: SocketAddr) -> Vec<Vec<u8>> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let credentials = Credentials::new("DEMO01", "loopback").unwrap();
    let mut client = Client::new(ClientConfig::new(credentials, Start::FIRST));
    client.on_connect(Nanos(0));
    let mut out = [0; 128];
    let length = client.poll(Nanos(0), &mut out);
    stream.write_all(&out[..length]).unwrap();
    let mut messages = Vec::new();
    loop {
        match client.next_event() {
            Some(ClientEvent::Message { payload, .. }) => messages.push(payload.to_vec()),
            Some(ClientEvent::Ended(_)) => return messages,
            Some(_) => {}
            None => {
                let bytes = stream.read(client.read_space()).unwrap();
                assert!(bytes > 0, "the stream ends with its session");
                client.on_read(bytes, Nanos(0));
            }
        }
    }
}

/// A recorded day of the exchange.
fn tape(messages: u64) -> Vec<Vec<u8>> {
    let mut venue = exchange(messages, &["--rate", "0", "--start-delay", "0.3"]);
    let address = venue.addresses().itch_soup.unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let venue = scope.spawn(|| venue.run(&stop).unwrap());
        let tape = listen(address);
        assert_eq!(venue.join().unwrap().messages, tape.len() as u64);
        tape
    })
}

/// What the venue would say of its books, computed from the tape: datagrams of the hash channel.
fn hashes(tape: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let file = root().join("config/demo-instruments.csv");
    let instruments = Instruments::load(&file).unwrap();
    let symbols = instruments.of_venue(shm::ids::Symbol::new("NASDAQ").unwrap());
    let count = instruments.len();
    let mut books = ItchBooks::new(BooksConfig::default(), count, symbols);
    books.on_event(&Event::SessionStarted(Session(*b"REFERENCE ")));
    let mut datagrams = Vec::new();
    for (message, seq) in tape.iter().zip(1_u64..) {
        let _ = books.apply(message);
        if seq.is_multiple_of(HASH_EVERY) {
            let entries: Vec<HashEntry> = (1..=count as u16)
                .filter_map(|locate| {
                    let hash = books.hash(books.instrument_of(locate)?);
                    Some(HashEntry { locate: locate.into(), hash: hash.into() })
                })
                .collect();
            let mut out = [0; 1_500];
            let told = BookHashes { session: FILE_SESSION, seq, entries: &entries };
            let length = told.encode(&mut out).unwrap();
            datagrams.push(out[..length].to_vec());
        }
    }
    datagrams
}

fn free_port() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Plays a file to its end with hashes beside it; its counters are looked at before the stop.
fn play(dir: &Path, file: &str, sets: &[&str], hashes: &[Vec<u8>], check: impl FnOnce(&Running)) {
    let channel = free_port();
    let feed = format!("file = {file}\nhash_channel = \"{channel}\"");
    let running = run(configuration(dir, &feed, "hold", sets)).unwrap();
    // Hashes of a session that has not begun are dropped; those of what was played are kept.
    wait_for(&running, "messages", 1);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for datagram in hashes {
        socket.send_to(datagram, channel).unwrap();
    }
    wait_for(&running, "state", FeedState::Ended as u64);
    let last = Instant::now();
    while counter(&running, "hash_checks") < 8 * hashes.len() as u64 {
        assert!(last.elapsed() < PATIENCE, "{} hashes", counter(&running, "hash_checks"));
        std::thread::sleep(Duration::from_millis(5));
    }
    check(&running);
    assert_eq!(running.feed_faults(), [""; 0]);
    let finished = stop(running);
    assert_replays_alike(dir, &finished);
}

/// Goal: a file is played whole into the right books at any speed, with small rings and a small
/// journal that make it wait: nothing dropped, nothing conflated, nothing missing in the journal.
#[test]
fn a_recorded_file_is_played_whole() {
    let folder = Folder::new();
    let tape = tape(60_000);
    let messages = tape.len() as u64;
    let hashes = hashes(&tape);
    let path = folder.path().join("day.itch.gz");
    write_file(&path, Compression::Gzip, tape.iter().map(Vec::as_slice)).unwrap();
    let file = |speed: &str| format!("{{ path = \"{}\", speed = \"{speed}\" }}", path.display());

    let tight = ["topology.layout=split4", "topology.wait=yield", "journal.segment_mib=1"];
    let tight = [&tight[..], &["journal.segments=3", "link.0.slots=64"]].concat();
    let dir = folder.path().join("max");
    play(&dir, &file("max"), &tight, &hashes, |running| {
        assert_whole(running, messages);
        assert_eq!(counter(running, "conflated") + counter(running, "trades_dropped"), 0);
        assert!(counter(running, "waits") > 0, "it had to wait");
    });

    // The generator's clock says how long the tape is; ten times faster it is some 100 ms.
    let dir = folder.path().join("paced");
    play(&dir, &file("10"), &[], &hashes, |running| assert_whole(running, messages));
}

/// Goal: a stream over TCP gives the exchange's books; a link that is cut in the middle of messages
/// costs none of them. Method: a relay that cuts after a number of bytes drawn from a seed.
#[test]
fn a_cut_session_resumes_without_loss() {
    let seed = 5;
    println!("seed {seed}");
    let folder = Folder::new();
    let mut venue = exchange(40_000, &["--rate", "12000", "--start-delay", "0.5"]);
    let at = venue.addresses();
    let relay = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = relay.local_addr().unwrap();
    let feed = format!(
        "soup = \"{address}\"\nuser = \"DEMO01\"\npassword_env = \"ITCH\"\nhash_channel = \"{}\"",
        at.hash.unwrap()
    );
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| cut_now_and_then(&relay, at.itch_soup.unwrap(), seed, &over));
        let running = run(configuration(folder.path(), &feed, "conflate", &[])).unwrap();
        let summary: Summary = venue.run(&AtomicBool::new(false)).unwrap();
        wait_for(&running, "state", FeedState::Ended as u64);
        assert_whole(&running, summary.messages);
        let cuts = counter(&running, "cuts");
        assert!(cuts > 5, "{cuts} cuts");
        assert!(counter(&running, "hash_checks") > 100, "{}", counter(&running, "hash_checks"));
        over.store(true, Ordering::Relaxed);
        let finished = stop(running);
        assert_replays_alike(folder.path(), &finished);
    });
}

/// Joins each connection to the server, and cuts it after a while; the last ones are left alone.
fn cut_now_and_then(relay: &TcpListener, server: SocketAddr, seed: u64, over: &AtomicBool) {
    relay.set_nonblocking(true).unwrap();
    let mut random = Random::new(seed);
    let mut cuts = 0;
    while !over.load(Ordering::Relaxed) {
        let Ok((client, _)) = relay.accept() else {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        let Ok(server) = TcpStream::connect(server) else { continue };
        cuts += 1;
        let budget = if cuts > 12 { u64::MAX } else { 20_000 + random.below(120_000) as u64 };
        pass(&client, &server, budget, over);
    }
}

/// Passes bytes both ways until either end closes or `budget` bytes came from the server.
fn pass(client: &TcpStream, server: &TcpStream, mut budget: u64, over: &AtomicBool) {
    client.set_nonblocking(true).unwrap();
    server.set_nonblocking(true).unwrap();
    let mut bytes = [0; 4_096];
    while budget > 0 && !over.load(Ordering::Relaxed) {
        let mut idle = true;
        for (mut from, mut to, counts) in [(client, server, false), (server, client, true)] {
            let most = bytes.len().min(if counts { budget as usize } else { usize::MAX });
            match from.read(&mut bytes[..most]) {
                Ok(0) => return,
                Ok(count) => {
                    idle = false;
                    to.set_nonblocking(false).unwrap();
                    if to.write_all(&bytes[..count]).is_err() {
                        return;
                    }
                    to.set_nonblocking(true).unwrap();
                    budget -= if counts { count as u64 } else { 0 };
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
        if idle {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

/// Goal: a file that is not there, empty, something else or cut, and a login that is refused, are
/// told in one sentence with the key, and nothing runs that cannot.
#[test]
fn wrong_sources_are_told_in_a_sentence() {
    let folder = Folder::new();
    let path = folder.path().join("day");
    let feed = format!("file = {{ path = \"{}\" }}", path.display());
    let refused = |dir: &str, sentence: &str| {
        let with = configuration(&folder.path().join(dir), &feed, "hold", &[]);
        let error = run(with).err().expect("refused").to_string();
        assert!(error.contains(": feed.itch.file.path: /"), "{error}");
        assert!(error.contains("day: ") && error.contains(sentence), "{error}");
    };
    refused("a", "No such file");
    std::fs::write(&path, b"").unwrap();
    refused("b", "it is empty");
    std::fs::write(&path, "name,value\n".repeat(100)).unwrap();
    refused("c", "or it is no recording; name a BinaryFILE");
    std::fs::write(&path, "name,value\n".repeat(9_000)).unwrap();
    refused("d", "none of ITCH 5.0; name a BinaryFILE");

    let tape = tape(2_000);
    write_file(&path, Compression::Plain, tape.iter().map(Vec::as_slice)).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let running = run(configuration(&folder.path().join("e"), &feed, "hold", &[])).unwrap();
    wait_for(&running, "state", FeedState::Ended as u64);
    let hitches = running.hitches();
    let ended = hitches.iter().find(|hitch| hitch.subject == "feed itch").expect("it has ended");
    assert!(ended.line.contains("the recording is over, 1 messages given up"), "{ended:?}");
    assert!(ended.line.contains("R24"), "{ended:?}");
    let faults = running.feed_faults();
    assert!(faults[0].starts_with("feed.itch.file.path = /"), "{faults:?}");
    assert!(faults[0].contains("it ends inside a message"), "{faults:?}");
    assert_eq!(counter(&running, "lost"), 1, "a number that never comes");
    stop(running);
}

/// Goal: a wrong password is told in one sentence with key, user and variable, and not tried again.
#[test]
fn a_wrong_password_is_told_in_a_sentence() {
    let folder = Folder::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let feed = format!("soup = \"{address}\"\nuser = \"DEMO01\"\npassword_env = \"ITCH_WORD\"");
    let running = run(configuration(folder.path(), &feed, "conflate", &[])).unwrap();
    let (mut stream, _) = server.accept().unwrap();
    stream.read_exact(&mut [0; 49]).unwrap();
    stream.write_all(b"\x00\x02JA").unwrap();
    let since = Instant::now();
    while running.feed_faults().is_empty() {
        assert!(since.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    let faults = running.feed_faults();
    let expected =
        format!("feed.itch.soup = {address}: the server refused the login of DEMO01 (A)");
    assert!(faults[0].starts_with(&expected) && faults[0].contains("ITCH_WORD"), "{faults:?}");
    server.set_nonblocking(true).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(server.accept().is_err(), "it is not tried again");
    stop(running);
}
