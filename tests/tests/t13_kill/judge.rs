//! What the wire says of a kill, and the table of it.

use crate::machine::{Control, GAP_MIN};
use crate::wire::{Ask, Position, Seen};

/// New orders and replaces that one send may take (`send_batch_max`).
const BATCH_MAX: usize = 1;
/// Messages a second that the venue takes (`send.rate`).
const VENUE_RATE: u64 = 1_000_000;
/// K4: last new-order byte p99.9, first cancel p99, all cancels beyond the venue's rate; ns.
const LAST_ORDER_MAX: u64 = 50_000;
const FIRST_CANCEL_MAX: u64 = 1_000_000;
const ALL_CANCELS_MAX: u64 = 1_000_000;
/// The rate of orders is taken from so long before a store, ns.
const RATE_WINDOW: u64 = 10_000_000;

/// One kill, from the last look at open gates to the arming behind it; wall time, ns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trip {
    /// Before the store: time, and how far the wire was.
    pub(crate) before: (u64, Position),
    /// After it.
    pub(crate) after: (u64, Position),
    /// Before the arming.
    pub(crate) end: u64,
    /// How long the gateway's thread waited for a core meanwhile, ns.
    pub(crate) waited: u64,
}

/// What one kill came to. Times are from the store on, ns.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    /// New orders whose send call came after the store for certain, and with those of which it
    /// may be so.
    orders: usize,
    orders_perhaps: usize,
    /// Orders of earlier send calls that the kernel put on the wire after it.
    held_back: usize,
    last_order: Option<u64>,
    first_cancel: Option<u64>,
    last_cancel: Option<u64>,
    cancels: u64,
    mass_cancels: u64,
    /// Orders a second before it.
    rate: u64,
}

impl Trip {
    fn judge(&self, seen: &[Seen]) -> Outcome {
        let (store, begin) = (self.before.0, self.before.0.saturating_sub(RATE_WINDOW));
        let from = seen.partition_point(|row| row.stamp < begin);
        let to = seen.partition_point(|row| row.stamp <= self.end);
        let mut outcome = Outcome::default();
        for row in &seen[from..to.max(from)] {
            let may_be_after = is_behind(row, self.before.1, self.before.1.given);
            let came_after = is_behind(row, self.after.1, self.after.1.came);
            let since = row.stamp.saturating_sub(store);
            match row.ask {
                Ask::Order if may_be_after || came_after => {
                    outcome.held_back += usize::from(!may_be_after);
                    outcome.orders_perhaps += usize::from(may_be_after);
                    let is_after = is_behind(row, self.after.1, self.after.1.given);
                    outcome.orders += usize::from(is_after);
                    outcome.last_order = Some(since);
                }
                Ask::Order => outcome.rate += 1_000_000_000 / RATE_WINDOW,
                Ask::Cancel | Ask::MassCancel if may_be_after && row.stamp > store => {
                    outcome.first_cancel.get_or_insert(since);
                    outcome.last_cancel = Some(since);
                    outcome.cancels += 1;
                    outcome.mass_cancels += u64::from(row.ask == Ask::MassCancel);
                }
                Ask::Cancel | Ask::MassCancel | Ask::Other => {}
            }
        }
        outcome
    }

    /// Whether the machine took a core away from the gateway's thread, or from the thread that
    /// stored.
    fn has_gap(&self) -> bool {
        self.waited > GAP_MIN || self.after.0 - self.before.0 > GAP_MIN
    }
}

/// Whether a message ended behind so many bytes of a position's connection.
fn is_behind(row: &Seen, position: Position, bytes: u64) -> bool {
    (row.link, row.end) > (position.link, bytes)
}

/// One condition in one layout.
pub(crate) struct Campaign {
    pub(crate) layout: &'static str,
    pub(crate) condition: String,
    /// The gateway's own thread stands still: the guard acts, and K4's times are not its own.
    pub(crate) by_guard: bool,
    pub(crate) trips: Vec<Trip>,
    pub(crate) control: Control,
}

