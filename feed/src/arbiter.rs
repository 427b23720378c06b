//! Lines A and B carry the same messages: the first valid copy wins, and what the lines say of each
//! other is the measure of their health (F2, F6).
#![forbid(unsafe_code)]

use shm::units::Nanos;

/// Most lines of one feed.
pub const LINES_MAX: usize = 4;

/// What one line did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Valid packets.
    pub packets: u64,
    /// Packets none of whose messages were new.
    pub duplicates: u64,
    /// Packets at least one of whose messages was new: this line was first.
    pub wins: u64,
    /// Holes in this line's own sequence, whether or not another line filled them.
    pub gaps: u64,
    /// Messages in those holes.
    pub missed: u64,
    /// Datagrams that were no packet.
    pub malformed: u64,
    /// Times the line was found dead.
    pub deaths: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    counts: LineCounts,
    /// Next sequence of this line; 0 before its first packet.
    expected: u64,
    heard_at: Nanos,
    dead: bool,
}

/// The health of the lines, and the memory of what was said under each recent sequence.
#[derive(Debug)]
pub struct Arbiter {
    lines: [Line; LINES_MAX],
    count: usize,
    /// Whether any line has been heard.
    heard: bool,
    /// Low half of the sequence and hash of the message that was taken for it; length a power of
    /// two.
    said: Box<[(u32, u32)]>,
    conflicts: u64,
}

impl Arbiter {
    /// For `lines` lines (at most [`LINES_MAX`]) that remembers the last `remembered` messages,
    /// rounded up to a power of two.
    ///
    /// # Panics
    /// When `lines` is more than [`LINES_MAX`]: construction only.
    #[must_use]
    pub fn new(lines: usize, remembered: usize) -> Self {
        assert!(lines <= LINES_MAX, "at most {LINES_MAX} lines");
        // A line that compares with nothing needs no memory.
        let remembered = if lines < 2 { 0 } else { remembered.next_power_of_two() };
        let said = vec![(0, 0); remembered].into();
        Self { lines: [Line::default(); LINES_MAX], count: lines, heard: false, said, conflicts: 0 }
    }

    /// Forgets sequences (a new session), keeps counts.
    pub fn reset(&mut self) {
        self.said.fill((0, 0));
        for line in &mut self.lines {
            line.expected = 0;
        }
    }

    /// A valid packet of a line, `[seq, next)`, at `now`. Recovery answers are no line's: not
    /// passed here.
    pub fn on_packet(&mut self, line: usize, seq: u64, next: u64, now: Nanos) {
        if !core::mem::replace(&mut self.heard, true) {
            // A line that is never heard is silent from here on, not from the beginning of time.
            self.lines.iter_mut().for_each(|line| line.heard_at = now);
        }
        let Some(line) = self.lines.get_mut(..self.count).and_then(|lines| lines.get_mut(line))
        else {
            return;
        };
        line.counts.packets += 1;
        line.heard_at = now;
        if line.expected != 0 && seq > line.expected {
            line.counts.gaps += 1;
            line.counts.missed += seq - line.expected;
        }
        line.expected = line.expected.max(next);
    }

    /// Whether that packet brought something new.
    pub fn on_judged(&mut self, line: usize, new: bool) {
        let Some(line) = self.lines.get_mut(..self.count).and_then(|lines| lines.get_mut(line))
        else {
            return;
        };
        if new {
            line.counts.wins += 1;
        } else {
            line.counts.duplicates += 1;
        }
    }

    /// A datagram of a line that was no packet.
    pub fn on_malformed(&mut self, line: usize) {
        if let Some(line) = self.lines.get_mut(line) {
            line.counts.malformed += 1;
        }
    }

    /// Remembers a message (`new`), or compares it with what was taken under its sequence. False
    /// when the bytes differ: the lines, or the line and the recovery, do not agree (F2).
    #[inline]
    pub fn agrees(&mut self, seq: u64, message: &[u8], new: bool) -> bool {
        let mask = self.said.len().wrapping_sub(1);
        let Some(entry) = self.said.get_mut(seq as usize & mask) else { return true };
        let hash = hash(message);
        if entry.0 == seq as u32 && entry.1 != 0 {
            if entry.1 != hash {
                self.conflicts += 1;
                return false;
            }
        } else if new {
            *entry = (seq as u32, hash);
        }
        true
    }

    /// Whether messages are compared at all.
    #[must_use]
    pub const fn compares(&self) -> bool {
        !self.said.is_empty()
    }

    /// The line, if any, that has just gone silent for longer than `silence` while another spoke,
    /// or that speaks again: `(line, dead)`. Call again until `None`.
    #[inline]
    pub fn poll(&mut self, now: Nanos, silence: Nanos) -> Option<(usize, bool)> {
        // A line alone is silent when the feed is, which the receiver sees.
        if self.count < 2 { None } else { self.poll_lines(now, silence) }
    }

