//! What the campaigns found.

use std::fmt;
use std::time::Duration;

/// Kills of one kind.
#[derive(Debug, Default)]
pub(crate) struct MomentFigures {
    name: &'static str,
    kills: u64,
    /// With a new order or a replace without an answer.
    with_orders: u64,
    /// The same, or a cancel.
    with_any: u64,
}

/// Sums over all campaigns.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Directories with an exchange each.
    pub(crate) campaigns: u64,
    /// Kills.
    pub(crate) kills: u64,
    /// Kills by moment.
    pub(crate) moments: Vec<MomentFigures>,
    /// Kills with orders in flight: a new order, a replace or a cancel without an answer.
    pub(crate) in_flight: u64,
    /// New orders and replaces, and cancels, without an answer, over all kills.
    pub(crate) messages: (u64, u64),
    /// Orders and replaces that exchanges judged.
    pub(crate) orders: u64,
    /// Shares that exchanges traded for the user.
    pub(crate) fills: u64,
    /// Orders that an exchange judged and the journal lacks.
    pub(crate) missing: u64,
    /// Ids used twice.
    pub(crate) reused: u64,
    /// Messages of the venue that an engine did not apply exactly once.
    pub(crate) passed_over: u64,
    /// Orders and replaces without an outcome once all is at rest.
    pub(crate) unanswered: u64,
    /// Messages sent again, and of those the ones the exchange had already.
    pub(crate) resent: (u64, u64),
    /// Comparisons of positions, and those that differed.
    pub(crate) positions_compared: u64,
    /// Comparisons of positions that differed.
    pub(crate) position_differences: u64,
    /// Time from a process's start to its threads running.
    pub(crate) restarts: Vec<Duration>,
    /// Time from there to its first order.
    pub(crate) first_orders: Vec<Duration>,
    /// Orders a second while trading, by run.
    pub(crate) rates: Vec<u64>,
}

impl Figures {
    /// Counts a kill.
    pub(crate) fn kill(&mut self, name: &'static str, (orders, cancels): (usize, usize)) {
        self.kills += 1;
        self.in_flight += u64::from(orders + cancels > 0);
        self.messages.0 += orders as u64;
        self.messages.1 += cancels as u64;
        let at = self.moments.iter().position(|known| known.name == name);
        let at = at.unwrap_or_else(|| {
            self.moments.push(MomentFigures { name, ..MomentFigures::default() });
            self.moments.len() - 1
        });
        let known = &mut self.moments[at];
        known.kills += 1;
        known.with_orders += u64::from(orders > 0);
        known.with_any += u64::from(orders + cancels > 0);
    }

    /// Whether anything was found that must not be.
    pub(crate) fn is_unsound(&self) -> bool {
        let lost = self.missing + self.reused + self.passed_over;
        lost + self.unanswered + self.position_differences > 0
    }
}

fn of(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at =
        |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
    match (at(50), at(90), times.last()) {
        (Some(p50), Some(p90), Some(max)) => format!("p50 {p50:.1?}, p90 {p90:.1?}, max {max:.1?}"),
        _ => "none".to_owned(),
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = self.in_flight * 100 / self.kills.max(1);
        writeln!(
            out,
            "kills {} in {} campaigns, {share} % with orders in flight ({} orders and replaces, {} \
             cancels)",
            self.kills, self.campaigns, self.messages.0, self.messages.1
        )?;
        for MomentFigures { name, kills, with_orders, with_any } in &self.moments {
            let with =
                format!("{with_orders} with orders or replaces in flight, {with_any} with any");
            writeln!(out, "  {name}: {kills}, {with}")?;
        }
        let mut rates = self.rates.clone();
        rates.sort_unstable();
        let at = |share: usize| rates.get(rates.len() * share / 100).copied().unwrap_or(0);
        writeln!(
            out,
            "orders a second while trading: p10 {}, p50 {}, p90 {}",
            at(10),
            at(50),
            at(90)
        )?;
        writeln!(
            out,
            "exchange: {} orders and replaces judged, {} fills; missing in the journal {}",
            self.orders, self.fills, self.missing
        )?;
        writeln!(
            out,
            "ids used twice {}; sent again {}, of which the exchange had {}",
            self.reused, self.resent.0, self.resent.1
        )?;
        writeln!(
            out,
            "positions compared {} times, {} differed",
            self.positions_compared, self.position_differences
        )?;
        writeln!(out, "start to threads running: {}", of(&self.restarts))?;
        write!(out, "threads running to first order: {}", of(&self.first_orders))
    }
}
