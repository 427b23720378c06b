//! The same stream over SoupBinTCP, for clients that read it as a file.

use super::publisher::Publisher;
use crate::soup_link::{LinkState, SoupLink};
use gateway::session::soupbintcp::{
    Credentials, REJECT_CREDENTIALS, SequencedStore, ServerConfig, ServerEvent, SessionName,
};
use std::net::{TcpListener, TcpStream};

/// Clients served at once; further ones are closed at once.
const CLIENTS_MAX: usize = 16;

/// A SoupBinTCP server of the ITCH stream, for the users of order entry.
#[derive(Debug)]
pub struct SoupFeed {
    listener: TcpListener,
    links: Vec<SoupLink>,
    session: SessionName,
    users: Vec<Credentials>,
}

impl SoupFeed {
    /// Serves `users` on `listener` (non-blocking).
    #[must_use]
    pub fn new(listener: TcpListener, session: SessionName, users: Vec<Credentials>) -> Self {
        Self { listener, links: Vec::new(), session, users }
    }

    /// Sockets to wait on: the listener, then the clients.
    #[must_use]
    pub fn listener(&self) -> &TcpListener {
        &self.listener
    }

    /// The clients' sockets.
    pub fn streams(&self) -> impl Iterator<Item = &TcpStream> + '_ {
        self.links.iter().map(SoupLink::stream)
    }

    /// Tells every client that the session is over.
    pub fn end(&mut self) {
        self.links.iter_mut().for_each(|link| link.server.end_session());
    }

    /// Accepts, reads logins, writes the stream.
    pub fn poll(&mut self, publisher: &Publisher, now_ns: u64) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.links.len() < CLIENTS_MAX {
                let config = ServerConfig::new(self.session);
                self.links.extend(SoupLink::new(stream, config, now_ns));
            }
        }
        let (store, users) = (publisher.store(), &self.users);
        self.links.retain_mut(|link| {
            if link.read(now_ns) == LinkState::Closed {
                return false;
            }
            while let Some(event) = link.server.next_event() {
                if let ServerEvent::Login(request) = event {
                    if users.iter().any(|user| user.matches(&request.credentials)) {
                        link.server.accept(&request, store.next_seq());
                    } else {
                        link.server.reject(REJECT_CREDENTIALS);
                    }
                }
            }
            link.write(store, now_ns) == LinkState::Open
        });
    }
}
