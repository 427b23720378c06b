//! The cache on a Redis server that runs, is killed, is stopped, and comes back.
#![cfg(feature = "redis")]

mod server;
mod shared;
