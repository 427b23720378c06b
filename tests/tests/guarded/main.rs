//! The running engine beside strategies that run away, and after a crash: against the loopback
//! exchange, whose log says what reached the wire.
#![forbid(unsafe_code)]

mod c3_after_crash;
mod site;
mod t29_runaway;
