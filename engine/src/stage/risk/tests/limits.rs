use super::*;
use crate::config::limits::Limit;
use shm::message::{Command, CommandOp};

impl Rig {
    /// Loads a set as the control thread does: the set, then the command that is record `record`
    /// of lane 0; taken in a turn of its own.
    fn load(&mut self, version: u32, record: u64, change: impl FnOnce(&mut LimitRow)) {
        let mut row = LimitRow::unlimited(LimitScope::Firm);
        change(&mut row);
        let set = LimitSet { version, rows: vec![row] };
        let compiled = Compiler::of(&self.setup).compile(&set);
        assert!(self.desk.give(compiled).is_ok());
        self.sets.push(set);
        let command = Command {
            kind: Kind::Command as u8,
            op: CommandOp::LimitsSwitch as u8,
            value: version.into(),
            lane_seq: record,
            ..Command::default()
        };
        self.give(2, command.into());
        self.poll();
    }

    /// Reasons and measured values of the alarms so far.
    fn alarms(&self) -> Vec<(Reason, i128)> {
        let rows = self.records.iter().filter(|record| record.kind == RecordKind::Alarm);
        let read = rows.filter_map(|row| record::Alarm::read(&row.body));
        read.map(|alarm| (Reason::from_u8(alarm.reason).unwrap(), record::value_of(alarm.measured)))
            .collect()
    }

    fn version(&self) -> u32 {
        self.stage.risk.limit_version()
    }
}

const MIDDLE: Price = Price(10 * DOLLAR);

fn shares(count: u32) -> Qty {
    Qty::from_shares(count)
}

/// Goal: a set acts on the next order and is written into its record; the board tells the caller
/// of the command, and not before; a replay with two switches in the middle ends alike. Method: an
/// order of 100 before, at and over a limit that is tightened and loosened.
#[test]
fn t01_r05_a_loaded_set_acts_on_the_next_order_and_replays() {
    let mut rig = Rig::new(setup(|_| {}));
    let low = Price(998 * DOLLAR / 100);
    rig.order(1, 0, Side::Buy, low);
    assert_eq!((rig.refused(), rig.version()), (None, 1));
    assert_eq!(rig.ends.board.taken(41), None);
    rig.load(2, 41, |row| row.order.qty_max = Limit::Max(shares(100)));
    assert_eq!(rig.version(), 2);
    let took = rig.ends.board.taken(41).unwrap();
    assert_eq!((rig.ends.board.taken(42), took), (None, rig.records.len() as u64));
    rig.order(1, 1, Side::Buy, low);
    assert_eq!(rig.refused(), None, "at the limit");
    rig.load(3, 42, |row| row.order.qty_max = Limit::Max(Qty(shares(100).0 - 1)));
    rig.order(1, 2, Side::Buy, low);
    assert_eq!(rig.refused(), Some(Reason::OrderQty), "over it");
    let last = rig.records.iter().rev().find(|record| record.kind == RecordKind::Denied);
    assert_eq!(record::Denied::read(&last.unwrap().body).unwrap().limit_version, 3);
    rig.load(4, 43, |_| {});
    rig.order(1, 3, Side::Buy, low);
    assert_eq!(rig.refused(), None, "loosened");
    rig.assert_replays_alike();
}

/// Goal: a set whose command never came is passed over; a command whose set never came changes
/// nothing. Method: set 2 without command, then set 3; then the command of set 3 again.
#[test]
fn a_set_and_its_command_belong_together() {
    let mut rig = Rig::new(setup(|_| {}));
    let set = LimitSet { version: 2, rows: vec![LimitRow::silent(LimitScope::Firm)] };
    assert!(rig.desk.give(Compiler::of(&rig.setup).compile(&set)).is_ok());
    rig.load(3, 1, |_| {});
    assert_eq!(rig.version(), 3);
    let command = Command {
        kind: Kind::Command as u8,
        op: CommandOp::LimitsSwitch as u8,
        value: 3,
        lane_seq: 2,
        ..Command::default()
    };
    rig.give(2, command.into());
    rig.poll();
    assert_eq!((rig.version(), rig.ends.board.taken(2).is_some()), (3, true));
    for version in 4..12 {
        rig.load(version, version.into(), |_| {});
        assert_eq!(rig.version(), version, "old sets are given back");
    }
    rig.assert_replays_alike();
}

