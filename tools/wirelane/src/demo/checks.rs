//! What a report must say for the run to be right, each in a line.

use super::report::Report;
use crate::number::grouped;
use schemars::JsonSchema;
use serde::Serialize;

/// One thing that must be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Check {
    /// What was looked at, and why not where it was not.
    pub(crate) text: String,
    /// Whether it is so; null where it could not be looked at, which says nothing.
    pub(crate) holds: Option<bool>,
    /// Whether the run is wrong when it is not so; else the machine may be the reason.
    pub(crate) decides: bool,
}

impl Check {
    /// Whether the run is wrong by it.
    pub(crate) fn condemns(&self) -> bool {
        self.decides && self.holds == Some(false)
    }
}

fn decides(text: String, holds: bool) -> Check {
    Check { text, holds: Some(holds), decides: true }
}

fn of_machine(text: String, holds: bool) -> Check {
    Check { text, holds: Some(holds), decides: false }
}

fn open(text: String) -> Check {
    Check { text, holds: None, decides: true }
}

/// The checks of a report, in the order they are shown.
pub(crate) fn of(report: &Report) -> Vec<Check> {
    let mut checks = vec![books(report)];
    checks.extend(orders(report));
    checks.extend(hot(report));
    checks.push(of_machine(
        format!("market data: {} messages lost", grouped(report.messages_lost)),
        report.messages_lost == 0,
    ));
    checks
}

/// Messages after which the exchange tells a hash of its books.
const HASH_EVERY: u64 = 1_000;

fn books(report: &Report) -> Check {
    match report.book_mismatches {
        Some(differ) => decides(
            format!(
                "books: {} hashes compared with the exchange's, {} differ",
                grouped(report.book_checks),
                grouped(differ)
            ),
            differ == 0,
        ),
        None if report.messages < HASH_EVERY => open(format!(
            "books: not compared: the exchange tells a hash every {} messages, and {} came",
            grouped(HASH_EVERY),
            grouped(report.messages)
        )),
        None => decides("books: no hash of the exchange was compared".to_owned(), false),
    }
}

fn orders(report: &Report) -> [Check; 5] {
    let venue = &report.exchange;
    [
        decides(
            format!(
                "order trips: {} checked, {} do not sum",
                grouped(report.trips_checked),
                grouped(report.trips_not_summing)
            ),
            report.trips_not_summing == 0,
        ),
        decides("positions: the exchange's are ours".to_owned(), venue.positions_agree),
        decides(
            "order stream: the exchange received what the journal holds".to_owned(),
            venue.order_stream_agrees,
        ),
        decides(
            format!(
                "acks, fills, cancels, replaces: {} {} {} {} here and there",
                report.acks, report.fills, report.cancels, report.replaces
            ),
            (report.acks, report.fills, report.cancels, report.replaces)
                == (venue.acks, venue.fills, venue.cancels, venue.replaces),
        ),
        decides(
            format!("orders left at the exchange: {}", venue.open_orders),
            venue.open_orders == 0,
        ),
    ]
}

fn hot(report: &Report) -> [Check; 4] {
    let hot = &report.hot;
    [
        decides(
            format!("hot threads: {} allocations in the window", hot.allocations),
            hot.allocations == 0,
        ),
        match (hot.syscalls_other, &hot.syscalls_not_counted) {
            (Some(calls), _) => decides(
                format!("hot threads: {calls} system calls but the sockets' own"),
                calls == 0,
            ),
            (None, why) => open(format!(
                "hot threads: system calls not counted: {}",
                why.as_deref().unwrap_or("no thread was watched")
            )),
        },
        of_machine(
            format!("hot threads: {} page faults in the window", hot.page_faults),
            hot.page_faults == 0,
        ),
        of_machine(
            format!(
                "hot threads: {} voluntary context switches in the window",
                hot.voluntary_switches
            ),
            hot.voluntary_switches == 0,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(messages: u64, checks: u64, differ: Option<u64>) -> Report {
        Report { messages, book_checks: checks, book_mismatches: differ, ..Report::default() }
    }

    /// Goal: what was not looked at is neither good nor bad, and what should have been is bad.
    /// Method: hashes compared, too few messages for one, none though there were enough; calls
    /// counted or not.
    #[test]
    fn what_was_not_checked_is_no_success() {
        assert_eq!(books(&report(5_000, 5, Some(0))).holds, Some(true));
        assert_eq!(books(&report(5_000, 5, Some(1))).holds, Some(false));
        let few = books(&report(999, 0, None));
        assert!(few.holds.is_none() && !few.condemns() && few.text.contains("999"), "{few:?}");
        assert!(books(&report(1_000, 0, None)).condemns());
        let mut report = report(5_000, 5, Some(0));
        report.hot.syscalls_not_counted = Some("the kernel gave no filter".to_owned());
        let calls = |report: &Report| hot(report)[1].clone();
        assert_eq!(calls(&report).holds, None);
        assert!(calls(&report).text.ends_with("the kernel gave no filter"));
        report.hot.syscalls_other = Some(0);
        assert_eq!(calls(&report).holds, Some(true));
        report.hot.syscalls_other = Some(2);
        assert!(calls(&report).condemns());
    }
}
