//! `wirelane exchange`: the loopback exchange as a process of its own.

use crate::failure::{Failure, Outcome};
use exchange::{Args, Error};

/// Runs it until its flow is over or it is told to stop.
pub(crate) fn run(args: &Args) -> Outcome {
    let options = args.options().map_err(failure)?;
    exchange::run(options).map_err(failure)?;
    Ok(())
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Option { .. } => Failure::configuration(error),
        Error::Bind { .. } => Failure::not_done(error)
            .remedy("free the port, or name another; port 0 takes any that is free"),
        Error::Input { .. } | Error::OrderLog { .. } | Error::Wait(_) | Error::Output(_) => {
            Failure::not_done(error)
        }
    }
}
