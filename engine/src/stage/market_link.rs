//! One of a feed's outputs: lossless while its readers keep up, the latest state of each book when
//! they do not.
//!
//! Full-policy `conflate`: the book is marked, a print is dropped and counted; once there is room
//! the latest top of each marked book goes out with CONFLATED. The feed never waits. Which send met
//! the full ring, and how many marked books each later step sent, are written, so that a replay
//! conflates alike.
//!
//! Full-policy `hold`: what the ring has no room for is kept, in order, and nothing is read until
//! it is on the ring. What one packet makes is kept, and the few packets that a gap held back;
//! beyond that the link conflates. A replay's links are never full, so nothing of this needs a
//! record.

use crate::link::{Full, Output};
use shm::message::Message;
use shm::record::status::Link;
use shm::units::Nanos;
use std::collections::VecDeque;

/// What became of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// On the ring.
    Passed,
    /// The ring was full, or still is: the key is marked.
    Held,
}

/// A conflating output.
pub struct MarketLink {
    output: Output,
    /// Index of the link in the stage's own order.
    index: u16,
    /// Sends asked for so far.
    ordinal: u64,
    /// Since when it holds back; `None` while it passes everything on.
    holding: bool,
    /// By key (an instrument, or one past the last for the feed's own state): whether it is marked.
    marked: Box<[bool]>,
    marked_count: usize,
    /// Live: the ordinal at which it became full, until the stage has written it.
    became_full: Option<u64>,
    /// Replay: ordinals at which it becomes full, ascending.
    follow: Option<VecDeque<u64>>,
    /// Policy `hold`: messages that wait for room, oldest first. Its capacity is its bound.
    kept: VecDeque<Message>,
}

/// Messages that a link of policy `hold` keeps at most: more than five packets of ITCH make, with a
/// top and a print for each of their messages.
const KEPT_MAX: usize = 1_024;

impl MarketLink {
    /// A live output with `keys` keys.
    #[must_use]
    pub fn new(output: Output, index: u16, keys: usize) -> Self {
        Self {
            output,
            index,
            ordinal: 0,
            holding: false,
            marked: vec![false; keys].into_boxed_slice(),
            marked_count: 0,
            became_full: None,
            follow: None,
            kept: VecDeque::new(),
        }
    }

    /// A live output that conflates nothing: the stage reads no input while it is behind.
    #[must_use]
    pub fn lossless(output: Output, index: u16, keys: usize) -> Self {
        Self { kept: VecDeque::with_capacity(KEPT_MAX), ..Self::new(output, index, keys) }
    }

    /// An output that becomes full where a recording did.
    #[must_use]
    pub fn replaying(output: Output, index: u16, keys: usize, full_at: VecDeque<u64>) -> Self {
        Self { follow: Some(full_at), ..Self::new(output, index, keys) }
    }

    /// Index of the link in the stage's own order.
    #[must_use]
    pub const fn index(&self) -> u16 {
        self.index
    }

    /// Sends a message of a key, or marks the key.
    #[inline]
    pub fn send(&mut self, key: usize, message: Message, now: Nanos) -> Sent {
        self.ordinal += 1;
        if !self.holding {
            let full = match &mut self.follow {
                Some(follow) if follow.front() == Some(&self.ordinal) => {
                    follow.pop_front();
                    true
                }
                Some(_) | None => self.push(message, now).is_err(),
            };
            if !full {
                return Sent::Passed;
            }
            self.holding = true;
            self.became_full = Some(self.ordinal);
        }
        self.mark(key);
        Sent::Held
    }

    /// Pushes, or keeps behind what is kept already.
    #[inline]
    fn push(&mut self, message: Message, now: Nanos) -> Result<(), Full> {
        if self.kept.is_empty() {
            let pushed = self.output.try_push(message, now);
            if pushed.is_ok() || self.kept.capacity() == 0 {
                return pushed;
            }
        }
        if self.kept.len() == self.kept.capacity() {
            return Err(Full);
        }
        self.kept.push_back(message);
        Ok(())
    }

