//! Links: what joins two stages. A stage sees an [`Input`] and an [`Output`], never a ring, so what
//! joins them can change without either knowing.
//!
//! | kind | from -> to | made of |
//! |---|---|---|
//! | point to point | any | `shm::slot` (the default) or `rtrb`, chosen per edge |
//! | broadcast | feed -> strategies | `disruptor`, one poller a strategy |
//! | replay | any | an unbounded channel: a replay drops nothing and never waits |
//!
//! No output ever blocks. A full ring is a typed result, and each stage's module says what follows.

use disruptor::{
    EventPoller, MultiConsumerBarrier, Polling, Producer, SingleProducer, SingleProducerBarrier,
};
use shm::message::{Message, Tail};
use shm::units::Nanos;
use std::sync::mpsc;

/// The ring has no free slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Full;

/// The writing end of a link.
pub struct Output {
    end: OutputEnd,
    /// Messages pushed so far; its low 32 bits go into each message's tail.
    pushed: u64,
    slots: usize,
}

enum OutputEnd {
    Slot(shm::slot::Producer),
    Rtrb(rtrb::Producer<Message>),
    Broadcast(SingleProducer<Message, MultiConsumerBarrier>),
    Replay(Vec<mpsc::Sender<Message>>),
}

/// The reading end of a link.
pub struct Input {
    end: InputEnd,
    /// Messages taken so far.
    taken: u64,
}

enum InputEnd {
    Slot(shm::slot::Consumer),
    Rtrb(rtrb::Consumer<Message>),
    Broadcast(EventPoller<Message, SingleProducerBarrier>),
    Replay {
        from: mpsc::Receiver<Message>,
        peeked: Option<Message>,
    },
    /// Joined to nothing.
    Closed,
}

impl Output {
    /// Stamps the message's tail and pushes it.
    ///
    /// # Errors
    /// [`Full`]: nothing was pushed; the caller applies the link's full-policy.
    #[inline]
    pub fn try_push(&mut self, message: Message, now: Nanos) -> Result<(), Full> {
        // Its own sequence is the count of messages pushed: the same tail.
        if let OutputEnd::Slot(ring) = &mut self.end {
            ring.try_push(&message, now).map_err(|_| Full)?;
        } else {
            self.push_elsewhere(&message, now)?;
        }
        self.pushed += 1;
        Ok(())
    }

    /// Pushes to anything but a slot ring, which the caller's code does on its own.
    #[inline(never)]
    fn push_elsewhere(&mut self, message: &Message, now: Nanos) -> Result<(), Full> {
        let tail = Tail::new(self.pushed as u32, now);
        match &mut self.end {
            OutputEnd::Slot(ring) => ring.try_push(message, now).map_err(|_| Full),
            OutputEnd::Rtrb(ring) => ring.push(message.with_tail(tail)).map_err(|_| Full),
            OutputEnd::Broadcast(ring) => ring
                .try_publish(|slot| *slot = message.with_tail(tail))
                .map(|_| ())
                .map_err(|_| Full),
            OutputEnd::Replay(to) => {
                let message = message.with_tail(tail);
                for to in to {
                    // A reader that has finished its replay takes no more: not an error.
                    let _ = to.send(message);
                }
                Ok(())
            }
        }
    }

    /// Messages pushed so far.
    #[must_use]
    pub const fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Slots of the ring.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.slots
    }

    /// Whether `count` messages fit now. A broadcast cannot tell before it tries, and says yes; a
    /// slot ring may be told late of up to an eighth of its slots, and then says no too long.
    #[must_use]
    #[inline]
    pub fn has_room(&self, count: usize) -> bool {
        match &self.end {
            OutputEnd::Slot(ring) => ring.has_room(count),
            OutputEnd::Rtrb(ring) => ring.slots() >= count,
            OutputEnd::Broadcast(_) | OutputEnd::Replay(_) => true,
        }
    }
}

impl Input {
    /// An input that never has anything.
    #[must_use]
    pub const fn closed() -> Self {
        Self { end: InputEnd::Closed, taken: 0 }
    }

    /// Messages taken so far.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes the next message.
    #[inline]
    pub fn pop(&mut self) -> Option<Message> {
        let message = match &mut self.end {
            // Most looks find nothing, and cost no more than the look.
            InputEnd::Slot(ring) => ring.pop()?,
            _ => self.pop_elsewhere()?,
        };
        self.taken += 1;
        Some(message)
    }

