//! `cargo xtask gates`: would a test notice? Every rule with a violation planted; the proof is that
//! the rule's own check then fails, and for the reason planted.

pub mod lints;
pub mod planted_bugs;
pub mod planted_source;
pub mod planted_test;
pub mod rules;

use std::error::Error;

use crate::tally::Tally;
use crate::test::Options;

/// The outcome of one plant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Rule and what was planted.
    pub name: String,
    /// `None` when the check failed as it must; else what happened instead.
    pub escaped: Option<String>,
}

/// Plants everything.
///
/// # Errors
/// A plant cannot be set up.
pub fn run(_: Options) -> Result<Tally, Box<dyn Error>> {
    let mut proofs = rules::prove()?;
    proofs.extend(lints::prove()?);
    proofs.extend(planted_source::prove()?);
    proofs.extend(planted_test::prove("")?);
    Ok(told(proofs))
}

/// Plants only what running tests must find and whose name in `WIRELANE_PLANT` holds `name`.
///
/// # Errors
/// A plant cannot be set up, or none has such a name.
pub fn some(name: &str) -> Result<Tally, Box<dyn Error>> {
    Ok(told(planted_test::prove(name)?))
}

/// Prints a line each, and counts.
fn told(proofs: Vec<Proof>) -> Tally {
    let mut tally = Tally::default();
    for Proof { name, escaped } in proofs {
        match escaped {
            None => {
                println!("   caught: {name}");
                tally += Tally::pass();
            }
            Some(instead) => {
                println!("   ESCAPED: {name}: {instead}");
                tally += Tally::fail(format!("gate: {name}: {instead}"));
            }
        }
    }
    tally
}
