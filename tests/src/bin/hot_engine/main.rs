//! An engine as a process of its own that tells what its hot threads did in a measured window, for
//! the tests of the hot-path rules: `hot_engine DIR LAYOUT SECONDS others|every [KEY=VALUE ..]`.
//!
//! It says, a line each: `engine ..`, `note ..`, `thread ..`, `call ..`, `done`. A call that the
//! kernel would answer without being entered (`clock_gettime`) is made a real one: see [`bare`].
#![deny(unsafe_code)]

#[path = "../../../../tools/wirelane/src/allocation.rs"]
mod allocation;
mod bare;
mod plant;
mod window;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use engine::config::machine::Machine;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Without a steady counter the engine's own clock is the kernel's, and cannot be told apart.
    if env::var_os(bare::MARK).is_none() && Machine::probe().invariant_tsc {
        return bare::run_again();
    }
    let words: Vec<String> = env::args().skip(1).collect();
    let [dir, layout, seconds, counted, sets @ ..] = words.as_slice() else {
        return Err("hot_engine DIR LAYOUT SECONDS others|every [KEY=VALUE ..]".into());
    };
    window::run(&window::Asked {
        dir,
        layout,
        seconds: seconds.parse()?,
        every: counted == "every",
        sets,
    })?;
    Ok(ExitCode::SUCCESS)
}
