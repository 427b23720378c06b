//! The tape: lines, requests, hashes, determinism.

use crate::kit::{Heard, Running, Trader, order};
use feed::book::{BooksConfig, ItchBooks, StaleCause};
use feed::hash_channel::HASH_EVERY;
use gateway::codec::ouch50::{Appendage, EnterOrder, SideCode, TifCode};
use shm::ids::{InstrumentId, Symbol};

/// Rebuilds the books by the strict book of `feed`, compares every hash, and returns how many.
pub(crate) fn rebuild(heard: &Heard, symbols: &[&str]) -> usize {
    let table = symbols
        .iter()
        .enumerate()
        .map(|(at, name)| (Symbol::new(name).unwrap(), InstrumentId(at as u32)));
    let mut books = ItchBooks::new(BooksConfig::default(), symbols.len(), table);
    books.set_stale(StaleCause::Waiting, false);
    let (mut compared, mut latest) = (0, 0);
    for (seq, message) in heard.all() {
        let applied = books.apply(message);
        assert_eq!(applied.fault, None, "sequence {seq}");
        assert!(applied.venue_ts.0 >= latest, "time does not run back, sequence {seq}");
        latest = applied.venue_ts.0;
        if seq.is_multiple_of(HASH_EVERY) {
            for (&(_, locate), &hash) in heard.hashes.range((seq, 0)..=(seq, u16::MAX)) {
                let instrument = books.instrument_of(locate).expect("the directory named it");
                assert_eq!(books.hash(instrument), hash, "sequence {seq} locate {locate}");
                compared += 1;
            }
        }
    }
    compared
}

pub(crate) const BUILT_IN: [&str; 8] =
    ["AAPL", "MSFT", "NVDA", "AMZN", "TSLA", "GOOGL", "META", "INTC"];

/// Goal: the tape as heard on the lines rebuilds the venue's books, orders of a client among them.
/// Method: 200,000 messages while a client quotes and takes; feed's strict book, every hash
/// compared.
#[test]
fn tape_rebuilds_the_books_of_the_venue() {
    let (running, tape) =
        Running::start("--start on-login --messages 200000 --rate 60000 --linger 0.3");
    let mut trader = Trader::login(running.addresses.ouch, "DEMO01", 0);
    let trading = std::thread::spawn(move || {
        for number in 1..=2_000_u32 {
            let symbol = BUILT_IN[number as usize % 8];
            let (side, px) = if number % 2 == 0 {
                (SideCode::BUY, 9_000_000)
            } else {
                (SideCode::SELL, 100_000)
            };
            let tif = if number % 3 == 0 { TifCode::DAY } else { TifCode::IOC };
            let order = EnterOrder { tif, ..order(number, side, 100, symbol, px) };
            trader.send(&order, Appendage::EMPTY);
            std::thread::sleep(std::time::Duration::from_micros(300));
        }
        trader
    });
    let heard = tape.hear();
    drop(trading.join().unwrap());
    let summary = running.finish();
    assert_eq!(summary.messages + 1, heard.end);
    assert!(summary.messages >= 200_000);
    assert!(summary.fills > 500, "{} fills", summary.fills);
    let compared = rebuild(&heard, &BUILT_IN);
    println!("{compared} hashes compared, {} messages by request", heard.requested);
    assert!(compared > 1_000);
}

/// Goal: whatever the lines lose, double, delay or reorder, requests bring the rest, and A and B
/// carry the same. Method: heavy faults on both lines; every sequence is heard, every hash equal.
#[test]
fn requests_bring_back_what_the_lines_lost() {
    let faults = "a.drop=0.3,b.drop=0.2,duplicate=0.1,reorder=0.1,delay=0.1,delay_us=3000";
    let (running, tape) =
        Running::start(&format!("--messages 20000 --rate 40000 --linger 0 --faults {faults}"));
    let heard = tape.hear();
    let summary = running.finish();
    assert_eq!(summary.messages + 1, heard.end);
    assert!(rebuild(&heard, &BUILT_IN) > 0);
    assert!(heard.requested > 0 && heard.from_b > 0 && heard.out_of_order > 0);
    for line in summary.lines {
        assert!(line.dropped > 0 && line.duplicated > 0 && line.reordered > 0 && line.delayed > 0);
    }
    assert!(summary.requests.answered > 0);
}

/// Goal: the lines may be multicast groups. Method: both lines as groups on the loopback interface;
/// every sequence is heard.
#[test]
fn lines_may_be_multicast() {
    let groups = "--itch-a 239.255.26.1:0 --itch-b 239.255.26.2:0";
    let (running, tape) =
        Running::start(&format!("{groups} --messages 5000 --rate 50000 --linger 0"));
    let heard = tape.hear();
    let summary = running.finish();
    assert_eq!(summary.messages + 1, heard.end);
    assert!(heard.requested < summary.messages / 2, "the lines carried it, not the requests");
    rebuild(&heard, &BUILT_IN);
}

/// Goal: without clients the seed names the tape. Method: SHA-256 of 60,000 messages of three runs,
/// one of another seed, paced differently each time.
#[test]
fn seed_names_the_tape() {
    let run = |text: &str| {
        let (running, _tape) = Running::start(&format!("--messages 60000 --linger 0 {text}"));
        running.finish()
    };
    let first = run("--seed 21 --rate 200000");
    let again = run("--seed 21 --rate 200000 --flush-us 2000");
    let other = run("--seed 22 --rate 200000");
    assert_eq!(first.itch_sha256, again.itch_sha256);
    assert_ne!(first.itch_sha256, other.itch_sha256);
}

/// Goal: the same stream is served over SoupBinTCP. Method: a client reads from 1 to the end of the
/// session; SHA-256 of what it read is the summary's.
#[test]
fn soup_carries_the_same_stream() {
    use sha2::{Digest, Sha256};
    let (running, _tape) =
        Running::start("--itch-soup 127.0.0.1:0 --messages 20000 --rate 100000 --linger 0.2");
    let at = running.addresses.itch_soup.unwrap();
    assert!(Trader::try_login(at, "DEMO01", "wrong", 1).is_none(), "the password counts");
    assert!(Trader::try_login(at, "any", "loopback", 1).is_none(), "so does the user");
    let mut reader = Trader::login(at, "DEMO01", 1);
    let mut hash = Sha256::new();
    let mut messages = 0;
    while let Some((seq, message)) = reader.try_receive() {
        messages += 1;
        assert_eq!(seq, messages);
        hash.update(&message);
    }
    let summary = running.finish();
    let text: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((messages, text), (summary.messages, summary.itch_sha256));
}
