//! The venue's message rate as a sliding window (R40).
//!
//! New orders and replaces may use `n - reserve` of a window, cancels all `n`. A message exactly
//! one window old has left it; the n-th message passes, the next does not.

use shm::units::Nanos;

/// A fixed ring of the times of the last messages.
#[derive(Debug)]
pub struct Throttle {
    /// Time and whether it was an order, of each message in the window; `head` is the oldest.
    sent: Box<[(Nanos, bool)]>,
    head: usize,
    /// Messages in the window. In `0..=sent.len()`.
    count: usize,
    /// New orders and replaces among them. At most `count`.
    orders: usize,
    orders_max: usize,
    window: Nanos,
    /// The latest time seen: a clock that goes back neither fires nor empties the window.
    now: Nanos,
}

impl Throttle {
    /// `n` messages per `window`, `reserve` of them for cancels alone. Cold: allocates.
    ///
    /// # Panics
    /// When `n` is 0 or `reserve` exceeds it.
    #[must_use]
    pub fn new(n: u32, reserve: u32, window: Nanos) -> Self {
        assert!(n > 0 && reserve <= n, "a reserve within the rate");
        Self {
            sent: vec![(Nanos(0), false); n as usize].into_boxed_slice(),
            head: 0,
            count: 0,
            orders: 0,
            orders_max: (n - reserve) as usize,
            window,
            now: Nanos(0),
        }
    }

    /// Whether a new order or replace may go now; if so it is counted.
    #[must_use]
    pub fn try_order(&mut self, now: Nanos) -> bool {
        self.expire(now);
        if self.orders >= self.orders_max || self.count >= self.sent.len() {
            return false;
        }
        self.orders += 1;
        self.push(true);
        true
    }

    /// Whether a cancel may go now; if so it is counted.
    #[must_use]
    pub fn try_cancel(&mut self, now: Nanos) -> bool {
        self.expire(now);
        if self.count >= self.sent.len() {
            return false;
        }
        self.push(false);
        true
    }

    /// Messages in the window that ends at `now`.
    #[must_use]
    pub fn used(&mut self, now: Nanos) -> usize {
        self.expire(now);
        self.count
    }

    /// Drops what has left the window: at most one turn per message ever sent.
    fn expire(&mut self, now: Nanos) {
        self.now = self.now.max(now);
        for _ in 0..self.sent.len() {
            if self.count == 0 {
                break;
            }
            let Some(&(at, is_order)) = self.sent.get(self.head) else { break };
            if self.now.saturating_since(at) < self.window {
                break;
            }
            self.head = self.after(self.head, 1);
            self.count -= 1;
            self.orders -= usize::from(is_order);
        }
    }

    fn push(&mut self, is_order: bool) {
        let place = self.after(self.head, self.count);
        if let Some(place) = self.sent.get_mut(place) {
            *place = (self.now, is_order);
            self.count += 1;
        }
    }

    fn after(&self, place: usize, steps: usize) -> usize {
        let next = place + steps;
        if next >= self.sent.len() { next - self.sent.len() } else { next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Goal: the edges of R40. Method: one below, at and above each bound.
    #[test]
    fn the_nth_message_passes_and_the_next_does_not() {
        let mut throttle = Throttle::new(5, 2, Nanos(100));
        assert!((0..3).all(|at| throttle.try_order(Nanos(at))));
        assert!(!throttle.try_order(Nanos(3)), "the reserve is for cancels");
        assert!(throttle.try_cancel(Nanos(4)) && throttle.try_cancel(Nanos(5)));
        assert!(!throttle.try_cancel(Nanos(99)), "the first is 99 old");
        assert_eq!(throttle.used(Nanos(99)), 5);
        assert!(throttle.try_order(Nanos(100)), "the first is 100 old and has left");
        assert!(!throttle.try_order(Nanos(100)));
        assert!(throttle.try_cancel(Nanos(101)) && !throttle.try_cancel(Nanos(101)));
        assert_eq!(throttle.used(Nanos(10_000)), 0);
    }

    /// Goal: a clock that steps back does not free the window.
    #[test]
    fn a_clock_that_goes_back_frees_nothing() {
        let mut throttle = Throttle::new(1, 0, Nanos(100));
        assert!(throttle.try_order(Nanos(1_000)));
        assert!(!throttle.try_order(Nanos(0)));
        assert!(!throttle.try_order(Nanos(1_099)));
        assert!(throttle.try_order(Nanos(1_100)));
    }

    proptest! {
        /// Goal: the ring equals a plain list of times. Method: random steps and kinds.
        #[test]
        fn the_ring_equals_a_list_of_times(
            n in 1_u32..12, reserve in 0_u32..12, window in 1_u64..60,
            steps in proptest::collection::vec((0_u64..20, any::<bool>()), 1..300),
        ) {
            let reserve = reserve.min(n);
            let mut throttle = Throttle::new(n, reserve, Nanos(window));
            let mut list: Vec<(u64, bool)> = Vec::new();
            let mut now = 0;
            for (step, is_order) in steps {
                now += step;
                list.retain(|&(at, _)| now - at < window);
                let orders = list.iter().filter(|(_, is_order)| *is_order).count();
                let free = list.len() < n as usize;
                let passes = free && (!is_order || orders < (n - reserve) as usize);
                let got = if is_order {
                    throttle.try_order(Nanos(now))
                } else {
                    throttle.try_cancel(Nanos(now))
                };
                prop_assert_eq!(got, passes);
                if passes {
                    list.push((now, is_order));
                }
                prop_assert_eq!(throttle.used(Nanos(now)), list.len());
            }
        }
    }
}
