//! What a report must say for the run to be right, each in a line.

use super::report::Report;
use crate::number::grouped;

/// One thing that must be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// What was looked at.
    pub(crate) text: String,
    /// Whether it is so.
    pub(crate) holds: bool,
    /// Whether the run is wrong when it is not; else the machine may be the reason.
    pub(crate) decides: bool,
}

/// The checks of a report, in the order they are shown.
pub(crate) fn of(report: &Report) -> Vec<Check> {
    let check = |text: String, holds: bool| Check { text, holds, decides: true };
    let of_machine = |text: String, holds: bool| Check { text, holds, decides: false };
    let venue = &report.exchange;
    vec![
        check(
            format!(
                "books: {} hashes compared with the exchange's, {} differ",
                grouped(report.book_checks),
                grouped(report.book_mismatches)
            ),
            report.book_mismatches == 0 && report.book_checks > 0,
        ),
        check(
            format!(
                "order trips: {} checked, {} do not sum",
                grouped(report.trips_checked),
                grouped(report.trips_not_summing)
            ),
            report.trips_not_summing == 0,
        ),
        check("positions: the exchange's are ours".to_owned(), venue.positions_agree),
        check(
            "order stream: the exchange received what the journal holds".to_owned(),
            venue.order_stream_agrees,
        ),
        check(
            format!(
                "acks, fills, cancels, replaces: {} {} {} {} here and there",
                report.acks, report.fills, report.cancels, report.replaces
            ),
            (report.acks, report.fills, report.cancels, report.replaces)
                == (venue.acks, venue.fills, venue.cancels, venue.replaces),
        ),
        check(
            format!("orders left at the exchange: {}", venue.open_orders),
            venue.open_orders == 0,
        ),
        check(
            format!("hot threads: {} allocations in the window", report.hot.allocations),
            report.hot.allocations == 0,
        ),
        check(
            match report.hot.syscalls_other {
                Some(calls) => format!("hot threads: {calls} system calls but the sockets' own"),
                None => "hot threads: system calls could not be counted here".to_owned(),
            },
            report.hot.syscalls_other.unwrap_or(0) == 0,
        ),
        of_machine(
            format!("hot threads: {} page faults in the window", report.hot.page_faults),
            report.hot.page_faults == 0,
        ),
        of_machine(
            format!(
                "hot threads: {} voluntary context switches in the window",
                report.hot.voluntary_switches
            ),
            report.hot.voluntary_switches == 0,
        ),
        of_machine(
            format!("market data: {} messages lost", grouped(report.messages_lost)),
            report.messages_lost == 0,
        ),
    ]
}
