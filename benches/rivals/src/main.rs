//! Ours beside what others made: `cargo run --release -- hop | itch`, from this folder.
//!
//! `hop` sends 64-byte messages between two pinned cores, through our slot ring and through rivals,
//! round after round, each measurement between two probes of the bare machine. Ratios of one run
//! are what counts; the mode of the machine (cores near or far, `rounds.rs`) is said with each.
#![forbid(unsafe_code)]

use std::process::ExitCode;

mod hop;
mod itch;
mod links;
mod pair;
mod probe;
mod report;
mod rounds;
mod stats;
mod throughput;

const USAGE: &str = "usage: wirelane-rivals hop [--rounds N] [--seconds S] [--cores A,B] \
                     [--json FILE]\n       wirelane-rivals itch [--messages N] [--symbols N] \
                     [--seed N] [--rounds N] [--core N] [--json FILE]";

/// What was asked for.
struct Options {
    /// Rounds at most; each measures every candidate once.
    rounds: usize,
    /// Seconds at most.
    seconds: u64,
    /// The two cores; the first two this process may use unless given.
    cores: Option<(usize, usize)>,
    /// Where the figures go as JSON.
    json: Option<String>,
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { rounds: 400, seconds: 60, cores: None, json: None };
    while let Some(flag) = args.next() {
        let value = args.next().ok_or_else(|| format!("{flag} wants a value; {USAGE}"))?;
        let wrong = |what: &str| format!("{flag} wants {what}, not `{value}`; {USAGE}");
        match flag.as_str() {
            "--rounds" => options.rounds = value.parse().map_err(|_| wrong("a number"))?,
            "--seconds" => options.seconds = value.parse().map_err(|_| wrong("a number"))?,
            "--json" => options.json = Some(value),
            "--cores" => {
                let pair = value
                    .split_once(',')
                    .and_then(|(first, second)| Some((first.parse().ok()?, second.parse().ok()?)));
                options.cores = Some(pair.ok_or_else(|| wrong("two core numbers as 0,1"))?);
            }
            _ => return Err(format!("`{flag}` is no option; {USAGE}")),
        }
    }
    Ok(options)
}

fn itch_asked(mut args: impl Iterator<Item = String>) -> Result<itch::Asked, String> {
    let mut asked = itch::Asked {
        messages: 32_000_000,
        symbols: 8_000,
        seed: 1,
        rounds: 9,
        core: None,
        json: None,
    };
    while let Some(flag) = args.next() {
        let value = args.next().ok_or_else(|| format!("{flag} wants a value; {USAGE}"))?;
        let wrong = |_| format!("{flag} wants a number, not `{value}`; {USAGE}");
        match flag.as_str() {
            "--messages" => asked.messages = value.parse().map_err(wrong)?,
            "--symbols" => asked.symbols = value.parse().map_err(wrong)?,
            "--seed" => asked.seed = value.parse().map_err(wrong)?,
            "--rounds" => asked.rounds = value.parse().map_err(wrong)?,
            "--core" => asked.core = Some(value.parse().map_err(wrong)?),
            "--json" => asked.json = Some(value),
            _ => return Err(format!("`{flag}` is no option; {USAGE}")),
        }
    }
    if asked.symbols == 0 {
        return Err(format!("--symbols wants a number in 1..=65535, not `0`; {USAGE}"));
    }
    Ok(asked)
}

fn run() -> Result<(), String> {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("hop") => run_hop(args),
        Some("itch") => itch::run(&itch_asked(args)?),
        _ => Err(USAGE.to_owned()),
    }
}

fn run_hop(args: impl Iterator<Item = String>) -> Result<(), String> {
    let options = options(args)?;
    let pair = pair::Pair::start(options.cores)?;
    let run = rounds::run(&pair, options.rounds, options.seconds);
    let figures = report::figures(&run);
    report::print(&run, &figures, &pair);
    if let Some(path) = &options.json {
        let text = report::json(&run, &figures, &pair);
        std::fs::write(path, text).map_err(|error| format!("cannot write `{path}`: {error}"))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
