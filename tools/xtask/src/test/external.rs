//! Tests against programs from outside the workspace: what each needs, and the command that is the
//! test.

use std::error::Error;
use std::time::Duration;

use crate::tally::Tally;
use crate::{process, workspace};

use super::Options;
use super::need::Need;

/// A test that is a command: it holds when the command exits with 0.
#[derive(Debug, Clone, Copy)]
pub struct External {
    /// Its name in the summary.
    pub name: &'static str,
    /// What it needs.
    pub needs: &'static [Need],
    /// Arguments of the cargo command that is the test.
    pub cargo: &'static [&'static str],
    /// Minutes it may take.
    pub minutes_max: u64,
}

/// All of them. Peers of FIX, mail, identity and storage join with the parts that speak to them.
const EXTERNALS: [External; 0] = [];

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
    if let Some(need) = external.needs.iter().find(|need| !need.met(options.install)) {
        let line = need.absent(name);
        println!("   {line}");
        return Ok(Tally::skip(line));
    }
    let limit = Duration::from_secs(60 * external.minutes_max);
    let ended = process::stream(workspace::cargo(external.cargo), limit, &mut |line| {
        println!("   {line}");
    })?;
    Ok(if ended.success() { Tally::pass() } else { Tally::fail(name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Need =
        Need { name: "a thing", probe: ("no-such-program-anywhere", &[]), package: "none" };

    // Goal: a missing peer is a skip with a name, a failing one a failure. Method: one of each.
    #[test]
    fn absent_need_is_skipped_and_failure_fails() {
        let test = External { name: "x", needs: &[], cargo: &["no-such-command"], minutes_max: 1 };
        assert_eq!(one(&test, Options::default()).unwrap().failed, 1);
        let needy = External { needs: &[ABSENT], ..test };
        let tally = one(&needy, Options::default()).unwrap();
        assert_eq!((tally.skipped, tally.failed), (1, 0));
        assert!(tally.skips[0].starts_with("NOT RUN: x (needs a thing;"));
        let fine = External { cargo: &["--version"], ..test };
        assert_eq!(one(&fine, Options::default()).unwrap().passed, 1);
    }
}