impl Campaign {
    /// Judges every trip, prints a row of the table, and holds the count against K4.
    pub(crate) fn judge(&self, seen: &[Seen]) {
        let rows: Vec<(bool, Outcome)> =
            self.trips.iter().map(|trip| (trip.has_gap(), trip.judge(seen))).collect();
        let worst = rows.iter().map(|(_, row)| row.orders).max().unwrap_or(0);
        let held_back = rows.iter().map(|(_, row)| row.held_back).max().unwrap_or(0);
        let perhaps = rows.iter().map(|(_, row)| row.orders_perhaps).max().unwrap_or(0);
        let mut rates: Vec<u64> = rows.iter().map(|(_, row)| row.rate).collect();
        rates.sort_unstable();
        let with_gap = rows.iter().filter(|(gap, _)| *gap).count();
        let row = format!(
            "| {} | {} | {} + {with_gap} | {} | {worst} ({perhaps}) | {held_back} | {} | {} | {} | {} | {} |",
            self.layout,
            self.condition,
            rows.len() - with_gap,
            rates.get(rates.len() / 2).copied().unwrap_or(0),
            Times::of(&rows, false, last_order),
            Times::of(&rows, false, |row| row.first_cancel),
            Times::of(&rows, false, |row| row.last_cancel),
            self.verdict(&rows),
            self.apart(&rows),
        );
        println!("KILL: {row}");
        crate::rows::keep(self.layout, &self.condition, &row);
        for (trip, (_, row)) in self.trips.iter().zip(&rows) {
            assert!(
                row.orders <= BATCH_MAX,
                "{}, {}: {} new orders left after a store: {trip:?}",
                self.layout,
                self.condition,
                row.orders
            );
        }
        let cancels: u64 = rows.iter().map(|(_, row)| row.cancels).sum();
        assert!(cancels > 0, "nothing was ever cancelled: nothing was tested");
        let mass: u64 = rows.iter().map(|(_, row)| row.mass_cancels).sum();
        assert!(mass > 0 || self.by_guard, "no mass cancel was ever sent (K3)");
        assert!(mass < cancels, "no order was cancelled by itself (K3)");
    }

    /// Whether the times are K4's.
    fn verdict(&self, rows: &[(bool, Outcome)]) -> String {
        if self.by_guard {
            return "guard".to_owned();
        }
        if rows.iter().all(|(has_gap, _)| *has_gap) {
            return "no sample".to_owned();
        }
        let order = Times::of(rows, false, last_order);
        let first = Times::of(rows, false, |row| row.first_cancel);
        let all = Times::of(rows, false, |row| {
            let owed = row.cancels * 1_000_000_000 / VENUE_RATE;
            Some(row.last_cancel?.saturating_sub(owed))
        });
        let parts = [
            ("last order", order.part(999) <= LAST_ORDER_MAX),
            ("first cancel", first.part(990) <= FIRST_CANCEL_MAX),
            ("all cancels", all.part(990) <= ALL_CANCELS_MAX),
        ];
        let late: Vec<&str> =
            parts.iter().filter(|(_, is_within)| !is_within).map(|(name, _)| *name).collect();
        if late.is_empty() { "yes".to_owned() } else { format!("no: {}", late.join(", ")) }
    }

    /// The samples with a gap, and what the machine did to a thread that only spun.
    fn apart(&self, rows: &[(bool, Outcome)]) -> String {
        let max =
            |pick: fn(&Outcome) -> Option<u64>| micros(Times::of(rows, true, pick).part(1_000));
        let Control { gap_max, gaps, looked } = self.control;
        format!(
            "{} / {} / {} | {gaps} in {} ms, longest {}",
            max(|row| row.last_order),
            max(|row| row.first_cancel),
            max(|row| row.last_cancel),
            looked / 1_000_000,
            micros(gap_max)
        )
    }
}

/// Store to last new-order byte: 0 where none came after it.
fn last_order(row: &Outcome) -> Option<u64> {
    Some(row.last_order.unwrap_or(0))
}

/// Times in order.
struct Times(Vec<u64>);

impl Times {
    fn of(rows: &[(bool, Outcome)], gap: bool, pick: fn(&Outcome) -> Option<u64>) -> Self {
        let mut times: Vec<u64> =
            rows.iter().filter(|(is, _)| *is == gap).filter_map(|(_, row)| pick(row)).collect();
        times.sort_unstable();
        Self(times)
    }

    /// The time that so many thousandths do not exceed; 0 when there is none.
    fn part(&self, thousandths: usize) -> u64 {
        let at = (self.0.len() * thousandths).div_ceil(1_000).saturating_sub(1);
        self.0.get(at).copied().unwrap_or(0)
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return out.write_str("none");
        }
        let [p50, p99, p999, max] = [500, 990, 999, 1_000].map(|part| micros(self.part(part)));
        write!(out, "{p50} / {p99} / {p999} / {max}")
    }
}

/// Microseconds.
fn micros(ns: u64) -> String {
    if ns < 10_000 { format!("{}.{}", ns / 1_000, ns / 100 % 10) } else { (ns / 1_000).to_string() }
}
