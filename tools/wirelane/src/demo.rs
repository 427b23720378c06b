//! The demonstration: an exchange in a process of its own, an engine in this one, real sockets
//! between.
//!
//! ```text
//!   folder ─► venue (READY ports) ─► settings ─► engine ─► warm-up ─► window ─► stop
//!                                                   gather ◄─ region, journal, the venue's summary
//!                                                     └─► report (text, JSON) ─► checks
//! ```

pub(crate) mod checks;
pub(crate) mod folder;
pub(crate) mod gather;
pub(crate) mod input;
pub(crate) mod machine;
pub(crate) mod report;
pub(crate) mod settings;
pub(crate) mod text;
pub(crate) mod venue;
