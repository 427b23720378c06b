//! Retention: what goes, what stays, and that what stays is right.

use crate::journal::{DAY, Engine, Sums, dir};
use crate::place::{each, number, store};
use services::audit::verify;
use services::store::{EngineId, Settings, Store, StoreService, Target, compare, rebuild, today};
use shm::ids::{ClOrdId, ExecId, InstrumentId, StrategyId};
use shm::message::{Kind, Side};
use shm::record::RecordKind;
use shm::record::order::{Alarm, Approved, Base, OrderEvent, PositionEvent};
use shm::record::parent::Parent;
use shm::record::status::Operator;
use shm::units::{Price, Qty};
use std::path::Path;
use std::time::Duration;

fn id(uses: u32) -> ClOrdId {
    ClOrdId::new(1, StrategyId(1), 9_999, uses)
}

fn event(uses: u32, kind: Kind, base: Base) -> OrderEvent {
    OrderEvent {
        cl_ord_id: id(uses),
        instrument: InstrumentId(1),
        event: kind as u8,
        base: base as u8,
        side: Side::Buy as u8,
        qty: Qty(300 * Qty::SCALE),
        ..OrderEvent::default()
    }
}

/// Three sessions on three days. Of the first day: order 0, replaced by order 1, a child of parent
/// 7, which is filled in part, works over both starts and ends on the last day; order 2 with its
/// parent 8, which ended on the first.
fn sessions(base: &Path) -> Vec<Sums> {
    let approved = |uses: u32, orig, parent| Approved {
        px: Price(5_000_000_000),
        qty: Qty(300 * Qty::SCALE),
        cl_ord_id: id(uses),
        orig_cl_ord_id: orig,
        parent,
        instrument: InstrumentId(1),
        side: Side::Buy as u8,
        ..Approved::default()
    };
    let filled = PositionEvent {
        cl_ord_id: id(1),
        exec_id: ExecId(77),
        last_qty: Qty(100 * Qty::SCALE),
        last_px: Price(5_000_000_000),
        instrument: InstrumentId(1),
        strategy: 2,
        ..PositionEvent::default()
    };
    let mut all: Vec<Sums> = Vec::new();
    for epoch in 1..=3 {
        let mut engine = Engine::start(base, epoch, u64::from(epoch), DAY + u32::from(epoch) - 1);
        if epoch == 1 {
            for uses in [7, 8] {
                let parent = Parent { cl_ord_id: id(uses), parent: 1, ..Parent::default() };
                engine.risk(RecordKind::ParentApproved, parent.bytes());
            }
            engine.risk(RecordKind::Approved, approved(0, ClOrdId::NONE, id(7)).bytes());
            engine.risk(RecordKind::OrderEvent, event(0, Kind::Accepted, Base::New).bytes());
            engine.risk(RecordKind::Approved, approved(1, id(0), id(7)).bytes());
            engine.risk(RecordKind::OrderEvent, event(1, Kind::Replaced, Base::New).bytes());
            let part = event(1, Kind::Executed, Base::PartiallyFilled);
            engine.risk(RecordKind::OrderEvent, part.bytes());
            engine.risk(RecordKind::PositionEvent, filled.bytes());
            engine.risk(RecordKind::Approved, approved(2, ClOrdId::NONE, id(8)).bytes());
            let ended = event(2, Kind::Canceled, Base::Canceled);
            engine.risk(RecordKind::OrderEvent, ended.bytes());
            engine.risk(RecordKind::Alarm, Alarm::default().bytes());
        } else {
            let carried = event(1, Kind::Accepted, Base::PartiallyFilled);
            engine.risk(RecordKind::CarryOrder, carried.bytes());
        }
        if epoch == 3 {
            let ended = event(1, Kind::Canceled, Base::Canceled);
            engine.risk(RecordKind::OrderEvent, ended.bytes());
        }
        (0..100).for_each(|_| engine.order());
        engine.command(Operator::KILL, "firm");
        all.push(engine.stop());
    }
    all
}

fn states(store: &mut Store) -> Vec<(String, String)> {
    let sql =
        "SELECT cl_ord_id, state FROM orders WHERE cl_ord_id IN ($1, $2, $3) ORDER BY cl_ord_id";
    let ids = [0, 1, 2].map(|uses| services::store::Value::Text(Some(id(uses).to_string())));
    let rows = store.database().rows(sql, ids.to_vec()).unwrap();
    let text = |row: &[services::store::Value], at: usize| row[at].text().unwrap().to_owned();
    rows.iter().map(|row| (text(row, 0), text(row, 1))).collect()
}

