//! Sessions: logon, sequence, heartbeat, resume, as state machines without I/O; time is passed in.

pub mod soupbintcp;
