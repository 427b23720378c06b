//! A decision with a number in every limit, on a thousand instruments at random.

use engine::risk::cost;
use wirelane_benches::figure::Figure;

/// Turns of a thousand orders for each rule, in one round.
const TURNS: usize = 40;

pub(crate) fn run(rounds: usize) -> Vec<Figure> {
    let mut decision = Figure::new("risk_decision_p50_ns", "ns");
    let mut checks = Figure::new("risk_checks_p50_ns", "ns");
    for _ in 0..rounds {
        let costs = cost::measure(TURNS);
        decision.values.push(costs.decision_ps as f64 / 1_000.0);
        checks.values.push(costs.checks_ps as f64 / 1_000.0);
    }
    vec![decision, checks]
}
