//! Sliding windows of message times (R40).

use shm::units::Nanos;

/// The times of the latest messages of one session, at most as many as its window allows.
#[derive(Clone, Debug)]
pub struct RateWindow {
    /// A ring; the next goes to `count % len`.
    times: Box<[Nanos]>,
    count: u64,
    per: Nanos,
    reserve: u32,
}

impl RateWindow {
    /// At most `rate` messages in any window of `per`, of which `reserve` are kept for cancels.
    #[must_use]
    pub fn new(rate: u32, reserve: u32, per: Nanos) -> Self {
        assert!(reserve < rate, "the reserve leaves nothing for orders");
        Self { times: vec![Nanos(0); rate as usize].into(), count: 0, per, reserve }
    }

    /// What new orders and replaces may use.
    #[must_use]
    pub const fn order_max(&self) -> u32 {
        (self.times.len() as u32).saturating_sub(self.reserve)
    }

    /// Whether one more order passes at `now`: fewer than [`RateWindow::order_max`] messages of any
    /// kind are in the window. An event exactly `per` old has left it.
    #[must_use]
    #[inline]
    pub fn has_room(&self, now: Nanos) -> bool {
        let max = u64::from(self.order_max());
        self.count < max || !self.is_inside(max - 1, now)
    }

    /// Whether the message `back` before the latest is still in the window.
    fn is_inside(&self, back: u64, now: Nanos) -> bool {
        let Some(at) = self.count.checked_sub(back + 1) else { return false };
        let time = self.times.get((at % self.times.len() as u64) as usize);
        time.is_some_and(|time| now.saturating_since(*time) < self.per)
    }

    /// Messages in the window, at most the rate.
    #[must_use]
    pub fn used(&self, now: Nanos) -> u32 {
        let held = self.count.min(self.times.len() as u64);
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

    /// Counts a message; `now` is at least that of the last one.
    pub fn push(&mut self, now: Nanos) {
        let at = (self.count % self.times.len() as u64) as usize;
        if let Some(time) = self.times.get_mut(at) {
            *time = now;
        }
        self.count += 1;
    }
}
