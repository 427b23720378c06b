//! What the generated flow looks like.

use super::*;
use crate::matching::{EventKind, Market, MarketEvent, Output, SelfMatch, Side};

struct Tape {
    events: Vec<MarketEvent>,
    /// Due time of the step each event came from.
    due_ns: Vec<u64>,
    market: Market,
    /// Samples of the spread in ticks.
    spreads: Vec<u32>,
    /// Live orders kept by the generator per step, at the end.
    seeded: usize,
}

fn generate(seed: u64, messages: usize, rate: u64) -> Tape {
    let symbols = built_in();
    let mut generator = Generator::new(GeneratorOptions { seed, rate }, &symbols);
    let mut market = Market::new(symbols.len() as u16, 1, SelfMatch::Allow);
    let mut out = Output::default();
    let mut due_ns = Vec::new();
    let mut spreads = Vec::new();
    let mut seeded = 0;
    while out.events.len() < messages {
        let due = generator.due_ns();
        if generator.is_seeding() {
            seeded = out.events.len();
        }
        generator.step(&mut market, &mut out);
        due_ns.resize(out.events.len(), due);
        if due_ns.len() % 16 == 0 && !generator.is_seeding() {
            for locate in 1..=symbols.len() as u16 {
                let book = market.book(locate).unwrap();
                assert!(!book.is_locked_or_crossed());
                let bid = book.best_px(Side::Buy).expect("a bid");
                let ask = book.best_px(Side::Sell).expect("an ask");
                spreads.push((ask - bid) / TICK_CENT);
            }
        }
    }
    Tape { events: out.events, due_ns, market, spreads, seeded }
}

/// Goal: the mix is that of a cancel-heavy feed, spreads are narrow, activity is skewed. Method:
/// 300,000 messages of three seeds after the opening book; shares against ranges around those
/// wanted.
#[test]
fn flow_is_cancel_heavy_with_narrow_spreads() {
    for seed in [1, 2, 3] {
        let tape = generate(seed, 300_000, 70_000);
        let events = &tape.events[tape.seeded..];
        let share = |wanted: fn(&EventKind) -> bool| {
            events.iter().filter(|event| wanted(&event.kind)).count() as f64 * 100.0
                / events.len() as f64
        };
        let adds = share(|kind| matches!(kind, EventKind::Add { .. }));
        let deletes = share(|kind| matches!(kind, EventKind::Deleted { .. }));
        let replaces = share(|kind| matches!(kind, EventKind::Replaced { .. }));
        let executed = share(|kind| matches!(kind, EventKind::Executed { .. }));
        let reduced = share(|kind| matches!(kind, EventKind::Reduced { .. }));
        let hidden = share(|kind| matches!(kind, EventKind::HiddenTrade { .. }));
        let narrow = tape.spreads.iter().filter(|&&ticks| (1..=3).contains(&ticks)).count() as f64
            / tape.spreads.len() as f64;
        println!(
            "seed {seed}: A {adds:.1} D {deletes:.1} U {replaces:.1} E {executed:.1} X {reduced:.1} \
             P {hidden:.1}; spreads of 1-3 ticks {narrow:.3}"
        );
        assert!((40.0..46.0).contains(&adds));
        assert!((38.0..45.0).contains(&deletes));
        assert!((7.0..11.0).contains(&replaces));
        assert!((2.0..5.0).contains(&executed));
        assert!((0.5..2.0).contains(&reduced));
        assert!((0.2..1.0).contains(&hidden));
        assert!(narrow > 0.9);
        let first = events.iter().filter(|event| event.locate == 1).count();
        let last = events.iter().filter(|event| event.locate == 8).count();
        assert!(first > last * 4, "activity is skewed: {first} against {last}");
        for locate in 1..=8 {
            let orders = tape.market.book(locate).unwrap().order_count();
            assert!((150..1200).contains(&orders), "the book neither drains nor swells: {orders}");
        }
    }
}

/// Goal: the schedule has the rate asked for and comes in bursts. Method: 300,000 messages at
/// 70,000 a second; mean rate within 10 %; variance over mean of counts per millisecond far above
/// Poisson's 1.
#[test]
fn schedule_keeps_the_rate_and_bursts() {
    let seed = 11;
    println!("seed {seed}");
    let tape = generate(seed, 300_000, 70_000);
    let start = tape.due_ns[tape.seeded + 1];
    let end = *tape.due_ns.last().unwrap();
    let messages = tape.events.len() - tape.seeded;
    let rate = messages as f64 * 1e9 / (end - start) as f64;
    println!("rate {rate:.0}");
    assert!((63_000.0..77_000.0).contains(&rate));
    assert!(tape.due_ns.is_sorted());
    let mut counts = vec![0_u32; ((end - start) / 1_000_000 + 1) as usize];
    for &due in tape.due_ns.iter().filter(|&&due| due >= start) {
        counts[((due - start) / 1_000_000) as usize] += 1;
    }
    let mean = messages as f64 / counts.len() as f64;
    let squares: f64 = counts.iter().map(|&count| (f64::from(count) - mean).powi(2)).sum();
    let dispersion = squares / counts.len() as f64 / mean;
    println!("dispersion {dispersion:.1}");
    assert!(dispersion > 5.0);
}

/// Goal: a seed names a flow. Method: events and due times of equal seeds are equal, of others not.
#[test]
fn equal_seeds_give_equal_flows() {
    let (first, again, other) =
        (generate(5, 50_000, 70_000), generate(5, 50_000, 70_000), generate(6, 50_000, 70_000));
    assert!(first.events == again.events && first.due_ns == again.due_ns);
    assert!(first.events != other.events);
}
