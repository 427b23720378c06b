//! Gathers a report from what the run left: shared region, journal, the engine's end, the
//! exchange's summary.

use super::checks;
use super::report::{Hot, HotThread, Position, Report, VERSION, Venue};
use crate::failure::{Failure, Outcome};
use crate::journal::stream::received;
use crate::journal::trip::Trips;
use crate::meters::Meters;
use crate::number::money;
use crate::place::Place;
use crate::stage_latency::{Quantiles, STAGES, StageLatency};
use engine::pin::watch::ThreadCalls;
use engine::pipeline::live::PositionRow;
use engine::replay::recorded;
use exchange::Summary;
use exchange::summary::UserSummary;
use std::collections::BTreeMap;
use std::time::Duration;

/// What the run left, taken at its end.
pub(crate) struct Run<'a> {
    pub(crate) place: &'a Place,
    pub(crate) epoch: u16,
    pub(crate) seed: u64,
    pub(crate) layout: &'a str,
    pub(crate) trading: Duration,
    pub(crate) window: Duration,
    pub(crate) meters: &'a Meters,
    /// By the watch over hot threads.
    pub(crate) calls: &'a [ThreadCalls],
    pub(crate) latency: &'a StageLatency,
    pub(crate) positions: &'a [PositionRow],
    pub(crate) summary: &'a Summary,
    pub(crate) notes: Vec<String>,
}

impl Run<'_> {
    /// Puts the report together. Reads the journal twice: for the trips, and for the order stream.
    pub(crate) fn report(self) -> Outcome<Report> {
        let journal = self.place.journal()?;
        let trips = Trips::read(&journal, self.epoch)?;
        let stream = recorded(self.place.dir(), Some(self.epoch)).map_err(Failure::unsound)?;
        let received = received(&journal, self.epoch)?;
        let meters = self.meters;
        let gateway = |name| meters.sum("gateway", name);
        let slowest = trips.trips.iter().max_by_key(|trip| trip.whole());
        let book_checks = meters.sum("feed", "hash_checks");
        let mismatches = meters.sum("feed", "book_mismatches");
        let mut report = Report {
            version: VERSION,
            machine: super::machine::describe(),
            dir: self.place.dir().display().to_string(),
            epoch: self.epoch,
            seed: self.seed,
            layout: self.layout.to_owned(),
            seconds: self.trading.as_secs_f64(),
            window_seconds: self.window.as_secs_f64(),
            messages: meters.sum("feed", "messages"),
            orders_sent: gateway("sent_new"),
            replaces_sent: gateway("sent_replace"),
            cancels_sent: gateway("sent_cancel"),
            acks: gateway("acks"),
            fills: gateway("fills"),
            cancels: gateway("canceled"),
            replaces: gateway("replaced"),
            refused: refused(meters),
            voided: gateway("voided"),
            positions: self.positions.iter().map(position).collect(),
            order_stream_hash: stream.hash.clone(),
            book_checks,
            book_mismatches: (book_checks > 0).then_some(mismatches),
            messages_lost: meters.sum("feed", "lost"),
            trips_checked: trips.trips.len() as u64,
            slowest_order: slowest.map(|trip| trip.cl_ord_id.to_string()),
            trips_not_summing: trips.not_summing(),
            hot: hot(meters, self.calls),
            latency_ns: latency(self.latency),
            stamps_refused: meters.sum("feed", "stamps_refused"),
            exchange: venue(self.summary, self.positions, &received),
            checks: Vec::new(),
            notes: self.notes,
        };
        report.checks = checks::of(&report);
        Ok(report)
    }
}

/// Refusals by code, the venue's under a name of their own.
fn refused(meters: &Meters) -> BTreeMap<String, u64> {
    let mut refused: BTreeMap<String, u64> = meters.with_prefix("denied.").into_iter().collect();
    let rejected = meters.sum("gateway", "rejected");
    if rejected > 0 {
        *refused.entry("VENUE".to_owned()).or_default() += rejected;
    }
    refused
}

fn position(row: &PositionRow) -> Position {
    Position {
        strategy: row.strategy.clone(),
        symbol: row.symbol.clone(),
        position: row.position.to_string(),
        realised: money(row.realised.0),
        unrealised: money(row.unrealised.0),
        fees: money(row.fees.0),
    }
}

/// Every stage of a trip, counted or not.
fn latency(stages: &StageLatency) -> BTreeMap<String, Quantiles> {
    let known = stages.quantiles();
    let each = STAGES
        .iter()
        .map(|stage| ((*stage).to_owned(), known.get(*stage).copied().unwrap_or_default()));
    each.collect()
}

