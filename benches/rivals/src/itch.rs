//! ITCH: decoding and books over one generated day, ours, rivals and the plain books by turns.

mod books;
mod decode;
mod report;
mod small;

use crate::stats::Spread;
use std::time::Instant;
use wirelane_day::{Config, Day, messages};

/// What was asked for.
pub struct Asked {
    /// Messages of the day; the small day, for what is slow, has a 32nd of them.
    pub messages: u64,
    pub symbols: u16,
    pub seed: u64,
    pub rounds: usize,
    /// The core this runs on; the first it may use unless given.
    pub core: Option<usize>,
    pub json: Option<String>,
}

/// The share of a day that the slow rivals are given.
const SMALL: u64 = 32;

/// A day in memory.
pub struct Made {
    bytes: Vec<u8>,
    messages: u64,
    symbols: u16,
    live_max: usize,
}

impl Made {
    fn new(config: Config) -> Self {
        let mut bytes = Vec::with_capacity(config.messages as usize * 32);
        let mut day = Day::new(config);
        while day.next(&mut bytes) {}
        let live_max = day.live_orders_max();
        Self { bytes, messages: config.messages, symbols: config.symbols, live_max }
    }
}

/// One way of doing something, and how fast it was each round, in million messages a second.
pub struct Way {
    name: &'static str,
    run: fn(&Made) -> Done,
    rates: Vec<f64>,
}

/// What one pass gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Done {
    seconds: f64,
    messages: u64,
    /// What all ways of a group must agree on.
    agreed: u64,
}

impl Done {
    /// Times a pass over a day.
    fn timed(made: &Made, pass: impl FnOnce() -> u64) -> Self {
        let begin = Instant::now();
        let agreed = pass();
        Self { seconds: begin.elapsed().as_secs_f64(), messages: made.messages, agreed }
    }
}

/// Ways that are given the same input and must agree.
pub struct Group {
    title: &'static str,
    /// Whether the small day is their input.
    small: bool,
    ways: Vec<Way>,
}

fn way(name: &'static str, run: fn(&Made) -> Done) -> Way {
    Way { name, run, rates: Vec::new() }
}

fn groups() -> Vec<Group> {
    vec![
        Group { title: "walk over the framing alone", small: false, ways: vec![way("walk", walk)] },
        Group { title: "decode to typed values", small: false, ways: decode::ways() },
        Group { title: "books of a whole day", small: false, ways: books::ways() },
        Group { title: "books of a small day", small: true, ways: small::ways() },
    ]
}

/// The least a serial reader does.
fn walk(made: &Made) -> Done {
    Done::timed(made, || {
        let mut counts = [0_u64; 256];
        for message in messages(&made.bytes) {
            counts[usize::from(message[0])] += 1;
        }
        counts[usize::from(b'A')]
    })
}

/// Runs every way once a round, in another order each round, and prints.
///
/// # Errors
/// A sentence: no such core, two ways that do not agree, or a file that cannot be written.
pub fn run(asked: &Asked) -> Result<(), String> {
    let core = pin(asked.core)?;
    let Asked { messages, symbols, seed, .. } = *asked;
    let made = Made::new(Config { messages, symbols, seed });
    let small = Made::new(Config { messages: messages / SMALL, symbols, seed });
    let mut groups = groups();
    let mut agreed: Vec<Option<u64>> = vec![None; groups.len()];
    for round in 0..asked.rounds.max(1) {
        for (group, agreed) in groups.iter_mut().zip(&mut agreed) {
            let input = if group.small { &small } else { &made };
            let count = group.ways.len();
            for turn in 0..count {
                let way = &mut group.ways[(turn + round) % count];
                let done = (way.run)(input);
                if *agreed.get_or_insert(done.agreed) != done.agreed {
                    return Err(format!("{}: {} does not agree", group.title, way.name));
                }
                way.rates.push(done.messages as f64 / done.seconds / 1e6);
            }
        }
    }
    let facts = report::Facts { core, bytes: books::bytes_of(&made), made, small };
    report::print(&groups, &facts);
    if let Some(path) = &asked.json {
        let text = report::json(&groups, &facts);
        std::fs::write(path, text).map_err(|error| format!("cannot write `{path}`: {error}"))?;
    }
    Ok(())
}

fn pin(core: Option<usize>) -> Result<usize, String> {
    let known = core_affinity::get_core_ids().unwrap_or_default();
    let core = core.or_else(|| known.first().map(|core| core.id)).unwrap_or(0);
    if core_affinity::set_for_current(core_affinity::CoreId { id: core }) {
        Ok(core)
    } else {
        Err(format!("this process may not use core {core}"))
    }
}

/// Ours over the other's, round by round.
fn ratio(ours: &Way, other: &Way) -> Option<Spread> {
    Spread::of(ours.rates.iter().zip(&other.rates).map(|(ours, other)| ours / other))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: every way agrees with the others of its group. Method: a day of 64,000 messages, one
    /// round.
    #[test]
    fn every_way_agrees() {
        let config = Config { messages: 64_000, symbols: 200, seed: 5 };
        let made = Made::new(config);
        for group in groups() {
            let mut agreed = group.ways.iter().map(|way| ((way.run)(&made).agreed, way.name));
            let first = agreed.next().unwrap();
            for (hash, name) in agreed {
                assert_eq!(hash, first.0, "{name} beside {}", first.1);
            }
        }
    }
}
