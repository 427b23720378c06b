use super::*;
use crate::map::Options;
use std::thread;

const SHAPE: Shape =
    Shape { gateways: 2, accounts: 3, strategies: 4, instruments: 5, names_hash: 77 };

fn scopes() -> Vec<Scope> {
    let gateways = || (0..2).map(GatewayId);
    let mut scopes = vec![Scope::Global];
    scopes.extend(gateways().map(Scope::Venue).chain(gateways().map(Scope::Session)));
    scopes.extend((0..3).map(|id| Scope::Account(AccountId(id))));
    scopes.extend((0..4).map(|id| Scope::Strategy(StrategyId(id))));
    scopes.extend((0..5).map(|id| Scope::Instrument(InstrumentId(id))));
    scopes
}

/// Whether a closed scope stops an order: the obvious model.
fn stops(scope: Scope, strategy: u8, account: u16, instrument: u32, gateway: u8) -> bool {
    match scope {
        Scope::Global => true,
        Scope::Venue(id) | Scope::Session(id) => id.0 == gateway,
        Scope::Account(id) => id.0 == account,
        Scope::Strategy(id) => id.0 == strategy,
        Scope::Instrument(id) => id.0 == instrument,
    }
}

fn passes(gates: &Gates, order: (u8, u16, u32, u8)) -> bool {
    let (strategy, account, instrument, gateway) = order;
    gates.is_open(
        StrategyId(strategy),
        AccountId(account),
        InstrumentId(instrument),
        GatewayId(gateway),
    )
}

fn orders() -> impl Iterator<Item = (u8, u16, u32, u8)> {
    let step = if cfg!(miri) { 17 } else { 1 };
    (0..4 * 3 * 5 * 2u32).step_by(step).map(|n| {
        let part = |of: u32, count: u32| (n / of % count) as u8;
        (part(1, 4), part(4, 3).into(), part(12, 5).into(), part(60, 2))
    })
}

/// Goal: each gate stops exactly its orders, whoever closed it, until it is opened. Method: every
/// scope by every trigger, every order against the obvious model.
#[test]
fn each_gate_stops_exactly_its_orders() {
    for (scope, trigger) in
        scopes().into_iter().flat_map(|scope| Trigger::ALL.map(|by| (scope, by)))
    {
        let (gates, mut opener) = Gates::in_memory(SHAPE).unwrap();
        assert!(orders().all(|order| passes(&gates, order)) && !gates.summary().some_closed());
        let closed = gates.close(scope, trigger);
        assert!(closed.some_closed() && closed.global_closed() == (scope == Scope::Global));
        assert_eq!(gates.closed().collect::<Vec<_>>(), [scope]);
        assert_eq!(
            (gates.closed_by(scope).collect::<Vec<_>>(), gates.summary()),
            (vec![trigger], closed)
        );
        for order in orders() {
            let (strategy, account, instrument, gateway) = order;
            let stopped = stops(scope, strategy, account, instrument, gateway);
            assert_eq!(passes(&gates, order), !stopped, "{scope:?} {order:?}");
        }
        gates.close(scope, trigger);
        let opened = opener.try_open(&opener.judge(scope).unwrap()).unwrap();
        assert!(!opened.some_closed() && opened.generation() > closed.generation());
        assert!(orders().all(|order| passes(&gates, order)) && gates.closed().next().is_none());
    }
}

/// Goal: a judgement opens only what it saw, and only while nothing else happened. Method: a
/// closing of the same and of another scope after the judgement; then again.
#[test]
fn an_outdated_judgement_opens_nothing() {
    for other in [Scope::Global, Scope::Account(AccountId(2))] {
        let (gates, mut opener) = Gates::in_memory(SHAPE).unwrap();
        gates.close(Scope::Global, Trigger::Operator);
        let judged = opener.judge(Scope::Global).unwrap();
        let now = gates.close(other, Trigger::Guard);
        assert_eq!(opener.try_open(&judged), Err(Outdated { now }));
        assert!(gates.is_closed(Scope::Global) && gates.is_closed(other));
        let judged = opener.judge(Scope::Global).unwrap();
        assert_eq!(judged.scope(), Scope::Global);
        let opened = opener.try_open(&judged).unwrap();
        assert_eq!(opened.some_closed(), other != Scope::Global);
        assert!(!opened.global_closed() && !gates.is_closed(Scope::Global));
        assert!(opener.try_open(&judged).is_err(), "a judgement is used once");
    }
}