fn hot(meters: &Meters, calls: &[ThreadCalls]) -> Hot {
    let thread = |name: String| {
        let of = |counter| meters.of_thread(&name, counter);
        HotThread {
            core: of("core").checked_sub(1),
            polls: of("polls"),
            busy_polls: of("busy_polls"),
            yields: of("yields"),
            allocations: of("allocations"),
            page_faults: of("page_faults"),
            voluntary_switches: of("voluntary_switches"),
            name,
        }
    };
    let threads: Vec<HotThread> = meters.hot_threads().into_iter().map(thread).collect();
    // A thread that could not be put under watch, or never saw the window, leaves the sum unknown.
    let (watched, all) = (calls.len(), threads.len());
    let whole = calls.iter().filter(|thread| thread.edges >= 2).count();
    let not_counted = if watched < all {
        let without = all - watched;
        Some(format!(
            "the kernel gave {without} of {all} hot threads no filter (seccomp with user \
             notification: Linux 5.5, not forbidden by the container)"
        ))
    } else if whole < all {
        Some(format!("{} of {all} hot threads did not see the whole window", all - whole))
    } else {
        None
    };
    let polls: u64 = threads.iter().map(|thread| thread.polls).sum();
    let yields: u64 = threads.iter().map(|thread| thread.yields).sum();
    Hot {
        allocations: meters.total("allocations"),
        page_faults: meters.total("page_faults"),
        syscalls_other: not_counted.is_none().then(|| calls.iter().map(ThreadCalls::inside).sum()),
        syscalls_not_counted: not_counted,
        voluntary_switches: meters.total("voluntary_switches"),
        involuntary_switches: meters.total("involuntary_switches"),
        yields_per_1000_polls: yields.saturating_mul(1_000).checked_div(polls).unwrap_or(0),
        threads,
    }
}

fn venue(summary: &Summary, positions: &[PositionRow], received: &[String]) -> Venue {
    let users = &summary.users;
    let mut heard: Vec<&str> = users.iter().map(|user| user.order_stream_sha256.as_str()).collect();
    let mut told: Vec<&str> = received.iter().map(String::as_str).collect();
    heard.sort_unstable();
    told.sort_unstable();
    Venue {
        messages: summary.messages,
        orders: summary.orders,
        acks: summary.acks,
        fills: summary.fills,
        cancels: summary.cancels,
        replaces: summary.replaces,
        rejects: summary.rejects,
        open_orders: users.iter().map(|user| user.open_orders).sum(),
        behind_us_max: summary.behind_us_max,
        positions_agree: ours(positions) == theirs(users),
        order_stream_agrees: heard == told,
    }
}

/// Positions by symbol that are not flat, at 1e-8 as we keep them.
fn ours(positions: &[PositionRow]) -> BTreeMap<String, i128> {
    let mut sums = BTreeMap::new();
    for row in positions {
        *sums.entry(row.symbol.clone()).or_default() += i128::from(row.position.0);
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

/// The exchange's, in the same unit.
fn theirs(users: &[UserSummary]) -> BTreeMap<String, i128> {
    const SHARE: i128 = 100_000_000;
    let mut sums = BTreeMap::new();
    for (symbol, position) in users.iter().flat_map(|user| &user.positions) {
        *sums.entry(symbol.clone()).or_default() += i128::from(position.qty) * SHARE;
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use exchange::ouch_in::Position as Held;
    use shm::units::{Notional, Qty};

    fn row(strategy: &str, symbol: &str, shares: i64) -> PositionRow {
        PositionRow {
            strategy: strategy.into(),
            symbol: symbol.into(),
            position: Qty(shares * 100_000_000),
            realised: Notional(0),
            unrealised: Notional(0),
            fees: Notional(0),
        }
    }

    fn user(symbol: &str, qty: i64) -> UserSummary {
        let held = Held { qty, ..Held::default() };
        UserSummary {
            positions: [(symbol.to_owned(), held)].into(),
            order_stream_sha256: "ab".into(),
            ..UserSummary::default()
        }
    }

    /// Goal: positions are compared by symbol over all strategies, flat ones left out, and streams
    /// by digest. Method: sums that agree, one share more, another stream.
    #[test]
    fn the_two_sides_are_compared() {
        let positions = [row("mm", "AAPL", 30), row("take", "AAPL", -10), row("mm", "MSFT", 0)];
        let summary = Summary { users: vec![user("AAPL", 20)], ..Summary::default() };
        let agreed = venue(&summary, &positions, &["ab".to_owned()]);
        assert!(agreed.positions_agree && agreed.order_stream_agrees);
        assert!(!venue(&summary, &positions, &["cd".to_owned()]).order_stream_agrees);
        let summary = Summary { users: vec![user("AAPL", 21)], ..Summary::default() };
        assert!(!venue(&summary, &positions, &["ab".to_owned()]).positions_agree);
    }
}
