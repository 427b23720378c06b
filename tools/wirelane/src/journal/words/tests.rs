use super::*;
use crate::demo::settings::{CONFIG, CONFIG_NAME};
use crate::journal::row::Row;
use gateway::codec::ouch50::{
    BrokenReasonCode, CancelReasonCode, LiquidityCode, RejectReason, RestateReasonCode,
};
use shm::ids::{ExecId, FeedId, VenueOrdId};
use shm::journal::RecordHeader;
use shm::message::{CancelRefusal, Kind, OrdType, Side, Tif, pending};
use shm::reason::{Reason, Unit};
use shm::record::order::{Base, words_of};
use shm::record::status::SharedWord;
use shm::record::{Stage, StageId};
use shm::units::Nanos;

fn row(kind: RecordKind, body: &[u8], raw: bool) -> Row {
    let loaded = engine::config::Sources::text(CONFIG_NAME, CONFIG).load().unwrap();
    let symbols = vec!["AAPL".into(), "MSFT".into()];
    let session = Session { symbols, config: Some(loaded.config) };
    let header = RecordHeader {
        kind: kind as u16,
        stage: StageId::new(Stage::Risk, 0).0,
        ts: 3_723_000_000_042,
        at: 9,
        ..RecordHeader::default()
    };
    Row::new((7, 1, 5), &header, body, &session, raw)
}

/// Goal: every kind of record has words, none is left as bytes, and a body that is cut short is
/// named by its length. Method: every kind with a body of zeros, long enough and too short.
#[test]
fn every_kind_has_words() {
    for &kind in RecordKind::ALL {
        let session = Session::default();
        assert!(fields(kind, &[0; 192], &session, true).is_some(), "{kind}");
        let line = row(kind, &[0; 192], false).to_string();
        assert!(line.contains(kind.name()), "{line}");
        let has_body = !matches!(kind, RecordKind::OpenComplete | RecordKind::SessionClose);
        let short = row(kind, &[0; 5], false);
        assert_eq!(short.fields == [("bytes", Value::from(5))], has_body, "{kind}");
    }
}

/// Goal: words of a person stay on the line of their record and move no terminal, in a line as in
/// JSON, which still tells them exactly. Method: words that break lines, clear screens, turn text.
#[test]
fn words_of_a_person_stay_on_their_line() {
    let words = "why\n01:02:03 forged\u{1b}[2J\u{202e}\u{9b}é\u{e0041}";
    let given = Operator { op: Operator::ARM, len: words.len() as u32, ..Operator::default() };
    let row = row(RecordKind::Operator, &[given.bytes(), words.as_bytes()].concat(), false);
    let (line, json) = (row.to_string(), row.to_json().unwrap());
    for text in [&line, &json] {
        assert!(!text.contains(['\n', '\u{1b}', '\u{202e}', '\u{9b}', '\u{e0041}']), "{text:?}");
    }
    assert!(line.contains(r"text=why\n01:02:03 forged"), "{line}");
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["text"], words);
}

