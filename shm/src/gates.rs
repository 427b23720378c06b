//! Kill gates: words in a file that anyone of ours may close and only the control thread opens.
//!
//! Risk asks before it approves and the gateway asks again just before it writes; when all gates
//! are open that is one load. A close is a few atomic operations, with no lock, no wait and no
//! system call: it works from a signal handler, and from a process of its own when everything else
//! hangs.
//!
//! # How a gate knows that it is closed
//! Each trigger counts its closings of each scope in a latch of its own row; latches only rise. The
//! control thread keeps, for each scope, the sum of the latches that it has judged and opened. A
//! gate is open iff that sum is the sum of its latches now. So an opening can only undo the
//! closings that were judged, and a closing that comes at any moment is in force until it has been
//! judged itself.
//!
//! The summary spares the hot path the rows. A closing first moves its generation, then the latch,
//! then the generation again, and then sets the bit `some closed`; only the control thread clears
//! that bit, by compare-exchange of a summary that it loaded before it looked at every latch. A
//! closing whose latch it missed moves the generation in between, or sets the bit after it.
//!
//! The file stays when the process ends, and with it what is closed. A new file starts with the
//! global gate closed by the operator: nothing trades before it is armed.
//!
//! # Layout
//! All words are native endian u64. Offsets are bytes.
//!
//! | offset | what |
//! |---|---|
//! | 0 | magic, the bytes `WLGATES` and a zero |
//! | 8 | layout version, [`LAYOUT_VERSION`] |
//! | 16 | length of the file |
//! | 24 | gateways, g |
//! | 32 | accounts, a |
//! | 40 | strategies, s |
//! | 48 | instruments, i |
//! | 56 | hash of the names behind the indexes |
//! | 64 | reserved, 64 bytes of 0 |
//! | 128 | summary: generation (high 62 bits), global closed (bit 1), some closed (bit 0) |
//! | 136 | reserved, 120 bytes of 0 |
//! | 256 | row of the control thread: sums of latches judged; open iff the sum still stands |
//! | then | a row of latches for each trigger: operator, signal, breaker, heartbeat, guard |
//! | then | for each trigger a row of the control thread: its latches as judged, for people |
//!
//! A row is padded to 128 bytes and holds one word per scope: global, g venues, g sessions,
//! a accounts, s strategies, i instruments.

use crate::atomic::{AtomicU64, Ordering};
use crate::ids::{AccountId, GatewayId, InstrumentId, StrategyId};
use crate::map::Words;
use scope::HEAD_WORDS;

#[cfg(not(loom))]
mod file;
mod scope;

#[cfg(not(loom))]
pub use file::GatesError;
pub use scope::{Scope, Shape, Trigger};

/// Version of the layout on this page.
pub const LAYOUT_VERSION: u64 = 1;

/// The summary's word.
const SUMMARY: usize = 16;
/// Row of the sums that the control thread opened; the triggers' rows follow.
const ROW_OPENED: usize = 0;

/// Summary: some gate is closed.
const SOME_CLOSED: u64 = 1;
/// Summary: the global gate is closed.
const GLOBAL_CLOSED: u64 = 2;
/// Summary: one generation.
const GENERATION: u64 = 4;

/// Times the control thread tries to clear the summary against closings; then the bit stays set,
/// which costs the hot path a look at the rows and nothing else.
const CLEAR_TRIES_MAX: u32 = 16;

/// The summary at one moment. Two equal summaries: no gate was closed or opened between them.
///
/// # Layout
/// 8 bytes, as at offset 128 of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Summary(pub u64);

impl Summary {
    /// Rises with every closing and opening, by one or more. In `0..2^62`.
    #[must_use]
    pub const fn generation(self) -> u64 {
        self.0 / GENERATION
    }

    /// Whether some gate is closed (or has just been opened).
    #[must_use]
    pub const fn some_closed(self) -> bool {
        self.0 & SOME_CLOSED != 0
    }

    /// Whether the global gate is closed (or has just been opened).
    #[must_use]
    pub const fn global_closed(self) -> bool {
        self.0 & GLOBAL_CLOSED != 0
    }
}

