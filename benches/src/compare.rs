//! Placements beside each other on this machine: layouts, rings and wait strategies, by turns in
//! one run, at stated rates of market data.
//!
//! ```text
//! market, on its clock ─► line ─► feed ─► strategy ─► risk ─► gateway ─► venue      (in memory)
//!        due ──────────────────────── latency ──────────────────────► sent
//! ```
//!
//! The market is an open loop: each message is due at its time, whether or not the engine keeps up,
//! and latency counts from there, so that a stall shows in every message that came meanwhile. One
//! message in four moves the top and asks for an order. `empty` is a loop that takes and sends and
//! does nothing in between: what measuring costs, and the market's own lateness.

use crate::figure::Figure;
use shm::histogram::Snapshot;

mod report;
mod rig;

pub use report::{recommended, text};

/// One way to place the stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// `fused`, `split2`, `split4`; `empty` for no stage at all.
    pub layout: &'static str,
    /// What joins two stages, from feed to strategies apart: `slot` or `rtrb`.
    pub ring: &'static str,
    /// What a thread does that found nothing: `spin`, `spin_hint`, `yield`.
    pub wait: &'static str,
}

/// Layout of the loop that does nothing.
pub const EMPTY: &str = "empty";

/// What is compared. Who splits wants to know of rings; who shares a core, of waiting.
const VARIANTS: [Variant; 13] = [
    of(EMPTY, "slot", "spin_hint"),
    of("fused", "slot", "spin"),
    of("fused", "slot", "spin_hint"),
    of("fused", "slot", "yield"),
    of("fused", "rtrb", "spin_hint"),
    of("split2", "slot", "spin"),
    of("split2", "slot", "spin_hint"),
    of("split2", "slot", "yield"),
    of("split2", "rtrb", "spin_hint"),
    of("split4", "slot", "spin"),
    of("split4", "slot", "spin_hint"),
    of("split4", "slot", "yield"),
    of("split4", "rtrb", "spin_hint"),
];

const fn of(layout: &'static str, ring: &'static str, wait: &'static str) -> Variant {
    Variant { layout, ring, wait }
}

/// Messages a second; `None` for as fast as they are taken.
pub type Rate = Option<u64>;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Rounds; in each every variant has its turn.
    pub rounds: usize,
    /// Rates, in messages a second; as fast as possible comes besides.
    pub rates: Vec<u64>,
}

/// What one variant came to at one rate.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which.
    pub variant: Variant,
    /// How fast messages were due.
    pub rate: Rate,
    /// More hot threads than cores: with the market's own, which spins as well.
    pub is_crowded: bool,
    /// From due to sent, ns, of all rounds.
    pub latency: Snapshot,
    /// Its median, ns, by round.
    pub p50: Figure,
    /// Messages taken a second, by round.
    pub taken: Figure,
    /// Messages that asked for an order. Where fewer orders were sent, the others met a strategy
    /// whose orders were still on their way, or a top that had moved on.
    pub asked: u64,
}

/// The turn of a variant, as it begins.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Whose it is.
    pub variant: Variant,
    /// Turns that are done.
    pub done: usize,
    /// Turns of the whole run.
    pub of: usize,
}

/// Takes every variant by turns; `told` hears of each as it begins.
///
/// # Errors
/// One sentence: a part did not do what it should.
pub fn run(wanted: &Wanted, mut told: impl FnMut(Turn)) -> Result<Vec<Outcome>, String> {
    let rates: Vec<Rate> =
        wanted.rates.iter().copied().map(Some).chain(std::iter::once(None)).collect();
    let world = rig::World::new();
    let mut variants: Vec<Variant> = Vec::new();
    for variant in VARIANTS {
        // Where threads must yield, whatever they were told, one of the three says it all.
        let variant = world.placed(variant);
        if !variants.contains(&variant) {
            variants.push(variant);
        }
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    let of = wanted.rounds * variants.len();
    for round in 0..wanted.rounds {
        for (at, variant) in variants.iter().enumerate() {
            told(Turn { variant: *variant, done: round * variants.len() + at, of });
            for taken in world.round(*variant, &rates)? {
                let known = outcomes
                    .iter_mut()
                    .find(|known| (known.variant, known.rate) == (taken.variant, taken.rate));
                match known {
                    Some(known) => known.add(&taken)?,
                    None => outcomes.push(taken),
                }
            }
        }
    }
    Ok(outcomes)
}

impl Outcome {
    fn add(&mut self, other: &Self) -> Result<(), String> {
        if !self.latency.merge(&other.latency) {
            return Err("two rounds count latency in different buckets".to_owned());
        }
        self.p50.values.extend(&other.p50.values);
        self.taken.values.extend(&other.taken.values);
        self.asked += other.asked;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: every variant turns messages into orders at every rate, and the empty loop answers all
    // of them. Method: one round of a short run.
    #[test]
    fn every_placement_answers() {
        let outcomes = run(&Wanted { rounds: 1, rates: vec![20_000] }, |_| {}).unwrap();
        assert!(outcomes.len() >= 2 * 4, "{}", outcomes.len());
        for outcome in &outcomes {
            let orders = outcome.latency.count();
            assert!(orders > 0 && orders <= outcome.asked, "{outcome:?}");
            if outcome.variant.layout == EMPTY {
                assert_eq!(orders, outcome.asked, "{:?}", outcome.rate);
            }
        }
        assert!(text(&outcomes).contains("as fast as possible"));
    }
}