/// Goal: what the file has no gate for is closed, and closing it stops everything.
#[test]
fn unknown_scopes_fail_closed() {
    let (gates, opener) = Gates::in_memory(SHAPE).unwrap();
    let unknown = Scope::Instrument(InstrumentId::NONE);
    assert!(gates.is_closed(unknown) && opener.judge(unknown).is_none());
    gates.close(Scope::Strategy(StrategyId(1)), Trigger::Breaker);
    assert!(!passes(&gates, (0, 0, u32::MAX, 0)) && !passes(&gates, (4, 0, 0, 0)));
    assert!(gates.close(Scope::Account(AccountId(3)), Trigger::Signal).global_closed());
    assert!(orders().all(|order| !passes(&gates, order)));
    let large = Shape { instruments: Shape::INSTRUMENTS_MAX + 1, ..SHAPE };
    assert!(Gates::in_memory(large).is_none());
}

/// Goal: no closing is lost on real threads. Method: closers of different triggers close in turn
/// and look at once; the opener opens whatever it finds; in the end all that was closed last and
/// not judged since is closed, and a final opening opens all.
#[test]
fn closings_hold_against_a_busy_opener() {
    let turns: u64 = if cfg!(miri) { 50 } else { 20_000 };
    let scopes = [Scope::Global, Scope::Venue(GatewayId(0)), Scope::Instrument(InstrumentId(4))];
    let (gates, mut opener) = Gates::in_memory(SHAPE).unwrap();
    thread::scope(|scope| {
        let closers: Vec<_> = Trigger::ALL
            .into_iter()
            .zip(scopes.into_iter().cycle())
            .map(|(trigger, target)| {
                let gates = gates.clone();
                scope.spawn(move || (0..turns).for_each(|_| _ = gates.close(target, trigger)))
            })
            .collect();
        while !closers.iter().all(|closer| closer.is_finished()) {
            for target in scopes {
                let judged = opener.judge(target).unwrap();
                if opener.try_open(&judged).is_ok() {
                    // Only what was judged is open: a closing since then still holds, as soon as
                    // its thread has come from the latch to the summary.
                    let now = gates.latches_at(judged.place, Ordering::Acquire).unwrap();
                    let moved = |gates: &Gates| {
                        gates.summary().generation() > judged.summary.generation() + 1
                    };
                    let holds = now == judged.latches
                        || (0..1_000_000).any(|_| {
                            thread::yield_now();
                            moved(&gates)
                        });
                    assert!(holds);
                }
            }
            thread::yield_now();
        }
    });
    for (trigger, target) in Trigger::ALL.into_iter().zip(scopes.into_iter().cycle()) {
        let latches = gates.latches_at(SHAPE.place(target).unwrap(), Ordering::Relaxed).unwrap();
        assert_eq!(latches[trigger as usize], turns);
    }
    for target in scopes {
        gates.close(target, Trigger::Operator);
        let before = gates.closed().filter(|&closed| closed == target).count();
        assert_eq!(before, 1);
        assert!(gates.summary().some_closed() && !passes(&gates, (0, 0, 4, 0)));
        opener.try_open(&opener.judge(target).unwrap()).unwrap();
    }
    for target in gates.closed().collect::<Vec<_>>() {
        opener.try_open(&opener.judge(target).unwrap()).unwrap();
    }
    assert!(!gates.summary().some_closed());
}

/// Goal: what is closed stays closed over a restart, a kill reaches a running engine through
/// another mapping, and a closing cut off in the middle is in force after the next start.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn closed_gates_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gates");
    let (gates, mut opener) = Gates::create_or_open(&path, SHAPE, Options::HOT).unwrap();
    assert_eq!(gates.closed().collect::<Vec<_>>(), [Scope::Global], "not armed yet");
    opener.try_open(&opener.judge(Scope::Global).unwrap()).unwrap();
    assert!(passes(&gates, (0, 0, 0, 0)));
    let kill = Gates::open(&path).unwrap();
    kill.close(Scope::Strategy(StrategyId(2)), Trigger::Operator);
    assert!(!passes(&gates, (2, 0, 0, 0)) && passes(&gates, (1, 0, 0, 0)));
    let generation = gates.summary().generation();
    // A process that died after it moved the latch: no bit in the summary.
    gates.word(Trigger::Guard.row(), 1).unwrap().fetch_add(1, Ordering::Relaxed);
    gates.words.get(SUMMARY).unwrap().fetch_and(!3, Ordering::Relaxed);
    drop((gates, opener));
    let (gates, _) = Gates::create_or_open(&path, SHAPE, Options::HOT).unwrap();
    let expected = [Scope::Venue(GatewayId(0)), Scope::Strategy(StrategyId(2))];
    let by = expected.map(|scope| gates.closed_by(scope).collect::<Vec<_>>());
    assert_eq!(by, [[Trigger::Guard], [Trigger::Operator]]);
    assert_eq!(gates.closed().collect::<Vec<_>>(), expected);
    assert!(gates.summary().some_closed() && gates.summary().generation() >= generation);
    assert!(!passes(&gates, (2, 0, 0, 1)) && !passes(&gates, (0, 0, 0, 0)));
}

