//! ITCH over SoupBinTCP as a source: the numbered stream of a session, packed as MoldUDP64 packets.
//!
//! ```text
//! dialer ─► link ─► Client (login, heartbeats, silence, numbers) ─► packets of up to a frame
//! ```
//!
//! A link that is lost is asked for again, and the login asks for the next number: nothing is lost,
//! nothing comes twice. Until the stream has given what was missed, the feed is STALE; the protocol
//! does not tell how much that is, so a stream counts as whole once its socket had nothing to give
//! for [`QUIET`], or with the server's heartbeat. A session of another name ends the one before.

use super::source::{Arrival, MESSAGE_BYTES_MAX, PACKET_BYTES, Received, Source};
use crate::stage::gateway::{AnyLink, Dial};
use ::feed::moldudp64::{PacketBuilder, Request, Session, encode_end_of_session};
use gateway::link::{RecvResult, SendResult};
use gateway::session::soupbintcp::{
    Client, ClientEvent, ClientState, EndReason, REJECT_SESSION, SessionName, Start,
};
use shm::atomic::{AtomicU64, Ordering};
use shm::units::Nanos;
use std::sync::Arc;

/// A socket that had nothing for this long has given all it had.
const QUIET: Nanos = Nanos(200_000);
/// Wait for a new session after one has ended, or after the server refused for a reason of its own.
const PAUSE: Nanos = Nanos(5 * Nanos::SECOND.0);
/// Packets of the session looked at in one call.
const EVENTS_MAX: usize = 256;

/// What the session has to say to people; set by the stage, read by whoever asks.
#[derive(Clone, Debug, Default)]
pub struct SoupNotice {
    word: Arc<AtomicU64>,
}

impl SoupNotice {
    /// The letter with which the server refused the login for good; 0 for none.
    #[must_use]
    pub fn refused(&self) -> u8 {
        // ORDERING: Relaxed; a lone word, pairs with the store in `set`.
        self.word.load(Ordering::Relaxed) as u8
    }

    fn set(&self, letter: u8) {
        // ORDERING: Relaxed; a lone word, read for people.
        self.word.store(u64::from(letter), Ordering::Relaxed);
    }
}

/// One session.
pub struct SoupSource {
    client: Client,
    dial: Dial,
    link: Option<AnyLink>,
    notice: SoupNotice,
    /// What the login of this link asked for.
    asked: Start,
    /// The session whose messages were given; `None` before the first login.
    session: Option<SessionName>,
    /// Its next message.
    next_seq: u64,
    /// To be given before anything else.
    due: Option<Due>,
    /// A login was answered and the stream has not been whole since.
    behind: bool,
    /// When bytes were last read.
    read_at: Nanos,
    /// No link is asked for before.
    redial_at: Nanos,
    /// No link is asked for any more.
    refused: bool,
}

/// What is owed to the stage.
#[derive(Clone, Copy, Debug)]
enum Due {
    Cut,
    Whole,
    /// The end of a session before this number, and then, if the link went with it, [`Due::Cut`].
    End {
        session: SessionName,
        next_seq: u64,
        then_cut: bool,
    },
}

/// What packing came to.
enum Packed {
    /// A packet, or nothing now.
    Done(Option<Received>),
    /// Something changed: look again.
    Again,
}

impl SoupSource {
    /// A session that is not logged in.
    #[must_use]
    pub const fn new(client: Client, dial: Dial, notice: SoupNotice) -> Self {
        Self {
            asked: client.position(),
            client,
            dial,
            link: None,
            notice,
            session: None,
            next_seq: 1,
            due: None,
            behind: false,
            read_at: Nanos(0),
            redial_at: Nanos(0),
            refused: false,
        }
    }

    /// Takes a link that was dialed, or asks for one.
    fn connect(&mut self, now: Nanos) {
        if self.link.is_some() || self.refused || now < self.redial_at {
            return;
        }
        let Ok(link) = self.dial.links.pop() else {
            // ORDERING: Relaxed; a lone flag, the link itself comes over its own ring.
            self.dial.wanted.store(1, Ordering::Relaxed);
            return;
        };
        // ORDERING: Relaxed; as above. It may have been raised again between the dialing and the
        // handing over, and would bring a second link that nobody wants.
        self.dial.wanted.store(0, Ordering::Relaxed);
        self.link = Some(link);
        self.read_at = now;
        self.asked = self.client.position();
        self.client.on_connect(now);
    }

    /// Login, heartbeats, silence; then reads what there is.
    fn read(&mut self, now: Nanos) {
        let Some(link) = &mut self.link else { return };
        let link = link.link();
        let mut gone = link.has_pending() && matches!(link.flush(), SendResult::Closed(_));
        if !gone && !link.has_pending() {
            let mut out = [0; 64];
            let len = self.client.poll(now, &mut out);
            let bytes = out.get(..len).unwrap_or_default();
            gone = !bytes.is_empty() && matches!(link.send(bytes), SendResult::Closed(_));
        }
        gone |= matches!(self.client.state(), ClientState::Ended(_));
        if !gone {
            match link.recv_into(self.client.read_space()) {
                RecvResult::Bytes(bytes) => {
                    self.read_at = now;
                    self.client.on_read(bytes, now);
                }
                RecvResult::WouldBlock => {
                    let quiet = now.saturating_since(self.read_at) > QUIET;
                    if quiet && core::mem::take(&mut self.behind) {
                        self.due = Some(Due::Whole);
                    }
                }
                RecvResult::End | RecvResult::Closed(_) => gone = true,
            }
        }
        if gone {
            self.close();
        }
    }

