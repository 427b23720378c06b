//! The exchange of the demonstration: this program again, as a child process.

use super::settings::{INSTRUMENTS_NAME, PASSWORD_VARIABLE};
use crate::failure::{Failure, Outcome};
use exchange::Summary;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for the child to end once it was told to.
const END: Duration = Duration::from_secs(10);

/// Where the exchange is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) itch_a: String,
    pub(crate) itch_b: String,
    pub(crate) request: String,
    pub(crate) ouch: String,
    pub(crate) hash: String,
}

/// Reads the exchange's `READY` line.
pub(crate) fn parse_ready(line: &str) -> Option<Ports> {
    let rest = line.strip_prefix("READY ")?;
    let field = |name: &str| {
        let mut fields = rest.split_whitespace().filter_map(|part| part.split_once('='));
        let found = fields.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
        found.filter(|value| value != "-")
    };
    Some(Ports {
        itch_a: field("itch_a")?,
        itch_b: field("itch_b")?,
        request: field("request")?,
        ouch: field("ouch")?,
        hash: field("hash")?,
    })
}

/// What the exchange is to play.
pub(crate) struct Play<'a> {
    /// Arguments of the flow: `--rate`, `--input`, `--speed`, `--seed`.
    pub(crate) flow: Vec<String>,
    /// The run's folder.
    pub(crate) folder: &'a Path,
    /// Password of the session.
    pub(crate) password: &'a str,
}

/// A running exchange; it ends with this value, or with this process.
pub(crate) struct Venue {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) ports: Ports,
}

impl Venue {
    /// Starts it on free ports of the loopback interface; it waits for the engine's login.
    pub(crate) fn start(play: &Play<'_>) -> Outcome<Self> {
        let failed = |error: std::io::Error| Failure::not_done(format!("the exchange: {error}"));
        let own = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(own);
        command.arg("exchange");
        for name in ["--itch-a", "--itch-b", "--request", "--ouch", "--hash"] {
            command.args([name, "127.0.0.1:0"]);
        }
        // It plays until it is told to end: the engine stops first, and settles its orders.
        command.args(["--start", "on-login", "--start-delay", "0.2", "--linger", "600"]);
        command.arg("--stdin-eof").args(&play.flow);
        command.arg("--symbols").arg(play.folder.join(INSTRUMENTS_NAME));
        command.env(PASSWORD_VARIABLE, play.password);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let Some(stdout) = child.stdout.take() else {
            return Err(Failure::not_done("the exchange has no standard output"));
        };
        let mut out = BufReader::new(stdout);
        let mut line = String::new();
        out.read_line(&mut line).map_err(failed)?;
        match parse_ready(line.trim_end()) {
            Some(ports) => Ok(Self { child, out, ports }),
            None => {
                let status = child.wait().map_err(failed)?;
                Err(Failure::not_done(format!("the exchange did not start: {status}")))
            }
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Tells it to end, and takes what it says it did.
    pub(crate) fn end(mut self) -> Outcome<Summary> {
        let failed = |error: std::io::Error| Failure::not_done(format!("the exchange: {error}"));
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself: then there is nothing to tell.
            let _ = kill_process(pid, Signal::TERM);
        }
        let mut line = String::new();
        self.out.read_line(&mut line).map_err(failed)?;
        let since = Instant::now();
        while self.child.try_wait().map_err(failed)?.is_none() {
            if since.elapsed() > END {
                self.child.kill().map_err(failed)?;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        serde_json::from_str(&line)
            .map_err(|error| Failure::not_done(format!("the exchange's summary: {error}")))
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        // Ended already in the ordinary case; a run that failed leaves nothing behind.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the line that the exchange prints is the line that is read. Method: its own function.
    #[test]
    fn the_exchanges_ready_line_is_read() {
        let at = |port: u16| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let mut addresses = exchange::Addresses {
            itch_a: at(1),
            itch_b: at(2),
            request: at(3),
            ouch: at(4),
            itch_soup: None,
            hash: Some(at(5)),
        };
        let ports = parse_ready(&exchange::ready_line(&addresses)).unwrap();
        assert_eq!((ports.itch_a.as_str(), ports.hash.as_str()), ("127.0.0.1:1", "127.0.0.1:5"));
        addresses.hash = None;
        assert_eq!(parse_ready(&exchange::ready_line(&addresses)), None);
        assert_eq!(parse_ready("line A 127.0.0.1:1: in use"), None);
    }
}
