//! Sliding windows of times: message rates (R40, R41) and breakers (R46).

use shm::units::Nanos;

/// No time.
const NEVER: Nanos = Nanos(u64::MAX);

/// The times of the latest messages, at most as many as the window allows.
#[derive(Clone, Debug)]
pub struct RateWindow {
    /// A ring of a power of two; the next goes to `count % len`. Empty where nothing is bounded.
    times: Box<[Nanos]>,
    /// Messages ever counted, since the window was last cleared.
    count: u64,
    per: Nanos,
    /// Messages that the window holds at most.
    max: u32,
    /// Of them for orders.
    order_max: u32,
    /// Latest messages that are counted; at most the places of the ring.
    remembered: u32,
    /// From when on one more order passes.
    free_at: Nanos,
}

impl RateWindow {
    /// At most `rate` messages in any window of `per`, of which `reserve` are kept for cancels.
    #[must_use]
    pub fn new(rate: u32, reserve: u32, per: Nanos) -> Self {
        assert!(reserve < rate, "the reserve leaves nothing for orders");
        let places = (rate as usize).next_power_of_two();
        let times = vec![Nanos(0); places].into();
        let (order_max, free_at) = (rate - reserve, Nanos(0));
        Self { times, count: 0, per, max: rate, order_max, remembered: rate, free_at }
    }

    /// At most `max` in any window of `per`; `None` bounds nothing and counts nothing.
    #[must_use]
    pub fn of(max: Option<u32>, per: Nanos) -> Self {
        let Some(max) = max else {
            let (times, most, free_at) = (Box::default(), u32::MAX, Nanos(0));
            let (max, order_max) = (most, most);
            return Self { times, count: 0, per, max, order_max, remembered: 0, free_at };
        };
        // One more than allowed is remembered: a breaker trips on it.
        let remembered = max.saturating_add(1);
        let times = vec![Nanos(0); (remembered as usize).next_power_of_two()].into();
        let free_at = if max == 0 { NEVER } else { Nanos(0) };
        Self { times, count: 0, per, max, order_max: max, remembered, free_at }
    }

    /// What new orders and replaces may use.
    #[must_use]
    pub const fn order_max(&self) -> u32 {
        self.order_max
    }

    /// Whether one more order passes at `now`: fewer than [`RateWindow::order_max`] messages of any
    /// kind are in the window. An event exactly `per` old has left it.
    #[must_use]
    #[inline]
    pub fn has_room(&self, now: Nanos) -> bool {
        now >= self.free_at
    }

    /// Whether the message `back` before the latest is still in the window.
    #[inline]
    fn is_inside(&self, back: u64, now: Nanos) -> bool {
        let Some(at) = self.count.checked_sub(back + 1) else { return false };
        let mask = self.times.len().wrapping_sub(1);
        let time = self.times.get(at as usize & mask);
        time.is_some_and(|time| now.saturating_since(*time) < self.per)
    }

    /// When the latest message was counted; `None` before the first.
    #[must_use]
    pub fn latest(&self) -> Option<Nanos> {
        let mask = self.times.len().wrapping_sub(1);
        self.times.get(self.count.checked_sub(1)? as usize & mask).copied()
    }

    /// Latest messages that are counted at most.
    #[must_use]
    pub const fn remembered(&self) -> u32 {
        self.remembered
    }

    /// Messages in the window, as far as it remembers: the whole rate, or one more than is allowed.
    #[must_use]
    pub fn used(&self, now: Nanos) -> u32 {
        let held = self.count.min(u64::from(self.remembered));
        // Times rise, so that those inside are the latest ones: search the border.
        let (mut low, mut high) = (0, held);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.is_inside(middle, now) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low as u32
    }

    /// From when on one more order passes, as long as nothing more is counted.
    #[must_use]
    #[inline]
    pub const fn free_at(&self) -> Nanos {
        self.free_at
    }

    /// The same, from the ring, which is not empty.
    #[inline(always)]
    fn found_free(&self) -> Nanos {
        let Some(at) = self.count.checked_sub(self.order_max.into()) else { return Nanos(0) };
        if self.order_max == 0 {
            return NEVER;
        }
        self.left_at(at)
    }

    /// From when on no more than it allows are in the window: the same for
    /// [`RateWindow::is_over`].
    #[must_use]
    #[inline]
    pub fn calm_at(&self) -> Nanos {
        if self.times.is_empty() { Nanos(0) } else { self.leaves_at(self.max.into()) }
    }

    /// When the message `back` before the latest leaves the window.
    #[inline]
    fn leaves_at(&self, back: u64) -> Nanos {
        self.count.checked_sub(back + 1).map_or(Nanos(0), |at| self.left_at(at))
    }

    /// When the message of a number leaves the window.
    #[inline(always)]
    fn left_at(&self, at: u64) -> Nanos {
        let mask = self.times.len().wrapping_sub(1);
        let time = self.times.get(at as usize & mask);
        time.map_or(Nanos(0), |time| Nanos(time.0.saturating_add(self.per.0)))
    }

    /// Whether more than it allows are in the window.
    #[must_use]
    #[inline]
    pub fn is_over(&self, now: Nanos) -> bool {
        !self.times.is_empty() && self.is_inside(u64::from(self.max), now)
    }

    /// Counts a message; `now` is at least that of the last one.
    #[inline]
    pub fn push(&mut self, now: Nanos) {
        let mask = self.times.len().wrapping_sub(1);
        if let Some(time) = self.times.get_mut(self.count as usize & mask) {
            *time = now;
            self.count += 1;
            self.free_at = self.found_free();
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.count = 0;
        self.free_at = if self.order_max == 0 { NEVER } else { Nanos(0) };
    }

    /// Takes over what another window has counted; one that bounds nothing has counted nothing.
    /// The greater of both rings is kept, so that no later switch finds less than there was.
    pub(super) fn inherit(&mut self, old: &mut Self) {
        if self.times.is_empty() || old.times.is_empty() {
            return;
        }
        if old.times.len() > self.times.len() {
            core::mem::swap(&mut self.times, &mut old.times);
            self.count = old.count;
            self.free_at = self.found_free();
            return;
        }
        let count = old.count.min(old.times.len() as u64);
        let mask = old.times.len().wrapping_sub(1);
        for at in old.count - count..old.count {
            if let Some(&time) = old.times.get(at as usize & mask) {
                self.push(time);
            }
        }
    }
}
