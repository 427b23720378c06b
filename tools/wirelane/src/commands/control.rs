//! `wirelane kill`, `arm`, `strategy`, `status`, `stop`: what asks a running engine.

use crate::failure::{Exit, Failure, Outcome};
use crate::liveness::gone;
use crate::place::{self, Place};
use crate::session::Session;
use crate::stdout;
use engine::control::{Reply, Request, ScopeName, Why, scope_of};
use shm::gates::{Scope, Trigger};
use shm::printable::printable_again;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 5_000 });
/// For how long the engine may carry a request out: the rest is for the answer.
const PATIENCE: Duration =
    ANSWER.saturating_sub(Duration::from_millis(if cfg!(test) { 50 } else { 1_000 }));
/// Longest line of an answer, bytes.
const LINE_MAX: u64 = 262_144;

/// Which engine.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DirArgs {
    #[command(flatten)]
    dir: place::DirArg,
}

/// Which gate, and why.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GateArgs {
    #[command(flatten)]
    dir: place::DirArg,
    /// global (or firm), strategy:NAME, account:NAME, gateway:NAME (or venue:NAME), session:NAME or
    /// instrument:SYMBOL
    #[arg(long, default_value = "global")]
    scope: String,
    /// Why, for the journal
    #[arg(long, default_value = "")]
    reason: String,
}

/// Which gate to open, and why.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ArmArgs {
    #[command(flatten)]
    dir: place::DirArg,
    /// global (or firm), strategy:NAME, account:NAME, gateway:NAME (or venue:NAME), session:NAME or
    /// instrument:SYMBOL
    #[arg(long, default_value = "global")]
    scope: String,
    /// Why, for the journal
    #[arg(long)]
    reason: String,
}

impl ArmArgs {
    /// Asks the engine to open the gate: only its control thread may.
    pub(crate) fn arm(&self) -> Outcome {
        let request =
            Request::Arm { scope: ScopeName(self.scope.clone()), reason: self.reason.clone() };
        tell(&self.dir.place()?, &request)
    }
}

/// Which instrument, and why.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ReleaseArgs {
    /// VENUE/SYMBOL
    instrument: String,
    /// Why, for the journal
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    dir: place::DirArg,
}

impl ReleaseArgs {
    /// Asks.
    pub(crate) fn run(&self) -> Outcome {
        let request =
            Request::Release { instrument: self.instrument.clone(), reason: self.reason.clone() };
        tell(&self.dir.place()?, &request)
    }
}

/// What to do with a strategy.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum StrategyCommand {
    /// Let it act
    Enable {
        /// Its name
        name: String,
        #[command(flatten)]
        dir: place::DirArg,
    },
    /// Stop it and cancel its orders
    Disable {
        /// Its name
        name: String,
        #[command(flatten)]
        dir: place::DirArg,
    },
    /// Set one of its parameters
    Set {
        /// Its name
        name: String,
        /// The parameter
        param: String,
        /// The value, as in the configuration
        #[arg(allow_hyphen_values = true)]
        value: String,
        #[command(flatten)]
        dir: place::DirArg,
    },
}

impl DirArgs {
    /// Prints how things are.
    pub(crate) fn status(&self) -> Outcome {
        tell(&self.dir.place()?, &Request::Status)
    }

    /// Says that the operator is there.
    pub(crate) fn heartbeat(&self) -> Outcome {
        tell(&self.dir.place()?, &Request::Heartbeat)
    }

    /// Asks the engine to stop in order.
    pub(crate) fn stop(&self) -> Outcome {
        tell(&self.dir.place()?, &Request::Stop)
    }
}

impl StrategyCommand {
    /// Asks.
    pub(crate) fn run(&self) -> Outcome {
        let (dir, request) = match self.clone() {
            Self::Enable { name, dir } => (dir, Request::Enable { strategy: name }),
            Self::Disable { name, dir } => (dir, Request::Disable { strategy: name }),
            Self::Set { name, param, value, dir } => {
                (dir, Request::Set { strategy: name, param, value })
            }
        };
        tell(&dir.place()?, &request)
    }
}

