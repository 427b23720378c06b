use super::*;
use crate::risk::RestoreError;

/// A random session with every kind of report, repeats and contradictions among them.
fn session(seed: u64, steps: u32) -> (Rig, Vec<(usize, u64)>) {
    let setup = sample::setup(8);
    let mut rig = Rig::new(&setup);
    let mut dice = Dice::new(seed);
    let mut orders: Vec<Intent> = Vec::new();
    let mut last: Option<ExecReport> = None;
    let mut marks = vec![(rig.journal.len(), rig.risk.state_hash())];
    for _ in 0..steps {
        rig.now.0 += dice.roll(300_000_000);
        let now = rig.now;
        rig.risk.on_market(&sample::live(now));
        let side = if dice.roll(2) == 0 { Side::Buy } else { Side::Sell };
        let px = cents(995 + dice.roll(10) as i64);
        let qty = shares(1 + dice.roll(300) as u32);
        let pick = (!orders.is_empty()).then(|| orders[dice.roll(orders.len() as u64) as usize]);
        let strategy = dice.roll(3) as usize;
        match (dice.roll(16), pick) {
            (0..4, _) => {
                if let Some(id) = rig.pools[strategy].take() {
                    let mut intent = sample::intent(id, side, px);
                    intent.qty = qty;
                    match rig.decide(&intent) {
                        Decision::Approve { .. } => orders.push(intent),
                        _ => assert!(rig.pools[strategy].free(id)),
                    }
                }
            }
            (4..6, Some(of)) => {
                let pool = &mut rig.pools[of.cl_ord_id.strategy().index()];
                if let Some(id) = pool.replace(of.cl_ord_id) {
                    let kind = Kind::IntentReplace as u8;
                    let intent = Intent { kind, px, qty, cl_ord_id: id, ..of };
                    rig.decide(&intent);
                    orders.push(Intent { kind: of.kind, ..intent });
                }
            }
            (6, Some(of)) => {
                let cancel = rig.cancelling(&of);
                rig.decide(&cancel);
            }
            (7, _) if dice.roll(4) == 0 => {
                rig.report(sample::session(dice.roll(3) > 0));
            }
            (8, _) => {
                if let Some(report) = last {
                    rig.report_as_is(report);
                }
            }
            (_, Some(of)) => {
                let mut report = report_of(&mut dice, &of, seed.is_multiple_of(2));
                rig.seq += 1;
                report.venue_seq = rig.seq;
                rig.report_as_is(report);
                last = Some(report);
            }
            (_, None) => {}
        }
        marks.push((rig.journal.len(), rig.risk.state_hash()));
    }
    (rig, marks)
}

/// Any report of an order; a wild venue contradicts itself.
fn report_of(dice: &mut Dice, of: &Intent, wild: bool) -> ExecReport {
    let kinds = [
        Kind::Accepted,
        Kind::Replaced,
        Kind::Executed,
        Kind::Executed,
        Kind::Broken,
        Kind::Canceled,
        Kind::CancelRejected,
        Kind::CancelPending,
        Kind::Restated,
        Kind::SendFailed,
        Kind::Rejected,
        Kind::GateReject,
        Kind::AcceptedDead,
    ];
    let kind = kinds[dice.roll(if wild { 13 } else { 10 }) as usize];
    let px = cents(995 + dice.roll(10) as i64);
    let qty = shares(1 + dice.roll(if wild { 300 } else { 3 }) as u32);
    let exec_id = 1 + dice.roll(if wild { 40 } else { 1 << 40 });
    match kind {
        Kind::Accepted | Kind::AcceptedDead => said(kind, of.cl_ord_id, px, of.qty, 0),
        Kind::Replaced => said(kind, of.cl_ord_id, px, qty, 0),
        _ => said(kind, of.cl_ord_id, px, qty, exec_id),
    }
}

fn restored(journal: &[(RecordKind, Vec<u8>, Nanos)]) -> Risk {
    let mut risk = Risk::new(&sample::setup(8));
    for (at, (kind, body, ts)) in journal.iter().enumerate() {
        assert_eq!(risk.restore(*kind, body, *ts), Ok(()), "record {at} {kind}");
    }
    risk
}

fn carried(risk: &Risk, new_day: bool) -> Vec<(RecordKind, Vec<u8>, Nanos)> {
    let mut records = Vec::new();
    risk.carry(new_day, &mut |kind, body| records.push((kind, body.to_vec(), Nanos(0))));
    records
}

/// Goal: any prefix of the records gives the state that was live then. Method: random sessions;
/// after each step the live digest is noted; every prefix is restored.
#[test]
fn restoring_any_prefix_gives_the_state_of_that_time() {
    for seed in 0..6 {
        println!("seed {seed}");
        let (rig, marks) = session(seed, 400);
        let mut risk = Risk::new(&sample::setup(8));
        let mut at = 0;
        for (length, hash) in marks {
            while at < length {
                let (kind, body, ts) = &rig.journal[at];
                assert_eq!(risk.restore(*kind, body, *ts), Ok(()), "record {at} {kind}");
                at += 1;
            }
            assert_eq!(risk.state_hash(), hash, "after {at} records");
        }
        let holdings = |risk: &Risk| {
            risk.holdings().map(|(a, b, holding)| (a, b, *holding)).collect::<Vec<_>>()
        };
        assert_eq!(holdings(&risk), holdings(&rig.risk));
        assert_eq!(
            format!("{:?}", risk.counters().refused),
            format!("{:?}", rig.risk.counters().refused)
        );
    }
}

