use super::*;

/// Goal: prices are on tick, positive and in the venue's range. Method: each border at one unit
/// below, at, and one above, and the ends of the integer.
#[test]
fn t01_r13_prices_are_on_tick_and_in_range() {
    let mut setup = sample::setup(16);
    setup.instruments[0].px_min = cents(1);
    setup.instruments[0].px_max = cents(2_000);
    let row = &mut setup.limits.rows[0];
    row.order.collar_bps = crate::config::limits::Limit::Unlimited;
    row.order.collar_ticks = crate::config::limits::Limit::Unlimited;
    let hundredth = DOLLAR / 10_000;
    for (px, passes) in [
        (i64::MIN, false),
        (i64::MIN + 1, false),
        (-DOLLAR, false),
        (-1, false),
        (0, false),
        (1, false),
        (DOLLAR / 100 - hundredth, false),
        (DOLLAR / 100, true),
        (DOLLAR / 100 + hundredth, true),
        (DOLLAR / 100 + 1, false),
        (DOLLAR - hundredth, true),
        (DOLLAR, true),
        (DOLLAR + hundredth, false),
        (DOLLAR + DOLLAR / 100, true),
        (20 * DOLLAR, true),
        (20 * DOLLAR + DOLLAR / 100, false),
        (20 * DOLLAR - 1, false),
        (i64::MAX, false),
    ] {
        let mut rig = Rig::new(&setup);
        let intent = rig.order(Side::Buy, Price(px), shares(100));
        assert_eq!(rig.reason(&intent), (!passes).then_some(Reason::BadPrice), "{px}");
    }
}

/// Goal: prices of 0 and less pass only where the instrument trades there.
#[test]
fn t01_r13_negative_prices_need_an_instrument_that_allows_them() {
    for (px_min, px, passes) in [
        (-20 * DOLLAR, -10 * DOLLAR, true),
        (-20 * DOLLAR, 0, true),
        (-20 * DOLLAR, -20 * DOLLAR, true),
        (-20 * DOLLAR, -20 * DOLLAR - DOLLAR / 100, false),
        (0, 0, false),
    ] {
        let mut setup = sample::setup(16);
        setup.instruments[0].bands = vec![(Price(-30 * DOLLAR), cents(1))];
        setup.instruments[0].px_min = Price(px_min);
        let row = &mut setup.limits.rows[0];
        row.order.collar_bps = crate::config::limits::Limit::Unlimited;
        row.order.collar_ticks = crate::config::limits::Limit::Unlimited;
        let mut rig = Rig::new(&setup);
        let intent = rig.order(Side::Buy, Price(px), shares(100));
        assert_eq!(rig.reason(&intent), (!passes).then_some(Reason::BadPrice), "{px_min} {px}");
    }
}

/// Goal: quantities are whole lots within the venue's range. Method: each border at one unit below,
/// at, and one above, and the ends of the integer.
#[test]
fn t01_r14_quantities_are_whole_lots_in_range() {
    let mut setup = sample::setup(16);
    setup.instruments[0].lot = shares(10);
    setup.instruments[0].qty_min = shares(20);
    setup.instruments[0].qty_max = shares(300);
    for (qty, passes) in [
        (i64::MIN, false),
        (-shares(100).0, false),
        (0, false),
        (1, false),
        (shares(10).0, false),
        (shares(20).0 - 1, false),
        (shares(20).0, true),
        (shares(20).0 + 1, false),
        (shares(25).0, false),
        (shares(290).0, true),
        (shares(300).0, true),
        (shares(310).0, false),
        (i64::MAX, false),
    ] {
        let mut rig = Rig::new(&setup);
        let intent = rig.order(Side::Buy, MIDDLE, Qty(qty));
        assert_eq!(rig.reason(&intent), (!passes).then_some(Reason::BadQty), "{qty}");
    }
}

/// Goal: bytes that are no side, type or time in force are refused, not guessed.
#[test]
fn t01_unknown_bytes_are_refused() {
    let changes: [fn(&mut Intent); 4] = [
        |intent| intent.side = 0,
        |intent| intent.tif = 0,
        |intent| intent.ord_type = 9,
        |intent| intent.kind = Kind::BookTop as u8,
    ];
    for change in changes {
        let mut rig = Rig::sample();
        let mut intent = rig.buy();
        change(&mut intent);
        assert_eq!(rig.reason(&intent), Some(Reason::Unsupported));
    }
}

