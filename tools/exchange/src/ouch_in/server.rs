//! The sockets of order entry.

use super::desk::{Desk, Venue};
use crate::random::Random;
use crate::soup_link::{LinkState, SoupLink};
use gateway::session::soupbintcp::{
    LoginRequest, REJECT_CREDENTIALS, SequencedStore, ServerConfig, ServerEvent, SessionName,
};
use std::net::{TcpListener, TcpStream};

/// Connections held at once; further ones are closed at once.
const LINKS_MAX: usize = 64;

/// The order entry server.
#[derive(Debug)]
pub struct OuchServer {
    listener: TcpListener,
    session: SessionName,
    links: Vec<OuchLink>,
    message: Vec<u8>,
    /// How often a write is cut short, and the seed of where.
    chop: (f64, u64),
}

#[derive(Debug)]
struct OuchLink {
    link: SoupLink,
    /// The user logged in.
    account: Option<usize>,
    state: LinkState,
}

/// What a turn brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OuchTurn {
    /// Messages taken.
    pub messages: usize,
    /// Logins accepted.
    pub logins: usize,
}

/// Called after each message, so that its events and reports are out before the next.
pub trait Settle {
    /// Publishes events and tells reports.
    fn settle(&mut self, desk: &mut Desk, venue: &mut Venue<'_>);
}

impl OuchServer {
    /// Serves on `listener` (non-blocking).
    #[must_use]
    pub fn new(listener: TcpListener, session: SessionName) -> Self {
        Self { listener, session, links: Vec::new(), message: Vec::new(), chop: (0.0, 0) }
    }

    /// Cuts writes to clients short with this probability, anywhere within a message.
    #[must_use]
    pub fn with_chop(self, chop: f64, seed: u64) -> Self {
        Self { chop: (chop, seed), ..self }
    }

    /// The listener, to wait on.
    #[must_use]
    pub fn listener(&self) -> &TcpListener {
        &self.listener
    }

    /// The clients' sockets, and whether each waits to be written to.
    pub fn streams(&self) -> impl Iterator<Item = (&TcpStream, bool)> + '_ {
        self.links.iter().map(|link| (link.link.stream(), link.link.is_blocked()))
    }

    /// Tells every client that the session is over.
    pub fn end(&mut self) {
        self.links.iter_mut().for_each(|link| link.link.server.end_session());
    }

    /// Whether any client is connected.
    #[must_use]
    pub fn has_clients(&self) -> bool {
        !self.links.is_empty()
    }

    /// Accepts connections and takes what clients sent.
    pub fn read(
        &mut self,
        desk: &mut Desk,
        venue: &mut Venue<'_>,
        settle: &mut impl Settle,
    ) -> OuchTurn {
        let mut turn = OuchTurn::default();
        while let Ok((stream, _)) = self.listener.accept() {
            if self.links.len() == LINKS_MAX {
                continue;
            }
            let link = SoupLink::new(stream, ServerConfig::new(self.session), venue.now_ns);
            if let Ok(mut link) = link {
                let (chop, seed) = self.chop;
                link.chop(chop, Random::new(seed, 0xc40b + venue.now_ns));
                self.links.push(OuchLink { link, account: None, state: LinkState::Open });
            }
        }
        for at in 0..self.links.len() {
            let state = self.links[at].link.read(venue.now_ns);
            // What came before the end of the connection still counts.
            self.take_events(at, desk, venue, settle, &mut turn);
            if state == LinkState::Closed {
                self.links[at].state = LinkState::Closed;
            }
        }
        self.drop_closed(desk, venue, settle);
        turn
    }

    /// Writes to every client what its user may be told.
    pub fn write(&mut self, desk: &mut Desk, venue: &mut Venue<'_>, settle: &mut impl Settle) {
        for link in &mut self.links {
            let state = match link.account.and_then(|account| desk.account_mut(account)) {
                Some(account) => link.link.write(&account.told(venue.now_ns), venue.now_ns),
                None => link.link.write(&Nothing, venue.now_ns),
            };
            if state == LinkState::Closed {
                link.state = LinkState::Closed;
            }
        }
        self.drop_closed(desk, venue, settle);
    }

    fn take_events(
        &mut self,
        at: usize,
        desk: &mut Desk,
        venue: &mut Venue<'_>,
        settle: &mut impl Settle,
        turn: &mut OuchTurn,
    ) {
        while let Some(event) = self.links[at].link.server.next_event() {
            match event {
                ServerEvent::Login(request) => {
                    self.login(at, &request, desk, venue, settle);
                    turn.logins += usize::from(self.links[at].account.is_some());
                }
                ServerEvent::Message(bytes) => {
                    self.message.clear();
                    self.message.extend_from_slice(bytes);
                    turn.messages += 1;
                    let Some(account) = self.links[at].account else { continue };
                    let is_cut = desk.on_message(account, &self.message, venue);
                    settle.settle(desk, venue);
                    if is_cut {
                        self.links[at].state = LinkState::Closed;
                        return;
                    }
                }
                ServerEvent::Debug(_) | ServerEvent::Heartbeat | ServerEvent::Ended(_) => {}
            }
        }
    }

    /// Answers a login. The newest connection of a user takes the place of an older one.
    fn login(
        &mut self,
        at: usize,
        request: &LoginRequest,
        desk: &mut Desk,
        venue: &mut Venue<'_>,
        settle: &mut impl Settle,
    ) {
        let Some(number) = desk.find(request) else {
            return self.links[at].link.server.reject(REJECT_CREDENTIALS);
        };
        let Some(account) = desk.account_mut(number) else { return };
        if !self.links[at].link.server.accept(request, account.stream.next_seq()) {
            return;
        }
        account.counts.logins += 1;
        for (other, link) in self.links.iter_mut().enumerate() {
            if other != at && link.account == Some(number) {
                link.account = None;
                link.state = LinkState::Closed;
                desk.on_disconnect(number, venue);
                settle.settle(desk, venue);
            }
        }
        self.links[at].account = Some(number);
    }

    fn drop_closed(&mut self, desk: &mut Desk, venue: &mut Venue<'_>, settle: &mut impl Settle) {
        self.links.retain(|link| {
            if link.state == LinkState::Closed
                && let Some(account) = link.account
            {
                desk.on_disconnect(account, venue);
                settle.settle(desk, venue);
            }
            link.state == LinkState::Open
        });
    }
}

/// The stream of a connection without a user.
struct Nothing;

impl SequencedStore for Nothing {
    fn next_seq(&self) -> u64 {
        1
    }

    fn message(&self, _seq: u64) -> Option<&[u8]> {
        None
    }
}
