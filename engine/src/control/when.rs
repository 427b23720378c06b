//! A time of day for people.

use shm::units::Nanos;

/// Time of day, UTC, to the millisecond, of a time since the Unix epoch.
#[must_use]
pub fn utc(at: Nanos) -> String {
    let (seconds, ms) = (at.0 / 1_000_000_000 % 86_400, at.0 / 1_000_000 % 1_000);
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{ms:03} UTC", seconds % 60)
}

/// A length of time in seconds.
pub(super) fn seconds(time: Nanos) -> String {
    format!("{}.{} s", time.0 / 1_000_000_000, time.0 / 100_000_000 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a time is named as a clock would. Method: both ends of a day.
    #[test]
    fn times_are_named_as_a_clock_would() {
        assert_eq!(utc(Nanos(86_400_000_000_000)), "00:00:00.000 UTC");
        assert_eq!(utc(Nanos(86_399_999_999_999)), "23:59:59.999 UTC");
        assert_eq!(seconds(Nanos(3_450_000_000)), "3.4 s");
    }
}
