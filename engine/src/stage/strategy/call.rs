//! The one place where a strategy's own code runs. A panic ends here: the strategy is stopped
//! alone, for good, its kill gate is closed, its orders are cancelled behind it. So is one that the
//! guard has found to hold its thread for too long (S15).
//!
//! Which call it was is in the record, so that a replay stops it after the same one.

use super::{Desk, OrderPort, StrategyStage};
use crate::stage::Turn;
use core::any::Any;
use shm::gates::{Scope, Trigger};
use shm::ids::{Cause, StrategyId};
use shm::message::Message;
use shm::record::RecordKind;
use shm::record::status::{DownCause, StrategyDown};
use shm::units::Nanos;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes of a panic's words that are kept.
const WORDS_MAX: usize = 512;

impl StrategyStage {
    /// Calls the strategy with a desk for the event that arrived at `t0`.
    #[inline]
    pub(super) fn call(
        &mut self,
        message: &Message,
        t0: Nanos,
        cause: Cause,
        turn: &mut Turn<'_>,
        callback: impl FnOnce(&mut dyn crate::strategy::Strategy, &mut Desk<'_>),
    ) {
        if self.is_down {
            return;
        }
        self.now = self.now.max(t0);
        let published = turn.published(message.tail(), t0);
        let begin = turn.took(published);
        let port = OrderPort {
            now: self.now,
            cause,
            t0,
            d_publish: published.after(t0),
            d_begin: begin.after(t0),
            clock: turn.clock,
            terms: &self.terms,
            slots: &mut self.slots,
            outlet: &mut self.outlet,
        };
        self.calls += 1;
        self.held.enter(self.calls);
        // The strategy is never called again after a panic; what the desk lends it is the engine's,
        // which does not panic.
        let ended = catch_unwind(AssertUnwindSafe(|| {
            callback(&mut *self.strategy, &mut Desk { port, parents: &mut self.parents });
        }));
        let is_late = self.held.leave();
        self.end_call(ended, is_late, turn);
    }

    /// Gives the strategy its parameters anew: its own code as well.
    pub(super) fn configure(&mut self, turn: &mut Turn<'_>) {
        if self.is_down {
            return;
        }
        self.calls += 1;
        self.held.enter(self.calls);
        let ended = catch_unwind(AssertUnwindSafe(|| self.strategy.configure(&self.params)));
        let is_late = self.held.leave();
        self.end_call(ended, is_late, turn);
    }

    #[inline]
    fn end_call(
        &mut self,
        ended: Result<(), Box<dyn Any + Send>>,
        is_late: bool,
        turn: &mut Turn<'_>,
    ) {
        if let Err(words) = ended {
            self.stop(DownCause::Panic, words_of(&*words), turn);
        } else if is_late || self.down_at == Some(self.calls) {
            self.stop(DownCause::Overrun, "longer than kill.overrun_max_ms", turn);
        }
    }

    /// Stops the strategy for good: its gate first, then the record.
    #[cold]
    fn stop(&mut self, cause: DownCause, words: &str, turn: &mut Turn<'_>) {
        let strategy = self.id.index();
        if let Some(gates) = &self.gates {
            gates.close(Scope::Strategy(StrategyId(strategy)), Trigger::Breaker);
        }
        self.is_down = true;
        self.enable(false);
        self.counters.down.set(cause as u64);
        let words = words.get(..words.floor_char_boundary(WORDS_MAX)).unwrap_or_default();
        let down = StrategyDown {
            ordinal: self.calls,
            len: words.len() as u32,
            strategy,
            cause: cause as u8,
            ..StrategyDown::default()
        };
        let body = [down.bytes(), words.as_bytes()].concat();
        let at = self.ports.market.taken();
        turn.write(RecordKind::StrategyDown, self.id, at, turn.now, &body);
    }
}

/// What a panic said.
#[expect(clippy::disallowed_types, reason = "cold: after a panic")]
fn words_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}
