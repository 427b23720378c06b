//! The running engine beside strategies that run away, and after a crash: against the loopback
//! exchange, whose log says what reached the wire.

mod c3_after_crash;
mod held;
mod late;
mod site;
mod t29_runaway;
mod victim;
