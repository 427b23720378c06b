//! What a store holds of a journal, on every database.

use crate::journal::{DAY, Engine, Sums, dir};
use crate::place::{each, number, store, sum};
use services::store::{
    Settings, Store, StoreError, StoreService, Target, Value, amount, compare, rebuild,
};
use shm::ids::{ClOrdId, InstrumentId, StrategyId};
use shm::message::{Kind, Side};
use shm::record::RecordKind;
use shm::record::order::{Approved, Base, OrderEvent};
use shm::record::status::Operator;
use shm::units::{Price, Qty};
use std::path::Path;
use std::time::Duration;

/// Fails unless orders, executions, refusals and positions are those that were written.
pub(crate) fn agrees(store: &mut Store, sums: &[&Sums], what: &str) {
    let total = |of: fn(&Sums) -> i128| sums.iter().map(|sums| of(sums)).sum::<i128>();
    let database = store.database();
    let count = |database: &mut dyn services::store::Database, table: &str| {
        i128::from(number(database, &format!("SELECT COUNT(*) FROM {table}")))
    };
    assert_eq!(count(database, "order_terms"), total(|sums| sums.orders.into()), "{what}");
    assert_eq!(count(database, "executions"), total(|sums| sums.executions.into()), "{what}");
    assert_eq!(count(database, "refusals"), total(|sums| sums.refusals.into()), "{what}");
    assert_eq!(sum(database, "qty_e8", "order_terms"), total(|sums| sums.order_qty), "{what}");
    assert_eq!(sum(database, "qty_e8", "executions"), total(|sums| sums.execution_qty), "{what}");
    assert_eq!(sum(database, "qty_e8", "refusals"), total(|sums| sums.refused_qty), "{what}");
    assert_eq!(sum(database, "cum_qty_e8", "order_states"), total(|sums| sums.cum), "{what}");
    let mut traded = 0;
    let sql = "SELECT qty_e8, px_e9 FROM executions";
    let mut add = |row: Vec<Value>| {
        traded += i128::from(row[0].int().unwrap()) * i128::from(row[1].int().unwrap());
    };
    database.each(sql, Vec::new(), &mut add).unwrap();
    assert_eq!(traded, total(|sums| sums.traded), "{what}");
    let last = sums.last().unwrap();
    let rows = database
        .rows(
            "SELECT strategy, instrument, position_e8, realised_e6, realised_rest \
             FROM position_states WHERE epoch = (SELECT MAX(epoch) FROM position_states)",
            Vec::new(),
        )
        .unwrap();
    assert_eq!(rows.len(), last.positions.len(), "{what}");
    for row in rows {
        let at = |column: usize| row[column].int().unwrap();
        let held = last.positions[&(at(0) as u8, at(1) as u32)];
        assert_eq!((at(2), amount(at(3), at(4))), held, "{what}");
    }
}

/// Goal: every order, execution, refusal and position of several sessions is in the database once,
/// to the last digit, and whoever asks by name finds it. Method: three sessions on two days, one
/// of them carried into the next; sums are added up as the records are written.
#[test]
fn a_journal_becomes_rows_once_and_exactly() {
    let temp = tempfile::tempdir().unwrap();
    let mut all: Vec<Sums> = Vec::new();
    for (epoch, date) in [(1, DAY), (2, DAY), (3, DAY + 1)] {
        let mut engine = Engine::start(temp.path(), epoch, u64::from(epoch), date);
        if let Some(last) = all.last().filter(|_| epoch == 2) {
            engine.carry(last);
        }
        for _ in 0..400 {
            engine.order();
        }
        engine.command(Operator::KILL, "firm; it's a test");
        all.push(engine.stop());
    }
    let sums: Vec<&Sums> = all.iter().collect();
    each(temp.path(), |name, target| {
        let mut store = store(target);
        let records = rebuild(&mut store, &dir(temp.path()), None).unwrap();
        assert_eq!(records, all.iter().map(|sums| sums.records).sum::<u64>(), "{name}");
        agrees(&mut store, &sums, name);
        assert_eq!(rebuild(&mut store, &dir(temp.path()), None).unwrap(), 0, "{name}: again");
        agrees(&mut store, &sums, name);
        drop(store);
        // One that comes when all was read knows that the session has ended.
        follow(&dir(temp.path()), target);
        let mut store = crate::place::store(target);
        by_name(&mut store, &all, name);
    });
}

