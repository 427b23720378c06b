//! Tests of the loader.

mod against;
mod faults;
mod files;
mod layers;
mod pieces;
mod topology;
mod whole;

use super::{Loaded, Report, Sources};

/// A configuration that loads, for tests to break.
const GOOD: &str = include_str!("good.toml");

/// Replaces one piece of the good text, which must be there.
fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old:?} is not in the good text");
    GOOD.replacen(old, new, 1)
}

fn load(text: &str) -> Result<Loaded, Report> {
    Sources::text("test.toml", text).load()
}

fn faults(text: &str) -> Report {
    match load(text) {
        Ok(_) => panic!("loads:\n{text}"),
        Err(report) => report,
    }
}