/// Goal: a new id is of this start, of the strategy's range, and higher than any its slot has seen.
/// Method: one fault at a time; an id again while it works, and after it has ended.
#[test]
fn t01_r16_new_ids_are_fresh_and_of_the_range() {
    let strategy = StrategyId(1);
    for (id, reason) in [
        (ClOrdId::new(6, strategy, 16, 0), Some(Reason::DupId)),
        (ClOrdId::new(8, strategy, 16, 0), Some(Reason::DupId)),
        (ClOrdId::new(7, strategy, 15, 0), Some(Reason::DupId)),
        (ClOrdId::new(7, strategy, 16, 0), None),
        (ClOrdId::new(7, strategy, 31, 0), None),
        (ClOrdId::new(7, strategy, 32, 0), Some(Reason::DupId)),
        (ClOrdId::new(7, strategy, ClOrdId::SLOTS_MAX - 1, 0), Some(Reason::DupId)),
        (ClOrdId::new(7, StrategyId(2), 16, 0), Some(Reason::DupId)),
        (ClOrdId::new(7, strategy, 16, ClOrdId::USES_MAX - 1), None),
    ] {
        let mut rig = Rig::sample();
        let intent = sample::intent(id, Side::Buy, MIDDLE);
        assert_eq!(rig.reason(&intent), reason, "{id:?}");
    }
    let mut rig = Rig::sample();
    let with = |uses| sample::intent(ClOrdId::new(7, strategy, 16, uses), Side::Buy, MIDDLE);
    rig.passes(&with(5));
    for uses in [4, 5, 6] {
        assert_eq!(rig.reason(&with(uses)), Some(Reason::DupId), "{uses} while 5 works");
    }
    rig.report(said(Kind::Rejected, with(5).cl_ord_id, Price::NONE, Qty::ZERO, 0));
    for (uses, reason) in [(4, Some(Reason::DupId)), (5, Some(Reason::DupId)), (6, None)] {
        assert_eq!(rig.reason(&with(uses)), reason, "{uses} after 5 ended");
    }
}

/// Goal: a replace names a working order that is not being replaced, keeps side, instrument and
/// type, and takes a higher use of its slot. Method: one fault at a time.
#[test]
fn t01_r16_replaces_continue_a_working_order() {
    let mut rig = Rig::sample();
    let order = rig.buy();
    let early = Intent {
        kind: Kind::IntentReplace as u8,
        cl_ord_id: order.cl_ord_id.successor().unwrap(),
        ..order
    };
    assert_eq!(rig.reason(&early), Some(Reason::UnknownOrder));
    rig.passes(&order);
    for (change, reason) in [
        ((|intent| intent.side = Side::Sell as u8) as fn(&mut Intent), Reason::UnknownOrder),
        (|intent| intent.instrument = InstrumentId(1), Reason::UnknownOrder),
        (|intent| intent.ord_type = shm::message::OrdType::PostOnly as u8, Reason::UnknownOrder),
        (|intent| intent.cl_ord_id.0 -= 1, Reason::DupId),
        (
            |intent| {
                let id = intent.cl_ord_id;
                intent.cl_ord_id = ClOrdId::new(8, id.strategy(), id.slot(), id.uses());
            },
            Reason::DupId,
        ),
    ] {
        let mut intent = early;
        change(&mut intent);
        if intent.instrument == InstrumentId(1) {
            let now = rig.now;
            rig.risk.on_market(&sample::top(1, cents(999), cents(1001), 0, now));
        }
        assert_eq!(rig.reason(&intent), Some(reason), "{intent:?}");
    }
    rig.passes(&early);
    let second = Intent { cl_ord_id: early.cl_ord_id.successor().unwrap(), ..early };
    assert_eq!(rig.reason(&second), Some(Reason::UnknownOrder), "while being replaced");
    rig.report(said(Kind::Rejected, early.cl_ord_id, Price::NONE, Qty::ZERO, 0));
    assert_eq!(rig.reason(&early), Some(Reason::DupId), "the id of a refused replace is spent");
    rig.passes(&second);
    rig.report(said(Kind::Replaced, second.cl_ord_id, MIDDLE, shares(100), 0));
    rig.fill(&second, shares(100), 1);
    let ended = Intent { cl_ord_id: second.cl_ord_id.successor().unwrap(), ..second };
    assert_eq!(rig.reason(&ended), Some(Reason::UnknownOrder), "after its end");
}

/// Goal: a cancel needs a working order and names its newest id. Method: cancels of the order, of
/// an older id of its chain, of an ended one, of one that never was.
#[test]
fn t01_cancels_name_the_newest_id_of_a_working_order() {
    let mut rig = Rig::sample();
    let order = rig.buy();
    let cancel = rig.cancelling(&order);
    assert_eq!(rig.reason(&cancel), Some(Reason::UnknownOrder));
    rig.passes(&order);
    let replace = rig.replacing(&order, cents(999), shares(200));
    rig.passes(&replace);
    let Decision::Cancel { record, message } = rig.decide(&cancel) else { panic!("refused") };
    assert_eq!((record.cl_ord_id, message.cl_ord_id), (replace.cl_ord_id, replace.cl_ord_id));
    assert_eq!((message.qty, message.instrument), (Qty::ZERO, InstrumentId(0)));
    rig.report(said(Kind::Rejected, replace.cl_ord_id, Price::NONE, Qty::ZERO, 0));
    let Decision::Cancel { record, .. } = rig.decide(&cancel) else { panic!("refused") };
    assert_eq!(record.cl_ord_id, order.cl_ord_id);
    rig.report(said(Kind::Canceled, order.cl_ord_id, Price::NONE, shares(100), 0));
    assert_eq!(rig.reason(&cancel), Some(Reason::UnknownOrder));
}
