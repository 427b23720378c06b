//! Telling users wrongly, on demand: between what happened to their orders and what their stream
//! holds.

use crate::faults::TellFaults;
use crate::itch_out::MessageStore;
use crate::random::Random;

/// The faults of one user's stream.
#[derive(Debug)]
pub struct Mischief {
    faults: TellFaults,
    random: Random,
    /// A message that is told after the next one, and turns since.
    overtaken: Option<(Vec<u8>, u32)>,
    /// Executions that no book has made.
    phantoms: u64,
}

/// Turns after which a message is told though no next one has come.
const TURNS_MAX: u32 = 20;
/// Match numbers of executions that no book has made begin here.
const PHANTOM: u64 = 1 << 40;
/// User reference numbers of orders that no user has sent begin here.
const EXTERNAL: u32 = 1 << 30;

impl Mischief {
    /// Makes `faults` by the numbers of a seed; `stream` tells users apart.
    #[must_use]
    pub fn new(faults: TellFaults, seed: u64, stream: u64) -> Self {
        Self { faults, random: Random::new(seed, 0xbad0 + stream), overtaken: None, phantoms: 0 }
    }

    /// Tells a message, or does to it what the faults say. `is_answer`: it is no execution and may
    /// stay untold.
    pub fn tell(&mut self, message: &[u8], is_answer: bool, stream: &mut MessageStore) {
        if is_answer && self.random.chance(self.faults.never) {
            return;
        }
        if self.overtaken.is_none() && self.random.chance(self.faults.swap) {
            self.overtaken = Some((message.to_vec(), 0));
            return;
        }
        stream.push(message);
        if self.random.chance(self.faults.twice) {
            stream.push(message);
        }
        self.release(stream);
    }

    /// Tells what was held back.
    pub fn release(&mut self, stream: &mut MessageStore) {
        if let Some((message, _)) = self.overtaken.take() {
            stream.push(&message);
        }
    }

    /// A turn is over: what has waited for long is told.
    pub fn poll(&mut self, stream: &mut MessageStore) {
        if let Some((_, turns)) = &mut self.overtaken {
            *turns += 1;
            if *turns > TURNS_MAX {
                self.release(stream);
            }
        }
    }

    /// Whether to contradict what was told. What is told late cannot be contradicted yet: the
    /// contradiction would come before it.
    pub fn contradicts(&mut self) -> bool {
        self.overtaken.is_none() && self.random.chance(self.faults.contradict)
    }

    /// A match number for an execution that no book has made.
    pub fn phantom_match(&mut self) -> u64 {
        self.phantoms += 1;
        PHANTOM + self.phantoms
    }

    /// A number for an order that the user has not sent, and its side and shares; `None` if there
    /// is to be none.
    pub fn external(&mut self) -> Option<(u32, bool, u32)> {
        if !self.random.chance(self.faults.external) {
            return None;
        }
        self.phantoms += 1;
        let shares = self.random.between(1, 50) as u32;
        Some((EXTERNAL + self.phantoms as u32, self.random.below(2) == 0, shares))
    }

    /// Shares that an order which has traded all trades beyond that; 0 for none.
    pub fn overfill(&mut self) -> u32 {
        if self.random.chance(self.faults.overfill) {
            self.random.between(1, 100) as u32
        } else {
            0
        }
    }

    /// The price at which an execution is made again, instead of `px`.
    pub fn corrected_px(&mut self, px: u32) -> Option<u32> {
        self.random.chance(self.faults.correct).then(|| px + self.random.between(1, 3) as u32 * 100)
    }
}
