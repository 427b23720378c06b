//! An engine as a process of its own, for the tests that kill it: `victim CONFIG LAYOUT`.
//!
//! It says `READY` and its epoch once every thread runs, and ends when the control socket tells it
//! to.
#![forbid(unsafe_code)]

use engine::config::Sources;
use engine::pipeline::live::{self, Options};
use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(config), Some(layout)) = (words.next(), words.next()) else {
        return Err("victim CONFIG LAYOUT".into());
    };
    let mut sources = Sources::read(Path::new(&config)).map_err(|report| report.to_string())?;
    sources.layout = Some(layout);
    let (loaded, instruments, bound) =
        sources.load_and_bind().map_err(|report| report.to_string())?;
    let running = live::start(&loaded, instruments, &bound, Options::default())?;
    writeln!(stdout(), "READY {}", running.epoch())?;
    stdout().flush()?;
    let finished = running.wait();
    finished.archive?;
    writeln!(stdout(), "STOPPED {} working", finished.working)?;
    Ok(())
}
