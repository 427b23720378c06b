//! The slow path: whatever reads an engine's shared memory and never touches its hot threads.
//!
//! ```text
//!   journal (memory, then disk) ─► follow: a reader of all lanes ─► store: rows, with the cursor
//!                                                               ├─► bus: messages to a desk
//!                                                               └─► tally: what was read
//!   who asks ─► reads: instruments, orders, days ─► cache: memory, Redis, disk ─► the store
//! ```
//!
//! What holds:
//! - It depends on `shm` alone: the compiler keeps it out of the engine.
//! - A reader takes no lock and holds back no writer; what it missed in memory it reads from the
//!   disk.
//! - A service keeps its place in the journal with what it made of the records before it: a crash
//!   repeats nothing and loses nothing.
//!
//! ```
//! use services::{Follower, Tally};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = std::env::temp_dir().join("wirelane-services-doc");
//! std::fs::create_dir_all(&dir)?;
//! let mut follower = Follower::open(&dir, &[])?;
//! let mut tally = Tally::default();
//! let turn = follower.turn(1_000, &mut |taken| tally.count(taken))?;
//! assert_eq!(turn.records, 0, "no engine has written here");
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod audit;
pub mod bus;
pub mod cache;
pub mod config;
mod follow;
pub mod reads;
pub mod store;
mod tally;

pub use follow::{FollowError, Follower, Gap, Taken, Turn};
pub use tally::Tally;
