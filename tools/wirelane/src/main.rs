//! The program `wirelane`: what a person runs.
//!
//! ```text
//!   wirelane            = demo: exchange and engine on loopback, then a report
//!   engine | services | run | exchange            what runs
//!   top | latency | journal | trace | status | desk  what only looks: memory, journal, store
//!   kill | arm | strategy | stop                  what asks: gates and control socket
//!   config | doctor | replay | store | cache | completions  what checks
//!   bench                                         what measures
//! ```
//!
//! Exit codes: 0 done; 1 what was checked is not so; 2 wrong usage; 3 wrong configuration; 4 what
//! was named is not there; 5 it could not be done; 6 risk or the venue refused the order.
#![deny(unsafe_code)]

mod allocation;
mod cli;
mod commands;
mod demo;
mod failure;
mod hand;
mod hdr;
mod hitches;
mod journal;
mod latency;
mod liveness;
mod meters;
mod number;
mod place;
mod program;
mod risk_costs;
mod session;
mod signals;
mod stage_latency;
mod stdout;
mod top;

use clap::Parser as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

fn main() -> ExitCode {
    failure::set_up();
    let cli = cli::Cli::parse();
    match signals::refuse_long_files().and_then(|()| cli.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.show(),
    }
}
