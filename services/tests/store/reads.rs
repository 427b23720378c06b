//! Reads of a store through the cache: what they answer, how they come, and when they end.

use crate::journal::{DAY, Engine, dir};
use crate::place::{each, number, store};
use services::cache::{Cache, Origin, Settings};
use services::reads::{Asked, Desk, Reads, Times, Told, ask};
use services::store::{StoreService, Target, rebuild};
use shm::ids::{ClOrdId, InstrumentId, StrategyId};
use shm::message::{Kind, Side};
use shm::record::RecordKind;
use shm::record::order::{Approved, Base, OrderEvent};
use shm::units::{Nanos, Price, Qty};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn reads(target: &Target) -> Reads {
    let settings = Settings {
        memory_bytes_max: 1 << 20,
        disk: None,
        redis: None,
        stale_max: Duration::from_secs(5),
        keep: Duration::from_secs(60),
    };
    // A clock that stands: nothing ends by its time.
    let cache = Cache::open(&settings, Arc::new(|| Nanos(1_000_000_000_000))).unwrap();
    let hour = Duration::from_secs(3_600);
    let times =
        Times { instrument: hour, order: hour, order_ended: hour, day: hour, day_past: hour };
    Reads::new(cache, target.clone(), times)
}

fn service(base: &Path, target: &Target) -> StoreService {
    let commit = Duration::from_millis(1);
    let settings = services::store::Settings::plain(target.clone(), 10_000, commit);
    StoreService::start(&dir(base), settings).unwrap()
}

/// Reads all that is there, writes it, and ends what that made untrue.
fn follow(service: &mut StoreService, reads: &Reads) {
    // A new session shows in the turn after the one that came to the end of the last.
    let mut quiet = 0;
    while quiet < 3 {
        quiet = if service.turn().unwrap().records == 0 { quiet + 1 } else { 0 };
    }
    service.flush().unwrap();
    assert!(reads.forget(&service.take_touched()));
}

/// Goal: instrument, order and day are what the journal says, the second time from memory; what is
/// not there is told as such. Method: against counts made as the journal is written.
#[test]
fn reads_answer_what_the_journal_says() {
    let temp = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(temp.path(), 1, 7, DAY);
    (0..200).for_each(|_| engine.order());
    let sums = engine.stop();
    each(temp.path(), |name, target| {
        let mut store = store(target);
        rebuild(&mut store, &dir(temp.path()), None).unwrap();
        let reads = reads(target);
        let found = reads.instrument("AAPL").unwrap();
        assert_eq!((found.value.len(), found.origin), (1, Origin::Source), "{name}");
        assert_eq!(found.value[0].symbol, "AAPL", "{name}");
        assert_eq!(reads.instrument("AAPL").unwrap().origin, Origin::Memory, "{name}");
        assert!(reads.instrument("NONE").unwrap().value.is_empty(), "{name}");
        let sql = "SELECT cl_ord_id FROM order_terms ORDER BY cl_ord_id LIMIT 1";
        let rows = store.database().rows(sql, Vec::new()).unwrap();
        let id = rows[0][0].text().unwrap();
        let order = reads.order(id).unwrap().value.unwrap();
        assert_eq!((&*order.cl_ord_id, order.epoch), (id, Some(1)), "{name}");
        assert!(order.qty.unwrap().ends_with("00.00000000"), "{name}");
        assert!(reads.order("0000000000000").unwrap().value.is_none(), "{name}");
        let day = reads.day("2026-11-20").unwrap().value;
        assert_eq!((day.sessions, day.open_sessions), (1, 0), "{name}: {day:?}");
        assert_eq!((day.orders, day.executions), (sums.orders, sums.executions), "{name}");
        assert_eq!(day.refusals, [("COLLAR".to_owned(), sums.refusals)], "{name}");
        assert_eq!(day.profit.len(), sums.positions.len(), "{name}: {day:?}");
        assert_eq!(reads.day("2026-11-20").unwrap().origin, Origin::Memory, "{name}");
        assert_eq!(reads.day("1999-01-01").unwrap().value.sessions, 0, "{name}");
    });
}

