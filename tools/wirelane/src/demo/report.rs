//! The report of a demonstration as JSON; its schema is printed by `wirelane demo --report-schema`.

use super::checks::Check;
use crate::stage_latency::Quantiles;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use std::collections::BTreeMap;

/// Version of the report's form: a field that is added keeps it, one that changes meaning raises
/// it.
pub(crate) const VERSION: u32 = 2;

/// What a demonstration came to.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "Wirelane demonstration report")]
pub(crate) struct Report {
    /// Version of this form.
    pub(crate) version: u32,
    /// Processor, cores, kernel.
    pub(crate) machine: String,
    /// The engine's directory, with the journal of the run.
    pub(crate) dir: String,
    /// Epoch of the engine's start.
    pub(crate) epoch: u16,
    /// Seed of the exchange's flow.
    pub(crate) seed: u64,
    /// Layout that was used: fused, split2, split4, threads.
    pub(crate) layout: String,
    /// Seconds of trading, warm-up and window together.
    pub(crate) seconds: f64,
    /// Seconds of the measured window.
    pub(crate) window_seconds: f64,
    /// Market data messages applied to the books, each once.
    pub(crate) messages: u64,
    /// New orders given to the socket.
    pub(crate) orders_sent: u64,
    /// Replaces given to the socket.
    pub(crate) replaces_sent: u64,
    /// Cancels given to the socket.
    pub(crate) cancels_sent: u64,
    /// New orders that the venue accepted.
    pub(crate) acks: u64,
    /// Executions.
    pub(crate) fills: u64,
    /// Cancels that the venue confirmed.
    pub(crate) cancels: u64,
    /// Replaces that the venue confirmed.
    pub(crate) replaces: u64,
    /// Refusals by code: the risk stage's by the name of its rule, the venue's under VENUE.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Approved orders that were not sent: a gate was closed, they had grown too old, the session
    /// was lost.
    pub(crate) voided: u64,
    /// Every position touched.
    pub(crate) positions: Vec<Position>,
    /// SHA-256 over the order messages given to each venue link, as in a replay.
    pub(crate) order_stream_hash: String,
    /// Hashes of the exchange's books that were compared with ours.
    pub(crate) book_checks: u64,
    /// Those that differed; null where none was compared.
    pub(crate) book_mismatches: Option<u64>,
    /// Messages of the market data that were lost for good.
    pub(crate) messages_lost: u64,
    /// Order trips whose stamps were read from the journal.
    pub(crate) trips_checked: u64,
    /// The order whose trip took longest, to be looked at with `wirelane trace`; null without
    /// orders.
    pub(crate) slowest_order: Option<String>,
    /// Those whose parts do not sum to the whole within the clock's error, or that lack a part.
    pub(crate) trips_not_summing: u64,
    /// What hot threads did in the window that they should not.
    pub(crate) hot: Hot,
    /// Latency in the window by stage, ns: arrival_to_read, wait_in_datagram, decode, book,
    /// hop_feed_strategy, strategy, hop_strategy_risk, risk, journal, hop_risk_gateway, encode,
    /// send, and the whole, arrival_to_send.
    pub(crate) latency_ns: BTreeMap<String, Quantiles>,
    /// Kernel stamps that could not be true: the read was taken for the arrival, and
    /// arrival_to_read leaves it out.
    pub(crate) stamps_refused: u64,
    /// What the exchange says, beside what the engine says.
    pub(crate) exchange: Venue,
    /// What must be so, looked at.
    pub(crate) checks: Vec<Check>,
    /// What the machine could not give, and what else is to be known.
    pub(crate) notes: Vec<String>,
}

/// One strategy in one instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Position {
    /// The strategy.
    pub(crate) strategy: String,
    /// The instrument.
    pub(crate) symbol: String,
    /// Signed quantity, a decimal.
    pub(crate) position: String,
    /// Realised profit, a decimal.
    pub(crate) realised: String,
    /// Profit of the open position at its mark, a decimal.
    pub(crate) unrealised: String,
    /// Fees less rebates, a decimal.
    pub(crate) fees: String,
}

/// Sums over the hot threads, in the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Hot {
    /// Heap allocations.
    pub(crate) allocations: u64,
    /// Page faults, minor and major.
    pub(crate) page_faults: u64,
    /// System calls other than the sockets' own and sched_yield; null: not counted in this run.
    pub(crate) syscalls_other: Option<u64>,
    /// Why they were not counted; null where they were.
    pub(crate) syscalls_not_counted: Option<String>,
    /// Voluntary context switches.
    pub(crate) voluntary_switches: u64,
    /// Involuntary context switches, those of sched_yield included.
    pub(crate) involuntary_switches: u64,
    /// Calls of sched_yield per 1,000 polls, over the whole run; 0 where no thread yields.
    pub(crate) yields_per_1000_polls: u64,
    /// Each thread.
    pub(crate) threads: Vec<HotThread>,
}

/// One hot thread.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct HotThread {
    /// Its name.
    pub(crate) name: String,
    /// The core it is pinned to; null where it is not.
    pub(crate) core: Option<u64>,
    /// Turns of its loop in the whole run.
    pub(crate) polls: u64,
    /// Those that found work.
    pub(crate) busy_polls: u64,
    /// Calls of sched_yield.
    pub(crate) yields: u64,
    /// Heap allocations in the window.
    pub(crate) allocations: u64,
    /// Page faults in the window.
    pub(crate) page_faults: u64,
    /// Voluntary context switches in the window.
    pub(crate) voluntary_switches: u64,
}

/// The other side's counts, and whether they agree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Venue {
    /// ITCH messages published.
    pub(crate) messages: u64,
    /// New orders judged.
    pub(crate) orders: u64,
    /// New orders accepted.
    pub(crate) acks: u64,
    /// Executions reported.
    pub(crate) fills: u64,
    /// Cancels reported.
    pub(crate) cancels: u64,
    /// Replaces done.
    pub(crate) replaces: u64,
    /// Rejects reported.
    pub(crate) rejects: u64,
    /// Orders of ours still live there.
    pub(crate) open_orders: u64,
    /// The most its flow was behind its schedule, us.
    pub(crate) behind_us_max: u64,
    /// Its positions by symbol are the engine's.
    pub(crate) positions_agree: bool,
    /// SHA-256 of the order messages it received is that of the messages in the engine's journal.
    pub(crate) order_stream_agrees: bool,
}

/// The schema of a report, JSON Schema 2020-12.
pub(crate) fn schema() -> Schema {
    schemars::schema_for!(Report)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the schema documents every field the issue of a report is used for, each with a
    /// sentence.
    #[test]
    fn the_schema_documents_every_field() {
        let schema = serde_json::to_value(schema()).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        for name in [
            "messages",
            "orders_sent",
            "acks",
            "fills",
            "refused",
            "positions",
            "layout",
            "order_stream_hash",
            "book_mismatches",
            "trips_checked",
            "trips_not_summing",
            "voided",
            "checks",
            "hot",
            "latency_ns",
        ] {
            assert!(properties.contains_key(name), "{name}");
        }
        for (name, property) in properties {
            assert!(property.get("description").is_some(), "{name} has no description");
        }
        let hot = schema["$defs"]["Hot"]["properties"].as_object().unwrap();
        for name in ["allocations", "page_faults", "syscalls_other", "voluntary_switches"] {
            assert!(hot.contains_key(name), "{name}");
        }
        let quantiles = schema["$defs"]["Quantiles"]["properties"].as_object().unwrap();
        for name in ["count", "p50", "p90", "p99", "p999", "p9999", "max"] {
            assert!(quantiles.contains_key(name), "{name}");
        }
    }
}
