//! One parent at work: what was asked, what it has latched, its legs.

use super::leg::{End, Leg, PAUSE_EXPECTED};
use super::slice::Slice;
use crate::risk::parents::LEGS_MAX;
use shm::ids::{ClOrdId, InstrumentId};
use shm::message::{ParentKind, Side, parent_flags};
use shm::reason::Reason;
use shm::record::parent::{Parent, ParentState};
use shm::units::{Nanos, Price, Qty};

/// How far a parent is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Risk has not answered.
    #[default]
    Asked,
    /// It works.
    Working,
    /// Its children are being cancelled.
    Ending,
    /// Risk was told, or has said, that it is over.
    Over,
}

/// What a strategy hears of its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentEvent {
    /// The parent.
    pub id: ClOrdId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// How far it is; [`Phase::Over`] comes once and last.
    pub phase: Phase,
    /// Why it is over.
    pub reason: Reason,
    /// The leg whose child changed, with its side.
    pub leg: Option<(u8, Side)>,
    /// What that leg has newly filled (below 0: undone).
    pub last_qty: Qty,
    /// Price of that fill.
    pub last_px: Price,
    /// Filled by leg.
    pub filled: [Qty; LEGS_MAX],
}

/// What a parent remembers beside its legs: written to the journal whenever it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latched {
    /// Bits of this type's [`latch`].
    pub bits: u8,
    /// Best price that a trailing stop has seen.
    pub anchor: Price,
    /// Slices of a TWAP that have begun.
    pub step: u32,
}

impl Default for Latched {
    fn default() -> Self {
        Self { bits: 0, anchor: Price::NONE, step: 0 }
    }
}

/// Bits that a parent latches. None is ever taken back.
pub mod latch {
    /// The first leg's trigger was touched.
    pub const TRIGGERED: u8 = 1;
    /// The second leg's.
    pub const TRIGGERED_1: u8 = 1 << 1;
    /// The first leg has filled first: the second is off.
    pub const WON: u8 = 1 << 2;
    /// The second leg has.
    pub const WON_1: u8 = 1 << 3;
    /// Of legs that share one quantity: the second one's turn.
    pub const SWITCHED: u8 = 1 << 4;
    /// The entry of a bracket takes no more.
    pub const ENTRY_OVER: u8 = 1 << 5;
}

/// One parent.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What was asked; its sums are not looked at here.
    pub parent: Parent,
    /// Its type.
    pub kind: ParentKind,
    /// How far it is.
    pub phase: Phase,
    /// What it remembers.
    pub latched: Latched,
    /// What of that is in the journal.
    pub written: Latched,
    /// Its legs.
    pub legs: [Leg; LEGS_MAX],
    /// Slice of a TWAP that a child was sent for.
    pub sent_step: u32,
    /// The orders of that slice.
    pub slice: Slice,
    /// Why it ends.
    pub reason: Reason,
    /// Risk was asked to end it.
    pub end_asked: bool,
}

impl Row {
    /// A parent as asked; `None` for one of an unknown type.
    #[must_use]
    pub fn new(parent: Parent) -> Option<Self> {
        Some(Self {
            kind: ParentKind::from_u8(parent.parent)?,
            parent,
            phase: Phase::Asked,
            latched: Latched::default(),
            written: Latched::default(),
            legs: [Leg::default(); LEGS_MAX],
            sent_step: 0,
            slice: Slice::default(),
            reason: Reason::None,
            end_asked: false,
        })
    }

    /// A parent of an earlier start: its latches, and what its legs have filled and used.
    #[must_use]
    pub fn carried(parent: Parent, state: Option<&ParentState>) -> Option<Self> {
        let mut row = Self::new(parent)?;
        row.phase = Phase::Working;
        if let Some(state) = state {
            row.latched = Latched { bits: state.latches, anchor: state.anchor, step: state.step };
        }
        row.written = row.latched;
        for ((leg, filled), used) in row.legs.iter_mut().zip(parent.filled).zip(parent.used) {
            leg.restore(filled, used);
        }
        Some(row)
    }

