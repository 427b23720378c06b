//! The shared region's counters, found by what their labels end in.

use shm::region::RegionReader;

/// One counter at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meter {
    /// The thread that writes it.
    pub(crate) thread: String,
    /// `feed:itch.packets`, `denied.COLLAR`, `hot.polls`.
    pub(crate) label: String,
    /// What it counts.
    pub(crate) unit: String,
    /// Its value.
    pub(crate) value: u64,
}

impl Meter {
    /// What stands before the last dot of the label: a stage or a thread.
    pub(crate) fn stage(&self) -> &str {
        self.label.rsplit_once('.').map_or("", |(stage, _)| stage)
    }

    /// What stands behind it.
    pub(crate) fn name(&self) -> &str {
        self.label.rsplit_once('.').map_or(self.label.as_str(), |(_, name)| name)
    }
}

/// All counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meters(pub(crate) Vec<Meter>);

impl Meters {
    /// Reads them all.
    pub(crate) fn read(region: &RegionReader) -> Self {
        let each = region.counters().map(|(entry, counter)| Meter {
            thread: region.thread_of(entry).to_owned(),
            label: entry.label.to_string(),
            unit: entry.unit.to_string(),
            value: counter.get(),
        });
        Self(each.collect())
    }

    /// The sum of a counter over the stages of one kind (`gateway`, `sent_new`).
    pub(crate) fn sum(&self, kind: &str, name: &str) -> u64 {
        let of_kind = |meter: &&Meter| {
            meter.name() == name && meter.stage().split(':').next().is_some_and(|own| own == kind)
        };
        self.0.iter().filter(of_kind).map(|meter| meter.value).sum()
    }

    /// The sum of a counter over everything that has one of this name.
    pub(crate) fn total(&self, name: &str) -> u64 {
        self.0.iter().filter(|meter| meter.name() == name).map(|meter| meter.value).sum()
    }

    /// Counters whose label starts so and that are above 0, by what follows.
    pub(crate) fn with_prefix(&self, prefix: &str) -> Vec<(String, u64)> {
        let own = self.0.iter().filter(|meter| meter.value > 0);
        own.filter_map(|meter| Some((meter.label.strip_prefix(prefix)?.to_owned(), meter.value)))
            .collect()
    }

    /// The counter of one thread (that has `polls`, a hot one) by name.
    pub(crate) fn of_thread(&self, thread: &str, name: &str) -> u64 {
        let own = |meter: &&Meter| meter.thread == thread && meter.name() == name;
        self.0.iter().find(own).map_or(0, |meter| meter.value)
    }

    /// The hot threads, in the order of the region.
    pub(crate) fn hot_threads(&self) -> Vec<String> {
        let polls = self.0.iter().filter(|meter| meter.name() == "polls");
        polls.map(|meter| meter.thread.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(thread: &str, label: &str, value: u64) -> Meter {
        Meter { thread: thread.into(), label: label.into(), unit: String::new(), value }
    }

    /// Goal: counters are found by kind, name, prefix and thread. Method: two feeds and a gateway
    /// with a counter of the same name.
    #[test]
    fn counters_are_found_by_their_labels() {
        let meters = Meters(vec![
            meter("hot", "hot.polls", 9),
            meter("hot", "feed:a.malformed", 2),
            meter("hot", "feed:b.malformed", 3),
            meter("hot", "gateway:o.malformed", 4),
            meter("hot", "denied.COLLAR", 5),
            meter("hot", "denied.RATE", 0),
        ]);
        assert_eq!((meters.sum("feed", "malformed"), meters.total("malformed")), (5, 9));
        assert_eq!(meters.with_prefix("denied."), [("COLLAR".to_owned(), 5)]);
        assert_eq!(meters.hot_threads(), ["hot"]);
        assert_eq!((meters.of_thread("hot", "polls"), meters.of_thread("cold", "polls")), (9, 0));
    }
}
