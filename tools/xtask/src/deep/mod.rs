//! `cargo xtask deep --minutes N` and `soak`: the same questions asked for as long as told.
//!
//! A share of the time goes to each row of the table. A row that runs out of time says how far it
//! came (`achieved/target`); it fails only when something it ran failed. A test gives its own rows
//! by printing `DEEP: name achieved/target`.

pub mod row;

use std::error::Error;
use std::time::{Duration, Instant};

use crate::tally::Tally;
use crate::test;

use self::row::Row;

/// Which column of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Minutes to an hour.
    Deep,
    /// A day or more.
    Soak,
}

/// What a row may use.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Column.
    pub depth: Depth,
    /// Until when.
    pub until: Instant,
}

impl Budget {
    /// Time left.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// One of two targets.
    pub fn target(&self, deep: u64, soak: u64) -> u64 {
        match self.depth {
            Depth::Deep => deep,
            Depth::Soak => soak,
        }
    }
}

type Work = fn(Budget) -> Result<Vec<Row>, Box<dyn Error>>;

/// (name, part of the time in percent, work). Time one leaves goes to those after it.
const TABLE: [(&str, u32, Work); 5] = [
    ("miri", 25, row::miri),
    ("loom", 15, row::loom),
    ("thread sanitizer", 15, row::thread_sanitizer),
    ("fuzz", 15, row::fuzz),
    ("long tests", 30, row::long_tests),
];

/// Runs the table and prints it; says whether nothing failed.
pub fn run(depth: Depth, minutes: u64) -> bool {
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut rows = Vec::new();
    let mut percent_left = 100;
    for (name, percent, work) in TABLE {
        println!("== {name}");
        let left = end.saturating_duration_since(Instant::now());
        let until = Instant::now() + left * percent / percent_left;
        percent_left -= percent;
        let done = work(Budget { depth, until });
        rows.extend(done.unwrap_or_else(|error| vec![Row::failed(name, &error.to_string())]));
    }
    println!("\n{:48} {:>12} {:>12}", "", "achieved", "target");
    let mut tally = Tally::default();
    for row in rows {
        println!("{row}");
        tally += row.tally;
    }
    test::summary(&tally);
    tally.failed == 0
}
