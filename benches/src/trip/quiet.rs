//! Quiet minutes: the engine turns, the lines' heartbeats come, and nobody orders.

use shm::units::Nanos;

use super::Rig;

/// Between two heartbeats of the market.
const HEARTBEAT: Nanos = Nanos(100_000_000);

impl Rig {
    /// Lets `silence` pass. `refused`: how often meanwhile an instrument moves in which every order
    /// is refused; `None` for never. The rig is one of [`super::Shape::REFUSED`].
    ///
    /// # Panics
    /// When an order goes out.
    pub fn silence(&mut self, silence: Nanos, refused: Option<Nanos>) {
        let (begin, orders) = (self.engine.now(), self.venue.orders());
        let (mut heartbeat, mut moved, mut now) = (begin, begin, begin);
        while now.saturating_since(begin) < silence {
            now = self.engine.turn();
            if now.saturating_since(heartbeat) >= HEARTBEAT {
                heartbeat = now;
                let datagram = self.market.heartbeat();
                self.hand_in(datagram);
                self.venue.turn(now);
                self.engine.archive();
            }
            if refused.is_some_and(|every| now.saturating_since(moved) >= every) {
                moved = now;
                let datagram = self.market.next_move_of(1);
                self.hand_in(datagram);
            }
        }
        self.settle();
        assert_eq!(self.venue.orders(), orders, "nobody orders");
    }

    /// Orders that risk has refused so far.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.engine.denied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::*;

    // Goal: nothing goes out in a silence, refused orders are made in it where asked for, and the
    // trip after it is one. Method: short silences, the journal's growth.
    #[test]
    fn a_silence_is_one() {
        let mut rig = Rig::shaped(&Shape::REFUSED);
        let length = Nanos(20_000_000);
        for refused in [None, Some(Nanos(1_000_000))] {
            let before = rig.refused();
            rig.silence(length, refused);
            let denied = rig.refused() - before;
            assert_eq!(denied > 0, refused.is_some(), "{denied} refused");
            assert!(rig.trip().to_bytes > 0);
        }
    }
}