/// Goal: what the store writes ends what was kept of it: a session of its day and the instruments,
/// an undone fill its order, and nothing else. Method: the clock stands, so that nothing ends by
/// itself; asked before and after each.
#[test]
fn what_is_written_ends_what_was_kept() {
    let temp = tempfile::tempdir().unwrap();
    each(temp.path(), |name, target| {
        let base = temp.path().join(name);
        std::fs::create_dir(&base).unwrap();
        let id = ClOrdId::new(1, StrategyId(1), 9, 0);
        let approved = Approved {
            px: Price(5_000_000_000),
            qty: Qty(300 * Qty::SCALE),
            cl_ord_id: id,
            instrument: InstrumentId(1),
            side: Side::Sell as u8,
            ..Approved::default()
        };
        let event = |kind: Kind, base: Base, cum: i64| OrderEvent {
            cl_ord_id: id,
            instrument: InstrumentId(1),
            event: kind as u8,
            base: base as u8,
            side: Side::Sell as u8,
            qty: approved.qty,
            cum_qty: Qty(cum * Qty::SCALE),
            ..OrderEvent::default()
        };
        let mut engine = Engine::start(&base, 1, 7, DAY);
        engine.risk(RecordKind::Approved, approved.bytes());
        let filled = event(Kind::Executed, Base::Filled, 300);
        engine.risk(RecordKind::OrderEvent, filled.bytes());
        engine.archive();
        let (mut service, reads) = (service(&base, target), reads(target));
        follow(&mut service, &reads);
        let id = id.to_string();
        let cum = || reads.order(&id).unwrap().value.unwrap().cum_qty.unwrap();
        assert_eq!(cum(), "300.00000000", "{name}");
        assert_eq!(reads.day("2026-11-20").unwrap().value.open_sessions, 1, "{name}");
        assert_eq!(reads.instrument("AAPL").unwrap().origin, Origin::Source, "{name}");
        let plain = event(Kind::Executed, Base::Filled, 200);
        engine.risk(RecordKind::OrderEvent, plain.bytes());
        engine.archive();
        follow(&mut service, &reads);
        assert_eq!(cum(), "300.00000000", "{name}: kept, its time has not passed");
        let undone = event(Kind::Broken, Base::PartiallyFilled, 100);
        engine.risk(RecordKind::OrderEvent, undone.bytes());
        engine.archive();
        follow(&mut service, &reads);
        assert_eq!(cum(), "100.00000000", "{name}: undone");
        assert_eq!(reads.day("2026-11-20").unwrap().origin, Origin::Memory, "{name}");
        engine.stop();
        follow(&mut service, &reads);
        assert_eq!(reads.day("2026-11-20").unwrap().value.open_sessions, 0, "{name}");
        assert_eq!(reads.instrument("AAPL").unwrap().origin, Origin::Memory, "{name}");
        Engine::start(&base, 2, 8, DAY).stop();
        follow(&mut service, &reads);
        assert_eq!(reads.instrument("AAPL").unwrap().origin, Origin::Source, "{name}");
        assert_eq!(reads.day("2026-11-20").unwrap().value.sessions, 2, "{name}");
        let sql = "SELECT COUNT(*) FROM sessions";
        assert_eq!(number(store(target).database(), sql), 2, "{name}");
    });
}

/// Goal: another process asks, drops and looks through the socket, for which nonsense and a caller
/// that says nothing are nothing; without services there is no answer. Method: each request, twice
/// the desk.
#[test]
fn the_desk_answers() {
    let temp = tempfile::tempdir().unwrap();
    Engine::start(temp.path(), 1, 7, DAY).stop();
    let target = Target::Sqlite(temp.path().join("store.db"));
    let here = dir(temp.path());
    assert_eq!(ask(&here, &Asked::Stats).unwrap(), None);
    let away = Arc::new(reads(&target));
    let desk = Desk::open(&here, Arc::clone(&away)).unwrap();
    let get = Asked::Get { kind: "instrument".into(), name: "AAPL".into() };
    let told = ask(&here, &get).unwrap().unwrap();
    assert!(matches!(&told, Told::Failed { why } if why.contains("store.db")), "{told:?}");
    rebuild(&mut store(&target), &here, None).unwrap();
    let from = || match ask(&here, &get).unwrap().unwrap() {
        Told::Found { value, from, is_stale: false } => (value[0]["symbol"].to_string(), from),
        told => panic!("{told:?}"),
    };
    assert_eq!(from(), ("\"AAPL\"".to_owned(), "source".to_owned()));
    assert_eq!(from().1, "memory");
    let one = Asked::Drop { kind: "instrument".into(), name: "AAPL".into() };
    for drop in [one, Asked::DropTag { tag: "store".into() }] {
        let told = ask(&here, &drop).unwrap().unwrap();
        assert_eq!(told, Told::Dropped { is_everywhere: true, is_kept: true });
        assert_eq!(from().1, "source");
    }
    let wrong = [
        Asked::Get { kind: "orders".into(), name: "x".into() },
        Asked::Drop { kind: "orders".into(), name: "x".into() },
        Asked::DropTag { tag: "everything".into() },
    ];
    for asked in wrong {
        let told = ask(&here, &asked).unwrap().unwrap();
        assert!(matches!(&told, Told::Failed { why } if why.contains("no such")), "{told:?}");
    }
    let silent = std::os::unix::net::UnixStream::connect(services::reads::socket(&here)).unwrap();
    let told = ask(&here, &Asked::Stats).unwrap().unwrap();
    assert!(matches!(told, Told::Stats { stats } if stats.fills == 4), "{away:?}");
    drop(silent);
    assert!(Desk::open(&here, Arc::clone(&away)).is_err(), "one desk in a directory");
    drop(desk);
    assert_eq!(ask(&here, &Asked::Stats).unwrap(), None);
}
