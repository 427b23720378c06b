//! The bus: messages and what is made of them, and a real server under kills.

#[expect(dead_code, reason = "the store's tests use more of it")]
#[path = "../store/journal.rs"]
mod journal;
mod messages;
#[expect(dead_code, reason = "the store's tests use more of it")]
#[path = "../store/place.rs"]
mod place;
#[cfg(feature = "nats")]
mod server;
