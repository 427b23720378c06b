//! `wirelane-day --messages N --symbols N --seed N [--out FILE]`: writes a generated day as
//! BinaryFILE, then says what it holds.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

use feed::codec::itch50::length_of;
use wirelane_day::{Config, Day, messages};

const USAGE: &str = "usage: --messages N --symbols N --seed N [--out FILE]";
/// Bytes made before they are written.
const CHUNK_BYTES: usize = 1 << 20;

struct Options {
    config: Config,
    out: Option<String>,
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut config = Config { messages: 32_000_000, symbols: 8_000, seed: 1 };
    let mut out = None;
    while let Some(flag) = args.next() {
        let value = args.next().ok_or_else(|| format!("{flag} wants a value; {USAGE}"))?;
        let wrong = |range: &str| format!("{flag} wants {range}, not `{value}`; {USAGE}");
        match flag.as_str() {
            "--messages" => config.messages = value.parse().map_err(|_| wrong("a number"))?,
            "--seed" => config.seed = value.parse().map_err(|_| wrong("a number"))?,
            "--symbols" => {
                let symbols = value.parse().ok().filter(|symbols| *symbols > 0);
                config.symbols = symbols.ok_or_else(|| wrong("a number in 1..=65535"))?;
            }
            "--out" => out = Some(value),
            _ => return Err(format!("`{flag}` is no option; {USAGE}")),
        }
    }
    Ok(Options { config, out })
}

fn run() -> Result<(), String> {
    let Options { config, out } = options(std::env::args().skip(1))?;
    let name = out.as_deref().unwrap_or("standard output");
    let failed = |error: io::Error| format!("cannot write {name}: {error}");
    let mut target: Box<dyn Write> = match &out {
        Some(path) => Box::new(File::create(path).map_err(failed)?),
        None => Box::new(io::stdout().lock()),
    };
    let mut day = Day::new(config);
    let mut counts = [0_u64; 256];
    let (mut chunk, mut total, mut more) = (Vec::with_capacity(CHUNK_BYTES + 64), 0, true);
    while more {
        while more && chunk.len() < CHUNK_BYTES {
            more = day.next(&mut chunk);
        }
        for message in messages(&chunk) {
            counts[usize::from(message[0])] += 1;
        }
        target.write_all(&chunk).map_err(failed)?;
        total += chunk.len();
        chunk.clear();
    }
    // The mark of the end of a session.
    target.write_all(&[0, 0]).and_then(|()| target.flush()).map_err(failed)?;
    eprint!("{} messages, {} bytes:", config.messages, total + 2);
    for (kind, count) in (0_u8..=255).zip(counts).filter(|(kind, _)| length_of(*kind).is_some()) {
        if count > 0 {
            eprint!(" {} {count}", char::from(kind));
        }
    }
    eprintln!(
        "; live orders {} at most, {} at the end; last reference {}",
        day.live_orders_max(),
        day.live_orders(),
        day.last_ref()
    );
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
