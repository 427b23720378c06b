//! The login packets: text fields of fixed width.

use core::fmt;

/// Bytes of the user field.
const USER_BYTES: usize = 6;
/// Bytes of the password field.
const PASSWORD_BYTES: usize = 10;
/// Bytes of a sequence number as text.
const SEQ_BYTES: usize = 20;
/// Bytes of a login request's payload in version 3; version 4 adds 5.
const REQUEST_BYTES: usize = USER_BYTES + PASSWORD_BYTES + 10 + SEQ_BYTES;

/// Name of a session as on the wire: 10 characters, right-justified, padded left with spaces.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionName(pub [u8; 10]);

impl SessionName {
    /// All spaces: whatever session is current.
    pub const CURRENT: Self = Self([b' '; 10]);

    /// Pads a text; `None` when it is longer than 10 or not printable ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut name = [b' '; 10];
        let bytes = text.as_bytes();
        let start = name.len().checked_sub(bytes.len())?;
        if !bytes.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        name.get_mut(start..)?.copy_from_slice(bytes);
        Some(Self(name))
    }

    /// Whether both name the same session, however they are padded.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.trim_ascii() == other.0.trim_ascii()
    }

    /// Whether it is all spaces.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.0.trim_ascii().is_empty()
    }
}

impl fmt::Debug for SessionName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "\"{}\"", self.0.trim_ascii().escape_ascii())
    }
}

/// User and password, padded with spaces. Its debug form shows no password.
#[derive(Clone, Copy)]
pub struct Credentials {
    user: [u8; USER_BYTES],
    password: [u8; PASSWORD_BYTES],
}

impl Credentials {
    /// Pads both; `None` when one is too long (user 6, password 10) or not printable ASCII.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Option<Self> {
        Some(Self { user: pad_right(user)?, password: pad_right(password)? })
    }

    /// The user, without padding.
    #[must_use]
    pub fn user(&self) -> &[u8] {
        self.user.trim_ascii_end()
    }

    /// Whether both are the same, letter case apart. The time taken does not depend on where they
    /// differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let ours = self.user.iter().chain(&self.password);
        let theirs = other.user.iter().chain(&other.password);
        ours.zip(theirs).fold(0, |differ, (our, their)| {
            differ | (our.to_ascii_lowercase() ^ their.to_ascii_lowercase())
        }) == 0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ***", self.user().escape_ascii())
    }
}

fn pad_right<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let bytes = text.as_bytes();
    if !bytes.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let mut padded = [b' '; BYTES];
    padded.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(padded)
}

/// Where a client asks the stream to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The session, or [`SessionName::CURRENT`].
    pub session: SessionName,
    /// The first message wanted, from 1; 0 = only what is new.
    pub seq: u64,
}

impl Start {
    /// Everything the current session has.
    pub const FIRST: Self = Self { session: SessionName::CURRENT, seq: 1 };
    /// Only what is new in the current session.
    pub const LIVE: Self = Self { session: SessionName::CURRENT, seq: 0 };
}

/// A login request.
#[derive(Clone, Copy, Debug)]
pub struct LoginRequest {
    /// Who.
    pub credentials: Credentials,
    /// From where.
    pub start: Start,
}

impl LoginRequest {
    /// Reads the payload of a request, of version 3 (46 bytes) or longer; `None` when it is shorter
    /// or the sequence is not a number.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let (user, rest) = payload.split_first_chunk()?;
        let (password, rest) = rest.split_first_chunk()?;
        let (session, rest) = rest.split_first_chunk()?;
        let (seq, _heartbeat) = rest.split_first_chunk()?;
        Some(Self {
            credentials: Credentials { user: *user, password: *password },
            start: Start { session: SessionName(*session), seq: seq_from_text(seq)? },
        })
    }

    /// The payload of the request.
    #[must_use]
    pub fn encode(&self) -> [u8; REQUEST_BYTES] {
        let mut payload = [b' '; REQUEST_BYTES];
        let fields = [
            &self.credentials.user[..],
            &self.credentials.password[..],
            &self.start.session.0[..],
            &seq_to_text(self.start.seq)[..],
        ];
        for (to, from) in payload.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        payload
    }
}

/// A login answer: the session, and the number of its next sequenced packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LoginAccepted {
    pub(super) session: SessionName,
    pub(super) next_seq: u64,
}

impl LoginAccepted {
    pub(super) const BYTES: usize = 10 + SEQ_BYTES;

    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let (session, rest) = payload.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let next_seq = seq_from_text(seq)?;
        rest.is_empty().then_some(Self { session: SessionName(*session), next_seq })
    }

    pub(super) fn encode(&self) -> [u8; Self::BYTES] {
        let mut payload = [b' '; Self::BYTES];
        let text = seq_to_text(self.next_seq);
        for (to, from) in payload.iter_mut().zip(self.session.0.iter().chain(&text)) {
            *to = *from;
        }
        payload
    }
}

/// Digits padded left with spaces; all spaces count as 0. `None` for anything else or over `u64`.
fn seq_from_text(text: &[u8; SEQ_BYTES]) -> Option<u64> {
    text.trim_ascii().iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(digit.into())
    })
}

fn seq_to_text(seq: u64) -> [u8; SEQ_BYTES] {
    let mut text = [b' '; SEQ_BYTES];
    let mut rest = seq;
    for place in text.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text
}