impl GateArgs {
    /// Closes the gate itself first, so that it works with everything else dead; then asks the
    /// engine to cancel what the gate covers.
    pub(crate) fn kill(&self) -> Outcome {
        let place = self.dir.place()?;
        let gates = place.gates()?;
        let scope = self.scope(&place)?;
        gates.close(scope, Trigger::Operator);
        if !gates.is_closed(scope) {
            return Err(Failure::not_there(format!("there is no gate for {}", self.scope)));
        }
        let request =
            Request::Kill { scope: ScopeName(self.scope.clone()), reason: self.reason.clone() };
        match ask(&place, &request) {
            Ok(reply) if reply.ok => stdout::print(&format!("{}\n", reply.text)),
            Ok(reply) => {
                let text = printable_lines(&reply.text);
                let text = format!("the gate is closed: {text}");
                Err(Failure::new(Exit::NotConfirmed, text))
            }
            Err(failure) => Err(self.unanswered(&place, &failure)),
        }
    }

    /// What is so when the gate is closed and nobody answers. The store needs no engine: it is in
    /// the memory that every stage reads.
    fn unanswered(&self, place: &Place, failure: &Failure) -> Failure {
        let stored = format!(
            "the gate {} of {} is closed, stored straight into its memory, and stays closed",
            self.scope,
            place.dir().display()
        );
        if failure.is_not_there() {
            return Failure::not_there(format!(
                "{stored}; but no engine runs there, so nothing was cancelled: {failure}"
            ))
            .remedy("name the directory of the engine that runs with --dir");
        }
        let text = format!(
            "{stored}; the engine is there and does not answer, so what became of its orders is \
             not known: a gateway whose thread runs cancels them by itself, a stopped process \
             cancels nothing: {failure}"
        );
        Failure::new(Exit::NotConfirmed, text)
        .remedy(
            "look at the process: if it is stopped, continue it (kill -CONT) and it cancels, or end \
             it (kill -KILL) and the venue cancels where it does so on disconnect; then ask the \
             venue what is open",
        )
    }

    fn scope(&self, place: &Place) -> Outcome<Scope> {
        // Without a journal the one gate that needs no name is closed all the same.
        if matches!(self.scope.as_str(), "global" | "firm") {
            return Ok(Scope::Global);
        }
        let journal = place.journal()?;
        let session = Session::read(&journal, place.epoch(&journal, None)?)?;
        let config = session.config.as_ref().ok_or_else(|| {
            Failure::not_there("the journal does not tell the names of scopes: kill global")
        })?;
        let symbols = session.symbols.iter().map(String::as_str);
        scope_of(&self.scope, config, symbols).map_err(Failure::not_there)
    }
}

/// Asks, and prints the answer; a refusal is a failure.
pub(super) fn tell(place: &Place, request: &Request) -> Outcome {
    let reply = ask(place, request)?;
    if reply.ok {
        return stdout::print(&format!("{}\n", printable_lines(&reply.text)));
    }
    Err(not_done(&reply))
}

/// What a reply that is not ok comes to.
pub(super) fn not_done(reply: &Reply) -> Failure {
    let text = printable_lines(&reply.text);
    match reply.why {
        Why::Refused => Failure::not_done(format!("the engine refused: {text}")),
        Why::Usage => Failure::new(Exit::Usage, text),
        Why::Wrong => Failure::configuration(text),
        Why::NotThere => Failure::not_there(text),
        Why::NotConfirmed => Failure::new(Exit::NotConfirmed, text),
    }
}

/// Lines of another process, each made harmless.
pub(super) fn printable_lines(text: &str) -> String {
    let lines = text.lines().map(|line| printable_again(line).to_string());
    lines.collect::<Vec<_>>().join("\n")
}

/// One request and its answer.
pub(super) fn ask(place: &Place, request: &Request) -> Outcome<Reply> {
    let path = place.socket();
    let absent = |error: std::io::Error| {
        let why = gone(place).map_or_else(|| error.to_string(), |gone| gone.text);
        Failure::not_there(format!("{}: no engine listens here: {why}", path.display())).remedy(
            "start one with `wirelane engine`, or name its directory with --dir; what the last one \
             left: wirelane order list",
        )
    };
    let lost = |error: std::io::Error| {
        Failure::not_done(format!("{}: the engine does not answer: {error}", path.display()))
    };
    let mut stream = UnixStream::connect(&path).map_err(absent)?;
    stream.set_read_timeout(Some(ANSWER)).map_err(lost)?;
    stream.set_write_timeout(Some(ANSWER)).map_err(lost)?;
    stream.write_all(&engine::control::line(place.dir(), request, PATIENCE)).map_err(lost)?;
    // From here on it may have been heard.
    let lost = |error| if request.only_asks() { lost(error) } else { unheard(place, &error) };
    let mut answer = String::new();
    BufReader::new(std::io::Read::take(stream, LINE_MAX)).read_line(&mut answer).map_err(lost)?;
    if answer.is_empty() {
        let gone =
            std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "it closed the connection");
        return Err(lost(gone));
    }
    serde_json::from_str(&answer)
        .map_err(|error| Failure::not_done(format!("the engine's answer is none: {error}")))
}

