//! The pipeline: makes the rings, moves each end into its stage, runs named pinned threads, stops
//! them.

pub mod archive;
pub mod assemble;
mod doors;
pub mod down;
mod ends;
pub mod guard;
pub mod home;
pub mod hot;
pub mod limit_set;
pub mod limit_trail;
pub mod live;
mod names;
pub mod net;
pub mod opening;
mod player;
mod positions;
mod record;
mod rules;
mod sheet;
mod sources;
mod start_error;
mod ticket;
mod undo;
