//! What scopes count in windows: the rate of R41, the breakers of R46.

use shm::units::Nanos;

use crate::config::limits::{Limit, LimitRow};
use crate::risk::rate::RateWindow;

/// What a scope counts in windows.
///
/// # Layout
/// What an order is asked and counted by lies in the first cache line.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct ScopeWindows {
    /// From when on no breaker of R46 is over its limit.
    calm_at: Nanos,
    orders: RateWindow,
    breakers: [RateWindow; 3],
}

/// What the breakers of R46 count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// Refusals.
    Rejects,
    /// Refused cancels.
    CancelRejects,
    /// Sessions lost.
    Disconnects,
}

impl ScopeWindows {
    /// With nothing counted; no row bounds nothing.
    pub(super) fn compile(row: Option<&LimitRow>) -> Self {
        let of = |limit: Option<Limit<u32>>, per: Option<Nanos>| {
            RateWindow::of(limit.and_then(Limit::number), per.unwrap_or_default())
        };
        let breaker = row.map(|row| row.breaker);
        let per = breaker.map(|breaker| breaker.per);
        let mut windows = Self {
            calm_at: Nanos(0),
            orders: of(row.map(|row| row.rate.orders_max), row.map(|row| row.rate.per)),
            breakers: [
                of(breaker.map(|breaker| breaker.rejects_max), per),
                of(breaker.map(|breaker| breaker.cancel_rejects_max), per),
                of(breaker.map(|breaker| breaker.disconnects_max), per),
            ],
        };
        windows.settle();
        windows
    }

    /// R41.
    #[must_use]
    #[inline]
    pub const fn orders(&self) -> &RateWindow {
        &self.orders
    }

    /// R46.
    #[must_use]
    #[inline]
    pub const fn breakers(&self) -> &[RateWindow; 3] {
        &self.breakers
    }

    /// From when on both R41 and R46 let one more order pass.
    #[inline(always)]
    pub(in crate::risk) fn open_at(&self) -> Nanos {
        self.orders.free_at().max(self.calm_at)
    }

    /// Counts an order (R41).
    #[inline]
    pub(in crate::risk) fn count_order(&mut self, now: Nanos) {
        self.orders.push(now);
    }

    /// Counts what a breaker counts (R46): what it has measured and its limit, if that is now over.
    pub(in crate::risk) fn count(&mut self, breaker: Breaker, now: Nanos) -> Option<(u32, u32)> {
        let window = self.breakers.get_mut(breaker as usize)?;
        window.push(now);
        let over = window.is_over(now).then(|| (window.used(now), window.order_max()));
        self.settle();
        over
    }

    /// Counts again what was counted before a restart, for R41 or for a breaker.
    pub(in crate::risk) fn recount(
        &mut self,
        of: Option<Breaker>,
        count: impl FnOnce(&mut RateWindow),
    ) {
        match of {
            None => count(&mut self.orders),
            Some(breaker) => {
                if let Some(window) = self.breakers.get_mut(breaker as usize) {
                    count(window);
                }
            }
        }
        self.settle();
    }

    /// Forgets what a breaker has counted.
    pub(in crate::risk) fn clear(&mut self, breaker: Breaker) {
        if let Some(window) = self.breakers.get_mut(breaker as usize) {
            window.clear();
        }
        self.settle();
    }

    /// Forgets what all breakers have counted.
    pub(in crate::risk) fn clear_breakers(&mut self) {
        self.breakers.iter_mut().for_each(RateWindow::clear);
        self.settle();
    }

    /// Takes over what another scope's windows have counted.
    pub(super) fn inherit(&mut self, old: &mut Self) {
        self.orders.inherit(&mut old.orders);
        for (new, old) in self.breakers.iter_mut().zip(&mut old.breakers) {
            new.inherit(old);
        }
        self.settle();
    }

    fn settle(&mut self) {
        let calm_at = self.breakers.iter().map(RateWindow::calm_at).max();
        self.calm_at = calm_at.unwrap_or(Nanos(0));
    }
}
