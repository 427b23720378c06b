use super::*;
use crate::config::limits::{Limit, LimitSet};
use crate::risk::approval::{ApprovalSlots, ApprovedTerms};
use crate::risk::{Mode, RULES};
use shm::message::flags;

/// Goal: a closed gate refuses orders, never cancels. Method: both ways, for new and replace.
#[test]
fn t01_r01_a_closed_gate_refuses_orders_but_no_cancel() {
    let mut rig = Rig::sample();
    let first = rig.buy();
    rig.passes(&first);
    rig.accept(&first);
    let closed = Context { gates_open: false, ..rig.context() };
    let second = rig.buy();
    assert_eq!(rig.judge_in(&second, &closed).unwrap_err().reason, Reason::Killed);
    let replace = rig.replacing(&first, cents(999), shares(100));
    assert_eq!(rig.judge_in(&replace, &closed).unwrap_err().reason, Reason::Killed);
    let cancel = rig.cancelling(&first);
    assert!(matches!(rig.decide_in(&cancel, &closed), Decision::Cancel { .. }));
}

/// Goal: each mode lets through what it names. Method: reductions of a long position of 300 shares
/// at one share below, at, and one above what is left of it, with another sell working.
#[test]
fn t01_r02_reduce_only_takes_what_is_left_of_the_position() {
    let mut rig = Rig::sample();
    let mode = |rig: &Rig, mode| Context { mode, ..rig.context() };
    for refused in [Mode::CancelOnly, Mode::Halted, Mode::ReduceOnly] {
        let (intent, context) = (rig.buy(), mode(&rig, refused));
        assert_eq!(rig.judge_in(&intent, &context).unwrap_err().reason, Reason::Mode);
    }
    let buy = rig.order(Side::Buy, MIDDLE, shares(300));
    rig.passes(&buy);
    rig.fill(&buy, shares(300), 1);
    let sell = rig.order(Side::Sell, MIDDLE, shares(100));
    rig.passes(&sell);
    let reduce = mode(&rig, Mode::ReduceOnly);
    for (qty, passes) in [(199, true), (201, false), (200, false), (1, true), (2, false)] {
        let intent = rig.order(Side::Sell, MIDDLE, shares(qty));
        assert_eq!(rig.judge_in(&intent, &reduce).is_ok(), passes, "{qty}");
    }
    let intent = rig.order(Side::Buy, MIDDLE, shares(1));
    assert_eq!(rig.judge_in(&intent, &reduce).unwrap_err().reason, Reason::Mode);
}

/// Goal: orders need a session that is up, cancels do not. Method: before, up, down, up again.
#[test]
fn t01_r03_orders_need_a_session() {
    let mut rig = Rig::sample();
    let first = rig.buy();
    rig.passes(&first);
    let down = rig.report(sample::session(false));
    assert_eq!(down.session, Some(false));
    let second = rig.buy();
    assert_eq!(rig.reason(&second), Some(Reason::Session));
    let cancel = rig.cancelling(&first);
    assert!(matches!(rig.decide(&cancel), Decision::Cancel { .. }));
    rig.report(sample::session(true));
    assert_eq!(rig.reason(&second), None);
    let mut cold = Risk::new(&sample::setup(16));
    let decision = cold.decide(&second, &open(Nanos(1)));
    assert!(matches!(decision, Decision::Deny { record, .. } if record.reason == 3));
}

/// Goal: no order without a journal; cancels pass.
#[test]
fn t01_r04_orders_need_the_journal() {
    let mut rig = Rig::sample();
    let first = rig.buy();
    rig.passes(&first);
    let failed = Context { journal_ok: false, ..rig.context() };
    let second = rig.buy();
    assert_eq!(rig.judge_in(&second, &failed).unwrap_err().reason, Reason::Journal);
    let cancel = rig.cancelling(&first);
    assert!(rig.judge_in(&cancel, &failed).is_ok());
}

type Miss = fn(&mut LimitRow);

/// Each mandatory limit left out.
fn each_missing() -> [Miss; 34] {
    macro_rules! missing {
        ($($group:ident.$field:ident,)+) => {
            [$(|row: &mut LimitRow| row.$group.$field = Limit::Missing,)+]
        };
    }
    missing![
        order.qty_max,
        order.value_max,
        order.value_min,
        order.collar_bps,
        order.collar_ticks,
        order.reference_age_max,
        order.adv_bps,
        order.visible_bps,
        order.drift_max,
        total.long_max,
        total.short_max,
        total.open_qty_max,
        total.open_value_max,
        total.open_orders_max,
        total.locate_max,
        repeat.same_max,
        money.gross_max,
        money.net_max,
        money.funds_max,
        money.loss_max,
        money.drawdown_max,
        day.entered_value_max,
        day.entered_qty_max,
        day.traded_value_max,
        day.traded_qty_max,
        day.orders_per_trade_max,
        day.executions_max,
        rate.orders_max,
        rate.move_ticks_max,
        breaker.rejects_max,
        breaker.cancel_rejects_max,
        breaker.disconnects_max,
        unresolved.count_max,
        unresolved.age_max,
    ]
}