/// Goal: a line tells an approval in a person's terms, and its JSON the same in a program's.
#[test]
fn an_approval_reads_as_an_order() {
    let order = Approved {
        px: Price(185_010_000_000),
        qty: Qty(100 * 100_000_000),
        cl_ord_id: ClOrdId::new(7, StrategyId(2), 3, 0),
        t0: Nanos(1_000),
        cause: Cause::new(FeedId(0), 1_234),
        d_decided: 777,
        instrument: InstrumentId(1),
        side: Side::Buy as u8,
        tif: Tif::Day as u8,
        ord_type: OrdType::Limit as u8,
        action: Kind::IntentNew as u8,
        ..Approved::default()
    };
    let row = row(RecordKind::Approved, order.bytes(), false);
    let line = row.to_string();
    assert!(line.starts_with("01:02:03.000000042 7.1.5 "), "{line}");
    for part in ["symbol=MSFT", "side=Buy", "qty=100", "px=185.01", "cause=itch:1234", "tif=DAY"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let json = serde_json::to_string(&row).unwrap();
    assert!(
        json.starts_with(r#"{"epoch":7,"lane":1,"seq":5,"at":9,"ts":3723000000042,"#),
        "{json}"
    );
    for part in [r#""symbol":"MSFT""#, r#""px":"185.01""#, r#""orig_cl_ord_id":null"#] {
        assert!(json.contains(part), "{part} in {json}");
    }
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["d_decided"], 777);
    assert_eq!(read["cl_ord_id"], order.cl_ord_id.to_string());
}

/// Goal: what is measured and what is money keeps its sign and every digit, and states have names.
#[test]
fn reports_and_refusals_keep_sign_and_name() {
    let denied = Denied {
        measured: words_of(-5_000_000_000),
        limit: words_of(i128::MAX),
        reason: Reason::Collar as u8,
        unit: Unit::Price as u8,
        ..Denied::default()
    };
    let line = row(RecordKind::Denied, denied.bytes(), false).to_string();
    for part in ["reason=COLLAR", "measured=-5.00", "limit=unlimited", "unit=PRICE"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let event = OrderEvent {
        venue_ord_id: VenueOrdId(5),
        exec_id: ExecId(6),
        event: Kind::Executed as u8,
        base: Base::PartiallyFilled as u8,
        flags: OrderEvent::LATE | pending::CANCEL,
        liquidity: b'A',
        ..OrderEvent::default()
    };
    let line = row(RecordKind::OrderEvent, event.bytes(), false).to_string();
    for part in ["state=PARTIALLY_FILLED", "flags=CANCEL_PENDING|LATE", "liquidity=added"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let position = PositionEvent {
        realised: words_of(-12_340_000_000_000_000_000),
        ..PositionEvent::default()
    };
    let line = row(RecordKind::PositionEvent, position.bytes(), false).to_string();
    assert!(line.contains("realised=-123.40"), "{line}");
}

/// Goal: captured bytes are written only when asked for.
#[test]
fn captured_bytes_are_written_on_demand() {
    let rx = RxFeed { len: 2, ..RxFeed::default() };
    let body = [rx.bytes(), &[0xab, 0xcd, 0x00]].concat();
    assert!(!row(RecordKind::RxFeed, &body, false).to_string().contains("data="));
    assert!(row(RecordKind::RxFeed, &body, true).to_string().contains("data=abcd"));
}

/// Fails unless every code of a record has its name and no key comes twice.
#[track_caller]
fn is_named(kind: RecordKind, body: &[u8]) {
    let row = row(kind, body, true);
    let line = row.to_string();
    assert!(!line.contains('#'), "{line}");
    let mut keys: Vec<&str> = row.fields.iter().map(|(name, _)| *name).collect();
    keys.extend(["epoch", "lane", "seq", "at", "ts", "stage", "kind"]);
    keys.sort_unstable();
    let count = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), count, "a key twice: {line}");
}

/// Goal: no record holds a code left as a number, and no key comes twice. Method: every kind
/// of record with zeros, and every code of every record with each of its known values.
#[test]
fn every_known_code_has_its_name() {
    for &kind in RecordKind::ALL {
        is_named(kind, &[0; 192]);
    }
    for &side in Side::ALL {
        is_named(
            RecordKind::Approved,
            Approved { side: side as u8, ..Approved::default() }.bytes(),
        );
    }
    for &tif in Tif::ALL {
        is_named(RecordKind::Approved, Approved { tif: tif as u8, ..Approved::default() }.bytes());
    }
    for &ord_type in OrdType::ALL {
        let order = Approved { ord_type: ord_type as u8, ..Approved::default() };
        is_named(RecordKind::Approved, order.bytes());
    }
    for &action in Kind::ALL {
        let order = Denied { action: action as u8, ..Denied::default() };
        is_named(RecordKind::Denied, order.bytes());
        is_named(RecordKind::Tx, Tx { action: action as u8, ..Tx::default() }.bytes());
        let event = OrderEvent { event: action as u8, ..OrderEvent::default() };
        is_named(RecordKind::OrderEvent, event.bytes());
        is_named(RecordKind::CarryOrder, event.bytes());
    }
    for &reason in Reason::ALL {
        let number = words_of(1);
        let (reason, unit) = (reason as u8, reason.unit() as u8);
        let order = Denied { reason, unit, measured: number, limit: number, ..Denied::default() };
        is_named(RecordKind::Denied, order.bytes());
        is_named(RecordKind::TxVoid, TxVoid { reason, ..TxVoid::default() }.bytes());
        for event in [Kind::GateReject, Kind::SendFailed] {
            is_named(RecordKind::OrderEvent, event_of(event, reason.into()).bytes());
        }
    }
    for &base in Base::ALL {
        let event = OrderEvent { base: base as u8, ..OrderEvent::default() };
        is_named(RecordKind::OrderEvent, event.bytes());
        is_named(RecordKind::CarryOrder, event.bytes());
    }
}

fn event_of(event: Kind, reason: u16) -> OrderEvent {
    OrderEvent { event: event as u8, reason, ..OrderEvent::default() }
}

/// Goal: as above, for what the venue and the stages say. Method: each code that the venue's
/// document names, each event of a link, port, shared word and operation.
#[test]
fn every_code_of_the_venue_has_its_name() {
    let reasons = RejectReason::KNOWN.iter().map(|reason| (Kind::Rejected, reason.0.get()));
    let cancels = CancelReasonCode::KNOWN.iter().map(|code| (Kind::Canceled, code.0.into()));
    let breaks = BrokenReasonCode::KNOWN.iter().map(|code| (Kind::Broken, code.0.into()));
    let restated = RestateReasonCode::KNOWN.iter().map(|code| (Kind::Restated, code.0.into()));
    for (event, reason) in reasons.chain(cancels).chain(breaks).chain(restated) {
        is_named(RecordKind::OrderEvent, event_of(event, reason).bytes());
    }
    for code in LiquidityCode::KNOWN {
        let event = OrderEvent { liquidity: code.0, ..OrderEvent::default() };
        is_named(RecordKind::OrderEvent, event.bytes());
    }
    for (tif, ord_type) in [(1, 1), (2, 2), (3, 3), (4, 1)] {
        let liquidity = tif | ord_type << 4;
        let event = OrderEvent { liquidity, reason: 0x1FFF, ..event_of(Kind::Accepted, 0) };
        is_named(RecordKind::CarryOrder, event.bytes());
    }
    for flags in 0..4 {
        let event = OrderEvent { flags: flags << 4 | 0x43, ..event_of(Kind::Accepted, 0) };
        is_named(RecordKind::CarryOrder, event.bytes());
    }
    let liquidity = b'A';
    let fact = OrderEvent { liquidity, ..event_of(Kind::Executed, u16::from(b'R') << 8 | 0x37) };
    is_named(RecordKind::CarryOrder, fact.bytes());
    is_named(RecordKind::OrderEvent, OrderEvent { flags: 0xFB, ..OrderEvent::default() }.bytes());
    for &refusal in CancelRefusal::ALL {
        let event = OrderEvent { liquidity: refusal as u8, ..event_of(Kind::CancelRejected, 0) };
        is_named(RecordKind::OrderEvent, event.bytes());
    }
    for line in 0..3 {
        is_named(RecordKind::RxFeed, RxFeed { line, ..RxFeed::default() }.bytes());
        is_named(RecordKind::RxVenue, RxVenue { event: line, ..RxVenue::default() }.bytes());
    }
    for &port in Port::ALL {
        is_named(RecordKind::Took, Took { port: port as u8, ..Took::default() }.bytes());
    }
    for &word in SharedWord::ALL {
        is_named(RecordKind::Saw, Saw { word: word as u8, ..Saw::default() }.bytes());
    }
    let commands = CommandOp::ALL.iter().map(|&op| op as u8);
    for op in commands.chain(Operator::KILL..=Operator::GUARD) {
        is_named(RecordKind::Operator, Operator { op, value: 1, ..Operator::default() }.bytes());
    }
}

/// Goal: a code that is not known is not taken for another, or for none. Method: one of each width.
#[test]
fn an_unknown_code_stays_a_number() {
    let event = OrderEvent { base: 99, liquidity: 1, reason: 0x999, ..OrderEvent::default() };
    let line = row(RecordKind::OrderEvent, event.bytes(), false).to_string();
    for part in ["state=#99", "liquidity=#1", "reason=#2457"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let denied = Denied { unit: 99, measured: words_of(7), ..Denied::default() };
    let line = row(RecordKind::Denied, denied.bytes(), false).to_string();
    assert!(line.contains("unit=#99") && line.contains("measured=7"), "{line}");
}

/// Goal: each unit is written as a person reads it. Method: a number in each.
#[test]
fn numbers_of_a_refusal_are_in_their_unit() {
    let shown = |unit: Unit, number: i128| {
        let unit = unit as u8;
        let denied = Denied { unit, measured: words_of(number), ..Denied::default() };
        let row = row(RecordKind::Denied, denied.bytes(), false);
        row.fields.iter().find(|(name, _)| *name == "measured").unwrap().1.clone()
    };
    assert_eq!(shown(Unit::None, 0), Value::Null);
    assert_eq!(shown(Unit::Count, 6), 6);
    assert_eq!(shown(Unit::Price, 10_010_000_000), "10.01");
    assert_eq!(shown(Unit::Qty, 10_000_000_000), "100");
    assert_eq!(shown(Unit::Money, 123_450_000_000_000_000_000), "1234.50");
    assert_eq!(shown(Unit::Nanos, 2_000_000_001), 2_000_000_001_i64);
    assert_eq!(shown(Unit::Mode, 3), "CANCEL_ONLY");
    assert_eq!(shown(Unit::Limits, 0b1001), "order.qty_max|order.collar_bps");
    assert_eq!(shown(Unit::Bps, 12), 12);
    assert_eq!(shown(Unit::Money, 1 << 100), "12676506002282.29401496703205376");
}
