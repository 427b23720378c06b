//! The reads.

use super::Touched;
use super::answer::{Answer, Day, DayProfit, Instrument, Order};
use super::error::ReadError;
use super::source::Source;
use crate::cache::{Ask, Cache, Dropped, Fill, Stats};
use crate::store::{Database, DatabaseError, Target, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// What can be asked for by name.
pub const KINDS: [&str; 3] = ["instrument", "order", "day"];
/// What answers can be dropped by.
pub const TAGS: [&str; 3] = ["store", "instruments", "sessions"];
/// Of the form of the answers; another one is filled anew.
const VERSION: u16 = 1;
/// How long it is known that something is not there.
const ABSENT: Duration = Duration::from_secs(1);

/// How long answers are fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// An instrument.
    pub instrument: Duration,
    /// An order that may change.
    pub order: Duration,
    /// An order that has ended.
    pub order_ended: Duration,
    /// A day that is not over, or the last one.
    pub day: Duration,
    /// A day behind which there is another.
    pub day_past: Duration,
}

/// Reads of one store, for any number of threads.
pub struct Reads {
    cache: Cache,
    source: Source,
    times: Times,
    /// Names the database in keys.
    place: String,
}

impl std::fmt::Debug for Reads {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Reads({}, {:?})", self.source.target(), self.cache)
    }
}

impl Reads {
    /// Reads of a database, kept in `cache`. The database is opened when it is needed.
    #[must_use]
    pub fn new(cache: Cache, target: Target, times: Times) -> Self {
        let digest = Sha256::digest(target.to_string());
        let place = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Self { cache, source: Source::new(target), times, place }
    }

    /// The instruments of a symbol in the newest session: one per venue.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn instrument(&self, symbol: &str) -> Result<Answer<Vec<Instrument>>, ReadError> {
        let fresh = self.times.instrument;
        self.read("instrument", symbol, &["store", "instruments"], |database| {
            let rows = database.rows(Instrument::SQL, vec![text(symbol)])?;
            let found: Vec<_> = rows.into_iter().map(Instrument::read).collect();
            let fresh = if found.is_empty() { ABSENT.min(fresh) } else { fresh };
            Ok((found, fresh))
        })
    }

    /// An order by its `cl_ord_id`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn order(&self, cl_ord_id: &str) -> Result<Answer<Option<Order>>, ReadError> {
        let times = self.times;
        self.read("order", cl_ord_id, &["store"], |database| {
            let rows = database.rows(Order::SQL, vec![text(cl_ord_id)])?;
            let found = rows.into_iter().next().map(Order::read);
            let fresh = match &found {
                Some(order) if order.has_ended() => times.order_ended,
                Some(_) => times.order,
                None => ABSENT.min(times.order),
            };
            Ok((found, fresh))
        })
    }

    /// The numbers of a day, written `2026-11-20`; zeros for a day without sessions.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn day(&self, day: &str) -> Result<Answer<Day>, ReadError> {
        let times = self.times;
        self.read("day", day, &["store", "sessions"], |database| {
            let found = day_of(database, day)?;
            let later = "SELECT COUNT(*) FROM session_days WHERE engine_id = 0 AND day > $1";
            let is_past = found.open_sessions == 0
                && found.sessions > 0
                && database.number(later, vec![text(day)])? > Some(0);
            Ok((found, if is_past { times.day_past } else { times.day }))
        })
    }

    /// The answer to a question by kind and name, as JSON.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn json(&self, kind: &str, name: &str) -> Result<Answer<serde_json::Value>, ReadError> {
        match kind {
            "instrument" => shown(self.instrument(name)?, name),
            "order" => shown(self.order(name)?, name),
            "day" => shown(self.day(name)?, name),
            _ => Err(ReadError::Kind { kind: kind.to_owned() }),
        }
    }

    /// Ends what is kept of one question.
    ///
    /// # Errors
    /// [`ReadError::Kind`].
    pub fn drop_one(&self, kind: &str, name: &str) -> Result<Dropped, ReadError> {
        if !KINDS.contains(&kind) {
            return Err(ReadError::Kind { kind: kind.to_owned() });
        }
        Ok(self.cache.drop_key(&self.key(kind, name)))
    }

    /// Ends what carries one of [`TAGS`].
    ///
    /// # Errors
    /// [`ReadError::Tag`].
    pub fn drop_tag(&self, tag: &str) -> Result<Dropped, ReadError> {
        if !TAGS.contains(&tag) {
            return Err(ReadError::Tag { tag: tag.to_owned() });
        }
        Ok(self.cache.drop_tag(tag))
    }

    /// Ends what a commit of the store made untrue. Whether all of it has reached everybody; what
    /// has not is sent until it has.
    pub fn forget(&self, touched: &Touched) -> bool {
        let tags = [
            ("instruments", touched.instruments),
            ("sessions", touched.sessions),
            ("store", touched.pruned),
        ];
        let tags = tags.into_iter().filter(|(_, is)| *is).map(|(tag, _)| self.cache.drop_tag(tag));
        let mut far = true;
        tags.for_each(|dropped| far &= dropped.is_everywhere);
        for order in &touched.orders {
            far &= self.cache.drop_key(&self.key("order", order)).is_everywhere;
        }
        far
    }

    /// What the cache tells of itself.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.cache.stats()
    }

    fn key(&self, kind: &str, name: &str) -> String {
        format!("{kind}/{name}@{}", self.place)
    }

    fn read<T: Serialize + DeserializeOwned>(
        &self,
        kind: &str,
        name: &str,
        tags: &[&str],
        load: impl FnOnce(&mut dyn Database) -> Result<(T, Duration), DatabaseError>,
    ) -> Result<Answer<T>, ReadError> {
        let key = self.key(kind, name);
        let ask = Ask { key: &key, version: VERSION, tags };
        let found = self.cache.get_or_fill(ask, || {
            let (value, fresh) = self.source.ask(load).map_err(FillError::Database)?;
            let value = serde_json::to_vec(&value).map_err(FillError::Value)?;
            Ok::<_, FillError>(Fill { value, fresh })
        })?;
        let value = serde_json::from_slice(&found.value)
            .map_err(|source| ReadError::Value { key, source })?;
        Ok(Answer { value, origin: found.origin, is_stale: found.is_stale })
    }
}

