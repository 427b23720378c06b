//! An exchange on loopback: a real matching engine behind ITCH 5.0 and OUCH 5.0.
pub mod flow;
pub mod matching;
pub mod random;
