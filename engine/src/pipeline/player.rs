//! The thread behind a recorded file: reads, unpacks and packs ahead of the feed stage, into the
//! ring between them, and waits while that is full.
//!
//! Messages of one time share a packet, as the venue would have sent them; nothing else joins them,
//! so that what a strategy sees does not depend on the speed.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "cold: a helper thread reads the file"
)]

use super::hot::{Phase, PhaseOf};
use crate::config::model::Speed;
use crate::stage::feed::{FilePackets, MESSAGE_BYTES_MAX, PACKET_BYTES};
use feed::moldudp64::{
    HEADER_BYTES, PacketBuilder, Session, encode_end_of_session, encode_heartbeat,
};
use feed::recording::{Place, Recording};
use shm::units::Nanos;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Time between two looks at a full ring: a quarter of it is played in that time at the most.
const LOOK: Duration = Duration::from_millis(1);
/// A pause of a paced play is told this often, as a line would tell it.
const HEARTBEAT: Nanos = Nanos::SECOND;

/// Plays one file.
pub(super) struct Player {
    recording: Recording,
    pace: Pace,
    group: Group,
    out: Out,
    /// Why the file ended early, for people.
    fault: Arc<OnceLock<String>>,
}

/// What a time in the recording is in the play.
#[derive(Clone, Copy, Debug)]
struct Pace {
    first: Nanos,
    /// Thousandths of the recorded pace; `None` for as fast as it is read.
    milli: Option<u32>,
}

impl Pace {
    fn due(self, at: Nanos) -> Nanos {
        let Some(milli) = self.milli else { return Nanos(0) };
        let after = u128::from(at.saturating_since(self.first).0);
        let due = after * 1_000 / u128::from(milli.max(1));
        Nanos(u64::try_from(due).unwrap_or(u64::MAX))
    }
}

/// Messages that share a packet.
#[derive(Default)]
struct Group {
    place: Option<Place>,
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

impl Group {
    fn packet_bytes(&self) -> usize {
        HEADER_BYTES + self.bytes.len() + 2 * self.lengths.len()
    }

    /// Whether a message at `place` follows in the same packet.
    fn takes(&self, place: Place, length: usize) -> bool {
        self.place.is_some_and(|first| {
            let seq = first.seq + self.lengths.len() as u64;
            (first.session, seq, first.at) == (place.session, place.seq, place.at)
                && self.packet_bytes() + 2 + length <= PACKET_BYTES
        })
    }

    fn push(&mut self, place: Place, message: &[u8]) {
        self.place.get_or_insert(place);
        self.bytes.extend_from_slice(message);
        self.lengths.push(message.len());
    }
}

/// Where packets go, and what was put there.
struct Out {
    packets: FilePackets,
    phase: Phase,
    session: Option<Session>,
    next_seq: u64,
    due: Nanos,
}

/// The engine stops.
struct Stopping;

impl Out {
    /// Puts a packet on the ring, and waits for room if need be.
    fn push(&mut self, due: Nanos, packet: &[u8]) -> Result<(), Stopping> {
        while !self.packets.try_push(due, packet) {
            if self.phase.is(PhaseOf::Stop) {
                return Err(Stopping);
            }
            std::thread::sleep(LOOK);
        }
        self.due = due;
        Ok(())
    }

    fn heartbeat(&mut self, due: Nanos) -> Result<(), Stopping> {
        let mut packet = [0; HEADER_BYTES];
        match self.session.and_then(|name| encode_heartbeat(&mut packet, name, self.next_seq)) {
            Some(_) => self.push(due, &packet),
            None => Ok(()),
        }
    }

    fn end_session(&mut self) -> Result<(), Stopping> {
        let mut packet = [0; HEADER_BYTES];
        match self.session.and_then(|name| encode_end_of_session(&mut packet, name, self.next_seq))
        {
            Some(_) => self.push(self.due, &packet),
            None => Ok(()),
        }
    }

    /// Puts what was gathered on the ring, and what goes before it.
    fn group(&mut self, group: &mut Group, due: Nanos) -> Result<(), Stopping> {
        let Some(first) = group.place.take() else { return Ok(()) };
        let mut told = self.due.0.saturating_add(HEARTBEAT.0);
        while told < due.0 {
            self.heartbeat(Nanos(told))?;
            told = told.saturating_add(HEARTBEAT.0);
        }
        if self.session.is_some_and(|session| session != first.session) {
            self.end_session()?;
        }
        let mut packet = [0; PACKET_BYTES];
        let count = group.lengths.len() as u64;
        if let Some(mut builder) = PacketBuilder::new(&mut packet, first.session, first.seq) {
            let mut rest = &group.bytes[..];
            for length in group.lengths.drain(..) {
                let (message, after) = rest.split_at_checked(length).unwrap_or_default();
                let pushed = builder.try_push(message);
                debug_assert!(pushed, "the group was kept to a packet");
                rest = after;
            }
            let length = builder.finish();
            self.push(due.max(self.due), packet.get(..length).unwrap_or_default())?;
        }
        group.bytes.clear();
        (self.session, self.next_seq) = (Some(first.session), first.seq + count);
        Ok(())
    }
}

impl Player {
    pub(super) fn new(
        recording: Recording,
        speed: Speed,
        packets: FilePackets,
        phase: Phase,
        fault: Arc<OnceLock<String>>,
    ) -> Self {
        let milli = match speed {
            Speed::Max => None,
            Speed::Milli(milli) => Some(milli),
        };
        let pace = Pace { first: recording.place().at, milli };
        let out = Out { packets, phase, session: None, next_seq: 1, due: Nanos(0) };
        Self { recording, pace, group: Group::default(), out, fault }
    }

    /// Plays the file to its end, or until the engine stops.
    pub(super) fn run(mut self) {
        // Either way the play is over.
        let _: Result<(), Stopping> = self.play();
    }

    fn play(&mut self) -> Result<(), Stopping> {
        let mut message = Vec::new();
        let mut played = 0_u64;
        let fault = loop {
            match self.recording.read(&mut message) {
                Ok(true) => self.take(&message)?,
                Ok(false) => break None,
                Err(error) => break Some(error),
            }
            played += 1;
        };
        self.flush()?;
        if let Some(error) = fault {
            let _ = self.fault.set(format!(
                "{error}; the {played} messages before were played, the books are STALE from there"
            ));
            // What follows is missing: one number that never comes says so to everybody.
            self.out.next_seq += 1;
            self.out.heartbeat(self.out.due)?;
        }
        self.out.end_session()
    }

    fn take(&mut self, message: &[u8]) -> Result<(), Stopping> {
        // Longer than any packet takes: it keeps its number and is malformed.
        let message = if message.len() > MESSAGE_BYTES_MAX { &[] } else { message };
        let place = self.recording.place();
        if !self.group.takes(place, message.len()) {
            self.flush()?;
        }
        self.group.push(place, message);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stopping> {
        let due = self.group.place.map_or(self.out.due, |place| self.pace.due(place.at));
        self.out.group(&mut self.group, due)
    }
}

#[cfg(test)]
mod tests;