/// Goal: what ended before a day goes, and nothing that a working order, a view of what stays, the
/// audit chain or a comparison with the journal needs. Method: three sessions, of which the first
/// has an order that works until the last; boundaries before, between and behind them.
#[test]
fn what_ended_goes_and_what_works_stays_whole() {
    let temp = tempfile::tempdir().unwrap();
    let sums = sessions(temp.path());
    let journal = dir(temp.path());
    let mut round = 0;
    each(temp.path(), |name, target| {
        let mut store = store(target);
        rebuild(&mut store, &journal, None).unwrap();
        let days = "SELECT COUNT(DISTINCT day) FROM pnl_by_day";
        let before = (number(store.database(), days), states(&mut store));
        assert_eq!(
            before.1.iter().map(|row| &*row.1).collect::<Vec<_>>(),
            ["REPLACED", "CANCELED", "CANCELED"]
        );
        assert_eq!(store.prune(EngineId::LOCAL, DAY).unwrap().rows, 0, "{name}: nothing is old");
        // The last one is beyond every session: the newest stays all the same.
        for (day, first) in [(DAY + 1, 2), (DAY + 2, 3), (DAY + 99, 3)] {
            let pruned = store.prune(EngineId::LOCAL, day).unwrap();
            assert_eq!(pruned.first_epoch, first, "{name}");
            assert_eq!(pruned.rows > 0, day != DAY + 99, "{name}: {pruned:?}");
            let database = store.database();
            let kept: i64 = sums.iter().skip(first as usize - 1).map(|sums| sums.orders).sum();
            assert_eq!(number(database, "SELECT COUNT(*) FROM orders"), kept + 2, "{name}");
            let kept: i64 = sums.iter().skip(first as usize - 1).map(|sums| sums.executions).sum();
            assert_eq!(number(database, "SELECT COUNT(*) FROM fills"), kept + 1, "{name}");
            let kept: i64 = sums.iter().skip(first as usize - 1).map(|sums| sums.refusals).sum();
            assert_eq!(number(database, "SELECT COUNT(*) FROM refusals"), kept, "{name}");
            assert_eq!(number(database, "SELECT COUNT(*) FROM parents"), 1, "{name}");
            assert_eq!(number(database, "SELECT COUNT(*) FROM alarms"), 0, "{name}");
            assert_eq!(number(database, "SELECT COUNT(*) FROM commands"), 3, "{name}");
            assert_eq!(number(database, days), before.0, "{name}");
            assert_eq!(states(&mut store), before.1[..2], "{name}");
            let verdict = verify(&mut store, &journal, None).unwrap();
            assert_eq!(verdict.bad, None, "{name}: {verdict}");
            round += 1;
            let fresh = Target::Sqlite(temp.path().join(format!("fresh-{round}.db")));
            let mut fresh = crate::place::store(&fresh);
            assert_eq!(compare(&mut store, &mut fresh, &journal).unwrap(), Some(vec![]), "{name}");
        }
        store.database().script("DELETE FROM refusals WHERE seq % 2 = 0").unwrap();
        let fresh = Target::Sqlite(temp.path().join(format!("fresh-{name}.db")));
        let mut fresh = crate::place::store(&fresh);
        let found = compare(&mut store, &mut fresh, &journal).unwrap().unwrap();
        assert_eq!(found.len(), 1, "{name}: what stays is compared: {found:?}");
    });
}

/// Goal: services remove by themselves what is older than `keep_days`, and say so. Method: a
/// session of ten days ago and one of today, with five days to keep; a table that is away.
#[test]
fn services_keep_what_they_are_told_to() {
    let temp = tempfile::tempdir().unwrap();
    let mut sums = Vec::new();
    for (epoch, date) in [(1, today() - 10), (2, today())] {
        let mut engine = Engine::start(temp.path(), epoch, 1, date);
        (0..100).for_each(|_| engine.order());
        sums.push(engine.stop());
    }
    each(temp.path(), |name, target| {
        let serve = |keep_days| {
            let plain = Settings::plain(target.clone(), 5_000, Duration::from_millis(1));
            let settings = Settings { keep_days, ..plain };
            let mut service = StoreService::start(&dir(temp.path()), settings).unwrap();
            while !service.turn().unwrap().closed {}
            service.flush().unwrap();
            // Whoever reads through a cache is told.
            let touched = service.take_touched();
            assert_eq!(touched.pruned, service.progress().pruned > 0, "{name}");
            (service.progress().pruned, service.progress().not_pruned.clone())
        };
        assert_eq!(serve(None), (0, None), "{name}");
        let orders = "SELECT COUNT(*) FROM orders";
        assert_eq!(number(store(target).database(), orders), sums[0].orders + sums[1].orders);
        store(target).database().script("ALTER TABLE retention RENAME TO away").unwrap();
        assert!(serve(Some(5)).1.unwrap().contains("retention"), "{name}");
        store(target).database().script("ALTER TABLE away RENAME TO retention").unwrap();
        assert_eq!(serve(Some(11)), (0, None), "{name}: nothing is so old");
        let (rows, why) = serve(Some(5));
        assert!(rows > 100 && why.is_none(), "{name}: {rows} {why:?}");
        assert_eq!(number(store(target).database(), orders), sums[1].orders, "{name}");
    });
}
