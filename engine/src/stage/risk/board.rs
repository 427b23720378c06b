//! What the stage shows to the control thread in shared words: which command it has taken, and the
//! mode of every scope. One writer, the stage; looked at from cold threads.

use crate::config::limits::Scope;
use crate::risk::scope::ScopeMap;
use crate::risk::{Mode, Risk};
use shm::atomic::{AtomicU64, Ordering};
use shm::ids::ClOrdId;

/// The words.
#[derive(Debug)]
pub struct Board {
    map: ScopeMap,
    /// Record in lane 0 of the last command taken.
    command: AtomicU64,
    /// The stage's last record after it had carried that out.
    record: AtomicU64,
    /// By place of the scope: the mode a person has set in the high byte of two, that risk has
    /// fallen to in the low one.
    modes: Box<[AtomicU64]>,
    /// Orders over the limit set that was switched to last, the first of them; 0 behind the last.
    over: [AtomicU64; OVER_NAMED],
    /// The last release of an instrument: its record in lane 0 twice, and one more if the
    /// instrument was held.
    release: AtomicU64,
}

/// Orders over a new limit set that are named.
const OVER_NAMED: usize = 16;

/// The modes of one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeModes {
    /// Whose.
    pub scope: Scope,
    /// Set by a person.
    pub set: Mode,
    /// Fallen to by risk itself.
    pub tripped: Mode,
}

impl Board {
    /// For as many scopes. Cold: allocates.
    #[must_use]
    pub fn new(map: ScopeMap) -> Self {
        let modes = (0..map.len()).map(|_| AtomicU64::new(0)).collect();
        let zero = || AtomicU64::new(0);
        let over = core::array::from_fn(|_| zero());
        Self { map, command: zero(), record: zero(), modes, over, release: zero() }
    }

    /// A command has been carried out: its record in lane 0, and the stage's last one after it.
    pub(crate) fn took(&self, command: u64, record: u64) {
        // ORDERING: Relaxed; published by the command below.
        self.record.store(record, Ordering::Relaxed);
        // ORDERING: Release; pairs with the Acquire in `taken`: whoever sees the command sees what
        // it did to the modes, and a record that is not before it.
        self.command.store(command, Ordering::Release);
    }

    /// The stage's record that stands after everything a command did; `None` while that has not
    /// been taken. `command` is its record in lane 0.
    #[must_use]
    pub fn taken(&self, command: u64) -> Option<u64> {
        // ORDERING: Acquire; pairs with the Release in `took`.
        let last = self.command.load(Ordering::Acquire);
        // ORDERING: Relaxed; ordered by the load above. A later one is after it too.
        (last >= command).then(|| self.record.load(Ordering::Relaxed))
    }

    /// Shows an order over the limits, at its place among them; nothing behind the last place.
    pub(super) fn show_over(&self, at: usize, id: ClOrdId) {
        if let Some(word) = self.over.get(at) {
            // ORDERING: Relaxed; published by `took`, for people.
            word.store(id.0, Ordering::Relaxed);
        }
    }

    /// The first of the orders over the limit set that was switched to last.
    pub fn over(&self) -> impl Iterator<Item = ClOrdId> {
        // ORDERING: Relaxed; ordered by the load in `taken`.
        let ids = self.over.iter().map(|word| ClOrdId(word.load(Ordering::Relaxed)));
        ids.take_while(|id| *id != ClOrdId::NONE)
    }

    /// An instrument was let free, by the command of this record; whether it was held.
    pub(super) fn released(&self, command: u64, was_held: bool) {
        // ORDERING: Relaxed; published by `took`.
        self.release.store(command << 1 | u64::from(was_held), Ordering::Relaxed);
    }

    /// Whether the release of this record found its instrument held; `None` once another has come.
    #[must_use]
    pub fn was_held(&self, command: u64) -> Option<bool> {
        // ORDERING: Relaxed; ordered by the load in `taken`.
        let last = self.release.load(Ordering::Relaxed);
        (last >> 1 == command).then_some(last & 1 != 0)
    }

    /// Shows the modes of every scope.
    #[cold]
    pub(super) fn show_modes(&self, risk: &Risk) {
        for (word, (_, state)) in self.modes.iter().zip(risk.scopes()) {
            let modes = (state.set as u64) << 8 | state.tripped as u64;
            // ORDERING: Relaxed; a lone word, and whoever waits for a command has its Acquire.
            word.store(modes, Ordering::Relaxed);
        }
    }

    /// As a switch of limits shows its orders: for tests.
    #[cfg(test)]
    pub(crate) fn show_over_for_tests(&self, ids: &[ClOrdId]) {
        let all = ids.iter().copied().chain([ClOrdId::NONE]);
        all.enumerate().for_each(|(at, id)| self.show_over(at, id));
    }

    /// As a release shows what it found: for tests.
    #[cfg(test)]
    pub(crate) fn show_released_for_tests(&self, command: u64, was_held: bool) {
        self.released(command, was_held);
    }

    /// Shows one scope as a person has set it: for tests.
    #[cfg(test)]
    pub(crate) fn show(&self, scope: Scope, set: Mode) {
        let word = &self.modes[self.map.place(scope).unwrap() as usize];
        // ORDERING: Relaxed; a lone word.
        word.store((set as u64) << 8 | Mode::Active as u64, Ordering::Relaxed);
    }

    /// The modes of a scope; `None` for one that does not exist.
    #[must_use]
    pub fn modes(&self, scope: Scope) -> Option<ScopeModes> {
        let word = self.modes.get(self.map.place(scope)? as usize)?;
        // ORDERING: Relaxed; a lone word.
        let [tripped, set, ..] = word.load(Ordering::Relaxed).to_le_bytes();
        let mode = |byte: u8| Mode::from_value(byte.into());
        Some(ScopeModes { scope, set: mode(set)?, tripped: mode(tripped)? })
    }

    /// Scopes that are not active.
    pub fn restricted(&self) -> impl Iterator<Item = ScopeModes> {
        let all = self.map.all().filter_map(|scope| self.modes(scope));
        all.filter(|modes| modes.set != Mode::Active || modes.tripped != Mode::Active)
    }
}