/// What a person asks for.
fn by_name(store: &mut Store, all: &[Sums], what: &str) {
    let database = store.database();
    let text = |rows: &[Vec<Value>], row: usize, column: usize| {
        rows[row][column].text().unwrap_or("-").to_owned()
    };
    let count = number(
        database,
        "SELECT COUNT(*) FROM orders WHERE symbol IN ('AAPL', 'MSFT') AND account = 'main' AND strategy IN ('mm', 'take') AND gateway = 'ouch' AND day IN ('2026-11-20', '2026-11-21')",
    );
    assert_eq!(count, all.iter().map(|sums| sums.orders).sum::<i64>(), "{what}");
    let fills = number(
        database,
        "SELECT COUNT(*) FROM fills WHERE liquidity = 'A' AND event = 'Executed' AND symbol IS NOT NULL",
    );
    assert_eq!(fills, all.iter().map(|sums| sums.executions).sum::<i64>(), "{what}");
    let refused = database
        .rows(
            "SELECT reason, CAST(SUM(refusals) AS TEXT) FROM refusals_by_reason GROUP BY reason",
            Vec::new(),
        )
        .unwrap();
    let total: i64 = all.iter().map(|sums| sums.refusals).sum();
    assert_eq!((text(&refused, 0, 0), text(&refused, 0, 1)), ("COLLAR".into(), total.to_string()));
    // Two sessions of one day are one day's profit, told by the later.
    let days = database
        .rows(
            "SELECT day, strategy, symbol, realised_e6 FROM pnl_by_day ORDER BY day, strategy, symbol",
            Vec::new(),
        )
        .unwrap();
    assert_eq!(days.len(), 8, "{what}: {days:?}");
    let expected = |sums: &Sums, strategy, instrument| {
        let (_, realised) = sums.positions[&(strategy, instrument)];
        i64::try_from(realised.div_euclid(100_000_000_000)).unwrap()
    };
    for (row, sums) in [(0, &all[1]), (4, &all[2])] {
        assert_eq!(days[row][3].int(), Some(expected(sums, 1, 0)), "{what}: {days:?}");
        assert_eq!((text(&days, row, 1), text(&days, row, 2)), ("mm".into(), "AAPL".into()));
    }
    assert_eq!((text(&days, 0, 0), text(&days, 4, 0)), ("2026-11-20".into(), "2026-11-21".into()));
    assert_eq!(number(database, "SELECT COUNT(*) FROM positions"), 4, "{what}: the last session's");
    let commands =
        database.rows("SELECT op, body FROM commands ORDER BY epoch", Vec::new()).unwrap();
    assert_eq!((commands.len(), text(&commands, 0, 1)), (3, "firm; it's a test".to_owned()));
    let limits = database.rows("SELECT source, reason, body FROM limit_sets", Vec::new()).unwrap();
    assert_eq!(
        (limits.len(), text(&limits, 0, 1), text(&limits, 0, 2)),
        (1, "why".into(), "[[l]]".into())
    );
    let closed = "SELECT COUNT(*) FROM sessions WHERE complete_ns IS NOT NULL AND closed_ns IS NOT NULL AND topology = 'fused'";
    assert_eq!(number(database, closed), 3, "{what}");
}

/// Goal: a decimal in a view is the integer in the table, of either sign. Method: the view's text
/// against one made here.
#[test]
fn views_show_decimals_exactly() {
    let temp = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(temp.path(), 1, 7, DAY);
    for _ in 0..100 {
        engine.order();
    }
    engine.stop();
    each(temp.path(), |name, target| {
        let mut store = store(target);
        rebuild(&mut store, &dir(temp.path()), None).unwrap();
        let sql = "SELECT e.qty_e8, CAST(f.qty AS TEXT), e.px_e9, CAST(f.px AS TEXT) FROM fills f \
                   JOIN executions e ON e.epoch = f.epoch AND e.lane = f.lane AND e.seq = f.seq";
        let mut signs = [0, 0];
        for row in store.database().rows(sql, Vec::new()).unwrap() {
            let shown = |value: i64, scale: i64, digits: usize| {
                let sign = if value < 0 { "-" } else { "" };
                let (whole, rest) = (value.abs() / scale, value.abs() % scale);
                format!("{sign}{whole}.{rest:0digits$}")
            };
            let (qty, px) = (row[0].int().unwrap(), row[2].int().unwrap());
            assert_eq!(row[1].text().unwrap(), shown(qty, Qty::SCALE, 8), "{name}");
            assert_eq!(row[3].text().unwrap(), shown(px, Price::SCALE, 9), "{name}");
            signs[usize::from(qty < 0)] += 1;
        }
        assert!(signs[0] > 0 && signs[1] > 0, "{name}: {signs:?}");
        let sql = "SELECT realised_e6 - fees_e6, CAST(net AS TEXT) FROM pnl_by_day";
        for row in store.database().rows(sql, Vec::new()).unwrap() {
            let value = row[0].int().unwrap();
            let sign = if value < 0 { "-" } else { "" };
            let (whole, rest) = (value.abs() / 1_000_000, value.abs() % 1_000_000);
            assert_eq!(row[1].text().unwrap(), format!("{sign}{whole}.{rest:06}"), "{name}");
        }
    });
}

