//! `measure CASE [ROUNDS]`: takes the figures of one question on this machine and prints them, a
//! line each that begins with `figure`, behind what a person wants to know of the run.
//!
//! ```text
//! trip     a datagram in a buffer to an order in a buffer, fused, everything on
//! wire     a datagram on one socket to an order on another, against a bare loop
//! journal  one record into a lane
//! risk     one decision, every rule with a number
//! growth   a trip, and a decision, as instruments, strategies, orders and limits grow
//! warm     the first trip after ten seconds of silence against the trips before it
//! ```
#![forbid(unsafe_code)]

mod growth;
mod journal;
mod risk;
mod trip;
mod warm;
mod wire;

use std::process::ExitCode;

/// Rounds of a case unless told.
const ROUNDS: usize = 11;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (case, rounds) = match arguments.as_slice() {
        [case] => (case, Some(ROUNDS)),
        [case, rounds] => (case, rounds.parse().ok().filter(|rounds| *rounds > 0)),
        _ => {
            eprintln!("usage: measure trip|wire|journal|risk|growth|warm [ROUNDS]");
            return ExitCode::from(2);
        }
    };
    let Some(rounds) = rounds else {
        eprintln!("ROUNDS is a number above 0");
        return ExitCode::from(2);
    };
    let figures = match case.as_str() {
        "trip" => Ok(trip::run(rounds)),
        "wire" => wire::run(rounds),
        "journal" => Ok(journal::run(rounds)),
        "risk" => Ok(risk::run(rounds)),
        "growth" => Ok(growth::run(rounds)),
        "warm" => Ok(warm::run(rounds)),
        _ => {
            eprintln!("no case `{case}`: trip, wire, journal, risk, growth or warm");
            return ExitCode::from(2);
        }
    };
    match figures {
        Ok(figures) => {
            figures.iter().for_each(|figure| println!("{figure}"));
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{case}: {reason}");
            ExitCode::FAILURE
        }
    }
}