/// Goal: a gate that nobody has opened is told from one that was closed, over restarts. Method: new
/// gates, opened anew; then a kill of them, and an arming with a kill.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn gates_that_nobody_touched_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gates");
    let open = || Gates::create_or_open(&path, SHAPE, Options::COLD).unwrap();
    for _ in 0..2 {
        assert!(open().0.is_as_made());
    }
    open().0.close(Scope::Global, Trigger::Operator);
    assert!(!open().0.is_as_made(), "killed before anybody armed");
    let (gates, mut opener) = open();
    opener.try_open(&opener.judge(Scope::Global).unwrap()).unwrap();
    assert!(!gates.is_as_made());
    gates.close(Scope::Global, Trigger::Operator);
    assert!(!open().0.is_as_made());
}

/// Goal: a file whose indexes meant other things is replaced, and then everything is closed.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn gates_of_other_names_start_closed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gates");
    for shape in [SHAPE, Shape { names_hash: 78, ..SHAPE }, Shape { instruments: 6, ..SHAPE }] {
        let (gates, mut opener) = Gates::create_or_open(&path, shape, Options::COLD).unwrap();
        assert_eq!((gates.shape(), gates.is_closed(Scope::Global)), (&shape, true));
        opener.try_open(&opener.judge(Scope::Global).unwrap()).unwrap();
    }
    let large = Shape { gateways: 257, ..SHAPE };
    let error = Gates::create_or_open(&path, large, Options::COLD).unwrap_err();
    assert!(matches!(error, GatesError::BadShape), "{error}");
}

/// Goal: what is not a gates file is refused, left alone, and never a crash. Method: each word of
/// the header spoiled, every short length, other files.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn damaged_gates_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gates");
    assert!(matches!(Gates::open(&path), Err(GatesError::Map(_))), "missing");
    drop(Gates::create_or_open(&path, SHAPE, Options::COLD).unwrap());
    let good = std::fs::read(&path).unwrap();
    let refused = |file: &[u8]| {
        std::fs::write(&path, file).unwrap();
        let error = Gates::open(&path).unwrap_err();
        let again = Gates::create_or_open(&path, SHAPE, Options::COLD).unwrap_err();
        assert_eq!(again.to_string(), error.to_string());
        assert_eq!(std::fs::read(&path).unwrap(), file, "left alone");
        error
    };
    for at in (0..56).step_by(8) {
        let mut file = good.clone();
        file[at..at + 8].copy_from_slice(&(u64::MAX / 3).to_ne_bytes());
        let error = refused(&file);
        match at {
            8 => assert!(matches!(error, GatesError::OtherVersion { .. }), "{error}"),
            _ => assert!(matches!(error, GatesError::NotGates), "{at}: {error}"),
        }
    }
    for len in [1, 8, 255, 256, 1024, good.len() - 1] {
        assert!(matches!(refused(&good[..len]), GatesError::NotGates), "{len}");
    }
    assert!(matches!(refused(&[]), GatesError::Map(_)));
}

/// Goal: the layout is the one on the module's page. Method: sizes and places pinned by hand.
#[test]
fn the_layout_is_pinned() {
    // 1 + 2 * 2 + 3 + 4 + 5 = 17 scopes, a row of 32 words, 11 rows after 256 bytes.
    assert_eq!((SHAPE.scopes(), SHAPE.row_words(), SHAPE.words() * 8), (17, 32, 256 + 11 * 256));
    for (place, scope) in scopes().into_iter().enumerate() {
        assert_eq!(SHAPE.place(scope), Some(place));
        assert_eq!(SHAPE.scope_at(place), Some(scope));
    }
    assert_eq!(SHAPE.scope_at(17), None);
    assert_eq!(Trigger::ALL.map(Trigger::row), [1, 2, 3, 4, 5]);
    assert_eq!(Trigger::ALL.map(Trigger::row_opened), [6, 7, 8, 9, 10]);
}
