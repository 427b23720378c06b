//! Latency by stage: the region's histograms, merged over stages of one name.

use crate::number::{grouped, span};
use serde::Serialize;
use shm::histogram::Snapshot;
use shm::region::RegionReader;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The stages of a trip in the order it passes them, then the whole.
pub(crate) const STAGES: [&str; 13] = [
    "arrival_to_read",
    "wait_in_datagram",
    "decode",
    "book",
    "hop_feed_strategy",
    "strategy",
    "hop_strategy_risk",
    "risk",
    "journal",
    "hop_risk_gateway",
    "encode",
    "send",
    "arrival_to_send",
];

/// What each row spans, in the order of [`STAGES`], then what is no part of a trip.
const LEGEND: [(&str, &str); 14] = [
    ("arrival_to_read", "the kernel's receive stamp of a datagram to its read by the feed stage"),
    ("wait_in_datagram", "the read to the start of the message: those before it in the datagram"),
    ("decode", "decoding the message and applying it to the book, in one pass"),
    ("book", "the book to the publish of its new top or print"),
    ("hop_feed_strategy", "published by the feed to begun by the strategy"),
    ("strategy", "begun by the strategy to the order it emits"),
    ("hop_strategy_risk", "emitted to begun by risk"),
    ("risk", "all checks, the reservation, the decision"),
    ("journal", "decided to published by risk: the record's way into the journal, one in 61"),
    (
        "hop_risk_gateway",
        "published by risk to begun by the gateway, sends ahead of it in the same batch included;\n  \
         where `journal` is not timed, from the decision",
    ),
    ("encode", "the venue's message, framed, into the journal"),
    ("send", "the system call that gives it to the socket"),
    (
        "arrival_to_send",
        "the whole: arrival of the bytes that caused an order to the return of its send",
    ),
    ("gap", "no part of a trip: an idle turn of a hot loop above 1 us, the machine had the core"),
];

/// The legend of the table.
pub(crate) fn legend() -> String {
    let mut text = String::from("\nwhat a row spans\n");
    for (name, spans) in LEGEND {
        let _ = writeln!(text, "  {name:<20}{spans}");
    }
    text.push_str(
        "  The first row counts every message that changed a top or printed, the next three one in 61,\n  \
         the others only trips that ended in a send. Between stages of one thread a hop is part of\n  \
         the stage that takes. The parts of one trip sum to its whole: `wirelane trace ID`.\n",
    );
    text
}

/// A note on stamps that say nothing; empty where there are none.
pub(crate) fn refused_stamps(count: u64) -> String {
    if count == 0 {
        return String::new();
    }
    format!(
        "{} kernel stamps could not be true (later than the read, or over 1 s before it): the read\n\
         counts as the arrival there, and arrival_to_read leaves them out\n",
        grouped(count)
    )
}

/// The quantiles that are shown, per million.
const PPM: [u32; 5] = Snapshot::REPORT_PPM;

/// What a histogram says in six numbers, all in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct Quantiles {
    /// Values counted.
    pub(crate) count: u64,
    /// Median.
    pub(crate) p50: u64,
    /// 90th percentile.
    pub(crate) p90: u64,
    /// 99th percentile.
    pub(crate) p99: u64,
    /// 99.9th percentile.
    pub(crate) p999: u64,
    /// 99.99th percentile.
    pub(crate) p9999: u64,
    /// Largest value.
    pub(crate) max: u64,
}

impl Quantiles {
    /// Of a snapshot; all 0 when nothing was counted.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let [p50, p90, p99, p999, p9999] = PPM.map(|ppm| snapshot.value_at(ppm).unwrap_or(0));
        let max = snapshot.max().unwrap_or(0);
        Self { count: snapshot.count(), p50, p90, p99, p999, p9999, max }
    }
}

/// Snapshots by the name of what they time.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageLatency(pub(crate) BTreeMap<String, Snapshot>);

