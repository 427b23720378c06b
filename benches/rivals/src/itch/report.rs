//! What a run of `itch` says.

use super::{Group, Made, Way, ratio};
use crate::report::{cpu, values};
use crate::stats::Spread;
use serde_json::{Value, json};

/// What the figures were taken with.
pub struct Facts {
    pub core: usize,
    pub made: Made,
    pub small: Made,
    /// Bytes of our tables for the whole day.
    pub bytes: usize,
}

fn rate(way: &Way) -> Option<Spread> {
    Spread::of(way.rates.iter().copied())
}

fn cell(spread: Option<Spread>) -> String {
    spread.map_or_else(
        || "-".to_owned(),
        |s| format!("{:9.3} ({:.3}..{:.3})", s.median, s.min, s.max),
    )
}

/// Prints everything.
pub fn print(groups: &[Group], facts: &Facts) {
    let Facts { core, made, small, bytes } = facts;
    println!("{}, core {core}, fat LTO", cpu());
    println!(
        "{} messages, {} bytes, {} symbols, {} live orders at most; small day {} messages",
        made.messages,
        made.bytes.len(),
        made.symbols,
        made.live_max,
        small.messages
    );
    println!(
        "our tables: {bytes} bytes, {} a live order at the peak",
        bytes / made.live_max.max(1)
    );
    println!("million messages a second, median (least..greatest) of the rounds\n");
    for group in groups {
        println!("{}", group.title);
        let first = group.ways.first();
        for way in &group.ways {
            let beside = first.filter(|first| first.name != way.name);
            let beside = beside.and_then(|first| ratio(first, way));
            let beside = beside.map_or(String::new(), |s| {
                format!("   ours / this {:.2} ({:.2}..{:.2})", s.median, s.min, s.max)
            });
            println!("  {:<32}{}{beside}", way.name, cell(rate(way)));
        }
    }
}

/// The same as JSON, under fixed names.
pub fn json(groups: &[Group], facts: &Facts) -> String {
    let command = "cargo run --release --manifest-path benches/rivals/Cargo.toml -- itch";
    let way = |name: &str, of: usize| groups.get(of)?.ways.iter().find(|way| way.name == name);
    let beside = |of: usize, other: &str| {
        let first = groups.get(of).and_then(|group| group.ways.first());
        first.zip(way(other, of)).and_then(|(first, other)| ratio(first, other))
    };
    let figure = |name: &str, unit: &str, spread: Option<Spread>| json!({ "name": name, "unit": unit, "value": values(spread), "command": command });
    let whole = way("wirelane, looking ahead", 2).and_then(rate);
    let all: Vec<Value> = groups
        .iter()
        .flat_map(|group| {
            group.ways.iter().map(|way| {
                let rate = values(rate(way));
                json!({ "of": group.title, "name": way.name, "million_a_second": rate })
            })
        })
        .collect();
    let all = json!({
        "machine": { "cpu": cpu(), "core": facts.core },
        "profile": "release, fat LTO",
        "day": {
            "messages": facts.made.messages, "symbols": facts.made.symbols,
            "live_orders_max": facts.made.live_max, "our_bytes": facts.bytes,
        },
        "figures": [
            figure("itch_decode_vs_itch5", "ratio", beside(1, "itch5")),
            figure("itch_decode_vs_itchy", "ratio", beside(1, "itchy")),
            figure("itch_books_mps", "million messages a second", whole),
            figure("itch_books_vs_plain", "ratio", beside(2, "plain maps and trees")),
            figure("itch_books_vs_lobster", "ratio", beside(3, "lobster")),
            figure("itch_books_vs_orderbook_rs", "ratio", beside(3, "orderbook-rs")),
        ],
        "measured": all,
    });
    format!("{all:#}\n")
}