/// Goal: a prefix that ends between an order event and its position event has the position already.
#[test]
fn a_prefix_may_end_before_the_position_event() {
    let mut rig = Rig::new(&sample::setup(8));
    let order = rig.buy();
    rig.passes(&order);
    rig.fill(&order, shares(30), 1);
    assert_eq!(rig.journal.last().unwrap().0, RecordKind::PositionEvent);
    let risk = restored(&rig.journal[..rig.journal.len() - 1]);
    assert_eq!(risk.state_hash(), rig.risk.state_hash());
    assert_eq!(risk.holding(StrategyId(1), InstrumentId(0)).unwrap().qty, shares(30));
}

/// Goal: opening records rebuild what they were written of, and do so again when carried once more;
/// repeats of carried fills are still repeats and busts of them still find them. Method: random
/// sessions, carried twice.
#[test]
fn carried_records_rebuild_working_orders_and_positions() {
    let mut working = 0;
    for seed in 10..90 {
        println!("seed {seed}");
        let (rig, _) = session(seed, 200);
        let records = carried(&rig.risk, false);
        let risk = restored(&records);
        assert_eq!(risk.state_hash(), rig.risk.state_hash());
        let again = carried(&risk, false);
        assert_eq!(format!("{again:?}"), format!("{records:?}"));
        working += risk.working_orders().count();
        let ids = |risk: &Risk| {
            risk.working_orders().map(|order| (order.root, order.last)).collect::<Vec<_>>()
        };
        assert_eq!(ids(&risk), ids(&rig.risk));
    }
    assert!(working > 20, "the sessions end with orders that work");
}

/// Goal: what was counted before a restart counts once after it. Method: a fill repeated, then
/// undone, across a carry; profit begins at zero on a new day and not otherwise.
#[test]
fn fills_before_a_restart_repeat_and_break_after_it() {
    let mut rig = Rig::new(&sample::setup(8));
    let order = rig.buy();
    rig.passes(&order);
    rig.fill(&order, shares(30), 1);
    let sell = rig.order(Side::Sell, cents(1002), shares(10));
    rig.passes(&sell);
    rig.fill(&sell, shares(10), 2);
    let fill = said(Kind::Executed, order.cl_ord_id, order.px, shares(30), 1);
    let bust = said(Kind::Broken, order.cl_ord_id, Price::NONE, Qty::ZERO, 1);
    for new_day in [false, true] {
        let mut risk = restored(&carried(&rig.risk, new_day));
        let holding = *risk.holding(StrategyId(1), InstrumentId(0)).unwrap();
        let cash = |holding: &crate::position::Holding| holding.realised - holding.cost;
        assert_eq!(holding.realised == 0, new_day);
        assert_eq!(risk.on_report(&fill, GatewayId(0)).signs, crate::order::Signs::REPEAT);
        let applied = risk.on_report(&bust, GatewayId(0));
        assert_eq!(applied.event.cum_qty, Qty::ZERO);
        let after = risk.holding(StrategyId(1), InstrumentId(0)).unwrap();
        assert_eq!(after.qty.0, -shares(10).0);
        let value = order.px.notional(shares(30), 1).unwrap().0;
        assert_eq!(cash(after), cash(&holding) + value, "the cash of the fill comes back");
    }
}

/// Goal: a record that does not fit is named. Method: a body cut, an instrument and a slot that do
/// not exist, a state that does not follow.
#[test]
fn records_that_do_not_fit_are_named() {
    let mut rig = Rig::new(&sample::setup(8));
    let order = rig.buy();
    let Decision::Approve { record, .. } = rig.decide(&order) else { panic!("refused") };
    let applied = rig.fill(&order, shares(30), 1);
    let fresh = || Risk::new(&sample::setup(8));
    let ts = Nanos(1);
    assert_eq!(
        fresh().restore(RecordKind::Approved, &record.bytes()[1..], ts),
        Err(RestoreError::Short)
    );
    for change in [
        (|record| record.instrument = InstrumentId(2)) as fn(&mut shm::record::order::Approved),
        |record| record.cl_ord_id = ClOrdId::new(7, StrategyId(1), 1 << 19, 0),
        |record| record.cl_ord_id = ClOrdId::new(7, StrategyId(9), 1, 0),
        |record| record.account = 1,
        |record| record.side = 0,
    ] {
        let mut other = record;
        change(&mut other);
        let result = fresh().restore(RecordKind::Approved, other.bytes(), ts);
        assert_eq!(result, Err(RestoreError::NotInSetup));
    }
    let mut risk = fresh();
    assert_eq!(risk.restore(RecordKind::Approved, record.bytes(), ts), Ok(()));
    let twice = risk.restore(RecordKind::Approved, record.bytes(), ts);
    assert_eq!(twice, Err(RestoreError::Differs));
    let mut event = applied.event;
    event.cum_qty = shares(31);
    let result = risk.restore(RecordKind::OrderEvent, event.bytes(), ts);
    assert_eq!(result, Err(RestoreError::Differs));
    let mut position = applied.position.unwrap();
    assert_eq!(risk.restore(RecordKind::PositionEvent, position.bytes(), ts), Ok(()));
    position.position = shares(29);
    let result = risk.restore(RecordKind::PositionEvent, position.bytes(), ts);
    assert_eq!(result, Err(RestoreError::Differs));
}