/// What the control thread judged: the closings of one scope, and the summary before it looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    scope: Scope,
    place: usize,
    summary: Summary,
    /// By trigger.
    latches: [u64; Trigger::COUNT],
}

impl Judgement {
    /// The scope.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The summary that the opening compares with.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }

    fn latched(&self) -> u64 {
        self.latches.into_iter().fold(0, u64::wrapping_add)
    }
}

/// A gate that was not opened: some gate was closed after the judgement. Judge again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Outdated {
    /// The summary now.
    pub now: Summary,
}

/// What the loom models leave out; production code leaves out [`SOUND`]: nothing.
mod weaken {
    pub(super) const SOUND: u8 = 0;
    /// Closing: the generation is not moved before the latch.
    #[cfg(all(test, loom))]
    pub(super) const NO_ANNOUNCEMENT: u8 = 1;
    /// Closing: the generation is not moved after the latch.
    #[cfg(all(test, loom))]
    pub(super) const NO_MOVE: u8 = 2;
    /// Closing: the generation is moved after the latch without release.
    #[cfg(all(test, loom))]
    pub(super) const RELAXED_MOVE: u8 = 3;
    /// Opening: the summary is loaded without acquire before the latches are looked at.
    #[cfg(all(test, loom))]
    pub(super) const RELAXED_LOOK: u8 = 4;
}
use weaken::SOUND;

/// All gates: asks and closes. Clones share the same words.
#[derive(Clone, Debug)]
pub struct Gates {
    words: Words,
    shape: Shape,
}

impl Gates {
    /// Gates in ordinary memory, all open: simulations and tests. `None` when the shape is out of
    /// range.
    #[must_use]
    pub fn in_memory(shape: Shape) -> Option<(Self, GateOpener)> {
        if !shape.is_valid() {
            return None;
        }
        let gates = Self { words: Words::heap(shape.words()), shape };
        Some((gates.clone(), GateOpener { gates }))
    }

    /// How many scopes of each kind there are.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The summary: one load. A stage that finds it changed journals that it saw so.
    #[inline(always)]
    #[must_use]
    pub fn summary(&self) -> Summary {
        // ORDERING: Acquire: latches moved before the bit was set are seen after. Pairs with the
        // Release operations of `close`.
        Summary(self.words.get(SUMMARY).map_or(SOME_CLOSED, |word| word.load(Ordering::Acquire)))
    }

    /// Whether an order may pass: none of its gates is closed. One load when all gates are open.
    /// What the file has no gate for does not pass.
    #[inline]
    #[must_use]
    pub fn is_open(
        &self,
        strategy: StrategyId,
        account: AccountId,
        instrument: InstrumentId,
        gateway: GatewayId,
    ) -> bool {
        // The bits of the summary may outlast an opening by a moment; the rows are the truth.
        !self.summary().some_closed()
            || self.is_open_by_rows(strategy, account, instrument, gateway)
    }

    /// Looks at the latches of each of an order's scopes.
    #[cold]
    fn is_open_by_rows(
        &self,
        strategy: StrategyId,
        account: AccountId,
        instrument: InstrumentId,
        gateway: GatewayId,
    ) -> bool {
        [
            Scope::Global,
            Scope::Venue(gateway),
            Scope::Session(gateway),
            Scope::Account(account),
            Scope::Strategy(strategy),
            Scope::Instrument(instrument),
        ]
        .into_iter()
        .all(|scope| !self.is_closed(scope))
    }

    /// Whether one gate is closed; `true` for a scope that the file does not have.
    #[must_use]
    pub fn is_closed(&self, scope: Scope) -> bool {
        self.shape.place(scope).is_none_or(|place| self.is_closed_at(place))
    }

    fn is_closed_at(&self, place: usize) -> bool {
        // ORDERING: Relaxed, both: the caller has loaded the summary; a closing that is missed here
        // has not set its bit yet, or moves the generation once more (see `refresh`).
        let opened = self.word(ROW_OPENED, place).map(|word| word.load(Ordering::Relaxed));
        let latched = self.latches_at(place, Ordering::Relaxed);
        opened != latched.map(|latches| latches.into_iter().fold(0, u64::wrapping_add))
    }

