use super::*;
use crate::telemetry::FeedKeys;
use ::feed::book::BooksConfig;
use shm::ids::Symbol;
use shm::region::RegionBuilder;

fn directory() -> Vec<u8> {
    let mut bytes = vec![b' '; 39];
    bytes[0] = b'R';
    bytes[1..3].copy_from_slice(&3_u16.to_be_bytes());
    bytes[11..19].copy_from_slice(b"AAPL    ");
    bytes
}

fn add(order_ref: u64, px: u32) -> Vec<u8> {
    let mut bytes = vec![b'A'];
    bytes.extend(3_u16.to_be_bytes());
    bytes.extend([0; 8]);
    bytes.extend(order_ref.to_be_bytes());
    bytes.push(b'B');
    bytes.extend(100_u32.to_be_bytes());
    bytes.extend(b"AAPL    ");
    bytes.extend(px.to_be_bytes());
    bytes
}

/// Goal: a datagram without a stamp that can be true is left out of `arrival_to_read`, and of
/// nothing else; a stamp that can be true is timed. Method: two changes of a top, one read at its
/// arrival, as a refused stamp makes it, one 700 ns after.
#[test]
fn a_refused_stamp_times_no_arrival() {
    let mut builder = RegionBuilder::new(1, Nanos(1));
    builder.thread("hot");
    let keys = FeedKeys::list(&mut builder, "feed:test");
    let region = builder.create_in_memory().unwrap();
    let meters = keys.take(&region).unwrap();
    let symbols = [(Symbol::new("AAPL").unwrap(), InstrumentId(0))];
    let books = ItchBooks::new(BooksConfig::default(), 1, symbols);
    let clock = Clock::given(Nanos(1_000_000));
    let mut out = Out::new(FeedId(0), books, Vec::new(), meters, Vec::new(), None, clock);
    let read = Nanos(900_000);
    let messages = [directory(), add(1, 1_000_000), add(2, 1_000_100)];
    for (at, (message, age)) in messages.iter().zip([0, 0, 700]).enumerate() {
        let t0 = Nanos(read.0 - age);
        let delivery = Delivery { seq: at as u64 + 1, t0, last: true };
        out.at(t0, read).on_message(delivery, message);
    }
    let reader = region.reader().unwrap();
    let snapshot = |name: &str| reader.histogram(name).unwrap().snapshot();
    let tops = reader.counter("feed:test.tops").unwrap().get();
    assert_eq!(tops, 2, "both changed the top");
    let arrivals = snapshot("feed:test.arrival_to_read");
    assert_eq!((arrivals.count(), arrivals.max()), (1, Some(700)));
}