    /// Takes from anything but a slot ring, which the caller's code does on its own.
    #[inline(never)]
    fn pop_elsewhere(&mut self) -> Option<Message> {
        match &mut self.end {
            InputEnd::Slot(ring) => ring.pop(),
            InputEnd::Rtrb(ring) => ring.pop().ok(),
            InputEnd::Broadcast(poller) => match poller.take(1) {
                Ok(mut events) => (&mut events).next().copied(),
                Err(Polling::NoEvents | Polling::Shutdown) => None,
            },
            InputEnd::Replay { from, peeked } => peeked.take().or_else(|| from.try_recv().ok()),
            InputEnd::Closed => None,
        }
    }

    /// Takes up to `limit` messages, in order. Returns how many.
    #[inline]
    pub fn drain(&mut self, limit: usize, mut each: impl FnMut(&Message)) -> usize {
        let mut count = 0;
        if let InputEnd::Slot(ring) = &mut self.end {
            let count = ring.drain(limit, each);
            self.taken += count as u64;
            return count;
        }
        if let InputEnd::Broadcast(poller) = &mut self.end {
            if let Ok(mut events) = poller.take(limit as u64) {
                for message in &mut events {
                    each(message);
                    count += 1;
                }
            }
            self.taken += count as u64;
            return count;
        }
        while count < limit
            && let Some(message) = self.pop()
        {
            each(&message);
            count += 1;
        }
        count
    }

    /// Looks at the next message without taking it. Not for broadcasts, whose readers never need
    /// it.
    #[inline]
    pub fn peek(&mut self) -> Option<Message> {
        match &mut self.end {
            InputEnd::Slot(ring) => ring.peek(),
            InputEnd::Rtrb(ring) => ring.peek().ok().copied(),
            InputEnd::Replay { from, peeked } => {
                if peeked.is_none() {
                    *peeked = from.try_recv().ok();
                }
                *peeked
            }
            InputEnd::Broadcast(_) | InputEnd::Closed => None,
        }
    }

    /// Whether a message waits that [`Input::peek`] would show.
    #[inline]
    pub fn is_waiting(&mut self) -> bool {
        match &mut self.end {
            InputEnd::Slot(ring) => ring.is_waiting(),
            InputEnd::Rtrb(_)
            | InputEnd::Replay { .. }
            | InputEnd::Broadcast(_)
            | InputEnd::Closed => self.peek().is_some(),
        }
    }

    /// Takes the message that [`Input::peek`] has shown, without copying it again.
    #[inline]
    pub fn skip(&mut self) {
        if let InputEnd::Slot(ring) = &mut self.end {
            self.taken += u64::from(ring.skip());
        } else {
            self.pop();
        }
    }

    /// Messages waiting, where the link can tell (0 for a broadcast).
    #[must_use]
    pub fn waiting(&self) -> usize {
        match &self.end {
            InputEnd::Slot(ring) => ring.waiting(),
            InputEnd::Rtrb(ring) => ring.slots(),
            InputEnd::Broadcast(_) | InputEnd::Replay { .. } | InputEnd::Closed => 0,
        }
    }
}

/// A point-to-point link of `slots` messages (a power of two), made of our slot ring: the default.
#[must_use]
pub fn ring(slots: usize) -> (Output, Input) {
    let (producer, consumer) = shm::slot::ring(slots);
    (
        Output { end: OutputEnd::Slot(producer), pushed: 0, slots },
        Input { end: InputEnd::Slot(consumer), taken: 0 },
    )
}

/// The same, made of `rtrb`.
#[must_use]
pub fn rtrb(slots: usize) -> (Output, Input) {
    let (producer, consumer) = rtrb::RingBuffer::new(slots);
    (
        Output { end: OutputEnd::Rtrb(producer), pushed: 0, slots },
        Input { end: InputEnd::Rtrb(consumer), taken: 0 },
    )
}

/// A one-to-many link of `slots` messages (a power of two) with `readers` readers, at least 1.
#[must_use]
pub fn broadcast(slots: usize, readers: usize) -> (Output, Vec<Input>) {
    let mut builder =
        disruptor::build_single_producer(slots, Message::default, disruptor::BusySpin)
            .with_multi_consumer();
    let mut inputs = Vec::with_capacity(readers);
    for _ in 0..readers.max(1) {
        let (poller, next) = builder.new_event_poller();
        inputs.push(Input { end: InputEnd::Broadcast(poller), taken: 0 });
        builder = next;
    }
    (Output { end: OutputEnd::Broadcast(builder.build()), pushed: 0, slots }, inputs)
}