impl StageLatency {
    /// Takes all histograms of a region, merged by what their labels end in.
    pub(crate) fn read(region: &RegionReader) -> Self {
        let mut stages: BTreeMap<String, Snapshot> = BTreeMap::new();
        for (entry, histogram) in region.histograms() {
            let label = entry.label.as_str();
            let name = label.rsplit_once('.').map_or(label, |(_, name)| name);
            let taken = histogram.snapshot();
            // Same name, same buckets: made by one list. Others are kept apart under their label.
            let merged = stages.get_mut(name).map(|known| known.merge(&taken));
            match merged {
                Some(true) => {}
                Some(false) => {
                    stages.insert(label.to_owned(), taken);
                }
                None => {
                    stages.insert(name.to_owned(), taken);
                }
            }
        }
        Self(stages)
    }

    /// What was counted since `earlier`; a histogram that cannot be compared counts whole.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let each = self.0.iter().map(|(name, now)| {
            let part = earlier.0.get(name).and_then(|before| now.since(before));
            (name.clone(), part.unwrap_or_else(|| now.clone()))
        });
        Self(each.collect())
    }

    /// Names in the order of a trip, then the others.
    pub(crate) fn names(&self) -> Vec<&str> {
        let known = STAGES.iter().copied().filter(|name| self.0.contains_key(*name));
        let other = self.0.keys().map(String::as_str).filter(|name| !STAGES.contains(name));
        known.chain(other).collect()
    }

    /// Quantiles by name.
    pub(crate) fn quantiles(&self) -> BTreeMap<String, Quantiles> {
        self.0.iter().map(|(name, snapshot)| (name.clone(), Quantiles::of(snapshot))).collect()
    }

    /// One line a stage.
    pub(crate) fn table(&self) -> String {
        table(
            self.names()
                .into_iter()
                .filter_map(|name| Some((name, Quantiles::of(self.0.get(name)?)))),
        )
    }
}

/// The table of some stages.
pub(crate) fn table<'a>(rows: impl Iterator<Item = (&'a str, Quantiles)>) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:<20}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "stage", "count", "p50", "p90", "p99", "p99.9", "p99.99", "max"
    );
    for (name, q) in rows {
        // Nothing was counted: then there is no time either, not even 0.
        let span = |ns: u64| if q.count == 0 { "-".to_owned() } else { span(ns) };
        let _ = writeln!(
            text,
            "{name:<20}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
            grouped(q.count),
            span(q.p50),
            span(q.p90),
            span(q.p99),
            span(q.p999),
            span(q.p9999),
            span(q.max)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use shm::region::RegionBuilder;
    use shm::units::Nanos;

    /// Goal: every row of the table is explained, in its order.
    #[test]
    fn every_stage_has_a_legend() {
        let named: Vec<&str> = LEGEND.iter().map(|(name, _)| *name).collect();
        assert_eq!(named[..STAGES.len()], STAGES);
        assert!(legend().lines().all(|line| line.chars().count() <= 120), "{}", legend());
        assert!(refused_stamps(0).is_empty() && refused_stamps(1_234).starts_with("1,234 kernel"));
    }

    /// Goal: stages of one name are merged, intervals are differences, order is the trip's. Method:
    /// two feeds and a gateway in a region in memory.
    #[test]
    fn stages_of_one_name_are_merged() {
        let mut builder = RegionBuilder::new(1, Nanos(1));
        builder.thread("hot");
        let keys = ["gateway:o.send", "feed:a.decode", "feed:b.decode", "hot.gap"]
            .map(|label| builder.histogram(label, "ns", 60_000_000_000, 3));
        let region = builder.create_in_memory().unwrap();
        let [send, a, b, gap] = keys.map(|key| region.histogram(key).unwrap());
        a.record(100);
        b.record(300);
        send.record(5_000);
        gap.record(7);
        let reader = region.reader().unwrap();
        let first = StageLatency::read(&reader);
        assert_eq!(first.names(), ["decode", "send", "gap"]);
        let decode = Quantiles::of(&first.0["decode"]);
        assert_eq!((decode.count, decode.p50, decode.max), (2, 100, 300));
        a.record(900);
        let later = StageLatency::read(&reader).since(&first);
        assert_eq!((later.0["decode"].count(), later.0["send"].count()), (1, 0));
        assert!(first.table().lines().count() == 4, "{}", first.table());
    }
}
