//! MoldUDP64: numbered messages in datagrams, gaps found and filled. Sans-I/O: bytes and time come
//! in, messages, events and requests come out.
//!
//! ```text
//! line A ─┐                        ┌─► on_message (seq, bytes) in order, each once
//! line B ─┼─► Receiver::on_packet ─┤
//! answers ┘        ▲               └─► on_event (gap opened, closed, lost, ...)
//!                  └─ Receiver::poll(now) ─► a request to send
//! ```
//!
//! What is delivered, and in which order, is a function of the sequence of (packet, time) and poll
//! times alone. [`Outcome::changed`] says whether a packet took part in that: a journal that keeps
//! only those packets replays to the same messages and events. (Counters of lines, and their death,
//! also depend on the packets that it leaves out; nothing downstream may.)
//!
//! Source: Nasdaq MoldUDP64 Protocol Specification 1.00.

mod event;
mod gap;
mod packet;
mod receiver;
mod reorder;
#[cfg(test)]
mod tests;

pub use event::{Action, Counts, Delivery, Event, Outcome, RECOVERY_LINE, ReceiverConfig, Sink};
pub use packet::{
    Blocks, COUNT_MAX, HEADER_BYTES, Packet, PacketBuilder, PacketError, PacketKind, Request,
    Session, encode_end_of_session, encode_heartbeat,
};
pub use receiver::Receiver;
