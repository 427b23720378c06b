//! `cargo xtask gates`: would a test notice? Every rule with a violation planted; the proof is that
//! the rule's own check then fails, and for the reason planted.

pub mod lints;
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

/// Plants everything and prints a line each.
///
/// # Errors
/// A plant cannot be set up.
pub fn run(_: Options) -> Result<Tally, Box<dyn Error>> {
    let mut proofs = rules::prove()?;
    proofs.extend(lints::prove()?);
    proofs.extend(planted_source::prove()?);
    proofs.extend(planted_test::prove()?);
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
    Ok(tally)
}
