//! What a run says: ratios under fixed names with their goals, tables of everything, JSON.

use crate::pair::Pair;
use crate::rounds::{Mode, Run, Series, Taken};
use crate::stats::Spread;
use serde_json::{Value, json};

/// A figure: ours divided by another's, in one mode of the machine.
pub struct Figure {
    name: &'static str,
    mode: Mode,
    /// What is hoped for, in words that a person and a gate read alike.
    goal: Option<Goal>,
    /// `None`: the mode was not observed.
    spread: Option<Spread>,
}

#[derive(Clone, Copy)]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    fn words(self) -> String {
        match self {
            Self::AtMost(bound) => format!("<= {bound}"),
            Self::AtLeast(bound) => format!(">= {bound}"),
        }
    }

    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }
}

fn named<'run, T>(all: &'run [Series<T>], name: &str) -> &'run Series<T> {
    let found = all.iter().find(|series| series.name == name);
    found.expect("figures name candidates that are measured")
}

/// Ours over the other's, of rounds that measured both in `mode`.
fn paired<T>(
    ours: &Series<T>,
    other: &Series<T>,
    mode: Mode,
    value: fn(&Taken<T>) -> f64,
) -> Option<Spread> {
    Spread::of(ours.taken.iter().filter(|taken| taken.mode == mode).filter_map(|taken| {
        let theirs = other.taken.iter().find(|other| other.round == taken.round);
        theirs.filter(|other| other.mode == mode).map(|other| value(taken) / value(other))
    }))
}

fn alone<T>(series: &Series<T>, mode: Mode, value: fn(&Taken<T>) -> f64) -> Option<Spread> {
    Spread::of(series.taken.iter().filter(|taken| taken.mode == mode).map(value))
}

/// The figures with a fixed name. A hop is divided by the probes around it before it is compared.
pub fn figures(run: &Run) -> Vec<Figure> {
    let hop = |name| named(&run.hops, name);
    let rate = |name| named(&run.rates, name);
    let mut figures = Vec::new();
    for mode in Mode::ALL {
        let mut put = |name, goal, spread| figures.push(Figure { name, mode, goal, spread });
        let slot = hop("slot");
        let most = |bound| Some(Goal::AtMost(bound));
        let least = |bound| Some(Goal::AtLeast(bound));
        put("hop_slot_vs_raw", most(1.2), alone(slot, mode, |t| t.value.p50_ns / t.raw.p50_ns));
        put("hop_slot_p99_vs_raw", most(1.5), alone(slot, mode, |t| t.value.p99_ns / t.raw.p99_ns));
        let against = |other| paired(slot, hop(other), mode, |t| t.value.p50_ns / t.raw.p50_ns);
        put("hop_slot_vs_rtrb", most(0.7), against("rtrb"));
        put("hop_slot_vs_disruptor", most(0.65), against("disruptor"));
        put("hop_slot_vs_two_lines", None, against("two lines"));
        put("hop_slot_vs_raw_hint", None, against("two bare lines"));
        put("hop_slot_vs_rtrb_unaligned", None, against("rtrb, unaligned"));
        put("hop_slot_hint_vs_no_hint", None, against("slot, no hint"));
        let rates = |ours, other| paired(rate(ours), rate(other), mode, |t| t.value);
        let single = if mode == Mode::Far { 1.2 } else { 0.95 };
        put("throughput_slot_vs_rtrb", least(single), rates("slot", "rtrb"));
        put("throughput_slot_vs_disruptor", None, rates("slot", "disruptor"));
        put("throughput_slot_vs_two_lines", None, rates("slot", "two lines"));
        put("throughput_slot_batch_vs_rtrb", least(2.0), rates("slot, batches", "rtrb"));
        put("throughput_slot_batch_vs_rtrb_batch", None, rates("slot, batches", "rtrb, batches"));
        put(
            "throughput_slot_vs_rtrb_one_thread",
            None,
            rates("slot, one thread", "rtrb, one thread"),
        );
        let batches = rates("slot, batches", "disruptor, batches");
        put("throughput_slot_batch_vs_disruptor_batch", None, batches);
    }
    figures
}

/// The name of the processor, as the kernel gives it.
pub fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim().to_owned());
    name.unwrap_or_else(|| "unknown".to_owned())
}

fn raw_of(run: &Run, mode: Mode) -> (Option<Spread>, Option<Spread>) {
    let all = || {
        let hops = run.hops.iter().flat_map(|series| series.taken.iter().map(|t| (t.mode, t.raw)));
        let rates =
            run.rates.iter().flat_map(|series| series.taken.iter().map(|t| (t.mode, t.raw)));
        hops.chain(rates).filter(|(seen, _)| *seen == mode)
    };
    (Spread::of(all().map(|(_, raw)| raw.p50_ns)), Spread::of(all().map(|(_, raw)| raw.p99_ns)))
}

fn dropped(run: &Run) -> (usize, usize) {
    let hops = run.hops.iter().map(|series| (series.dropped, series.taken.len()));
    let rates = run.rates.iter().map(|series| (series.dropped, series.taken.len()));
    hops.chain(rates).fold((0, 0), |(dropped, all), (d, taken)| (dropped + d, all + d + taken))
}

