//! `wirelane run`: engine and services, a process each.

use super::engine;
use crate::failure::{Failure, Outcome};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for the services to read the rest of the journal.
const REST: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    engine: engine::Args,
}

impl Args {
    /// Runs the engine in this process and the services in a child. The services may stall or die:
    /// the engine goes on, and says so at the end.
    pub(crate) fn run(&self) -> Outcome {
        let running = self.engine.start()?;
        let own = std::env::current_exe()
            .map_err(|error| Failure::not_done(format!("this program's own path: {error}")))?;
        let services = Command::new(own)
            .args(["services", "--every", "60", "--until-closed", "--stdin-eof", "--dir"])
            .arg(running.dir())
            .stdin(Stdio::piped())
            .spawn();
        let ended = running.finish();
        let services =
            services.map_err(|error| Failure::not_done(format!("services did not start: {error}")));
        ended?;
        wait(services?)
    }
}

/// Waits for the services to come to the end of the session; then their standard input ends.
fn wait(mut child: Child) -> Outcome {
    let since = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Ok(None) if since.elapsed() < REST => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                drop(child.stdin.take());
                break child.wait();
            }
            Err(error) => break Err(error),
        }
    };
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::not_done(format!("services ended with {status}"))),
        Err(error) => Err(Failure::not_done(format!("services: {error}"))),
    }
}
