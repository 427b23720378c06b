use super::*;

/// Goal: a message keeps its body through a ring slot, and is read as no other shape.
#[test]
fn a_message_is_read_as_its_own_shape_only() {
    let top = BookTop {
        kind: Kind::BookTop as u8,
        flags: flags::LAST,
        _reserved: [0; 2],
        instrument: InstrumentId(7),
        bid_px: Price(1),
        bid_qty: Qty(2),
        ask_px: Price(3),
        ask_qty: Qty(4),
        t0: Nanos(5),
        cause: Cause::new(crate::ids::FeedId(1), 99),
        tail: Tail::default(),
    };
    let message = Message::from(top).with_tail(Tail::new(3, Nanos(0x1_0000_0005)));
    assert_eq!(message.kind(), Some(Kind::BookTop));
    let read = message.view::<BookTop>().unwrap();
    assert_eq!(
        (read.instrument, read.ask_qty, read.cause.feed_seq()),
        (InstrumentId(7), Qty(4), 99)
    );
    assert!(message.view::<Trade>().is_none());
    assert_eq!(message.tail().seq(), 3);
    assert_eq!(message.tail().published(Nanos(0x1_0000_0009)), Nanos(0x1_0000_0005));
    assert_eq!(message.tail().published(Nanos(0x1_C000_0005)), Nanos(0x1_0000_0005));
    assert_eq!(message.tail().published(Nanos(0x0_C000_0006)), Nanos(0x1_0000_0005));
}

/// Goal: a kind byte means one thing. Method: every byte through `from_u8` and back.
#[test]
fn kind_bytes_are_unique() {
    let known = (0..=u8::MAX).filter(|&raw| Kind::from_u8(raw).is_some()).count();
    assert_eq!(known, Kind::ALL.len());
    for &kind in Kind::ALL {
        assert_eq!(Kind::from_u8(kind as u8), Some(kind));
    }
}