    fn poll_lines(&mut self, now: Nanos, silence: Nanos) -> Option<(usize, bool)> {
        let lines = self.lines.get_mut(..self.count)?;
        let latest = lines.iter().map(|line| line.heard_at).max()?;
        for (index, line) in lines.iter_mut().enumerate() {
            let silent = self.heard
                && now.saturating_since(line.heard_at) > silence
                && now.saturating_since(latest) <= silence;
            let revived = line.dead && now.saturating_since(line.heard_at) <= silence;
            if silent && !line.dead {
                line.dead = true;
                line.counts.deaths += 1;
                return Some((index, true));
            }
            if revived {
                line.dead = false;
                return Some((index, false));
            }
        }
        None
    }

    /// What a line did; zero for a line that does not exist.
    #[must_use]
    pub fn counts(&self, line: usize) -> LineCounts {
        self.lines.get(line).map(|line| line.counts).unwrap_or_default()
    }

    /// Messages whose copies differed.
    #[must_use]
    pub const fn conflicts(&self) -> u64 {
        self.conflicts
    }
}

/// A hash of a message, never 0. Not for adversaries: it finds accidents.
#[inline]
fn hash(message: &[u8]) -> u32 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = message.len() as u64;
    let mut mix = |word: u64| {
        state = (state ^ word).wrapping_mul(MULTIPLIER);
        state ^= state >> 29;
    };
    let (words, rest) = message.as_chunks::<8>();
    for word in words {
        mix(u64::from_le_bytes(*word));
    }
    let mut tail = 0_u64;
    for byte in rest {
        tail = tail << 8 | u64::from(*byte);
    }
    mix(tail);
    (state >> 32) as u32 | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: other bytes under the same sequence are found, within the memory's reach and not
    /// beyond.
    #[test]
    fn other_bytes_under_one_sequence_are_a_conflict() {
        let mut arbiter = Arbiter::new(2, 8);
        for seq in 1..=20_u64 {
            assert!(arbiter.agrees(seq, &seq.to_be_bytes(), true));
        }
        for seq in 13..=20_u64 {
            assert!(arbiter.agrees(seq, &seq.to_be_bytes(), false));
            assert!(!arbiter.agrees(seq, b"other", false));
        }
        assert!(arbiter.agrees(1, b"other", false), "long forgotten");
        assert!(arbiter.agrees(20, &20_u64.to_be_bytes(), false), "an old copy changes no memory");
        assert_eq!(arbiter.conflicts(), 8);
        assert!(!Arbiter::new(1, 8).compares());
    }

    /// Goal: a flipped bit anywhere in a message changes its hash.
    #[test]
    fn every_flipped_bit_changes_the_hash() {
        let message: Vec<u8> = (0..50).collect();
        for length in 1..=message.len() {
            let whole = hash(&message[..length]);
            for bit in 0..length * 8 {
                let mut other = message[..length].to_vec();
                other[bit / 8] ^= 1 << (bit % 8);
                // The lowest bit of the hash is spent on "never 0".
                assert_ne!(whole, hash(&other), "length {length} bit {bit}");
            }
        }
    }

    /// Goal: a line that falls silent while the other speaks is dead once, and alive once it speaks
    /// again.
    #[test]
    fn a_silent_line_dies_once_and_revives_once() {
        let mut arbiter = Arbiter::new(2, 8);
        let silence = Nanos(100);
        assert_eq!(arbiter.poll(Nanos(1_000), silence), None, "nothing was heard yet");
        arbiter.on_packet(0, 1, 2, Nanos(1_000));
        arbiter.on_packet(1, 1, 2, Nanos(1_000));
        arbiter.on_packet(0, 2, 3, Nanos(1_101));
        assert_eq!(arbiter.poll(Nanos(1_101), silence), Some((1, true)));
        assert_eq!(arbiter.poll(Nanos(1_101), silence), None);
        arbiter.on_packet(1, 4, 5, Nanos(1_110));
        assert_eq!(arbiter.poll(Nanos(1_110), silence), Some((1, false)));
        assert_eq!(arbiter.poll(Nanos(1_110), silence), None);
        let counts = arbiter.counts(1);
        assert_eq!((counts.packets, counts.gaps, counts.missed, counts.deaths), (2, 1, 2, 1));
        assert_eq!(arbiter.poll(Nanos(9_999), silence), None, "all silent is the feed's matter");
        let mut one_sided = Arbiter::new(2, 8);
        one_sided.on_packet(0, 1, 2, Nanos(1_000));
        assert_eq!(one_sided.poll(Nanos(1_100), silence), None, "the other has its time");
        one_sided.on_packet(0, 2, 3, Nanos(1_101));
        assert_eq!(one_sided.poll(Nanos(1_101), silence), Some((1, true)), "never heard");
    }
}
