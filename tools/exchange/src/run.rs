//! The program: bind, say READY, run, say what was done.

use crate::error::Error;
use crate::exchange::Exchange;
use crate::options::Options;
use crate::signal;
use crate::sockets::Addresses;
use crate::summary::Summary;
use std::io::Write;

/// Runs an exchange in this process until its flow is over, SIGTERM or SIGINT, or, if so told, the
/// end of standard input. Prints one `READY` line when it listens and one line of JSON, the
/// [`Summary`], when it ends.
///
/// # Errors
/// [`Error`], one sentence for the person at the terminal.
pub fn run(options: Options) -> Result<Summary, Error> {
    let stdin_eof = options.stdin_eof;
    let mut exchange = Exchange::bind(options)?;
    let stop = signal::stop_on_signals();
    if stdin_eof {
        signal::stop_on_stdin_eof().map_err(Error::Output)?;
    }
    print_line(&ready_line(&exchange.addresses()))?;
    let summary = exchange.run(stop)?;
    print_line(&serde_json::to_string(&summary).map_err(|error| Error::Output(error.into()))?)?;
    Ok(summary)
}

/// `READY itch_a=ADDR itch_b=ADDR request=ADDR ouch=ADDR hash=ADDR|- itch_soup=ADDR|-`.
#[must_use]
pub fn ready_line(addresses: &Addresses) -> String {
    let text = |address: Option<std::net::SocketAddr>| {
        address.map_or_else(|| "-".to_owned(), |address| address.to_string())
    };
    format!(
        "READY itch_a={} itch_b={} request={} ouch={} hash={} itch_soup={}",
        addresses.itch_a,
        addresses.itch_b,
        addresses.request,
        addresses.ouch,
        text(addresses.hash),
        text(addresses.itch_soup)
    )
}

fn print_line(line: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(Error::Output)
}
