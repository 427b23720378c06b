//! What the windows of R26, R40, R41, R43 and R46 hold, over a restart: without it a restart would
//! let as much pass again.
//!
//! Times are those of the engine's clock, which begins at the wall clock's: a session's go on from
//! the last one's. Of rates a count is carried, as of its latest message, which is never looser
//! than the messages one by one; fills and approvals are carried each.

use shm::ids::{AccountId, GatewayId, InstrumentId};
use shm::message::Side;
use shm::record::RecordKind;
use shm::record::order::{Recent, RecentKind};
use shm::units::{Nanos, Price, Qty};

use super::Risk;
use super::duplicate::Likeness;
use super::limits::Breaker;
use super::rate::RateWindow;
use super::restore::RestoreError;
use super::totals::{scope_of, scope_words};

/// Breakers, as records name what they count.
const BREAKERS: [(Breaker, RecentKind); 3] = [
    (Breaker::Rejects, RecentKind::Rejects),
    (Breaker::CancelRejects, RecentKind::CancelRejects),
    (Breaker::Disconnects, RecentKind::Disconnects),
];

/// A count, if there is anything to count.
fn count_of(window: &RateWindow, what: RecentKind, now: Nanos) -> Option<Recent> {
    let count = window.used(now);
    let at = window.latest().filter(|_| count > 0)?.min(now);
    Some(Recent { at, count, what: what as u8, ..Recent::default() })
}

fn repeat(window: &mut RateWindow, recent: &Recent) {
    for _ in 0..recent.count.min(window.remembered()) {
        window.push(recent.at);
    }
}

impl Risk {
    /// Writes what the windows still hold at `now`, the start of the session that comes. What is
    /// dated later, by a clock that was set back, is dated `now`.
    pub fn carry_recent(&self, now: Nanos, emit: &mut dyn FnMut(RecordKind, &[u8])) {
        let mut put = |recent: Recent| emit(RecordKind::CarryRecent, recent.bytes());
        for (id, window) in (0..).zip(&self.windows) {
            let counted = count_of(window, RecentKind::Session, now);
            counted.into_iter().for_each(|recent| put(Recent { id, ..recent }));
        }
        for (place, _) in self.scopes.iter() {
            let Some(windows) = self.limits.windows(place) else { continue };
            let (scope, id) = scope_words(self.scopes.map.scope(place));
            let breakers = BREAKERS.iter().zip(windows.breakers());
            let breakers = breakers.map(|((_, what), window)| (window, *what));
            for (window, what) in breakers.chain([(windows.orders(), RecentKind::Orders)]) {
                let counted = count_of(window, what, now);
                let scope = scope as u8;
                counted.into_iter().for_each(|recent| put(Recent { id, scope, ..recent }));
            }
        }
        self.moves.within(
            self.limits.move_window_max(),
            now,
            |account, instrument, side, px, at| {
                let (what, side) = (RecentKind::Fill as u8, side as u8);
                let at = at.min(now);
                let (id, account) = (instrument.0, account.0);
                put(Recent { at, px, id, account, what, side, ..Recent::default() });
            },
        );
        self.repeats.within(self.limits.repeat_window_max(), now, |of, at| {
            let Likeness { account, instrument, side, px, qty } = *of;
            let (what, side) = (RecentKind::Approval as u8, side as u8);
            let (id, account, at) = (instrument.0, account.0, at.min(now));
            put(Recent { at, px, qty, id, account, what, side, ..Recent::default() });
        });
    }

    pub(super) fn take_recent(&mut self, recent: &Recent) -> Result<(), RestoreError> {
        let what = RecentKind::from_u8(recent.what).ok_or(RestoreError::NotInSetup)?;
        match what {
            RecentKind::Session => {
                let gateway = GatewayId(recent.id as u8);
                let window = self.windows.get_mut(gateway.index());
                repeat(window.ok_or(RestoreError::NotInSetup)?, recent);
            }
            RecentKind::Fill | RecentKind::Approval => self.take_recent_order(what, recent)?,
            RecentKind::Orders
            | RecentKind::Rejects
            | RecentKind::CancelRejects
            | RecentKind::Disconnects => {
                let scope = scope_of(recent.scope, recent.id).ok_or(RestoreError::NotInSetup)?;
                let place = self.scopes.map.place(scope).ok_or(RestoreError::NotInSetup)?;
                let windows = self.limits.windows_mut(place).ok_or(RestoreError::NotInSetup)?;
                let breaker = BREAKERS.iter().find(|(_, known)| *known == what);
                windows.recount(breaker.map(|(breaker, _)| *breaker), |of| repeat(of, recent));
                self.scopes.empty_room(place);
            }
        }
        Ok(())
    }

    fn take_recent_order(&mut self, what: RecentKind, recent: &Recent) -> Result<(), RestoreError> {
        let side = Side::from_u8(recent.side).ok_or(RestoreError::NotInSetup)?;
        let (account, instrument) = (AccountId(recent.account), InstrumentId(recent.id));
        let is_known = self.accounts.get(account.index()).is_some()
            && self.forms.get(instrument.index()).is_some();
        if !is_known {
            return Err(RestoreError::NotInSetup);
        }
        let (px, qty): (Price, Qty) = (recent.px, recent.qty);
        if what == RecentKind::Fill {
            self.moves.push(account, instrument, side, px, recent.at);
        } else {
            self.repeats.push(Likeness { account, instrument, side, px, qty }, recent.at);
        }
        Ok(())
    }
}