/// A link for a replay, with `readers` readers.
#[must_use]
pub fn replay(readers: usize) -> (Output, Vec<Input>) {
    let mut senders = Vec::with_capacity(readers);
    let mut inputs = Vec::with_capacity(readers);
    for _ in 0..readers {
        let (to, from) = mpsc::channel();
        senders.push(to);
        inputs.push(Input { end: InputEnd::Replay { from, peeked: None }, taken: 0 });
    }
    (Output { end: OutputEnd::Replay(senders), pushed: 0, slots: usize::MAX }, inputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shm::message::{BookTop, Kind};
    use shm::units::Qty;

    fn numbered(number: i64) -> Message {
        BookTop { kind: Kind::BookTop as u8, bid_qty: Qty(number), ..BookTop::default() }.into()
    }

    fn number(message: &Message) -> i64 {
        message.view::<BookTop>().map_or(-1, |top| top.bid_qty.0)
    }

    /// Goal: every kind of link delivers all messages in order and says when it is full.
    /// Method: push until full (bounded), drain in parts, compare.
    #[test]
    fn links_deliver_in_order_and_say_when_full() {
        for (mut output, mut input, bounded) in [
            {
                let (output, input) = ring(8);
                (output, input, true)
            },
            {
                let (output, input) = rtrb(8);
                (output, input, true)
            },
            {
                let (output, mut inputs) = broadcast(8, 1);
                (output, inputs.remove(0), true)
            },
            {
                let (output, mut inputs) = replay(1);
                (output, inputs.remove(0), false)
            },
        ] {
            for number in 0..8 {
                assert_eq!(output.try_push(numbered(number), Nanos(0)), Ok(()));
            }
            assert_eq!(output.try_push(numbered(8), Nanos(0)).is_err(), bounded);
            let mut seen = Vec::new();
            let mut seqs = Vec::new();
            let mut see = |message: &Message| {
                seen.push(number(message));
                seqs.push(i64::from(message.tail().seq()));
            };
            assert_eq!(input.drain(3, &mut see), 3);
            while let Some(message) = input.pop() {
                see(&message);
            }
            let expected: Vec<i64> = (0..output.pushed() as i64).collect();
            assert_eq!(seen, expected);
            assert_eq!(seqs, expected, "the tail says which message it is");
            assert_eq!(input.taken(), output.pushed());
        }
    }

    /// Goal: a broadcast gives every reader everything, and its slowest reader holds it back.
    #[test]
    fn a_broadcast_waits_for_its_slowest_reader() {
        let (mut output, mut inputs) = broadcast(4, 2);
        for number in 0..4 {
            assert_eq!(output.try_push(numbered(number), Nanos(0)), Ok(()));
        }
        let mut fast = inputs.remove(0);
        assert_eq!(fast.drain(10, |_| {}), 4);
        assert_eq!(output.try_push(numbered(4), Nanos(0)), Err(Full));
        let mut slow = inputs.remove(0);
        assert_eq!(slow.pop().map(|message| number(&message)), Some(0));
        assert_eq!(output.try_push(numbered(4), Nanos(0)), Ok(()));
    }

    /// Goal: peek shows what pop or skip then takes; a skip of nothing takes nothing.
    #[test]
    fn peek_takes_nothing() {
        let replayed = || {
            let (output, mut inputs) = replay(1);
            (output, inputs.remove(0))
        };
        for (mut output, mut input) in [ring(4), rtrb(4), replayed()] {
            assert!(input.peek().is_none() && !input.is_waiting());
            assert_eq!(output.try_push(numbered(7), Nanos(0)), Ok(()));
            assert_eq!(output.try_push(numbered(8), Nanos(0)), Ok(()));
            assert_eq!(input.peek().map(|message| number(&message)), Some(7));
            assert!(input.is_waiting());
            assert_eq!(input.taken(), 0);
            input.skip();
            assert_eq!(input.pop().map(|message| number(&message)), Some(8));
            assert!(input.pop().is_none() && !input.is_waiting());
            input.skip();
            assert_eq!((input.waiting(), input.taken()), (0, 2));
        }
    }
}
