//! Venue protocols: wire structs, decode and encode, for both ends of the wire.

pub mod ouch50;