    /// The latches at a place, by trigger. Each only rises, so equal sums are equal latches.
    fn latches_at(&self, place: usize, order: Ordering) -> Option<[u64; Trigger::COUNT]> {
        let mut latches = [0; Trigger::COUNT];
        for (latch, trigger) in latches.iter_mut().zip(Trigger::ALL) {
            *latch = self.word(trigger.row(), place)?.load(order);
        }
        Some(latches)
    }

    #[inline(always)]
    fn word(&self, row: usize, place: usize) -> Option<&AtomicU64> {
        self.words.get(HEAD_WORDS + row * self.shape.row_words() + place)
    }

    /// Closes a gate. Idempotent, never waits, safe in a signal handler. A scope that the file does
    /// not have closes the global gate: too much is stopped rather than too little.
    ///
    /// When this returns, every later question finds the gate closed until a judgement that saw
    /// this closing opens it.
    pub fn close(&self, scope: Scope, trigger: Trigger) -> Summary {
        self.close_with::<SOUND>(scope, trigger)
    }

    fn close_with<const WEAK: u8>(&self, scope: Scope, trigger: Trigger) -> Summary {
        let (scope, place) = match self.shape.place(scope) {
            Some(place) => (scope, place),
            None => (Scope::Global, 0),
        };
        let (Some(summary), Some(latch)) =
            (self.words.get(SUMMARY), self.word(trigger.row(), place))
        else {
            return self.summary();
        };
        // ORDERING: Relaxed: published by the Release of the latch. A judgement that counts this
        // closing and was given an older summary then fails its compare-exchange.
        if WEAK != 1 {
            summary.fetch_add(GENERATION, Ordering::Relaxed);
        }
        // ORDERING: Release: whoever counts this closing finds the generation moved. Pairs with the
        // Acquire loads in `GateOpener::judge`.
        latch.fetch_add(1, Ordering::Release);
        // ORDERING: Release: whoever loads this generation counts this closing. Pairs with the
        // Acquire load in `GateOpener::refresh`.
        if WEAK != 2 {
            let order = if WEAK == 3 { Ordering::Relaxed } else { Ordering::Release };
            summary.fetch_add(GENERATION, order);
        }
        let bits = if scope == Scope::Global { GLOBAL_CLOSED | SOME_CLOSED } else { SOME_CLOSED };
        // ORDERING: Release: whoever sees the bit finds the latch. Pairs with the Acquire load in
        // `Gates::summary`.
        let order = if WEAK == 3 { Ordering::Relaxed } else { Ordering::Release };
        Summary(summary.fetch_or(bits, order) | bits)
    }

    /// How many times any gate was closed since the file was made. Only rises; an opening does not
    /// move it. Looks at every gate.
    #[must_use]
    pub fn closings(&self) -> u64 {
        let places = 0..self.shape.scopes();
        // ORDERING: Acquire: whoever counts a closing sees what its closer did before. Pairs with
        // the Release of the latch in `close`.
        let latches = places.filter_map(|place| self.latches_at(place, Ordering::Acquire));
        latches.flatten().fold(0, u64::wrapping_add)
    }

    /// Whether the global gate is closed as the file was made: nobody has opened it or closed any.
    #[must_use]
    pub fn is_as_made(&self) -> bool {
        self.is_closed(Scope::Global) && self.closings() == 1
    }

    /// Who has closed a gate and was not judged yet, for people.
    pub fn closed_by(&self, scope: Scope) -> impl Iterator<Item = Trigger> {
        let place = self.shape.place(scope);
        // ORDERING: Relaxed: a list to show.
        let load = |row, place| self.word(row, place).map(|word| word.load(Ordering::Relaxed));
        Trigger::ALL.into_iter().filter(move |trigger| {
            place.is_some_and(|at| load(trigger.row(), at) != load(trigger.row_opened(), at))
        })
    }

    /// The scopes that are closed, for people: looks at every gate.
    pub fn closed(&self) -> impl Iterator<Item = Scope> {
        let places = (0..self.shape.scopes()).filter(|&place| self.is_closed_at(place));
        places.filter_map(|place| self.shape.scope_at(place))
    }
}