    /// The link is gone, or no longer wanted. A message of which a part was read is asked for
    /// again.
    fn close(&mut self) {
        if let Some(mut link) = self.link.take() {
            link.link().shutdown();
        }
        self.client.on_disconnect();
        self.behind = false;
        if self.session.is_some() && self.due.is_none() {
            self.due = Some(Due::Cut);
        }
    }

    /// What is owed or can be packed; `None` when more must be read first.
    fn take(&mut self, now: Nanos, buffer: &mut [u8]) -> Option<Received> {
        // Once for what is owed before a login's answer, for the answer, and for what follows.
        for _ in 0..3 {
            if let Some(due) = self.due.take() {
                return self.pay(due, buffer);
            }
            match self.pack(now, buffer) {
                Packed::Done(packed) => return packed,
                Packed::Again => {}
            }
        }
        None
    }

    fn pay(&mut self, due: Due, buffer: &mut [u8]) -> Option<Received> {
        match due {
            Due::Cut => Some(Received::Cut),
            Due::Whole => Some(Received::Whole),
            Due::End { session, next_seq, then_cut } => {
                self.due = then_cut.then_some(Due::Cut);
                let len = encode_end_of_session(buffer, mold_session(session), next_seq)?;
                Some(Received::Packet { len, arrival: Arrival::Read })
            }
        }
    }

    /// Packs messages until the packet is full, or there are no more.
    fn pack(&mut self, now: Nanos, buffer: &mut [u8]) -> Packed {
        let room = buffer.len().min(PACKET_BYTES);
        let session = mold_session(self.session.unwrap_or(SessionName::CURRENT));
        let place = buffer.get_mut(..room).unwrap_or_default();
        let Some(mut builder) = PacketBuilder::new(place, session, self.next_seq) else {
            return Packed::Done(None);
        };
        let mut alive = false;
        for _ in 0..EVENTS_MAX {
            if builder.used_bytes() + 2 + MESSAGE_BYTES_MAX > room {
                break;
            }
            match self.client.next_event() {
                None => break,
                Some(ClientEvent::Debug(_)) => {}
                Some(ClientEvent::Heartbeat) => alive = true,
                Some(ClientEvent::Message { seq, payload }) => {
                    let fits = payload.len() <= MESSAGE_BYTES_MAX;
                    let pushed = builder.try_push(if fits { payload } else { &[] });
                    debug_assert!(pushed, "the room was looked at");
                    self.next_seq = seq.saturating_add(1);
                }
                Some(ClientEvent::Login { session, next_seq, .. }) => {
                    self.on_login(session, next_seq);
                    return Packed::Again;
                }
                Some(ClientEvent::Ended(reason)) => {
                    self.on_ended(reason, now);
                    break;
                }
            }
        }
        if alive && core::mem::take(&mut self.behind) {
            // A server that has nothing to send has sent everything.
            self.due = Some(Due::Whole);
        }
        if builder.count() == 0 && !alive {
            return if self.due.is_some() { Packed::Again } else { Packed::Done(None) };
        }
        let arrival = Arrival::Due(self.read_at);
        Packed::Done(Some(Received::Packet { len: builder.finish(), arrival }))
    }

    /// The first packet of a link.
    fn on_login(&mut self, session: SessionName, next_seq: u64) {
        let old = self.session.filter(|known| !known.is_same(&session));
        if old.is_some() && self.asked.seq > 1 && next_seq > 1 {
            // The number that was asked for was the old session's: this one is wanted whole.
            self.client.set_position(Start::FIRST);
            self.close();
            return;
        }
        self.due =
            old.map(|session| Due::End { session, next_seq: self.next_seq, then_cut: false });
        (self.session, self.next_seq, self.behind) = (Some(session), next_seq, true);
    }

    fn on_ended(&mut self, reason: EndReason, now: Nanos) {
        match reason {
            EndReason::Peer => {
                let next_seq = self.next_seq;
                self.due =
                    self.session.map(|session| Due::End { session, next_seq, then_cut: true });
                self.redial_at = Nanos(now.0.saturating_add(PAUSE.0));
            }
            EndReason::Rejected(REJECT_SESSION) => {
                // The session we knew is over: whatever is served now comes after it.
                let asked_any = self.asked.session.is_current();
                self.client.set_position(Start::FIRST);
                let pause = if asked_any { PAUSE } else { Nanos(0) };
                self.redial_at = Nanos(now.0.saturating_add(pause.0));
            }
            EndReason::Rejected(letter) => {
                // The password is what it is: asking again may lock the user out.
                self.refused = true;
                self.notice.set(letter);
            }
            EndReason::Local
            | EndReason::LoginTimeout
            | EndReason::Silence
            | EndReason::Unsendable
            | EndReason::Protocol(_) => {}
        }
    }
}

/// The session as packets name it: the same text, padded on the other side.
fn mold_session(name: SessionName) -> Session {
    let mut padded = [b' '; 10];
    padded.iter_mut().zip(name.0.trim_ascii()).for_each(|(to, from)| *to = *from);
    Session(padded)
}

impl Source for SoupSource {
    fn recv(&mut self, _line: usize, now: Nanos, buffer: &mut [u8]) -> Option<Received> {
        if let Some(taken) = self.take(now, buffer) {
            return Some(taken);
        }
        self.connect(now);
        self.read(now);
        self.take(now, buffer)
    }

    fn lines(&self) -> usize {
        1
    }

    fn request(&mut self, _request: &Request, _attempt: u32) {
        debug_assert!(false, "a receiver of a stream makes no requests: it has no tries");
    }
}

#[cfg(test)]
mod tests;
