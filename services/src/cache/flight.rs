//! One flight per key: who comes first fills, the others wait for it.

use super::entry::Entry;
use super::error::CacheError;
use super::generations::Stamp;
use super::held;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a flight brought: the entry, and whether it stands in for a fill that failed.
pub(super) type Landed = Result<(Arc<Entry>, bool), CacheError>;

/// Flights under way.
#[derive(Default)]
pub(super) struct Flights {
    flights: Mutex<HashMap<String, Arc<Flight>>>,
}

pub(super) struct Flight {
    /// As it began: who asks after something was dropped must not share it.
    pub(super) stamp: Stamp,
    state: Mutex<State>,
    over: Condvar,
}

enum State {
    Underway,
    Landed(Landed),
    /// Its leader was unwound.
    Lost,
}

/// What waiting for a flight came to.
pub(super) enum Waited {
    /// It landed.
    Landed(Landed),
    /// Its leader was unwound.
    Lost,
    /// It is still under way.
    TooLong,
}

/// What one who asks is.
pub(super) enum Part<'a> {
    /// The one who fills.
    Leader(Leader<'a>),
    /// One of those who wait.
    Waiter(Arc<Flight>),
}

/// Who fills. However it ends, those who wait hear of it.
pub(super) struct Leader<'a> {
    flights: &'a Flights,
    key: &'a str,
    flight: Arc<Flight>,
}

impl Flights {
    /// Joins the flight of a key, or begins one.
    pub(super) fn join<'a>(&'a self, key: &'a str, stamp: impl FnOnce() -> Stamp) -> Part<'a> {
        let mut flights = held(&self.flights);
        if let Some(flight) = flights.get(key) {
            return Part::Waiter(Arc::clone(flight));
        }
        let (state, over) = (Mutex::new(State::Underway), Condvar::new());
        let flight = Arc::new(Flight { stamp: stamp(), state, over });
        flights.insert(key.to_owned(), Arc::clone(&flight));
        Part::Leader(Leader { flights: self, key, flight })
    }
}

impl Flight {
    /// Waits until it is over, or `wait` has passed.
    pub(super) fn wait(&self, wait: Duration) -> Waited {
        let until = Instant::now() + wait;
        let mut state = held(&self.state);
        loop {
            match &*state {
                State::Landed(landed) => return Waited::Landed(landed.clone()),
                State::Lost => return Waited::Lost,
                State::Underway => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Waited::TooLong;
            }
            let waited = self.over.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Leader<'_> {
    pub(super) fn stamp(&self) -> &Stamp {
        &self.flight.stamp
    }

    /// It is over.
    pub(super) fn land(self, landed: Landed) {
        *held(&self.flight.state) = State::Landed(landed);
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        held(&self.flights.flights).remove(self.key);
        let mut state = held(&self.flight.state);
        if matches!(*state, State::Underway) {
            *state = State::Lost;
        }
        drop(state);
        self.flight.over.notify_all();
    }
}