    /// Latches that follow from children that there were, should their record be lost.
    pub fn infer(&mut self) {
        let [first, second, third] = self.legs.map(|leg| leg.spent() > 0 || !leg.is_empty());
        let is_shared = self.parent.flags & parent_flags::SHARED != 0;
        self.latched.bits |= match self.kind {
            ParentKind::Stop | ParentKind::StopLimit | ParentKind::Trailing if first => {
                latch::TRIGGERED
            }
            ParentKind::Bracket if third => latch::TRIGGERED,
            ParentKind::Oco if second && is_shared => latch::SWITCHED | latch::TRIGGERED_1,
            ParentKind::Oco if second => latch::TRIGGERED_1,
            _ => 0,
        };
        if self.kind == ParentKind::Oco && first {
            self.latched.bits |= latch::TRIGGERED;
        }
        if self.kind == ParentKind::Bracket && first {
            self.sent_step = 1;
        }
    }

    /// Whether bits are latched.
    #[must_use]
    pub const fn has(&self, bits: u8) -> bool {
        self.latched.bits & bits == bits
    }

    /// Latches bits.
    pub const fn latch(&mut self, bits: u8) {
        self.latched.bits |= bits;
    }

    /// The record of what it remembers.
    #[must_use]
    pub fn state(&self) -> ParentState {
        ParentState {
            cl_ord_id: self.parent.cl_ord_id,
            anchor: self.latched.anchor,
            step: self.latched.step,
            latches: self.latched.bits,
            ..ParentState::default()
        }
    }

    /// Side of the first leg.
    #[must_use]
    pub fn side(&self) -> Side {
        Side::from_u8(self.parent.side).unwrap_or(Side::Buy)
    }

    /// A leg.
    #[must_use]
    pub fn leg(&self, leg: usize) -> Leg {
        self.legs.get(leg).copied().unwrap_or_default()
    }

    /// Whether no child is out.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.legs.iter().all(Leg::is_empty)
    }

    /// Begins to end it; a reason that it already has stays.
    pub const fn end(&mut self, reason: Reason) {
        if matches!(self.phase, Phase::Asked | Phase::Working) {
            self.phase = Phase::Ending;
            self.reason = reason;
        }
    }

    /// What a child's end means for its parent: nothing, a pause, or the end.
    pub fn on_end(&mut self, leg: usize, end: End, now: Nanos) {
        let Some(place) = self.legs.get_mut(leg) else { return };
        let reason = match end {
            End::Filled => return,
            End::Expected => {
                place.rest_until = Nanos(now.0.saturating_add(PAUSE_EXPECTED.0));
                return;
            }
            End::Refused(reason) => reason,
        };
        // A profit far away may be beyond the collar for long; what stops a loss is not late.
        place.rest_refused(now, (self.kind, leg) == (ParentKind::Bracket, 1));
        match (self.kind, leg) {
            // An entry that is refused has nothing to protect.
            (ParentKind::Bracket, 0) => {
                self.latch(latch::ENTRY_OVER);
                if self.reason == Reason::None {
                    self.reason = reason;
                }
            }
            (ParentKind::Iceberg, _) => self.end(reason),
            (ParentKind::Oco, _)
                if !self.has(latch::TRIGGERED) && !self.has(latch::TRIGGERED_1) =>
            {
                self.end(reason);
            }
            // What protects a position keeps trying; a slice waits for the next.
            _ => {}
        }
    }

    /// The slice of a TWAP may have another order, if there is still time for one after the pause
    /// of its leg.
    pub fn reopen_slice(&mut self) {
        if self.leg(0).rest_until < self.parent.end {
            self.sent_step = self.sent_step.saturating_sub(1);
        }
    }

    /// What a strategy hears of it.
    #[must_use]
    pub fn event(&self) -> ParentEvent {
        ParentEvent {
            id: self.parent.cl_ord_id,
            instrument: self.parent.instrument,
            phase: self.phase,
            reason: self.reason,
            leg: None,
            last_qty: Qty::ZERO,
            last_px: Price::NONE,
            filled: self.legs.map(|leg| Qty(leg.filled())),
        }
    }
}