/// Goal: what a new set would not let in is told of and cancelled, an order at the limit stays, and
/// of a sum the newest give way. Method: three buys of 100 at 10 and one below, each rule at its
/// edge and one beyond.
#[test]
fn t01_working_orders_over_a_new_set_are_cancelled() {
    type Change = fn(&mut LimitRow, i64);
    let value = |row: &mut LimitRow, more: i64| {
        let thousand = 1_000 * shm::units::Notional::SCALE;
        row.order.value_max = Limit::Max(shm::units::Notional(thousand + i128::from(more)));
    };
    let qty = |row: &mut LimitRow, more| row.order.qty_max = Limit::Max(Qty(shares(100).0 + more));
    let long =
        |row: &mut LimitRow, more| row.total.long_max = Limit::Max(Qty(shares(300).0 + more));
    let open =
        |row: &mut LimitRow, more| row.total.open_qty_max = Limit::Max(Qty(shares(300).0 + more));
    let count = |row: &mut LimitRow, more: i64| {
        row.total.open_orders_max = Limit::Max(u32::try_from(3 + more).unwrap());
    };
    let table: [(Reason, Change, usize); 5] = [
        (Reason::OrderValue, value, 3),
        (Reason::OrderQty, qty, 3),
        (Reason::Position, long, 1),
        (Reason::OpenOrders, open, 1),
        (Reason::OpenOrders, count, 1),
    ];
    for (reason, change, over) in table {
        let mut rig = Rig::new(setup(|_| {}));
        let ids: Vec<ClOrdId> = (0..3).map(|slot| rig.order(1, slot, Side::Buy, MIDDLE)).collect();
        assert_eq!(rig.sent().len(), 3);
        rig.load(2, 1, |row| change(row, 0));
        rig.poll();
        assert_eq!((rig.sent(), rig.alarms()), (vec![], vec![]), "{reason:?} at the limit");
        rig.load(3, 2, |row| change(row, -1));
        rig.poll();
        let newest = ids.iter().skip(3 - over).map(|id| (Kind::ApprovedCancel, *id));
        assert_eq!(rig.sent(), newest.collect::<Vec<_>>(), "{reason:?}");
        let alarms = rig.alarms();
        assert_eq!(alarms.len(), 1, "{reason:?}: one for strategy and rule: {alarms:?}");
        assert_eq!(alarms[0].0, reason);
        rig.load(4, 3, |row| change(row, -1));
        rig.poll();
        assert_eq!(rig.sent(), [], "they are being cancelled already");
        rig.assert_replays_alike();
    }
}

/// Goal: what has ended or is being cancelled is not cancelled for a new set, a fill counts as
/// position, and a restricted instrument keeps nothing. Method: one order each.
#[test]
fn t01_only_what_works_gives_way_to_a_new_set() {
    let mut rig = Rig::new(setup(|_| {}));
    let filled = rig.order(1, 0, Side::Buy, MIDDLE);
    rig.report(Kind::Executed, filled, MIDDLE);
    let working = rig.order(1, 1, Side::Buy, MIDDLE);
    rig.sent();
    rig.load(2, 1, |row| row.total.long_max = Limit::Max(shares(200)));
    rig.poll();
    assert_eq!(rig.sent(), [], "position and order are at the limit");
    rig.load(3, 2, |row| row.order.restricted = true);
    rig.poll();
    assert_eq!(rig.sent(), [(Kind::ApprovedCancel, working)]);
    assert_eq!(rig.alarms(), [(Reason::Restricted, 0)]);
    rig.assert_replays_alike();
}

/// Goal: a set that what is held already passes leaves reductions only, as a mark would. Method: a
/// gross limit one below the position's value.
#[test]
fn t01_a_new_set_below_what_is_held_leaves_reductions_only() {
    for (more, mode) in [(0, Mode::Active), (-1, Mode::ReduceOnly)] {
        let mut rig = Rig::new(setup(|_| {}));
        let buy = rig.order(1, 0, Side::Buy, MIDDLE);
        rig.report(Kind::Executed, buy, MIDDLE);
        let held = rig.stage.risk.scope(LimitScope::Firm).unwrap().gross;
        assert!(held > 0);
        let max = shm::units::Notional(held + more);
        rig.load(2, 1, |row| row.money.gross_max = Limit::Max(max));
        assert_eq!(rig.stage.risk.mode_of(LimitScope::Firm), mode);
        assert_eq!(rig.ends.board.modes(LimitScope::Firm).unwrap().tripped, mode);
        rig.assert_replays_alike();
    }
}
