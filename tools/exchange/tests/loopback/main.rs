//! The exchange over real sockets on loopback.

mod kit;
mod orders;
mod recorded;
mod tape;