fn cell(spread: Option<Spread>, places: usize) -> String {
    spread.map_or_else(
        || "-".to_owned(),
        |s| {
            let (low, high) = s.quartiles;
            format!("{:.places$} ({low:.places$}..{high:.places$})", s.median)
        },
    )
}

/// Prints everything.
pub fn print(run: &Run, figures: &[Figure], pair: &Pair) {
    let (dropped, all) = dropped(run);
    println!("{}, cores {} and {}, fat LTO", cpu(), pair.cores.0, pair.cores.1);
    println!("{} rounds; {dropped} of {all} measurements dropped: the machine changed", run.rounds);
    println!("each: median (lower..upper quartile) of the rounds\n");
    let modes: Vec<Mode> =
        Mode::ALL.into_iter().filter(|mode| raw_of(run, *mode).0.is_some()).collect();
    let head = |first: &str| {
        let columns: Vec<String> =
            modes.iter().map(|mode| format!("{:>24}", mode.name())).collect();
        println!("{first:<42}{}", columns.join(""));
    };
    let row = |name: &str, of: &dyn Fn(Mode) -> String| {
        let columns: Vec<String> = modes.iter().map(|mode| format!("{:>24}", of(*mode))).collect();
        println!("{name:<42}{}", columns.join(""));
    };
    head("half round trip of 64 bytes, p50, ns");
    row("two bare lines, no hint", &|mode| cell(raw_of(run, mode).0, 1));
    for series in &run.hops {
        row(series.name, &|mode| cell(alone(series, mode, |t| t.value.p50_ns), 1));
    }
    head("\np99, ns");
    row("two bare lines, no hint", &|mode| cell(raw_of(run, mode).1, 1));
    for series in &run.hops {
        row(series.name, &|mode| cell(alone(series, mode, |t| t.value.p99_ns), 1));
    }
    head("\nmillion messages a second");
    for series in &run.rates {
        row(series.name, &|mode| cell(alone(series, mode, |t| t.value), 1));
    }
    head("\nratios, ours / theirs");
    let mut names: Vec<&str> = figures.iter().map(|figure| figure.name).collect();
    names.dedup();
    names.truncate(figures.len() / Mode::ALL.len());
    for name in names {
        row(name, &|mode| {
            let figure = figures.iter().find(|figure| (figure.name, figure.mode) == (name, mode));
            let verdict = figure.and_then(|figure| Some((figure.goal?, figure.spread?)));
            let mark = verdict.map_or(
                "",
                |(goal, spread)| {
                    if goal.is_met(spread.median) { " ok" } else { " no" }
                },
            );
            format!("{}{mark:>3}", cell(figure.and_then(|figure| figure.spread), 2))
        });
    }
}

/// A spread as JSON; `null` of nothing.
pub fn values(spread: Option<Spread>) -> Value {
    match spread {
        None => Value::Null,
        Some(s) => json!({
            "median": s.median, "min": s.min, "max": s.max,
            "quartiles": [s.quartiles.0, s.quartiles.1], "rounds": s.rounds,
        }),
    }
}

/// The same as JSON. A mode that was not observed has `null`.
pub fn json(run: &Run, figures: &[Figure], pair: &Pair) -> String {
    let command = "cargo run --release --manifest-path benches/rivals/Cargo.toml -- hop";
    let (dropped, all) = dropped(run);
    let figures: Vec<Value> = figures
        .iter()
        .map(|figure| {
            json!({
                "name": figure.name, "mode": figure.mode.name(), "unit": "ratio",
                "goal": figure.goal.map(Goal::words),
                "met": figure.goal.zip(figure.spread).map(|(goal, s)| goal.is_met(s.median)),
                "value": values(figure.spread), "command": command,
            })
        })
        .collect();
    let measured: Vec<Value> = Mode::ALL
        .into_iter()
        .map(|mode| {
            let (p50, p99) = raw_of(run, mode);
            let hops = run.hops.iter().map(|series| {
                json!({
                    "name": series.name,
                    "p50_ns": values(alone(series, mode, |t| t.value.p50_ns)),
                    "p99_ns": values(alone(series, mode, |t| t.value.p99_ns)),
                })
            });
            let rates = run.rates.iter().map(|series| {
                let rate = alone(series, mode, |t| t.value);
                json!({ "name": series.name, "million_a_second": values(rate) })
            });
            json!({
                "mode": mode.name(), "raw_p50_ns": values(p50), "raw_p99_ns": values(p99),
                "hops": hops.collect::<Vec<_>>(), "throughput": rates.collect::<Vec<_>>(),
            })
        })
        .collect();
    let all = json!({
        "machine": { "cpu": cpu(), "cores": [pair.cores.0, pair.cores.1] },
        "profile": "release, fat LTO", "rounds": run.rounds,
        "dropped": dropped, "measurements": all, "figures": figures, "measured": measured,
    });
    format!("{all:#}\n")
}
