//! What does an order pay for every rule of risk? A thousand instruments in random order, a number
//! in every limit of all four scopes, against a stage that asks nothing, by turns in one run.

use wirelane_benches::risk::Bench;

/// Rounds that warm both up.
const WARM: usize = 20;
/// Rounds that count.
const ROUNDS: usize = 99;

fn main() {
    // As a test: does it run? What it prints is for a bench.
    let is_test = std::env::args().any(|argument| argument == "--test");
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let (warm, rounds) = if is_test { (0, 1) } else { (WARM, ROUNDS) };
    let (mut bench, mut near) = (Bench::new(), Bench::in_one_instrument());
    for _ in 0..warm {
        bench.round();
    }
    let times: Vec<_> = (0..rounds).map(|_| bench.round()).collect();
    for _ in 0..warm {
        near.round();
    }
    let in_one: Vec<_> = (0..rounds).map(|_| near.round()).collect();
    if is_test {
        return;
    }
    let more = |pair: [u64; 2]| pair[0] as i64 - pair[1] as i64;
    let print = |name: &str, mut values: Vec<i64>| {
        values.sort_unstable();
        let at = |part: usize| values[(values.len() - 1) * part / 100];
        println!(
            "{name:28} {:6} ns   (rounds {}: min {}, p10 {}, p90 {}, max {})",
            at(50),
            values.len(),
            at(0),
            at(10),
            at(90),
            at(100)
        );
    };
    print("risk_all_rules_p50_ns", times.iter().map(|times| more(times.p50_ns)).collect());
    print("risk_all_rules_mean_ns", times.iter().map(|times| more(times.mean_ns)).collect());
    print("risk_one_instrument_p50_ns", in_one.iter().map(|times| more(times.p50_ns)).collect());
    print("  with every rule, p50", times.iter().map(|times| times.p50_ns[0] as i64).collect());
    print("  with none, p50", times.iter().map(|times| times.p50_ns[1] as i64).collect());
}
