//! Recorded LOBSTER events, as ITCH over MoldUDP64 over a real loopback socket, through the
//! receiver into the book: equal to the recorded order book.
//!
//! The recording has only the events of the 50 best levels of each side. An order that was there
//! before 09:30 below them, or that ended while its level was below them, is not in the file; that
//! is where a book made from the file may differ, and each difference is traced to such an order.

use feed::book::{Applied, BooksConfig, ItchBooks, Level};
use feed::lobster::{self, Converted};
use feed::moldudp64::{
    Action, Delivery, Event, HEADER_BYTES, PacketBuilder, Receiver, ReceiverConfig, Session, Sink,
    encode_end_of_session,
};
use feed::source::{Source, UdpConfig, UdpSource};
use shm::ids::{InstrumentId, Symbol};
use shm::message::{FeedState, Side, flags};
use shm::units::{Nanos, Price, Qty};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const AAPL: InstrumentId = InstrumentId(0);
const LOCATE: u16 = 13;
const SESSION: Session = Session(*b"20120621  ");
/// Levels of each side that the recording covers.
const RECORDED_LEVELS: usize = 50;

/// The folder of recorded data, if this machine has it.
fn data() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data").into();
    let folder = std::env::var_os("WIRELANE_DATA").unwrap_or(default);
    let folder = PathBuf::from(folder).join("lobster");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("NOT RUN: no recorded data at {} (set WIRELANE_DATA)", folder.display());
    None
}

fn text(path: &Path) -> String {
    let mut text = String::new();
    feed::binaryfile::open(path).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// A venue that sends its messages in packets, loses some on purpose, and answers requests.
struct Venue<'a> {
    socket: UdpSource,
    to: SocketAddrV4,
    messages: &'a [Vec<u8>],
    packets: u64,
}

impl Venue<'_> {
    /// Sends up to `count` messages from `first` on, as many as one packet holds; the next
    /// sequence.
    fn send(&mut self, first: u64, count: u64, lose: bool) -> u64 {
        let mut out = [0; 1_400];
        let mut packet = PacketBuilder::new(&mut out, SESSION, first).unwrap();
        for message in self.messages.iter().skip(first as usize - 1).take(count as usize) {
            if !packet.try_push(message) {
                break;
            }
        }
        let next = first + u64::from(packet.count());
        let length = packet.finish();
        self.packets += 1;
        assert!(lose || self.socket.try_send(&out[..length], self.to).unwrap());
        next
    }

    fn end(&self) {
        let mut out = [0; HEADER_BYTES];
        encode_end_of_session(&mut out, SESSION, self.messages.len() as u64 + 1).unwrap();
        assert!(self.socket.try_send(&out, self.to).unwrap());
    }
}

/// The book, and what is called after each message with its number.
struct Reader<F> {
    books: ItchBooks,
    check: F,
    halted_at_end: Option<bool>,
}

impl<F: FnMut(u64, &ItchBooks, &Applied)> Sink for Reader<F> {
    fn on_message(&mut self, delivery: Delivery, message: &[u8]) {
        let applied = self.books.apply(message);
        assert_eq!(applied.fault, None, "the strict book refused message {}", delivery.seq);
        (self.check)(delivery.seq, &self.books, &applied);
    }

    fn on_event(&mut self, event: Event) {
        self.books.on_event(&event);
        if let Event::SessionEnded { .. } = event {
            self.halted_at_end = Some(self.books.flags(AAPL) & flags::HALT != 0);
        }
    }
}

/// Sends the messages through a loopback socket into a book; `check` is called after each, in
/// order.
fn through_the_wire(messages: &[Vec<u8>], check: impl FnMut(u64, &ItchBooks, &Applied)) {
    let mut line = UdpSource::open(&UdpConfig::default()).unwrap();
    let to = line.local_addr().unwrap();
    let socket = UdpSource::open(&UdpConfig::default()).unwrap();
    let mut venue = Venue { socket, to, messages, packets: 0 };
    let symbols = [(Symbol::new("AAPL").unwrap(), AAPL)];
    let books = ItchBooks::new(BooksConfig::default(), 1, symbols);
    let mut reader = Reader { books, check, halted_at_end: None };
    let mut receiver = Receiver::new(ReceiverConfig {
        lines: 1,
        arbitration: Nanos(0),
        retry: Nanos(20_000_000),
        tries: 100,
        ..ReceiverConfig::default()
    });
    let started = Instant::now();
    let mut buffer = [0; 65_536];
    let (mut next, last) = (1, messages.len() as u64);
    while receiver.state() != FeedState::Ended {
        assert!(started.elapsed() < Duration::from_secs(120), "stuck at {}", receiver.expected());
        if next <= last && next - receiver.expected() < 2_000 {
            // Packets of 1 to 20 messages; each 31st is lost.
            let lose = venue.packets % 31 == 30;
            next = venue.send(next, 1 + venue.packets % 20, lose);
        } else if next > last {
            venue.end();
        }
        let now = Nanos(1_000_000_000 + started.elapsed().as_nanos() as u64);
        while let Some(received) = line.try_recv(&mut buffer).unwrap() {
            assert!(!received.cut);
            let t0 = received.stamp.unwrap_or(now);
            let _ = receiver.on_packet(0, &buffer[..received.bytes], t0, now, &mut reader);
        }
        if let Action::Request { request, .. } = receiver.poll(now, &mut reader) {
            venue.send(request.first, u64::from(request.count), false);
        }
    }
    let counts = receiver.counts();
    assert_eq!((counts.delivered, counts.lost, counts.malformed), (last, 0, 0));
    assert!(counts.gaps > 0 && counts.requests > 0, "losses on purpose must be seen and repaired");
    assert_eq!(reader.books.flags(AAPL) & flags::STALE, 0, "whole at the end");
    assert_eq!(reader.halted_at_end, Some(false));
    println!(
        "{last} messages in {} packets, {} gaps repaired by {} requests, all in {} ms",
        venue.packets,
        counts.gaps,
        counts.requests,
        started.elapsed().as_millis()
    );
}

