//! What each stage counts and times, in the shared region: labelled once before start, one writer
//! each, read by tools that know no label beforehand.

#![expect(clippy::disallowed_macros, reason = "cold: labels are made before the start")]

use shm::counters::Counter;
use shm::histogram::Histogram;
use shm::reason::Reason;
use shm::region::{CounterKey, HistogramKey, Region, RegionBuilder};

/// Longest latency that a histogram tells apart: one minute. Longer ones count as overflow.
const HIGHEST_NS: u64 = 60_000_000_000;
/// Significant figures of the histograms: an error of at most 1 in 1,000.
const FIGURES: u32 = 3;

/// Declares the meters of one kind of stage: fields, their keys, and how both are made.
macro_rules! meters {
    (
        $(#[$doc:meta])*
        $name:ident by $keys:ident {
            counters { $($(#[$counter_doc:meta])* $counter:ident: $unit:literal,)* }
            histograms { $($(#[$histogram_doc:meta])* $histogram:ident,)* }
        }
    ) => {
        $(#[$doc])*
        pub struct $name {
            $($(#[$counter_doc])* pub $counter: Counter,)*
            $($(#[$histogram_doc])* pub $histogram: Histogram,)*
        }

        /// Their places in a region that is being listed.
        pub struct $keys {
            $($counter: CounterKey,)*
            $($histogram: HistogramKey,)*
        }

        impl $keys {
            /// Lists the meters of the stage named `stage` under the current thread.
            pub fn list(builder: &mut RegionBuilder, stage: &str) -> Self {
                Self {
                    $($counter: builder.counter(
                        &format!("{stage}.{}", stringify!($counter)), $unit,
                    ),)*
                    $($histogram: builder.histogram(
                        &format!("{stage}.{}", stringify!($histogram)), "ns", HIGHEST_NS, FIGURES,
                    ),)*
                }
            }

            /// Takes the writing ends; `None` for a region of another list.
            #[must_use]
            pub fn take(self, region: &Region) -> Option<$name> {
                Some($name {
                    $($counter: region.counter(self.$counter)?,)*
                    $($histogram: region.histogram(self.$histogram)?,)*
                })
            }
        }
    };
}

meters! {
    /// What a feed stage counts and times.
    FeedMeters by FeedKeys {
        counters {
            /// Datagrams read.
            packets: "packets",
            /// Bytes read.
            bytes: "bytes",
            /// Messages applied, each once.
            messages: "messages",
            /// Datagrams with nothing new.
            duplicates: "packets",
            /// Datagrams that were no packet, and messages that did not decode.
            malformed: "events",
            /// Messages of a type that is not known: skipped by length.
            unknown: "messages",
            /// Packets of another session: dropped.
            other_session: "packets",
            /// Packets too far ahead to be true: dropped.
            too_far: "packets",
            /// Gaps seen on all lines together.
            gaps: "gaps",
            /// Messages given up.
            lost: "messages",
            /// Messages known to exist and not had yet.
            missing: "messages",
            /// What makes all books unfit, bits of `feed::book::StaleCause`.
            unfit: "causes",
            /// Re-requests sent.
            requests: "requests",
            /// Changes of a top published.
            tops: "messages",
            /// Prints published.
            trades: "messages",
            /// Changes of a top that were conflated because a ring was full.
            conflated: "messages",
            /// Prints dropped because a ring was full.
            trades_dropped: "messages",
            /// Faults of books.
            book_faults: "faults",
            /// Book hashes compared with the exchange's.
            hash_checks: "hashes",
            /// Book hashes that differed.
            book_mismatches: "hashes",
            /// Kernel stamps that could not be true: the read was taken.
            stamps_refused: "stamps",
            /// Datagrams not journalled because the lane was nearly full: no replay is made.
            capture_gaps: "packets",
            /// State of the feed: 1 live, 2 stale, 3 ended; 0 before the first packet.
            state: "state",
            /// Times nothing was read because a ring or the journal had no room: a file or stream
            /// waited.
            waits: "polls",
            /// Times a stream was cut.
            cuts: "cuts",
        }
        histograms {
            /// Arrival to read.
            arrival_to_read,
            /// Read to the start of the message in its datagram.
            wait_in_datagram,
            /// Decoding and applying to the book, for messages that changed a top or printed.
            decode,
            /// Book to publish.
            book,
        }
    }
}

meters! {
    /// What a strategy stage counts.
    StrategyMeters by StrategyKeys {
        counters {
            /// Market messages taken.
            market: "messages",
            /// Updates and refusals taken.
            updates: "messages",
            /// Intents sent.
            intents: "messages",
            /// Intents that met a full ring.
            busy: "intents",
            /// Whether it may act: 1 or 0.
            enabled: "state",
            /// Why it was stopped for good in this session: 2 it panicked, 3 it held its thread for
            /// too long; 0 if it was not.
            down: "state",
        }
        histograms {}
    }
}

meters! {
    /// What the risk stage counts and times; refusals by code are [`Refusals`].
    RiskMeters by RiskKeys {
        counters {
            /// Market messages taken.
            market: "messages",
            /// Intents decided.
            intents: "intents",
            /// New orders and replaces approved.
            approved: "orders",
            /// Cancels passed on.
            cancels: "cancels",
            /// Intents refused.
            denied: "intents",
            /// Reports applied.
            reports: "reports",
            /// Fills applied.
            fills: "fills",
            /// Orders that are not ended.
            working: "orders",
            /// Updates conflated because a strategy's ring was full.
            conflated: "updates",
            /// Trading mode: 1 active, 2 reduce only, 3 cancel only, 4 halted.
            mode: "state",
            /// Contradictions in reports: each holds its instrument.
            contradictions: "reports",
            /// Modes changed, limits passed after the fact, breakers tripped.
            alarms: "alarms",
            /// Version of the limit set in force.
            limits_version: "version",
            /// Working orders that the last limit set to be loaded would not have let in.
            limits_over: "orders",
        }
        histograms {
            /// Published by the feed to begun by the strategy.
            hop_feed_strategy,
            /// Begun to emitted.
            strategy,
            /// Emitted to begun by risk.
            hop_strategy_risk,
            /// Begun to decided.
            risk,
        }
    }
}

meters! {
    /// What a gateway stage counts and times.
    GatewayMeters by GatewayKeys {
        counters {
            /// New orders sent.
            sent_new: "orders",
            /// Replaces sent.
            sent_replace: "orders",
            /// Cancels sent.
            sent_cancel: "orders",
            /// Messages sent again after a reconnect, under their old number.
            resent: "messages",
            /// Approvals not sent: gate closed, too old, session lost.
            voided: "orders",
            /// Cancels of a kill that went out with the journal full.
            sent_unwritten: "orders",
            /// Orders that nobody approved under that id and on those terms: a fault of the engine.
            unapproved: "orders",
            /// Sends that found the socket full.
            would_block: "sends",
            /// Bytes read from the venue.
            bytes_in: "bytes",
            /// Reports passed on.
            reports: "reports",
            /// Acceptances.
            acks: "reports",
            /// Executions.
            fills: "reports",
            /// Cancels confirmed.
            canceled: "reports",
            /// Replaces confirmed.
            replaced: "reports",
            /// Refusals by the venue.
            rejected: "reports",
            /// Messages of the venue that could not be decoded.
            malformed: "messages",
            /// Logons.
            sessions: "sessions",
            /// Whether orders may be sent: 1 or 0.
            session_up: "state",
            /// 1 when the venue's stream does not go on where it had been heard to.
            session_broken: "state",
            /// Whether there is a connection: 1 or 0.
            link_open: "state",
        }
        histograms {
            /// Decided to published by risk: the record's way into the lane.
            journal,
            /// Published by risk to begun by the gateway: the ring, and the wait for sends before
            /// it.
            hop_risk_gateway,
            /// Begun to encoded, in the lane.
            encode,
            /// Encoded to the return of the send.
            send,
            /// Arrival of the bytes that caused an order to the return of its send.
            arrival_to_send,
        }
    }
}

meters! {
    /// What a hot thread's loop counts and times.
    ThreadMeters by ThreadKeys {
        counters {
            /// Turns of the loop, the thread's duty: it stands still when the thread hangs.
            polls: "polls",
            /// Turns that found work.
            busy_polls: "polls",
            /// Times the loop gave the core away.
            yields: "calls",
            /// Free segments of the thread's lane.
            free_segments: "segments",
            /// Page faults of the thread in the measured window.
            page_faults: "faults",
            /// Voluntary context switches of the thread in the measured window.
            voluntary_switches: "switches",
            /// Involuntary context switches of the thread in the measured window.
            involuntary_switches: "switches",
            /// Heap allocations of the thread in the measured window.
            allocations: "allocations",
            /// Length of the measured window.
            window: "ns",
            /// Core the thread is pinned to plus 1; 0 if it is not.
            core: "core",
            /// The kernel's number of the thread; 0 before it runs.
            tid: "thread",
        }
        histograms {
            /// Idle turns that took longer than 1 us: the machine took the core away.
            gap,
        }
    }
}

meters! {
    /// What the archive thread counts.
    ArchiveMeters by ArchiveKeys {
        counters {
            /// Bytes copied to the disk.
            bytes: "bytes",
            /// Bytes committed and not yet synced.
            lag_bytes: "bytes",
            /// Age of the oldest record not yet synced.
            lag: "ns",
            /// 1 after a write or sync error: final.
            failed: "state",
            /// Wall clock against engine clock.
            drift: "ns",
        }
        histograms {}
    }
}

/// Refusals by reason code.
pub struct Refusals {
    by_reason: Vec<(Reason, Counter)>,
}

/// Their places in a region that is being listed.
pub struct RefusalKeys {
    by_reason: Vec<(Reason, CounterKey)>,
}

impl RefusalKeys {
    /// Lists one counter per reason under the current thread.
    pub fn list(builder: &mut RegionBuilder) -> Self {
        let key =
            |&reason: &Reason| (reason, builder.counter(&format!("denied.{reason}"), "intents"));
        Self { by_reason: Reason::ALL.iter().map(key).collect() }
    }

    /// Takes the writing ends; `None` for a region of another list.
    #[must_use]
    pub fn take(self, region: &Region) -> Option<Refusals> {
        let take = |(reason, key)| Some((reason, region.counter(key)?));
        Some(Refusals { by_reason: self.by_reason.into_iter().map(take).collect::<Option<_>>()? })
    }
}

impl Refusals {
    /// Counts one.
    pub fn count(&self, reason: Reason) {
        if let Some((_, counter)) = self.by_reason.iter().find(|(known, _)| *known == reason) {
            counter.add(1);
        }
    }
}
