//! The best fills of late (R26): how far the price that an order would pay lies from the best that
//! its account has paid on that side of that instrument within a window.
//!
//! Per account, instrument and side a short queue of fills whose prices get worse with their time:
//! a better later fill makes earlier worse ones meaningless. Where the queue is full, the last
//! entry keeps its price and takes the new time: the limit gets tighter, never looser.

use shm::ids::{AccountId, InstrumentId};
use shm::map::prefetch_read;
use shm::message::Side;
use shm::units::{Nanos, Price};

/// Fills that one queue remembers.
const FILLS: usize = 8;

#[derive(Clone, Copy, Debug, Default)]
struct Fills {
    /// `count` of them, oldest and best first.
    fills: [(Price, Nanos); FILLS],
    count: u8,
}

/// The queues.
#[derive(Clone, Debug)]
pub struct Moves {
    queues: Box<[Fills]>,
    instruments: usize,
}

impl Moves {
    /// No fills.
    #[must_use]
    pub fn new(accounts: usize, instruments: usize) -> Self {
        Self { queues: vec![Fills::default(); accounts * instruments * 2].into(), instruments }
    }

    #[inline]
    const fn at(&self, account: AccountId, instrument: InstrumentId, side: Side) -> usize {
        let at = account.index() * self.instruments + instrument.index();
        at * 2 + matches!(side, Side::Sell) as usize
    }

    /// Asks for the line that [`Moves::paid`] will read first.
    #[inline(always)]
    pub(super) fn fetch(&self, account: AccountId, instrument: InstrumentId, side: Side) {
        if let Some(queue) = self.queues.get(self.at(account, instrument, side)) {
            prefetch_read(&queue.count);
        }
    }

    /// How much worse `px` is than the best fill of the side within `per` before `now`; `None`
    /// without one. A fill exactly `per` old has left the window.
    #[must_use]
    #[inline]
    pub fn paid(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        px: Price,
        per: Nanos,
        now: Nanos,
    ) -> Option<i128> {
        let queue = self.queues.get(self.at(account, instrument, side))?;
        let fills = queue.fills.iter().take(usize::from(queue.count));
        let best = fills.into_iter().find(|(_, at)| now.saturating_since(*at) < per)?.0;
        let (px, best) = (i128::from(px.0), i128::from(best.0));
        Some(match side {
            Side::Buy => px - best,
            Side::Sell => best - px,
        })
    }

    /// Tells of each fill within `per` before `now`, of one queue the oldest first. Cold.
    pub fn within(
        &self,
        per: Nanos,
        now: Nanos,
        mut told: impl FnMut(AccountId, InstrumentId, Side, Price, Nanos),
    ) {
        for (at, queue) in self.queues.iter().enumerate() {
            let (row, side) = (at / 2, if at % 2 == 0 { Side::Buy } else { Side::Sell });
            let account = AccountId((row / self.instruments) as u16);
            let instrument = InstrumentId((row % self.instruments) as u32);
            let fills = queue.fills.iter().take(usize::from(queue.count));
            for (px, at) in fills.filter(|(_, at)| now.saturating_since(*at) < per) {
                told(account, instrument, side, *px, *at);
            }
        }
    }

    /// Remembers a fill; `now` is at least that of the last one.
    pub fn push(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        px: Price,
        now: Nanos,
    ) {
        let at = self.at(account, instrument, side);
        let Some(queue) = self.queues.get_mut(at) else { return };
        let no_better = |other: &(Price, Nanos)| match side {
            Side::Buy => other.0 >= px,
            Side::Sell => other.0 <= px,
        };
        while let Some(last) = usize::from(queue.count).checked_sub(1)
            && queue.fills.get(last).is_some_and(no_better)
        {
            queue.count -= 1;
        }
        match queue.fills.get_mut(usize::from(queue.count)) {
            Some(place) => {
                *place = (px, now);
                queue.count += 1;
            }
            None => {
                if let Some(last) = queue.fills.last_mut() {
                    last.1 = now;
                }
            }
        }
    }
}
