//! The project's own commands: `cargo xtask check | test | bench | gates | gen | deep | soak`.
//!
//! ```text
//! check   fmt, clippy, docs, layers, dependencies, tidy          is the text as STYLE.md wants it?
//! test    workspace tests, loom, instruction gate, gates, ext.   does it do what it says?
//! gates   every rule with a violation planted                    would a test notice?
//! bench   machine facts, criterion, instruction counts           how fast, and on what?
//! gen     a day of ITCH                                          what do benches read?
//! deep    Miri, long loom, fuzz, long forms of tests             the same, for as long as told
//! ```
//!
//! What it never does: print a count it has not read from a run, pass over a test in silence (an
//! absent need is listed as `NOT RUN` and counted as skipped), or change a file outside `target`,
//! the baseline of the instruction gate and what `gen` is told to write excepted.
//!
//! ```
//! use xtask::libtest::Report;
//! let mut report = Report::default();
//! report.line("test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
//! assert_eq!((report.tally().passed, report.tally().skipped), (2, 1));
//! ```
#![forbid(unsafe_code)]

pub mod bench;
pub mod check;
pub mod deep;
pub mod finding;
pub mod gates;
pub mod generate;
pub mod libtest;
pub mod process;
pub mod tally;
pub mod test;
pub mod tidy;
pub mod workspace;
