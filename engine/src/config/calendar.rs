//! The session date and the zone it is counted in. Fixed once, at start; journalled; given to a
//! replay.

use jiff::civil;
use jiff::tz::TimeZone;
use shm::units::Nanos;

/// A calendar date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// In `1..=9999`.
    pub year: i16,
    /// In `1..=12`.
    pub month: u8,
    /// In `1..=31`, a day that the month has.
    pub day: u8,
}

impl std::fmt::Display for Date {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// The session that an engine runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDate {
    /// The zone's name in the IANA data base.
    pub zone: String,
    /// The date in that zone.
    pub date: Date,
    /// The first instant of that date in that zone, since the Unix epoch: what ITCH counts its time
    /// stamps from.
    pub midnight: Nanos,
}

/// Why there is no session date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The zone is not in the data base. Remedy: write another.
    #[error("no such time zone")]
    Zone,
    /// The clock or the date lies outside the years 1970 to 2500. Remedy: set the clock.
    #[error("the date lies outside the years 1970 to 2500")]
    Range,
}

/// Whether the data base, the machine's or the built-in one, has the zone.
pub(super) fn is_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// Parses `YYYY-MM-DD`; `None` for anything else.
pub(super) fn parse_date(text: &str) -> Option<Date> {
    let date: civil::Date =
        (text.len() == 10).then(|| text.parse().ok()).flatten().filter(|date| in_range(*date))?;
    let parsed = Date {
        year: date.year(),
        month: u8::try_from(date.month()).ok()?,
        day: u8::try_from(date.day()).ok()?,
    };
    (parsed.to_string() == text).then_some(parsed)
}

fn in_range(date: civil::Date) -> bool {
    (1970..=2500).contains(&date.year())
}

/// The session of `date`, or of the date that it is in `zone` at `now` (since the Unix epoch).
///
/// # Errors
/// [`CalendarError`]: the zone is unknown, or the date is out of range.
pub fn session_date(
    zone: &str,
    date: Option<Date>,
    now: Nanos,
) -> Result<SessionDate, CalendarError> {
    let time_zone = TimeZone::get(zone).map_err(|_| CalendarError::Zone)?;
    let date = match date {
        Some(Date { year, month, day }) => {
            let (month, day) = (i8::try_from(month), i8::try_from(day));
            let (Ok(month), Ok(day)) = (month, day) else { return Err(CalendarError::Range) };
            civil::Date::new(year, month, day).map_err(|_| CalendarError::Range)?
        }
        None => jiff::Timestamp::from_nanosecond(i128::from(now.0))
            .map_err(|_| CalendarError::Range)?
            .to_zoned(time_zone.clone())
            .date(),
    };
    if !in_range(date) {
        return Err(CalendarError::Range);
    }
    let midnight = date.to_zoned(time_zone).map_err(|_| CalendarError::Range)?.timestamp();
    let midnight = u64::try_from(midnight.as_nanosecond()).map_err(|_| CalendarError::Range)?;
    Ok(SessionDate {
        zone: zone.to_owned(),
        date: Date {
            year: date.year(),
            month: date.month().unsigned_abs(),
            day: date.day().unsigned_abs(),
        },
        midnight: Nanos(midnight),
    })
}

/// The instant of a time of day of a date in a zone. `days` since the Unix epoch, `minutes` since
/// midnight, in `0..=1440`.
///
/// # Errors
/// [`CalendarError`]: the zone is unknown, or the date is out of range.
pub fn instant(zone: &str, days: u32, minutes: u32) -> Result<Nanos, CalendarError> {
    let time_zone = TimeZone::get(zone).map_err(|_| CalendarError::Zone)?;
    let date = civil::date(1970, 1, 1)
        .checked_add(jiff::Span::new().days(i64::from(days)))
        .map_err(|_| CalendarError::Range)?;
    let midnight = date.to_datetime(civil::Time::midnight());
    let moment = midnight
        .checked_add(jiff::Span::new().minutes(i64::from(minutes)))
        .and_then(|moment| moment.to_zoned(time_zone))
        .map_err(|_| CalendarError::Range)?;
    u64::try_from(moment.timestamp().as_nanosecond()).map(Nanos).map_err(|_| CalendarError::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: `auto` is the date of the zone, not of UTC, and midnight follows daylight saving.
    /// Method: instants around midnight in New York, in summer and winter.
    #[test]
    fn auto_date_is_the_date_of_the_zone() {
        let summer = Nanos(1_690_862_399 * 1_000_000_000); // 2023-08-01 03:59:59 UTC
        let session = session_date("America/New_York", None, summer).unwrap();
        assert_eq!(session.date.to_string(), "2023-07-31");
        let next = session_date("America/New_York", None, Nanos(summer.0 + 1_000_000_000)).unwrap();
        assert_eq!(next.date.to_string(), "2023-08-01");
        assert_eq!(next.midnight, Nanos(1_690_862_400 * 1_000_000_000));
        let winter = session_date("America/New_York", parse_date("2026-01-30"), Nanos(0)).unwrap();
        assert_eq!(winter.midnight, Nanos(1_769_749_200 * 1_000_000_000)); // 05:00 UTC
    }

    /// Goal: a time of day follows daylight saving, whatever the midnight of its date was in.
    #[test]
    fn a_time_of_day_follows_daylight_saving() {
        // 2026-03-08: New York's clocks jump from 02:00 to 03:00; 09:30 is 13:30 UTC.
        let days = 20_520;
        let open = instant("America/New_York", days, 9 * 60 + 30).unwrap();
        assert_eq!(open.0, (u64::from(days) * 86_400 + 13 * 3_600 + 1_800) * 1_000_000_000);
        assert_eq!(instant("UTC", 1, 1440).unwrap().0, 2 * 86_400_000_000_000);
        assert_eq!(instant("Moon/Base", 1, 0), Err(CalendarError::Zone));
    }

    /// Goal: what is no date, no zone, or out of range is refused by name.
    #[test]
    fn bad_dates_and_zones_are_refused() {
        for text in ["", "2026-02-29", "2026-1-1", "20260101", "1969-12-31", "2026-01-01x"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
        assert_eq!(session_date("Moon/Base", None, Nanos(0)), Err(CalendarError::Zone));
        let early = Some(Date { year: 1969, month: 12, day: 31 });
        assert_eq!(session_date("UTC", early, Nanos(0)), Err(CalendarError::Range));
    }
}
