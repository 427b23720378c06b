//! The committed instruction counts, and what they were taken with.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::{process, workspace};

use super::instructions::Count;

/// Where it is, from the root.
pub const PATH: &str = "benches/baseline.toml";

const HEAD: &str = "\
# Instructions per event, counted by callgrind; `cargo xtask test` compares. The limit is the larger of
# 3 % and 8 instructions. Rewritten by `cargo xtask bench --update-baseline --reason TEXT`, and committed
# alone.
";

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Why it was last rewritten.
    pub reason: String,
    /// `rustc --version` of the counts.
    pub rustc: String,
    /// Hash of `Cargo.lock` (FNV-1a, 64 bits).
    pub lock: String,
    /// By case.
    pub case: BTreeMap<String, Case>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Rounded to hundredths.
    pub instructions_per_event: f64,
    /// Over how many.
    pub events: u64,
}

impl Baseline {
    /// Counts just taken, with this compiler and lock file.
    ///
    /// # Errors
    /// The compiler or lock file cannot be read.
    pub fn new(counts: &[Count], reason: &str) -> Result<Self, Box<dyn Error>> {
        let case = |count: &Count| {
            let instructions_per_event = (count.per_event() * 100.0).round() / 100.0;
            (count.case.to_owned(), Case { instructions_per_event, events: count.events })
        };
        Ok(Self {
            reason: reason.to_owned(),
            rustc: rustc()?,
            lock: lock()?,
            case: counts.iter().map(case).collect(),
        })
    }

    /// The committed file, if there is one.
    ///
    /// # Errors
    /// It cannot be read or is not of its form.
    pub fn read() -> Result<Option<Self>, Box<dyn Error>> {
        match fs::read_to_string(workspace::root().join(PATH)) {
            Ok(text) => Ok(Some(toml::from_str(&text)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self) -> Result<(), Box<dyn Error>> {
        let text = format!("{HEAD}{}", toml::to_string(self)?);
        Ok(fs::write(workspace::root().join(PATH), text)?)
    }

    /// The count of a case.
    pub fn per_event(&self, case: &str) -> Option<f64> {
        self.case.get(case).map(|case| case.instructions_per_event)
    }

    /// What is not as it was when the counts were taken: one sentence each.
    ///
    /// # Errors
    /// The compiler or lock file cannot be read.
    pub fn drift(&self) -> Result<Vec<String>, Box<dyn Error>> {
        let mut drift = Vec::new();
        for (what, then, now) in
            [("compiler", &self.rustc, rustc()?), ("Cargo.lock", &self.lock, lock()?)]
        {
            if *then != now {
                drift
                    .push(format!("the {what} differs from the baseline's: `{then}`, now `{now}`"));
            }
        }
        Ok(drift)
    }
}

fn rustc() -> Result<String, Box<dyn Error>> {
    let mut command = Command::new("rustc");
    Ok(process::output(command.arg("--version").current_dir(workspace::root()))?.trim().to_owned())
}

/// Hash of the packages of the lock file, our own left out: an edge between two of ours changes no
/// code.
fn lock() -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(workspace::root().join("Cargo.lock"))?;
    let foreign = text.split("[[package]]").filter(|package| package.contains("\nsource = "));
    Ok(format!("{:016x}", foreign.fold(FNV_BASIS, fnv1a)))
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv1a(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: what is written is what is read. Method: round trip through text.
    #[test]
    fn baseline_survives_its_file() {
        let counts = [Count { case: "decode", events: 200_000, instructions: 8_123_456 }];
        let baseline = Baseline::new(&counts, "first").unwrap();
        let text = format!("{HEAD}{}", toml::to_string(&baseline).unwrap());
        assert_eq!(toml::from_str::<Baseline>(&text).unwrap(), baseline);
        assert_eq!(baseline.per_event("decode"), Some(40.62));
        assert!(baseline.drift().unwrap().is_empty());
    }

    // Goal: the hash is FNV-1a. Method: the published values of "" and "a".
    #[test]
    fn hash_is_fnv1a() {
        assert_eq!(fnv1a(FNV_BASIS, ""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(FNV_BASIS, "a"), 0xaf63_dc4c_8601_ec8c);
    }
}
