//! What is said of the bus by a program that was built without it.

use crate::failure::{Failure, Outcome};
use ::services::bus::BusSettings;
use ::services::config::Config;
use std::path::Path;
use std::time::Duration;

/// No publisher.
#[derive(Debug)]
pub(super) struct Bus;

impl Bus {
    /// Refuses a configuration that wants one.
    pub(super) fn start(_: &Path, bus: Option<BusSettings>) -> Outcome<Self> {
        if bus.is_some() { Err(without("[bus]")) } else { Ok(Self) }
    }

    /// Nothing to be told.
    pub(super) fn line(&self) -> Option<String> {
        None
    }

    /// Nothing to be told.
    pub(super) fn stop(self) -> Option<String> {
        None
    }
}

/// Refuses.
pub(super) fn desk(_: Config, _: Duration, _: bool) -> Outcome {
    Err(without("--from"))
}

fn without(what: &str) -> Failure {
    Failure::configuration(format!("{what}: this program was built without NATS"))
        .remedy("build it with --features nats")
}
