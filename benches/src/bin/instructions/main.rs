//! `instructions CASE EVENTS`: passes EVENTS events through one hot function, for callgrind to
//! count.
//!
//! Each case prepares its input, then calls a function whose name begins with `wirelane_measured`:
//! the one place where the counting is on. Prints `events N`, the number that went through.
#![forbid(unsafe_code)]

mod book;
mod decode;
mod encode;
mod limits;
mod risk;
mod rules;
mod trip;

use std::process::ExitCode;

use wirelane_benches::trip::Shape;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [case, events] = arguments.as_slice() else {
        eprintln!("usage: instructions CASE EVENTS");
        return ExitCode::from(2);
    };
    let Ok(events) = events.parse() else {
        eprintln!("`{events}` is not a number of events");
        return ExitCode::from(2);
    };
    let done = match case.as_str() {
        "decode" => decode::run(events),
        "book" => book::run(events),
        "encode" => encode::run(events),
        "limits" => limits::run(events),
        "risk" => risk::run(events),
        "rules" => rules::run(events),
        "trip" => trip::run(events),
        case => match grown(case, events) {
            Ok(done) => done,
            Err(reason) => {
                eprintln!("no case `{case}`: {reason}");
                return ExitCode::from(2);
            }
        },
    };
    println!("events {done}");
    ExitCode::SUCCESS
}

/// What grows, as `measure growth` lists it: `symbols=1000`, `working=100`.
fn grown(case: &str, events: usize) -> Result<u64, String> {
    if let Some(working) = case.strip_prefix("working=") {
        let working = working.parse().map_err(|_| format!("`{working}` is no number of orders"))?;
        return Ok(rules::run_beside(working, events));
    }
    Ok(trip::run_in(&Shape::parse(case)?, events))
}
