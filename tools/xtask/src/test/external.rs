//! Tests against programs from outside the workspace: what each needs, the servers that it talks
//! to, and the command that is the test.

use std::error::Error;
use std::time::Duration;

use crate::libtest::Report;
use crate::process::{self, Ended};
use crate::tally::Tally;
use crate::workspace;

use super::Options;
use super::need::{NATS, Need, REDIS};
use super::server::{POSTGRES, Server};

/// A test that is a command: it holds when the command exits with 0. Of a `cargo test` each of its
/// tests counts.
#[derive(Debug, Clone, Copy)]
pub struct External {
    /// Its name in the summary.
    pub name: &'static str,
    /// What it needs besides its servers.
    pub needs: &'static [Need],
    /// What it talks to: started for it, and stopped after it.
    pub servers: &'static [Server],
    /// Arguments of the cargo command that is the test.
    pub cargo: &'static [&'static str],
    /// Minutes it may take.
    pub minutes_max: u64,
}

/// All of them. Peers of FIX, mail and identity join with the parts that speak to them.
const EXTERNALS: [External; 3] = [
    External {
        name: "store on PostgreSQL",
        needs: &[],
        servers: &[POSTGRES],
        cargo: &[
            "test",
            "--profile",
            "checked",
            "--package",
            "services",
            "--features",
            "postgres",
            "--test",
            "store",
            "--locked",
            "--no-fail-fast",
            "--",
            "--show-output",
        ],
        minutes_max: 20,
    },
    // The test starts, kills and stops servers of its own.
    External {
        name: "cache on Redis",
        needs: &[REDIS],
        servers: &[],
        cargo: &[
            "test",
            "--profile",
            "checked",
            "--package",
            "services",
            "--features",
            "redis",
            "--test",
            "cache",
            "--locked",
            "--no-fail-fast",
            "--",
            "--show-output",
        ],
        minutes_max: 15,
    },
    External {
        name: "bus on NATS",
        needs: &[NATS],
        servers: &[],
        cargo: &[
            "test",
            "--profile",
            "checked",
            "--package",
            "services",
            "--features",
            "nats",
            "--test",
            "bus",
            "--locked",
            "--no-fail-fast",
            "--",
            "--show-output",
        ],
        minutes_max: 20,
    },
];

/// Runs all.
///
/// # Errors
/// Cargo cannot be started.
pub fn run(options: Options) -> Result<Tally, Box<dyn Error>> {
    let mut tally = Tally::default();
    for external in &EXTERNALS {
        tally += one(external, options)?;
    }
    Ok(tally)
}

fn one(external: &External, options: Options) -> Result<Tally, Box<dyn Error>> {
    let name = external.name;
    let mut needs = external.needs.iter().chain(external.servers.iter().map(|of| &of.need));
    if let Some(need) = needs.find(|need| !need.met(options.install)) {
        let line = need.absent(name);
        println!("   {line}");
        return Ok(Tally::skip(line));
    }
    let mut command = workspace::cargo(external.cargo);
    let mut running = Vec::new();
    for server in external.servers {
        match server.start() {
            Ok(started) => running.push(started),
            // It is there, so this is no skip.
            Err(error) => return Ok(Tally::fail(format!("{name}: {error}"))),
        }
    }
    for server in &running {
        let (variable, address) = &server.told;
        command.env(variable, address);
    }
    let limit = Duration::from_secs(60 * external.minutes_max);
    let mut report = Report::default();
    let ended = process::stream(command, limit, &mut |line| {
        if report.line(line) {
            println!("   {line}");
        }
    })?;
    if ended == Ended::TimedOut {
        let minutes = external.minutes_max;
        return Ok(Tally::fail(format!("{name}: killed after {minutes} minutes")));
    }
    report.finish(ended.success());
    let tally = report.tally();
    let is_counted = tally.passed + tally.failed + tally.skipped > 0;
    Ok(match ended.success() {
        _ if is_counted => tally,
        true => Tally::pass(),
        false => Tally::fail(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Need =
        Need { name: "a thing", probe: ("no-such-program-anywhere", &[]), package: "none" };

    // Goal: a missing peer is a skip with a name, a failing one a failure. Method: one of each.
    #[test]
    fn absent_need_is_skipped_and_failure_fails() {
        let cargo = &["no-such-command"];
        let test = External { name: "x", needs: &[], servers: &[], cargo, minutes_max: 1 };
        assert_eq!(one(&test, Options::default()).unwrap().failed, 1);
        let needy = External { needs: &[ABSENT], ..test };
        let tally = one(&needy, Options::default()).unwrap();
        assert_eq!((tally.skipped, tally.failed), (1, 0));
        assert!(tally.skips[0].starts_with("NOT RUN: x (needs a thing;"));
        let server = Server { need: ABSENT, ..POSTGRES };
        let lonely = External { servers: Box::leak(Box::new([server])), ..test };
        assert_eq!(one(&lonely, Options::default()).unwrap().skipped, 1);
        let fine = External { cargo: &["--version"], ..test };
        assert_eq!(one(&fine, Options::default()).unwrap().passed, 1);
    }
}