    /// Whether messages wait for room in order.
    #[must_use]
    #[inline]
    pub fn is_behind(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Pushes the messages that wait, as far as there is room.
    #[inline]
    pub fn push_on(&mut self, now: Nanos) {
        while let Some(message) = self.kept.front() {
            if self.output.try_push(*message, now).is_err() {
                return;
            }
            self.kept.pop_front();
        }
    }

    #[cold]
    fn mark(&mut self, key: usize) {
        if let Some(marked) = self.marked.get_mut(key)
            && !*marked
        {
            *marked = true;
            self.marked_count += 1;
        }
    }

    /// Whether marked keys wait for room.
    #[must_use]
    #[inline]
    pub const fn is_holding(&self) -> bool {
        self.holding
    }

    /// The record of having become full, once.
    #[must_use]
    pub fn take_full(&mut self) -> Option<Link> {
        let ordinal = self.became_full.take()?;
        Some(Link { link: self.index, ordinal, ..Link::default() })
    }

    /// Sends the latest state of up to `most` marked keys, in key order, until the ring is full
    /// again.
    /// `latest` makes the message of a key. How many went out.
    pub fn flush(
        &mut self,
        most: usize,
        now: Nanos,
        mut latest: impl FnMut(usize) -> Message,
    ) -> u32 {
        let mut flushed = 0;
        if self.is_behind() {
            return flushed;
        }
        for (key, marked) in self.marked.iter_mut().enumerate() {
            if flushed as usize == most {
                break;
            }
            if !*marked {
                continue;
            }
            if self.output.try_push(latest(key), now).is_err() {
                break;
            }
            *marked = false;
            self.marked_count -= 1;
            flushed += 1;
        }
        self.holding = self.marked_count > 0;
        flushed
    }

    /// The record of a flush.
    #[must_use]
    pub fn flushed_record(&self, flushed: u32) -> Link {
        Link { link: self.index, flushed, ordinal: self.ordinal, ..Link::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link;
    use shm::ids::InstrumentId;
    use shm::message::{BookTop, Kind};
    use shm::units::Qty;

    fn top(instrument: u32, qty: i64) -> Message {
        let top = BookTop {
            kind: Kind::BookTop as u8,
            instrument: InstrumentId(instrument),
            bid_qty: Qty(qty),
            ..BookTop::default()
        };
        top.into()
    }

    fn read(message: &Message) -> (u32, i64) {
        message.view::<BookTop>().map_or((u32::MAX, 0), |top| (top.instrument.0, top.bid_qty.0))
    }

    /// Goal: a full ring loses no book's latest state, and a replay conflates at the same sends.
    /// Method: one live run with a slow reader, recording full and flush; the same sends replayed.
    #[test]
    fn a_replay_conflates_where_the_recording_did() {
        let sends: Vec<(u32, i64)> = (0..400).map(|n| (n as u32 % 5, n)).collect();
        let (output, mut input) = link::ring(8);
        let mut live = MarketLink::new(output, 0, 6);
        let mut latest = [0; 6];
        let (mut seen, mut full_at, mut flushes) = (Vec::new(), VecDeque::new(), Vec::new());
        for (n, &(instrument, qty)) in sends.iter().enumerate() {
            latest[instrument as usize] = qty;
            let _ = live.send(instrument as usize, top(instrument, qty), Nanos(0));
            if let Some(record) = live.take_full() {
                full_at.push_back(record.ordinal);
            }
            if n % 3 == 0 {
                seen.extend(input.pop().map(|message| read(&message)));
            }
            if n % 50 == 49 {
                input.drain(usize::MAX, |message| seen.push(read(message)));
            }
            if live.is_holding() && n % 7 == 0 {
                let flushed = live.flush(usize::MAX, Nanos(0), |key| top(key as u32, latest[key]));
                flushes.push((n, flushed));
            }
        }
        while let Some(message) = input.pop() {
            seen.push(read(&message));
        }
        assert!(full_at.len() > 3 && flushes.iter().any(|flush| flush.1 > 1));

        let (output, mut inputs) = link::replay(1);
        let mut replay = MarketLink::replaying(output, 0, 6, full_at);
        let mut latest = [0; 6];
        let mut flushes = VecDeque::from(flushes);
        for (n, &(instrument, qty)) in sends.iter().enumerate() {
            latest[instrument as usize] = qty;
            let _ = replay.send(instrument as usize, top(instrument, qty), Nanos(0));
            if let Some(&(at, flushed)) = flushes.front()
                && at == n
            {
                flushes.pop_front();
                let sent =
                    replay.flush(flushed as usize, Nanos(0), |key| top(key as u32, latest[key]));
                assert_eq!(sent, flushed);
            }
        }
        let mut again = Vec::new();
        while let Some(message) = inputs[0].pop() {
            again.push(read(&message));
        }
        assert_eq!(again, seen);
    }
}