/// Goal: an order shows the state it is in: replaced, canceled, carried over a start, a replace
/// that came too late. Method: a chain of three by hand, whose second is carried and canceled.
#[test]
fn an_order_shows_its_state() {
    let temp = tempfile::tempdir().unwrap();
    let id = |uses| ClOrdId::new(1, StrategyId(1), 9, uses);
    let approved = |uses: u32, orig| Approved {
        px: Price(5_000_000_000),
        qty: Qty(300 * Qty::SCALE),
        cl_ord_id: id(uses),
        orig_cl_ord_id: orig,
        instrument: InstrumentId(1),
        side: Side::Sell as u8,
        ..Approved::default()
    };
    let event = |uses: u32, kind: Kind, base: Base| OrderEvent {
        cl_ord_id: id(uses),
        instrument: InstrumentId(1),
        event: kind as u8,
        base: base as u8,
        side: Side::Sell as u8,
        qty: Qty(300 * Qty::SCALE),
        leaves_qty: Qty(300 * Qty::SCALE),
        ..OrderEvent::default()
    };
    let mut engine = Engine::start(temp.path(), 1, 7, DAY);
    engine.risk(RecordKind::Approved, approved(0, ClOrdId::NONE).bytes());
    engine.risk(RecordKind::Approved, approved(1, id(0)).bytes());
    engine.risk(RecordKind::OrderEvent, event(0, Kind::Accepted, Base::New).bytes());
    engine.risk(RecordKind::Approved, approved(2, id(1)).bytes());
    engine.risk(RecordKind::OrderEvent, event(1, Kind::Replaced, Base::New).bytes());
    let external = OrderEvent {
        cl_ord_id: ClOrdId::external(InstrumentId(1), 2),
        ..event(0, Kind::Executed, Base::Filled)
    };
    engine.risk(RecordKind::OrderEvent, external.bytes());
    let down = OrderEvent { cl_ord_id: ClOrdId::NONE, ..event(0, Kind::SessionDown, Base::New) };
    engine.risk(RecordKind::OrderEvent, down.bytes());
    engine.risk(RecordKind::OrderEvent, &[1, 2, 3]);
    engine.stop();
    let mut engine = Engine::start(temp.path(), 2, 7, DAY);
    engine.risk(RecordKind::CarryOrder, event(1, Kind::Accepted, Base::New).bytes());
    engine.risk(RecordKind::OrderEvent, event(1, Kind::Canceled, Base::Canceled).bytes());
    engine.stop();
    each(temp.path(), |name, target| {
        let mut store = store(target);
        rebuild(&mut store, &dir(temp.path()), None).unwrap();
        let sql = "SELECT cl_ord_id, state, CAST(px AS TEXT), epoch FROM orders ORDER BY cl_ord_id";
        let rows = store.database().rows(sql, Vec::new()).unwrap();
        let states: Vec<_> = rows.iter().map(|row| row[1].text().unwrap().to_owned()).collect();
        assert_eq!(states, ["REPLACED", "CANCELED", "LAPSED"], "{name}");
        assert!(rows.iter().all(|row| row[2].text() == Some("5.000000000")), "{name}: {rows:?}");
        assert!(rows.iter().all(|row| row[3].int() == Some(1)), "{name}: carried is known");
        let sql = "SELECT COUNT(*) FROM order_states WHERE cl_ord_id = 'external:1:2'";
        assert_eq!(number(store.database(), sql), 1, "{name}");
        assert_eq!(number(store.database(), "SELECT COUNT(*) FROM order_states"), 3, "{name}");
    });
}