/// A request was sent, and no answer came.
fn unheard(place: &Place, error: &std::io::Error) -> Failure {
    let text = format!(
        "{}: the engine does not answer: {error}; what was asked may be in force, or come into force \
         yet",
        place.socket().display()
    );
    Failure::new(Exit::NotConfirmed, text).remedy(
        "see what holds before asking again: wirelane status, wirelane limits show, wirelane order \
         list --all",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use shm::gates::{Gates, Shape};
    use shm::map::Options;
    use std::os::unix::net::UnixListener;

    fn args(dir: &std::path::Path, scope: &str) -> GateArgs {
        GateArgs {
            dir: place::DirArg { dir: dir.to_path_buf() },
            scope: scope.to_owned(),
            reason: String::new(),
        }
    }

    fn gates(dir: &std::path::Path) -> Gates {
        let shape =
            Shape { gateways: 1, accounts: 1, strategies: 2, instruments: 2, names_hash: 1 };
        let (gates, mut opener) =
            Gates::create_or_open(&dir.join("gates"), shape, Options::COLD).unwrap();
        let judged = opener.judge(Scope::Global).unwrap();
        opener.try_open(&judged).unwrap();
        gates
    }

    /// Goal: a kill closes the gate with no engine to answer. Method: an open gates file, no
    /// socket.
    #[test]
    fn kill_closes_the_gate_with_nobody_listening() {
        let temp = tempfile::tempdir().unwrap();
        let gates = gates(temp.path());
        assert!(!gates.is_closed(Scope::Global));
        let told = args(temp.path(), "global").kill().unwrap_err();
        assert!(told.to_string().contains("no engine runs"), "nothing was cancelled: {told}");
        assert!(told.is_not_there());
        assert!(gates.is_closed(Scope::Global));
        let arm = ArmArgs {
            dir: place::DirArg { dir: temp.path().to_path_buf() },
            scope: "global".to_owned(),
            reason: "test".to_owned(),
        };
        assert!(arm.arm().is_err(), "only an engine opens");
        assert!(gates.is_closed(Scope::Global));
    }

    /// Goal: K2: a kill needs no engine that answers, and says what is so. Method: a socket whose
    /// owner never reads, as of a stopped process, for less patience than a person has.
    #[test]
    fn k2_kill_closes_the_gate_of_an_engine_that_does_not_answer() {
        let temp = tempfile::tempdir().unwrap();
        let gates = gates(temp.path());
        let listener = UnixListener::bind(temp.path().join("control.sock")).unwrap();
        let told = args(temp.path(), "global").kill().unwrap_err();
        assert!(gates.is_closed(Scope::Global));
        assert_eq!(told.exit(), Exit::NotConfirmed, "an engine is there: {told}");
        let text = told.to_string();
        assert!(text.contains("is closed, stored straight") && text.contains("does not answer"));
        assert!(!text.contains("no engine"), "{text}");
        drop(listener);
    }

    /// Goal: requests are lines of JSON, and what is refused is a failure. Method: a socket that
    /// answers once yes, once no, twice nothing: to a question, and to what may be in force now.
    #[test]
    fn requests_are_asked_and_refusals_are_failures() {
        let temp = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(temp.path().join("control.sock")).unwrap();
        let serve = std::thread::spawn(move || {
            let answers = [r#"{"ok":true,"text":"armed"}"#, r#"{"ok":false,"text":"no"}"#, "", ""];
            answers.map(|answer| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut line = String::new();
                BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
                if !answer.is_empty() {
                    stream.write_all(format!("{answer}\n").as_bytes()).unwrap();
                }
                line
            })
        });
        let place = Place::open(temp.path()).unwrap();
        assert!(ask(&place, &Request::Status).unwrap().ok);
        assert!(tell(&place, &Request::Stop).unwrap_err().to_string().contains("refused: no"));
        let error = tell(&place, &Request::Status).unwrap_err();
        assert!(error.to_string().contains("does not answer"), "{error}");
        assert_eq!(error.exit(), Exit::NotDone);
        let error = tell(&place, &Request::Stop).unwrap_err();
        assert!(error.to_string().contains("may be in force"), "{error}");
        assert_eq!(error.exit(), Exit::NotConfirmed);
        let lines = serve.join().unwrap();
        assert_eq!(lines[0].trim(), r#"{"do":"status"}"#);
        assert_eq!(lines[1].trim(), r#"{"do":"stop"}"#);
    }
}
