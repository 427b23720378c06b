//! The list of built-in strategies, by the `kind` of their wiring.

use super::Strategy;
use super::drill::Drill;
use super::exec::Exec;
use super::maker::Maker;
use super::probe::Probe;
use super::taker::Taker;
use crate::config::params::Params;

/// A strategy ready to run.
pub type Built = Box<dyn Strategy>;

/// Builds a strategy from its typed parameters, for a session of `instruments` instruments.
#[must_use]
pub fn build(params: &Params, instruments: usize) -> Built {
    match params {
        Params::Maker(params) => Box::new(Maker::new(*params, instruments)),
        Params::Taker(params) => Box::new(Taker::new(*params, instruments)),
        Params::Probe(params) => Box::new(Probe::new(*params, instruments)),
        Params::Exec(params) => Box::new(Exec::new(*params)),
        Params::Drill(params) => Box::new(Drill::new(*params)),
    }
}