/// Goal: every mandatory limit must be stated by some scope; `unlimited` states it. Method: each of
/// them left out alone, then all written as unlimited; then no rows, then no version.
#[test]
fn t01_r05_each_missing_limit_refuses_and_unlimited_does_not() {
    let misses = each_missing();
    assert_eq!(LimitRow::mandatory().len(), misses.len());
    for (at, miss) in misses.into_iter().enumerate() {
        let mut rig = Rig::with(miss);
        let intent = rig.buy();
        let denied = rig.judge(&intent).unwrap_err();
        assert_eq!((denied.reason, denied.measured), (Reason::NoLimit, 1 << at));
    }
    let mut rig = Rig::with(|row| *row = LimitRow::unlimited(Scope::Firm));
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), None);
    for limits in [
        LimitSet { version: 1, rows: vec![] },
        LimitSet { version: 0, rows: vec![sample::wide(Scope::Firm)] },
        LimitSet { version: 1, rows: vec![sample::wide(Scope::Strategy(StrategyId(2)))] },
    ] {
        let mut rig = Rig::new(&Setup { limits, ..sample::setup(16) });
        let intent = rig.buy();
        assert_eq!(rig.reason(&intent), Some(Reason::NoLimit));
    }
}

/// Goal: a strategy trades what it may, and nothing that does not exist. Method: an instrument
/// taken from it, one past the end, a strategy past the end.
#[test]
fn t01_r06_permission_is_by_strategy_and_instrument() {
    let mut setup = sample::setup(16);
    setup.strategies[1].instruments = vec![true, false];
    let mut rig = Rig::new(&setup);
    for (instrument, reason) in
        [(0, None), (1, Some(Reason::NotPermitted)), (2, Some(Reason::NotPermitted))]
    {
        let mut intent = rig.buy();
        intent.instrument = InstrumentId(instrument);
        assert_eq!(rig.reason(&intent), reason, "{instrument}");
    }
    let mut stranger = rig.buy();
    stranger.cl_ord_id = ClOrdId::new(7, StrategyId(9), 1, 0);
    assert_eq!(rig.reason(&stranger), Some(Reason::NotPermitted));
}

/// Goal: no orders in a halted instrument, cancels pass, and only a book ends the halt. Method:
/// halt by a book and by a trade, resume by each.
#[test]
fn t01_r10_a_halt_stops_orders_until_a_book_ends_it() {
    let mut rig = Rig::sample();
    let first = rig.buy();
    rig.passes(&first);
    let now = rig.now;
    rig.risk.on_market(&sample::top(0, cents(999), cents(1001), flags::HALT, now));
    let second = rig.buy();
    assert_eq!(rig.reason(&second), Some(Reason::Instrument));
    let cancel = rig.cancelling(&first);
    assert!(matches!(rig.decide(&cancel), Decision::Cancel { .. }));
    rig.risk.on_market(&sample::top(0, cents(999), cents(1001), 0, now));
    assert_eq!(rig.reason(&second), None);
    let mut trade = shm::message::Trade {
        kind: Kind::Trade as u8,
        flags: flags::HALT,
        px: MIDDLE,
        qty: shares(1),
        ..Default::default()
    };
    rig.risk.on_market(&trade.into());
    trade.flags = 0;
    rig.risk.on_market(&trade.into());
    let third = rig.buy();
    assert_eq!(rig.reason(&third), Some(Reason::Instrument));
}

