//! Row types, what cannot be known, bad rows.

use super::*;
use crate::book::{BooksConfig, ItchBooks};
use crate::codec::itch50::Message;
use shm::ids::InstrumentId;
use shm::units::Qty;

const LEVELS: &str = "1010,5,1000,7,9999999999,0,990,3";

fn convert_rows(rows: &str) -> Converted {
    convert(rows, LEVELS, Symbol::new("AAPL").unwrap(), 1).unwrap()
}

fn kinds(converted: &Converted) -> String {
    converted.messages.iter().map(|message| char::from(message[0])).collect()
}

/// Goal: each row type becomes its message, and the strict book takes them all.
#[test]
fn each_row_type_becomes_its_message() {
    let converted = convert_rows(
        "34200.5,1,11,2,1000,1\n34200.6,2,11,1,1000,1\n34200.7,4,11,1,1000,1\n\
         34201,3,77,2,1010,-1\n34201,3,78,3,1010,-1\n34202,5,0,9,1005,1\n34203,6,0,10,1005,1\n\
         34204,7,0,0,-1,-1\n34204,7,0,0,0,-1\n34205,7,0,0,1,-1",
    );
    // O R T, three seed levels, Q; then the rows; M C.
    assert_eq!(kinds(&converted), "SRHAAASAXEXDPQHHHSS");
    assert_eq!(converted.ends, [8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
    assert_eq!(converted.unknown, Unknown { mapped: 2, ..Unknown::default() });
    let Some(Message::AddOrder(add)) = Message::decode(&converted.messages[7]).unwrap() else {
        panic!()
    };
    assert_eq!((add.head.timestamp.get(), add.order_ref.get()), (34_200_500_000_000, 11));
    let symbols = [(Symbol::new("AAPL").unwrap(), InstrumentId(0))];
    let mut books = ItchBooks::new(BooksConfig::default(), 1, symbols);
    for message in &converted.messages {
        assert_eq!(books.apply(message).fault, None);
    }
    let top = books.top(InstrumentId(0));
    assert_eq!(top.bid_qty, Qty::from_shares(5), "7 after the first row, so 5 before it");
    assert!(top.ask_px.is_none());
}

/// Goal: what cannot be known is clipped or dropped and counted by its kind, and never reaches the
/// book.
#[test]
fn what_cannot_be_known_is_counted() {
    let converted = convert_rows(
        "34200,5,0,1,1000,1\n34201,4,70,9,1010,-1\n34202,2,71,1,1010,-1\n34203,3,72,1,970,1\n\
         34204,1,11,4,980,1\n34204,1,11,4,980,1\n34205,3,11,3,980,1\n34206,1,12,4,980,1\n\
         34207,2,12,6,980,1",
    );
    assert_eq!(kinds(&converted), "SRHAAASPEADADSS");
    let unknown = Unknown {
        mapped: 1,
        clipped: 2,
        clipped_shares: 4 + 2,
        dropped: 2,
        id_alive: 1,
        size_differs: 1,
    };
    assert_eq!(converted.unknown, unknown);
}

/// Goal: a bad row is refused with its number and reason; times keep every nanosecond.
#[test]
fn bad_rows_are_named() {
    let cases = [
        ("", "no type"),
        ("x,1,1,1,1,1", "time is not seconds after midnight"),
        ("1,9,1,1,1,1", "type is not 1 to 7"),
        ("1,1,1,1,1,2", "direction is neither 1 nor -1"),
        ("1,1,1,1,1", "no direction"),
        ("1,1,1,-1,1,1", "size is no number"),
    ];
    for (row, what) in cases {
        let rows = ["34200,5,0,1,1000,1\n", row, "\n"].concat();
        let error = convert(&rows, LEVELS, Symbol::new("A").unwrap(), 1).unwrap_err();
        assert_eq!((error.row, error.what), (2, what));
    }
    assert_eq!(parse_time("34200.004241176"), Some(34_200_004_241_176));
    assert_eq!(parse_time("1.00426064"), Some(1_004_260_640));
    assert!(parse_levels("1,2,3").is_err());
}

/// Goal: single orders can be the seed; events then find them by their own id.
#[test]
fn single_orders_can_be_the_seed() {
    let text = "1970-01-01 08:00:00.000000000,1,5,100,1000,1\n1970-01-01 08:00:00,1,6,50,1000,1";
    let orders = parse_orders(text).unwrap();
    assert_eq!((orders.len(), orders[0].order_id, orders[1].shares), (2, Some(5), 50));
    let mut sent = Vec::new();
    let mut converter =
        Converter::new(Symbol::new("A").unwrap(), 1, |message: &[u8]| sent.push(message[0]));
    converter.start(0, &orders);
    converter.row(&parse_row("1,3,6,50,1000,1").unwrap()).unwrap();
    assert_eq!(converter.unknown(), &Unknown::default());
    assert_eq!(sent, b"SRHAASD");
}