/// Calls `check` with each row (from 1) once the last message of the row has been applied.
fn by_row(converted: &Converted, mut check: impl FnMut(usize, &ItchBooks)) {
    let mut row = 0;
    through_the_wire(&converted.messages, |seq, books, _| {
        while converted.ends.get(row).is_some_and(|end| *end as u64 <= seq) {
            row += 1;
            check(row, books);
        }
    });
    assert_eq!(row, converted.ends.len(), "every row was compared");
}

/// Levels of one side as (price in ten-thousandths, shares), best first.
fn side_of(books: &ItchBooks, side: Side, depth: usize) -> Vec<(u32, u32)> {
    let pair = |level: Level| (level.px.to_price4().unwrap(), level.qty.to_shares().unwrap());
    books.levels(AAPL, side).map(pair).take(depth).collect()
}

fn truth_side(row: &str, side: Side) -> Vec<(u32, u32)> {
    let levels = lobster::parse_levels(row).unwrap();
    levels.iter().filter(|at| at.side == side).map(|at| (at.px, at.shares)).collect()
}

/// Goal: the first 672 events give the recorded book: 40 levels a side on every row after the
/// first, all 50 on nearly all, and no difference above level 41. Method: every level of both sides
/// against the truth row.
#[test]
fn short_recording_equals_its_fifty_levels() {
    let Some(folder) = data() else { return };
    let rows = text(&folder.join("AAPL_2012-06-21_first672_message_50.csv"));
    let truth = text(&folder.join("AAPL_2012-06-21_first672_orderbook_50.csv.zst"));
    let truth: Vec<&str> = truth.lines().collect();
    assert_eq!((rows.lines().count(), truth.len()), (672, 672));
    let aapl = Symbol::new("AAPL").unwrap();
    let converted = lobster::convert(&rows, truth[0], aapl, LOCATE).unwrap();
    println!("short recording: {:?}", converted.unknown);
    let (mut whole, mut forty, mut first_differences) = (0, 0, BTreeMap::new());
    by_row(&converted, |row, books| {
        if row == 1 {
            return;
        }
        let equal_levels = |side| {
            let ours = side_of(books, side, RECORDED_LEVELS);
            let wanted = truth_side(truth[row - 1], side);
            let equal = (0..RECORDED_LEVELS).take_while(|at| ours.get(*at) == wanted.get(*at));
            equal.count()
        };
        let equal = equal_levels(Side::Buy).min(equal_levels(Side::Sell));
        forty += usize::from(equal >= 40);
        whole += usize::from(equal == RECORDED_LEVELS);
        if equal < RECORDED_LEVELS {
            *first_differences.entry(equal + 1).or_insert(0) += 1;
        }
    });
    println!("rows equal to level 40: {forty} of 671, to level 50: {whole}");
    println!("first different level -> rows: {first_differences:?}");
    assert_eq!(forty, 671);
    assert!(whole >= 556, "{whole}");
    assert!(first_differences.keys().all(|level| *level >= 41));
}

/// A live order of our book, as far as the file tells.
struct Resting {
    side: Side,
    px: u32,
    added_row: usize,
}