/// The right to open gates: one per file, held by the control thread.
#[derive(Debug)]
pub struct GateOpener {
    gates: Gates,
}

impl GateOpener {
    /// The gates.
    #[must_use]
    pub fn gates(&self) -> &Gates {
        &self.gates
    }

    /// Takes note of a scope's closings, so that they can be opened after whatever has to be
    /// checked first; `None` when the file has no such scope.
    #[must_use]
    pub fn judge(&self, scope: Scope) -> Option<Judgement> {
        let place = self.gates.shape.place(scope)?;
        let summary = self.gates.summary();
        // ORDERING: Acquire: a closing that is counted has moved the generation before. Pairs with
        // the Release of the latch in `Gates::close`.
        let latches = self.gates.latches_at(place, Ordering::Acquire)?;
        Some(Judgement { scope, place, summary, latches })
    }

    /// Opens the gate that was judged, unless any gate was closed or opened since. Other gates of
    /// the same orders may still be closed.
    ///
    /// # Errors
    /// [`Outdated`]: nothing was opened.
    pub fn try_open(&mut self, judged: &Judgement) -> Result<Summary, Outdated> {
        self.open_with::<SOUND>(judged)
    }

    fn open_with<const WEAK: u8>(&mut self, judged: &Judgement) -> Result<Summary, Outdated> {
        let now = self.gates.summary();
        let parts = (self.gates.words.get(SUMMARY), self.gates.word(ROW_OPENED, judged.place));
        let (Some(summary), Some(opened)) = parts else { return Err(Outdated { now }) };
        let claim = judged.summary.0.wrapping_add(GENERATION);
        // ORDERING: AcqRel, Acquire: in one order with all closings; what the row says is stored
        // after the claim.
        summary
            .compare_exchange(judged.summary.0, claim, Ordering::AcqRel, Ordering::Acquire)
            .map_err(|now| Outdated { now: Summary(now) })?;
        for (trigger, latch) in Trigger::ALL.into_iter().zip(judged.latches) {
            if let Some(word) = self.gates.word(trigger.row_opened(), judged.place) {
                // ORDERING: Relaxed: for people.
                word.store(latch, Ordering::Relaxed);
            }
        }
        // ORDERING: Release: only this thread stores the row; published by the summary below too.
        opened.store(judged.latched(), Ordering::Release);
        Ok(self.refresh_with::<WEAK>())
    }

    /// Makes the summary say what the rows say: after an opening; after a start; and on each turn
    /// of the control thread, since the process of a kill command may itself be killed between the
    /// latch and the summary. Looks at every gate, and stores only what has to change.
    pub fn refresh(&mut self) -> Summary {
        self.refresh_with::<SOUND>()
    }

    fn refresh_with<const WEAK: u8>(&mut self) -> Summary {
        let Some(summary) = self.gates.words.get(SUMMARY) else { return self.gates.summary() };
        for _ in 0..CLEAR_TRIES_MAX {
            // ORDERING: Acquire: the latches of all closings in this generation are seen below.
            // Pairs with the Release that moves the generation in `Gates::close`.
            let order = if WEAK == 4 { Ordering::Relaxed } else { Ordering::Acquire };
            let before = summary.load(order);
            let global = self.gates.is_closed_at(0);
            let some =
                global || (1..self.gates.shape.scopes()).any(|at| self.gates.is_closed_at(at));
            let mut after = before & !(SOME_CLOSED | GLOBAL_CLOSED);
            after |= if some { SOME_CLOSED } else { 0 };
            after |= if global { GLOBAL_CLOSED } else { 0 };
            if after == before {
                break;
            }
            // ORDERING: AcqRel, Relaxed: a closing that was missed above has moved the generation,
            // so that this fails; or will set its bit after this.
            let order = if WEAK == 4 { Ordering::Relaxed } else { Ordering::AcqRel };
            if summary.compare_exchange(before, after, order, Ordering::Relaxed).is_ok() {
                return Summary(after);
            }
        }
        self.gates.summary()
    }
}

#[cfg(all(test, loom))]
mod loom_model;
#[cfg(all(test, not(loom)))]
mod tests;
