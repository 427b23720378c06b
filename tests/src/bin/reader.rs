//! A slow path as a process of its own, for the tests that stop it: maps the region, follows every
//! lane of the newest epoch as services do, and writes nothing: `reader DIR`.
//!
//! It says `READY`, and ends when it is killed, or cannot read.
#![forbid(unsafe_code)]

use shm::journal::Journal;
use shm::region::RegionReader;
use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::time::Duration;

/// Records of a lane that are read at a time.
const BATCH: usize = 4_096;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(dir) = std::env::args().nth(1) else { return Err("reader DIR".into()) };
    let dir = Path::new(&dir);
    let journal = Journal::open(dir)?;
    let epoch = journal.epochs()?.iter().copied().max().ok_or("no epoch")?;
    let region = RegionReader::open(&dir.join("hot/region"))?;
    let working = region.counter("risk.working")?;
    let lanes = journal.lanes(epoch)?.into_iter();
    let mut readers =
        lanes.map(|lane| journal.reader(epoch, lane)).collect::<Result<Vec<_>, _>>()?;
    writeln!(stdout(), "READY {} lanes, {} orders", readers.len(), working.get())?;
    stdout().flush()?;
    loop {
        for reader in &mut readers {
            for _ in 0..BATCH {
                if reader.next()?.is_none() {
                    break;
                }
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