/// Goal: what the gateway sends was approved, once, with these terms. Method: grant, spend with
/// each term changed, spend, spend again, grant again.
#[test]
fn t01_r47_an_approval_is_spent_once_on_its_own_terms() {
    let mut rig = Rig::sample();
    let intent = rig.buy();
    let Decision::Approve { message, .. } = rig.decide(&intent) else { panic!("refused") };
    let mut slots = ApprovalSlots::new(64);
    let terms = ApprovedTerms::of(&message);
    assert_eq!(slots.spend(&terms), Err(Reason::Unapproved));
    assert_eq!(slots.grant(&message), Ok(()));
    for other in [
        ApprovedTerms { px: cents(1001), ..terms },
        ApprovedTerms { qty: shares(101), ..terms },
        ApprovedTerms { side: Side::Sell as u8, ..terms },
        ApprovedTerms { instrument: InstrumentId(1), ..terms },
        ApprovedTerms { kind: Kind::ApprovedReplace as u8, ..terms },
        ApprovedTerms { cl_ord_id: intent.cl_ord_id.successor().unwrap(), ..terms },
    ] {
        assert_eq!(slots.spend(&other), Err(Reason::Unapproved), "{other:?}");
    }
    // A replace may be on its way behind the order it replaces: each has its own approval.
    let id = intent.cl_ord_id.successor().unwrap();
    let replace =
        shm::message::Approved { kind: Kind::ApprovedReplace as u8, cl_ord_id: id, ..message };
    assert_eq!(slots.grant(&replace), Ok(()));
    assert_eq!(slots.spend(&terms), Ok(()));
    assert_eq!(slots.spend(&terms), Err(Reason::Unapproved));
    assert_eq!(slots.grant(&message), Err(Reason::Unapproved));
    slots.revoke(id, Kind::ApprovedReplace as u8);
    assert_eq!(slots.spend(&ApprovedTerms::of(&replace)), Err(Reason::Unapproved), "taken back");
}

/// Goal: the checks run in id order and the first failure gives the code. Method: an order that
/// every rule refuses; the faults are mended one by one, in the order of the table, and each time
/// the next rule of the table speaks.
#[test]
fn t01_the_first_failing_rule_in_id_order_gives_the_code() {
    type Mend = fn(&mut Setup, &mut Context, &mut Intent, &mut bool);
    let mends: [(Reason, Mend); 16] = [
        (Reason::Killed, |_, context, _, _| context.gates_open = true),
        (Reason::Mode, |_, context, _, _| context.mode = Mode::Active),
        (Reason::Session, |_, _, _, up| *up = true),
        (Reason::Journal, |_, context, _, _| context.journal_ok = true),
        (Reason::NoLimit, |setup, _, _, _| setup.limits.version = 1),
        (Reason::NotPermitted, |setup, _, _, _| setup.strategies[1].instruments = vec![true; 2]),
        (Reason::BadPrice, |_, _, intent, _| intent.px = cents(2_000)),
        (Reason::BadQty, |_, _, intent, _| intent.qty = shares(500)),
        (Reason::DupId, |_, _, intent, _| {
            intent.cl_ord_id = ClOrdId::new(7, StrategyId(1), 16, 0);
        }),
        (Reason::OrderQty, |_, _, intent, _| intent.qty = shares(50)),
        (Reason::OrderValue, |_, _, intent, _| intent.qty = shares(4)),
        (Reason::OrderValueMin, |setup, _, _, _| {
            setup.limits.rows[0].order.value_min = Limit::Max(shm::units::Notional::ZERO);
        }),
        (Reason::Collar, |_, _, intent, _| intent.px = MIDDLE),
        (Reason::Position, |setup, _, _, _| {
            setup.limits.rows[0].total.long_max = Limit::Unlimited;
        }),
        (Reason::OpenOrders, |setup, _, _, _| {
            setup.limits.rows[0].total.open_orders_max = Limit::Unlimited;
        }),
        (Reason::Duplicate, |setup, _, _, _| {
            setup.limits.rows[0].repeat.same_max = Limit::Unlimited;
        }),
    ];
    let order: Vec<Reason> = RULES.iter().map(|rule| rule.reason).collect();
    assert!(order.is_sorted());
    let mut setup = sample::setup(16);
    let row = &mut setup.limits.rows[0];
    row.order.qty_max = Limit::Max(shares(400));
    row.order.value_max = Limit::Max(shm::units::Notional(100 * shm::units::Notional::SCALE));
    row.order.value_min = Limit::Max(shm::units::Notional(1_000 * shm::units::Notional::SCALE));
    row.total.long_max = Limit::Max(Qty::ZERO);
    row.total.open_orders_max = Limit::Max(0);
    row.repeat.same_max = Limit::Max(0);
    setup.limits.version = 0;
    setup.strategies[1].instruments = vec![false; 2];
    let mut context =
        Context { now: Nanos(0), gates_open: false, mode: Mode::Halted, journal_ok: false };
    let mut intent = sample::intent(ClOrdId::new(6, StrategyId(1), 16, 0), Side::Buy, Price(1));
    intent.qty = Qty(1);
    let mut up = false;
    for (reason, mend) in mends {
        let mut rig = Rig::new(&setup);
        rig.report(sample::session(up));
        context.now = rig.now;
        assert_eq!(rig.judge_in(&intent, &context).unwrap_err().reason, reason);
        assert!(order.contains(&reason));
        mend(&mut setup, &mut context, &mut intent, &mut up);
    }
    let mut rig = Rig::new(&setup);
    assert_eq!(rig.judge_in(&intent, &context), Ok(()));
    assert!(mends.map(|(reason, _)| reason).is_sorted());
}
