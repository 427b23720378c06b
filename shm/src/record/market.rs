//! Bytes as they came and went: what a replay feeds on and an auditor reads.

use super::record;
use crate::ids::ClOrdId;
use crate::units::Nanos;

record! {
    /// A datagram (or file block) that changed the state of a feed; its bytes follow.
    ///
    /// # Layout
    /// 32 bytes, then `len` bytes.
    RxFeed: 32 {
        /// Arrival: the kernel's receive stamp where the source has one, else the read.
        t0: Nanos,
        /// First sequence number in the datagram.
        feed_seq: u64,
        /// When it was read, ns after `t0`.
        d_read: u32,
        /// Bytes that follow.
        len: u32,
        /// Index of the feed.
        feed: u8,
        /// Line it came on: 0 is A, 1 is B, 2 the re-request channel. 3 and 4 stand for no bytes:
        /// the stream was cut; the stream has given all it had.
        line: u8,
        /// Zero.
        _reserved: [u8; 6],
    }
}

impl RxFeed {
    /// Answers to requests.
    pub const ANSWERS: u8 = 2;
    /// The stream was cut.
    pub const CUT: u8 = 3;
    /// The stream has given all it had.
    pub const WHOLE: u8 = 4;
}

record! {
    /// Bytes read from a venue's socket; they follow.
    ///
    /// # Layout
    /// 32 bytes, then `len` bytes.
    RxVenue: 32 {
        /// When they were read.
        t0: Nanos,
        /// Next sequence expected from the venue before these bytes.
        venue_seq: u64,
        /// Bytes that follow.
        len: u32,
        /// Index of the gateway.
        gateway: u8,
        /// Zero: bytes. 1: the link was opened. 2: the link was closed.
        event: u8,
        /// Zero.
        _reserved: [u8; 10],
    }
}

impl RxVenue {
    /// Bytes follow.
    pub const BYTES_READ: u8 = 0;
    /// The link was opened; the logon follows and is not journalled.
    pub const OPENED: u8 = 1;
    /// The link was closed.
    pub const CLOSED: u8 = 2;
}

record! {
    /// A framed message, in the journal before it is on the wire; its bytes follow and are sent
    /// from here.
    ///
    /// # Layout
    /// 32 bytes, then `len` bytes.
    Tx: 32 {
        /// Our order.
        cl_ord_id: ClOrdId,
        /// Origin of the trip's stamps.
        t0: Nanos,
        /// The venue's number for the message (OUCH UserRefNum).
        venue_no: u32,
        /// When the gateway began with the approval, ns after `t0`.
        d_gateway: u32,
        /// When it was encoded, ns after `t0`.
        d_encoded: u32,
        /// Bytes that follow, framing included.
        len: u16,
        /// Index of the gateway.
        gateway: u8,
        /// [`crate::message::Kind`] of the approval (20 new, 21 replace, 22 cancel).
        action: u8,
    }
}

record! {
    /// What the socket said of a [`Tx`]: an input of the gateway, so a replay needs it.
    Sent: 32 {
        /// Our order.
        cl_ord_id: ClOrdId,
        /// Origin of the trip's stamps.
        t0: Nanos,
        /// Low 32 bits of the lane sequence of its [`Tx`].
        tx_seq: u32,
        /// Bytes given to the socket, or [`Sent::LINK_CLOSED`].
        result: i32,
        /// When the call returned, ns after `t0`.
        d_sent: u32,
        /// Index of the gateway.
        gateway: u8,
        /// Zero.
        _reserved: [u8; 3],
    }
}

impl Sent {
    /// No byte was taken, since the link was closed. What the venue has of the message is told by
    /// its stream after the next logon.
    pub const LINK_CLOSED: i32 = -1;
}

record! {
    /// An approval that was not sent: a gate was closed or it had grown too old.
    TxVoid: 32 {
        /// Our order.
        cl_ord_id: ClOrdId,
        /// Origin of the trip's stamps.
        t0: Nanos,
        /// Low 32 bits of the lane sequence of its [`Tx`], 0 when none was written.
        tx_seq: u32,
        /// [`crate::reason::Reason`].
        reason: u8,
        /// Index of the gateway.
        gateway: u8,
        /// [`crate::message::Kind`] of the approval.
        action: u8,
        /// Zero.
        _reserved: [u8; 9],
    }
}

record! {
    /// Raw capture stopped for want of free segments: what a feed received from here on is not, or
    /// not all, in the lane, and no replay is equal to the run.
    CaptureGap: 32 {
        /// Index of the feed.
        feed: u8,
        /// Zero.
        _reserved: [u8; 7],
        /// First sequence number that was not captured.
        feed_seq: u64,
        /// Zero.
        _reserved_words: [u64; 2],
    }
}

record! {
    /// The venue session a gateway is logged on to: written after each logon, and carried over into
    /// the next engine session, so that a restart resumes where risk had come to.
    VenueSession: 32 {
        /// Name of the session, as the venue pads it.
        session: [u8; 10],
        /// Index of the gateway.
        gateway: u8,
        /// Account queries of the session whose answers may still come, modulo 256: those carried
        /// into the process and those it has asked, this logon's among them.
        queries: u8,
        /// Next number the venue will take (OUCH UserRefNum).
        venue_no: u32,
        /// Next sequence of the venue's stream that risk has not seen.
        venue_seq: u64,
        /// When the logon was accepted.
        t0: Nanos,
    }
}
