//! The comparison in words: a table a rate, and what to write into the configuration.

use super::{EMPTY, Outcome, Rate, Variant};
use std::fmt::Write as _;

/// Per million.
const QUANTILES: [u32; 5] = [500_000, 900_000, 990_000, 999_000, 1_000_000];
/// The rate that decides: a busy instrument, and no backlog.
const DECIDES: u64 = 100_000;

fn title(rate: Rate) -> String {
    match rate {
        Some(rate) => format!("{rate} messages a second"),
        None => "as fast as possible".to_owned(),
    }
}

fn rates(outcomes: &[Outcome]) -> Vec<Rate> {
    let mut rates = Vec::new();
    for outcome in outcomes {
        if !rates.contains(&outcome.rate) {
            rates.push(outcome.rate);
        }
    }
    rates
}

/// The tables.
#[must_use]
pub fn text(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let mut is_crowded = false;
    for rate in rates(outcomes) {
        let head = ["p50", "p90", "p99", "p99.9", "max"].map(|name| format!("{name:>12}")).concat();
        let _ = writeln!(text, "{}, from due to sent, ns", title(rate));
        let _ = writeln!(
            text,
            "  layout  ring  wait       {head}   p50 by round        orders of asked   taken/s"
        );
        for outcome in outcomes.iter().filter(|outcome| outcome.rate == rate) {
            is_crowded |= outcome.is_crowded;
            row(&mut text, outcome);
        }
        text.push('\n');
    }
    if is_crowded {
        text.push_str(
            "  * more spinning threads than cores, the market's among them: what is shown is what\n    \
             yielding threads come to here, and not the layout's latency\n\n",
        );
    }
    text
}

fn row(text: &mut String, outcome: &Outcome) {
    let Outcome { variant, latency, p50, taken, asked, is_crowded, .. } = outcome;
    let mark = if *is_crowded { '*' } else { ' ' };
    let values = QUANTILES.map(|ppm| {
        let value = latency.value_at(ppm).map_or("-".to_owned(), |value| value.to_string());
        format!("{value:>12}")
    });
    let spread = format!("{:.0}..{:.0}", p50.least(), p50.greatest());
    let _ = writeln!(
        text,
        "{mark} {:<7} {:<5} {:<10} {}   {spread:<18} {:>7} of {:<7} {:>9.0}",
        variant.layout,
        variant.ring,
        variant.wait,
        values.concat(),
        latency.count(),
        asked,
        taken.median(),
    );
}

/// The placement with the least p99 at 100,000 messages a second, or at the rate nearest to it.
/// Who drops has it easy: only those take part that answered nine tenths of what the best answered.
fn best(outcomes: &[Outcome]) -> Option<&Outcome> {
    let asked = outcomes.iter().filter_map(|outcome| outcome.rate);
    let rate = asked.min_by_key(|rate| rate.abs_diff(DECIDES));
    let takes_part = |outcome: &&Outcome| outcome.rate == rate && outcome.variant.layout != EMPTY;
    let orders = outcomes.iter().filter(takes_part).map(|outcome| outcome.latency.count());
    let most = orders.max().filter(|most| *most > 0)?;
    let answers =
        |outcome: &&Outcome| takes_part(outcome) && outcome.latency.count() * 10 >= most * 9;
    let key = |outcome: &&Outcome| {
        let value = |ppm| outcome.latency.value_at(ppm).unwrap_or(u64::MAX);
        (outcome.is_crowded, value(990_000), value(500_000))
    };
    outcomes.iter().filter(answers).min_by_key(key)
}

/// What to write into the configuration, and why; `None` when no placement sent an order.
#[must_use]
pub fn recommended(outcomes: &[Outcome]) -> Option<String> {
    let best = best(outcomes)?;
    let Variant { layout, ring, wait } = best.variant;
    let value = |ppm| best.latency.value_at(ppm).unwrap_or(0);
    let mut text = format!(
        "# least p99 of what was measured at {}: {} ns, p50 {} ns\n\
         topology = {{ layout = \"{layout}\", wait = \"{wait}\", helpers = \"auto\" }}\n",
        title(best.rate),
        value(990_000),
        value(500_000),
    );
    if ring != "slot" {
        for (from, to) in super::rig::EDGES {
            let _ = write!(text, "[[link]]\nfrom = \"{from}\"\nto = \"{to}\"\nring = \"{ring}\"\n");
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Figure;
    use shm::histogram::{Buckets, Snapshot};
    use shm::region::RegionBuilder;
    use shm::units::Nanos;

    fn outcome(variant: Variant, rate: Rate, values: &[u64], asked: u64) -> Outcome {
        let mut builder = RegionBuilder::new(1, Nanos(0));
        builder.thread("t");
        let key = builder.histogram("h", "ns", 1 << 30, 3);
        let region = builder.create_in_memory().unwrap();
        let histogram = region.histogram(key).unwrap();
        values.iter().for_each(|value| histogram.record(*value));
        let latency = region.reader().unwrap().histogram("h").unwrap().snapshot();
        assert_ne!(latency, Snapshot::empty(Buckets::new(1 << 30, 3).unwrap()));
        let p50 = Figure { name: "p50", unit: "ns", values: vec![1.0] };
        let taken = Figure { name: "taken", unit: "1/s", values: vec![1.0] };
        Outcome { variant, rate, is_crowded: false, latency, p50, taken, asked }
    }

    // Goal: the advice is the least p99 at the rate that decides; neither the empty loop nor who
    // answers little, nor who shares cores wins. Method: one of each that is faster.
    #[test]
    fn the_advice_is_of_the_least_tail_that_answers() {
        let of = |layout, ring| Variant { layout, ring, wait: "spin" };
        let rate = Some(DECIDES);
        let mut all = vec![
            outcome(of(EMPTY, "slot"), rate, &[1], 1),
            outcome(of("fused", "slot"), rate, &[500; 10], 10),
            outcome(of("fused", "rtrb"), rate, &[400; 10], 10),
            outcome(of("split2", "slot"), rate, &[100; 8], 10),
            outcome(of("split4", "slot"), rate, &[100; 10], 10),
            outcome(of("fused", "slot"), None, &[10; 10], 10),
        ];
        all[4].is_crowded = true;
        let text = recommended(&all).unwrap();
        assert!(text.contains("layout = \"fused\"") && text.contains("ring = \"rtrb\""), "{text}");
        assert!(text.contains("p50 400 ns"), "{text}");
        assert!(super::text(&all).contains("* split4"), "{}", super::text(&all));
        assert_eq!(recommended(&all[..1]), None);
    }
}
