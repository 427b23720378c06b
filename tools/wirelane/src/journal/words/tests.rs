use super::*;
use crate::journal::row::Row;
use shm::ids::{ExecId, FeedId, VenueOrdId};
use shm::journal::RecordHeader;
use shm::record::{Stage, StageId};
use shm::units::Nanos;

fn row(kind: RecordKind, body: &[u8], raw: bool) -> Row {
    let session = Session { symbols: vec!["AAPL".into(), "MSFT".into()], config: None };
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
        assert!(fields(kind, &[0; 128], &session, true).is_some(), "{kind}");
        let line = row(kind, &[0; 128], false).to_string();
        assert!(line.contains(kind.name()), "{line}");
        let has_body = !matches!(kind, RecordKind::OpenComplete | RecordKind::SessionClose);
        let short = row(kind, &[0; 5], false);
        assert_eq!(short.fields == [("bytes", Value::from(5))], has_body, "{kind}");
    }
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
    for part in ["symbol=MSFT", "side=Buy", "qty=100", "px=185.01", "cause=0:1234", "tif=DAY"] {
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
        measured: shm::record::order::words_of(-5),
        reason: Reason::Collar as u8,
        ..Denied::default()
    };
    let line = row(RecordKind::Denied, denied.bytes(), false).to_string();
    assert!(line.contains("reason=COLLAR") && line.contains("measured=-5"), "{line}");
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
    for part in ["state=PARTIALLY_FILLED", "flags=CANCEL_PENDING|LATE", "liquidity=A"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let position = PositionEvent {
        realised: shm::record::order::words_of(-12_340_000_000_000_000_000),
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
