//! Whether an engine runs, and when one that does not any more went.

use crate::number::{seconds, time_of_day};
use crate::place::Place;
use shm::region::{RegionReader, WriterState};
use shm::units::Nanos;

/// What an engine does, or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Liveness {
    /// It runs.
    Running,
    /// It stopped in order, at this time where the journal tells it.
    Stopped(Option<Nanos>),
    /// It died. The journal has it alive at this time.
    Died(Option<Nanos>),
}

impl Liveness {
    /// Asks the operating system, and of an engine that is gone the end of its control lane.
    pub(crate) fn of(region: &RegionReader, place: &Place) -> Self {
        match region.writer_state() {
            WriterState::Alive => Self::Running,
            WriterState::Closed => Self::Stopped(last_record(region, place)),
            WriterState::Dead => Self::Died(last_record(region, place)),
        }
    }

    /// Whether nothing changes any more.
    pub(crate) fn is_over(self) -> bool {
        self != Self::Running
    }

    /// Up to when there is anything to count: the end, or `now`.
    pub(crate) fn until(self, now: Nanos) -> Nanos {
        match self {
            Self::Running | Self::Stopped(None) | Self::Died(None) => now,
            Self::Stopped(Some(at)) | Self::Died(Some(at)) => at.min(now),
        }
    }

    /// In words, with the time since `start`.
    pub(crate) fn words(self, start: Nanos, now: Nanos) -> String {
        let since = seconds(self.until(now).0.saturating_sub(start.0));
        match self {
            Self::Running => format!("running for {since}"),
            Self::Stopped(Some(_)) => format!("stopped in order after {since}"),
            Self::Stopped(None) => "stopped in order".to_owned(),
            Self::Died(Some(_)) => format!("DIED after {since} or more: these are its last counts"),
            Self::Died(None) => "DIED: these are its last counts".to_owned(),
        }
    }
}

/// That no engine runs in a directory, and since when.
pub(crate) struct Gone {
    /// `it stopped in order at 09:10:00 UTC, 5.0 s ago`.
    pub(crate) text: String,
}

/// What became of the last engine of a directory; `None` while one runs, or none is known.
pub(crate) fn gone(place: &Place) -> Option<Gone> {
    let liveness = place.region().map(|region| Liveness::of(&region, place)).ok()?;
    let (what, at) = match liveness {
        Liveness::Running => return None,
        Liveness::Stopped(at) => ("it stopped in order", at),
        Liveness::Died(at) => ("it DIED; it was last alive", at),
    };
    let at = at.map(|at| format!(" at {}, {} ago", clock(at), ago(at))).unwrap_or_default();
    let region = place.region().ok();
    let failed = region.and_then(|region| region.counter("archive.failed").ok());
    let has_failed = failed.is_some_and(|failed| failed.get() != 0);
    let journal = if has_failed { "; its journal had FAILED" } else { "" };
    Some(Gone { text: format!("{what}{at}{journal}") })
}

/// Time of day to the second.
pub(crate) fn clock(at: Nanos) -> String {
    time_of_day(at).split('.').next().unwrap_or_default().to_owned() + " UTC"
}

fn ago(at: Nanos) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
    let past = now.saturating_sub(at.0);
    match past / 1_000_000_000 {
        0..120 => seconds(past),
        past @ 120..7_200 => format!("{} min", past / 60),
        past => format!("{} h", past / 3_600),
    }
}

/// Time of the last record of lane 0: the close of the session, or the last anchor of one that was
/// never closed.
fn last_record(region: &RegionReader, place: &Place) -> Option<Nanos> {
    let epoch = u16::try_from(region.epoch()).ok()?;
    let mut reader = place.journal().ok()?.reader(epoch, 0).ok()?;
    let mut last = None;
    // A torn tail is the end here too.
    while let Ok(Some(record)) = reader.next() {
        last = Some(Nanos(record.header.ts));
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the time of a run ends with the run. Method: one that stopped after 3 s, looked at an
    /// hour later.
    #[test]
    fn time_stands_still_after_the_end() {
        let second = |seconds: u64| Nanos(seconds * 1_000_000_000);
        let (start, now) = (second(100), second(3_700));
        let stopped = Liveness::Stopped(Some(second(103)));
        assert_eq!(stopped.words(start, now), "stopped in order after 3.0 s");
        assert_eq!((stopped.until(now), stopped.is_over()), (second(103), true));
        let died = Liveness::Died(Some(second(103)));
        assert!(died.words(start, now).starts_with("DIED after 3.0 s or more"));
        assert_eq!(Liveness::Running.words(start, second(112)), "running for 12.0 s");
        assert_eq!(Liveness::Running.until(now), now);
        assert_eq!(Liveness::Stopped(None).words(start, now), "stopped in order");
    }
}