/// Goal: best bid and ask with sizes equal the truth on every row before 54,607 of the long
/// recording, and each later difference is explained. Method: compare each row; a difference is
/// explained when our book, without the orders that (a) the file never mentions again and (b) had
/// been below the recorded 50 levels since they were added, has exactly the recorded best bid and
/// ask.
#[test]
fn long_recording_equals_its_best_until_unrecorded_orders_show() {
    let Some(folder) = data() else { return };
    let rows = text(&folder.join("AAPL_2012-06-21_rows1-61331_message_50.csv.zst"));
    let truth = text(&folder.join("AAPL_2012-06-21_rows1-61331_orderbook_1of50.csv.zst"));
    let truth: Vec<&str> = truth.lines().collect();
    let seed = text(&folder.join("AAPL_2012-06-21_first672_orderbook_50.csv.zst"));
    let rows: Vec<&str> = rows.lines().collect();
    assert_eq!((rows.len(), truth.len()), (61_331, 61_331));
    let parsed: Vec<_> = rows.iter().map(|row| lobster::parse_row(row).unwrap()).collect();
    let mentioned: HashMap<u64, usize> =
        parsed.iter().zip(1..).map(|(event, row)| (event.order_id, row)).collect();
    let aapl = Symbol::new("AAPL").unwrap();
    let first_levels = seed.lines().next().unwrap();
    let converted = lobster::convert(&rows.join("\n"), first_levels, aapl, LOCATE).unwrap();
    println!("long recording: {:?}", converted.unknown);

    let mut resting: HashMap<u64, Resting> = HashMap::new();
    // Last row after which a price was below the recorded levels of its side.
    let mut below: HashMap<(Side, u32), usize> = HashMap::new();
    let mut causes: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    let (mut equal, mut first_difference) = (0, None);
    by_row(&converted, |row, books| {
        let event = parsed[row - 1];
        for side in [Side::Buy, Side::Sell] {
            for level in books.levels(AAPL, side).skip(RECORDED_LEVELS) {
                below.insert((side, level.px.to_price4().unwrap()), row);
            }
        }
        if event.kind == 1 {
            let (side, px) = (event.side, event.px as u32);
            resting.insert(event.order_id, Resting { side, px, added_row: row });
        }
        let wanted = best_of(truth[row - 1]);
        if best(books, &HashMap::new()) == wanted {
            equal += 1;
            return;
        }
        first_difference.get_or_insert(row);
        let gone = unseen_ends(books, &resting, &mentioned, &below, row, wanted);
        let without = quantities(books, &gone);
        assert_eq!(best(books, &without), wanted, "row {row} is not explained");
        let names: Vec<String> = gone.iter().map(|order| name(order, &below)).collect();
        let cause = causes.entry(names.join("; ")).or_insert((0, row, row));
        *cause = (cause.0 + 1, cause.1, row);
    });
    println!("rows equal: {equal} of 61331, first difference {first_difference:?}");
    println!("{:>6} {:>7} {:>7}  cause", "rows", "first", "last");
    for (cause, (count, first, last)) in &causes {
        println!("{count:>6} {first:>7} {last:>7}  {cause}");
    }
    assert!(first_difference.is_none_or(|row| row >= 54_607), "{first_difference:?}");
    assert_eq!(equal + causes.values().map(|cause| cause.0).sum::<usize>(), 61_331);
}

/// What our book holds of some orders, by side and price.
fn quantities(books: &ItchBooks, orders: &[(u64, &Resting)]) -> HashMap<(Side, Price), i64> {
    let mut sums = HashMap::new();
    for (order_ref, order) in orders {
        let qty = books.books().order(*order_ref).unwrap().qty.0;
        *sums.entry((order.side, Price::from_price4(order.px))).or_default() += qty;
    }
    sums
}

/// The cause that an unrecorded end is.
fn name((id, order): &(u64, &Resting), below: &HashMap<(Side, u32), usize>) -> String {
    let (px, below_row) = (Price::from_price4(order.px), below[&(order.side, order.px)]);
    format!(
        "order {id} ({:?} at {px}, added in row {}) ended unrecorded: below level 50 until row \
         {below_row}",
        order.side, order.added_row
    )
}

/// Best bid and best ask: price and quantity.
type Best = [Option<(Price, Qty)>; 2];

fn best_of(truth: &str) -> Best {
    [Side::Buy, Side::Sell].map(|side| {
        truth_side(truth, side)
            .first()
            .map(|(px, shares)| (Price::from_price4(*px), Qty::from_shares(*shares)))
    })
}

/// The best of our book, as if `without` were not there.
fn best(books: &ItchBooks, without: &HashMap<(Side, Price), i64>) -> Best {
    [Side::Buy, Side::Sell].map(|side| {
        books
            .levels(AAPL, side)
            .map(|level| {
                let gone = without.get(&(side, level.px)).copied().unwrap_or(0);
                (level.px, Qty(level.qty.0 - gone))
            })
            .find(|(_, qty)| qty.0 > 0)
    })
}

/// Orders of our book at or above the recorded best that may have ended without a record.
fn unseen_ends<'a>(
    books: &ItchBooks,
    resting: &'a HashMap<u64, Resting>,
    mentioned: &HashMap<u64, usize>,
    below: &HashMap<(Side, u32), usize>,
    row: usize,
    wanted: Best,
) -> Vec<(u64, &'a Resting)> {
    let mut gone: Vec<_> = resting
        .iter()
        .filter(|(id, order)| {
            let [bid, ask] = wanted;
            let px = Price::from_price4(order.px);
            let in_sight = match order.side {
                Side::Buy => bid.is_none_or(|(best, _)| px >= best),
                Side::Sell => ask.is_none_or(|(best, _)| px <= best),
            };
            let last_below = below.get(&(order.side, order.px)).copied().unwrap_or(0);
            in_sight
                && books.books().order(**id).is_some()
                && mentioned[*id] < row
                && last_below >= order.added_row
        })
        .map(|(id, order)| (*id, order))
        .collect();
    gone.sort_by_key(|(id, _)| *id);
    gone
}
