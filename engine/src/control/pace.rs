//! How fast a feed catches up: what comes in, how much nearer that brings it, and how long the rest
//! will take. Where it does not come nearer, what to do.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two samples.
const APART: Duration = Duration::from_secs(1);
/// Time without coming nearer after which it is said that this will not end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was read of a feed at some moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    missing: u64,
    messages: u64,
}

/// The last samples of a feed that is behind.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Option<Samples>>);

#[derive(Clone, Copy, Debug)]
struct Samples {
    /// The one before the last, which the pace is taken from.
    old: Sample,
    new: Sample,
    /// When it was nearest, and how near.
    nearest: (Instant, u64),
}

/// Messages a second, and whether it comes nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// That come in.
    come: u64,
    /// By which it is nearer each second; below 0 if it falls back.
    nearer: i64,
    /// It has not come nearer for so long that it will not.
    is_lost: bool,
}

impl Pace {
    /// A look; the pace, once there are two a second apart.
    pub(super) fn look(&self, at: Instant, missing: u64, messages: u64) -> Option<Rate> {
        let now = Sample { at, missing, messages };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = kept.get_or_insert(Samples { old: now, new: now, nearest: (at, missing) });
        if missing < samples.nearest.1 {
            samples.nearest = (at, missing);
        }
        let old = samples.old;
        if at.saturating_duration_since(samples.new.at) >= APART {
            (samples.old, samples.new) = (samples.new, now);
        }
        let ms = at.saturating_duration_since(old.at).as_millis();
        let ms = u64::try_from(ms).ok().filter(|ms| *ms >= 1_000)?;
        let nearer = i128::from(old.missing) - i128::from(missing);
        Some(Rate {
            come: messages.saturating_sub(old.messages).saturating_mul(1_000) / ms,
            nearer: i64::try_from(nearer * 1_000 / i128::from(ms)).unwrap_or(i64::MAX),
            is_lost: at.saturating_duration_since(samples.nearest.0) >= PATIENCE,
        })
    }

    /// It is not behind.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Rate {
    /// The kind of hitch that it is, and words to put behind how far it is.
    pub(super) fn words(self, missing: u64) -> (&'static str, String) {
        let Self { come, nearer, is_lost } = self;
        let shown = grouped(come);
        if is_lost && come == 0 {
            let text = ": it does not catch up: its thread takes nothing in, so that it is held up or \
                        does not get its core; `wirelane top` shows whether it runs, topology.layout \
                        and thread.core give it a core of its own";
            return ("stands still", text.to_owned());
        }
        if is_lost {
            let text = format!(
                ": it does not catch up: {shown} messages a second come in, and the venue sends no \
                 fewer; give the feed a core of its own (topology.layout, thread.core), allow more \
                 re-requests at once (feed.NAME.requests_in_flight), or start before the session"
            );
            return ("falls back", text);
        }
        match u64::try_from(nearer).ok().filter(|nearer| *nearer > 0) {
            Some(nearer) => {
                let left = missing.div_ceil(nearer);
                let text = format!(
                    ", {shown} a second come in, {} a second nearer, about {} s more",
                    grouped(nearer),
                    grouped(left)
                );
                ("behind", text)
            }
            None => ("behind", format!(", {shown} a second come in, no nearer yet")),
        }
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a beginning")]
mod tests {
    use super::*;

    /// Goal: pace, rest and expected time are those of the last second or two; what does not come
    /// nearer for 5 s is said not to, with what to do, until it does. Method: looks by hand.
    #[test]
    fn a_feed_that_is_behind_says_how_fast_it_catches_up() {
        let (pace, begin) = (Pace::default(), Instant::now());
        let look = |ms: u64, missing: u64, messages: u64| {
            let rate = pace.look(begin + Duration::from_millis(ms), missing, messages);
            rate.map(|rate| rate.words(missing))
        };
        assert_eq!(look(0, 1_000_000, 0), None);
        assert_eq!(look(999, 900_000, 200_000), None);
        let (kind, text) = look(1_000, 900_000, 170_000).unwrap();
        assert_eq!(kind, "behind");
        assert_eq!(text, ", 170,000 a second come in, 100,000 a second nearer, about 9 s more");
        look(2_000, 500_000, 870_000);
        let (_, text) = look(3_000, 100_000, 1_570_000).unwrap();
        assert_eq!(text, ", 700,000 a second come in, 400,000 a second nearer, about 1 s more");
        let (_, text) = look(4_000, 700_000, 1_570_000).unwrap();
        assert!(text.ends_with("no nearer yet"), "{text}");
        let (kind, text) = look(8_000, 700_000, 1_900_000).unwrap();
        assert_eq!(kind, "falls back");
        assert!(text.contains("does not catch up") && text.contains("requests_in_flight"));
        let (kind, text) = look(8_500, 700_000, 1_570_000).unwrap();
        assert_eq!(kind, "stands still");
        assert!(text.contains("takes nothing in") && !text.contains("the venue"), "{text}");
        assert_eq!(look(9_000, 90_000, 2_900_000).unwrap().0, "behind", "nearer than ever");
        pace.forget();
        assert_eq!(look(10_000, 90_000, 2_900_000), None);
    }
}