/// Why the database gave nothing to keep.
#[derive(Debug, thiserror::Error)]
enum FillError {
    #[error(transparent)]
    Database(DatabaseError),
    #[error("an answer cannot be written as JSON: {0}")]
    Value(serde_json::Error),
}

fn text(of: &str) -> Value {
    Value::Text(Some(of.to_owned()))
}

fn shown<T: Serialize>(
    answer: Answer<T>,
    name: &str,
) -> Result<Answer<serde_json::Value>, ReadError> {
    let Answer { value, origin, is_stale } = answer;
    let value = serde_json::to_value(value)
        .map_err(|source| ReadError::Value { key: name.to_owned(), source })?;
    Ok(Answer { value, origin, is_stale })
}

fn day_of(database: &mut dyn Database, day: &str) -> Result<Day, DatabaseError> {
    let mut count = |what: &str| {
        let found = database.number(what, vec![text(day)])?;
        Ok::<_, DatabaseError>(found.unwrap_or(0))
    };
    let sessions = count("SELECT COUNT(*) FROM session_days WHERE engine_id = 0 AND day = $1")?;
    let open =
        "SELECT COUNT(*) FROM session_days WHERE engine_id = 0 AND day = $1 AND closed_ns IS NULL";
    let open_sessions = count(open)?;
    let orders = "SELECT COUNT(*) FROM order_terms WHERE engine = 0 AND is_carried = 0 AND epoch IN \
                  (SELECT epoch FROM session_days WHERE engine_id = 0 AND day = $1)";
    let orders = count(orders)?;
    let executions = "SELECT COUNT(*) FROM executions WHERE engine = 0 AND epoch IN \
                      (SELECT epoch FROM session_days WHERE engine_id = 0 AND day = $1)";
    let executions = count(executions)?;
    let refusals = "SELECT reason, CAST(SUM(refusals) AS BIGINT) FROM refusals_by_reason \
                    WHERE engine_id = 0 AND day = $1 GROUP BY reason ORDER BY reason";
    let refusals = database
        .rows(refusals, vec![text(day)])?
        .iter()
        .filter_map(|row| Some((row.first()?.text()?.to_owned(), row.get(1)?.int()?)))
        .collect();
    let profit = database.rows(DayProfit::SQL, vec![text(day)])?;
    let profit = profit.into_iter().map(DayProfit::read).collect();
    Ok(Day { day: day.to_owned(), sessions, open_sessions, orders, executions, refusals, profit })
}
