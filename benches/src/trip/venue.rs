//! The venue's end of the connection: every order is accepted, and over at once, so that none is
//! left to cancel.

use gateway::codec::ouch50::{
    Accepted, Appendage, EnterOrder, Inbound, Message, OrderStateCode, QueryResponse, encode,
};
use gateway::session::soupbintcp::{
    SequencedStore, Server, ServerConfig, ServerEvent, ServerState, SessionName,
};
use shm::units::Nanos;
use zerocopy::FromZeros as _;

/// Messages of the stream that are kept; the client never asks for older ones.
const KEPT: usize = 64;

/// The stream, of which only the end is kept.
struct Stream {
    next_seq: u64,
    kept: Vec<([u8; 80], usize)>,
}

impl SequencedStore for Stream {
    fn next_seq(&self) -> u64 {
        self.next_seq
    }

    fn message(&self, seq: u64) -> Option<&[u8]> {
        let (bytes, length) = self.kept.get(seq as usize % KEPT)?;
        (seq < self.next_seq).then_some(&bytes[..*length])
    }
}

impl Stream {
    fn push(&mut self, message: &impl Message) {
        let (bytes, length) = &mut self.kept[self.next_seq as usize % KEPT];
        *length = encode(message, Appendage::ABSENT, bytes).expect("room for the message");
        self.next_seq += 1;
    }
}

/// The venue's end of a connection.
pub(crate) trait Wire {
    /// Appends what has come.
    fn recv(&mut self, into: &mut Vec<u8>);
    /// Sends all of it.
    fn send(&mut self, bytes: &[u8]);
}

/// The venue.
pub(crate) struct Venue<W> {
    wire: W,
    server: Server,
    stream: Stream,
    orders: u64,
    held: Vec<u8>,
}

impl<W: Wire> Venue<W> {
    pub(crate) fn new(wire: W, now: Nanos) -> Self {
        let session = SessionName::new("TRIP").expect("a short name");
        let mut server = Server::new(ServerConfig::new(session));
        server.on_connect(now);
        let stream = Stream { next_seq: 1, kept: vec![([0; 80], 0); KEPT] };
        Self { wire, server, stream, orders: 0, held: Vec::new() }
    }

    pub(crate) const fn wire(&mut self) -> &mut W {
        &mut self.wire
    }

    pub(crate) fn is_live(&self) -> bool {
        self.server.state() == ServerState::Live
    }

    pub(crate) fn orders(&self) -> u64 {
        self.orders
    }

    /// Answers what has come.
    pub(crate) fn turn(&mut self, now: Nanos) {
        self.wire.recv(&mut self.held);
        let taken = self.server.on_bytes(&self.held, now);
        self.held.drain(..taken);
        while let Some(event) = self.server.next_event() {
            match event {
                ServerEvent::Login(request) => {
                    assert!(self.server.accept(&request, self.stream.next_seq));
                }
                ServerEvent::Message(bytes) => match Inbound::decode(bytes) {
                    Ok(Inbound::Enter(order)) => {
                        self.orders += 1;
                        self.stream.push(&accepted(order.fields, self.orders));
                    }
                    Ok(Inbound::Query(_)) => {
                        let mut answer = QueryResponse::new_zeroed();
                        answer.next_user_ref_num = 1.into();
                        self.stream.push(&answer);
                    }
                    other => panic!("no such message is expected: {other:?}"),
                },
                ServerEvent::Ended(reason) => panic!("the session has ended: {reason:?}"),
                ServerEvent::Debug(_) | ServerEvent::Heartbeat => {}
            }
        }
        let mut out = [0; 4096];
        let polled = self.server.poll(now, &self.stream, 16, &mut out);
        if polled.bytes > 0 {
            self.wire.send(&out[..polled.bytes]);
        }
    }
}

/// Accepted, and dead at once.
fn accepted(order: &EnterOrder, order_ref: u64) -> Accepted {
    let mut accepted = Accepted::new_zeroed();
    accepted.user_ref_num = order.user_ref_num;
    (accepted.side, accepted.qty) = (order.side, order.qty);
    (accepted.symbol, accepted.px) = (order.symbol, order.px);
    (accepted.tif, accepted.display) = (order.tif, order.display);
    accepted.order_ref = order_ref.into();
    accepted.state = OrderStateCode(b'D');
    accepted.cl_ord_id = order.cl_ord_id;
    accepted
}