/// Goal: two that write into one database do not both: the second to come finds out, and writes
/// nothing. Method: two stores opened on one database, a batch each.
#[test]
fn a_second_writer_is_found_out() {
    let temp = tempfile::tempdir().unwrap();
    Engine::start(temp.path(), 1, 7, DAY).stop();
    each(temp.path(), |name, target| {
        let (mut one, mut other) = (store(target), store(target));
        rebuild(&mut one, &dir(temp.path()), None).unwrap();
        let mut batch = other.batch().unwrap();
        let error = other.write(&mut batch, &[]).unwrap_err();
        assert!(matches!(error, StoreError::OtherWriter { .. }), "{name}: {error}");
    });
}

/// Goal: a comparison with the journal finds what was changed, added or removed, in the table it
/// is in, and nothing in a database that is as it should be; also where the journal has gone on.
#[test]
fn a_comparison_finds_every_change() {
    let temp = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(temp.path(), 1, 7, DAY);
    (0..300).for_each(|_| engine.order());
    engine.archive();
    let journal = dir(temp.path());
    let mut round = 0;
    let mut compared = |store: &mut Store| {
        round += 1;
        let fresh = Target::Sqlite(temp.path().join(format!("fresh-{round}.db")));
        let differences = compare(store, &mut crate::place::store(&fresh), &journal).unwrap();
        differences.unwrap().iter().map(|found| found.table).collect::<Vec<_>>()
    };
    each(temp.path(), |name, target| {
        let mut store = store(target);
        rebuild(&mut store, &journal, None).unwrap();
        (0..10).for_each(|_| engine.order());
        engine.archive();
        assert!(compared(&mut store).is_empty(), "{name}");
        for (table, change, back) in [
            (
                "executions",
                "UPDATE executions SET px_e9 = px_e9 + 1 WHERE seq = (SELECT MIN(seq) FROM executions)",
                "UPDATE executions SET px_e9 = px_e9 - 1 WHERE seq = (SELECT MIN(seq) FROM executions)",
            ),
            ("refusals", "UPDATE refusals SET epoch = 9", "UPDATE refusals SET epoch = 1"),
            (
                "accounts",
                "INSERT INTO accounts (engine, config_sha256, id, name, currency) VALUES (0, 'x', 1, 'y', 'z')",
                "DELETE FROM accounts WHERE name = 'y'",
            ),
            ("order_states", "DELETE FROM order_states", ""),
        ] {
            store.database().script(change).unwrap();
            assert_eq!(compared(&mut store), [table], "{name}");
            store.database().script(back).unwrap();
        }
    });
}

/// Goal: the service comes back from a database that is locked, and nothing is missing or twice.
/// Method: another connection holds a write lock over some turns.
#[test]
fn a_locked_database_is_waited_for() {
    let temp = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(temp.path(), 1, 7, DAY);
    let target = Target::Sqlite(temp.path().join("store.db"));
    let commit = Duration::from_millis(1);
    let settings = Settings::plain(target.clone(), 100, commit);
    let mut service = StoreService::start(&dir(temp.path()), settings).unwrap();
    (0..50).for_each(|_| engine.order());
    engine.archive();
    let second = StoreService::start(&dir(temp.path()), Settings::plain(target.clone(), 1, commit));
    assert!(matches!(second.unwrap_err(), StoreError::Locked { .. }));
    let mut holder = target.open(false).unwrap();
    holder.script("BEGIN IMMEDIATE").unwrap();
    while service.progress().failures == 0 {
        service.turn().unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(service.progress().waits.as_ref().is_some_and(|why| why.contains("locked")));
    holder.script("ROLLBACK").unwrap();
    let sums = engine.stop();
    while !service.turn().unwrap().closed {
        std::thread::sleep(Duration::from_millis(1));
    }
    service.flush().unwrap();
    assert_eq!(service.progress().waits, None);
    drop(service);
    agrees(&mut store(&target), &[&sums], "after the lock");
}

/// Reads `dir` into `target` until its session has ended: what a services process does.
pub(crate) fn follow(dir: &Path, target: &Target) {
    let commit = Duration::from_millis(5);
    let settings = Settings::plain(target.clone(), 5_000, commit);
    let mut service = StoreService::start(dir, settings).unwrap();
    while !service.turn().unwrap().closed {
        let progress = service.progress();
        assert!(progress.failures < 20, "{:?}", progress.waits);
        if progress.behind {
            continue;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    service.flush().unwrap();
}
