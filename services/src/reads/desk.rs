//! The socket at which other processes of this machine ask a services process: `cache.sock` in the
//! engine's directory, for its owner alone. A request is a line of JSON, an answer another.

use super::questions::Reads;
use crate::cache::{Dropped, Stats};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest request.
const LINE_MAX: u64 = 64 << 10;
/// A caller that says nothing, or does not read, for so long is cut: the next one waits.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest wait for an answer: that of a fill, and more.
const ANSWER_MAX: Duration = Duration::from_secs(35);
/// Time between two looks for a caller.
const LOOK: Duration = Duration::from_millis(20);

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Asked {
    /// What the cache tells of itself.
    Stats,
    /// An answer to a question.
    Get {
        /// One of [`super::KINDS`].
        kind: String,
        /// Which.
        name: String,
    },
    /// Ends what is kept of a question.
    Drop {
        /// One of [`super::KINDS`].
        kind: String,
        /// Which.
        name: String,
    },
    /// Ends what carries a tag.
    DropTag {
        /// One of [`super::TAGS`].
        tag: String,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    /// To [`Asked::Stats`].
    Stats {
        /// The numbers.
        stats: Stats,
    },
    /// To [`Asked::Get`].
    Found {
        /// The value.
        value: serde_json::Value,
        /// From which level, or the source.
        from: String,
        /// It is past its time, and stands in.
        is_stale: bool,
    },
    /// To [`Asked::Drop`] and [`Asked::DropTag`].
    Dropped {
        /// Whether Redis has it.
        is_everywhere: bool,
        /// Whether it outlives the process.
        is_kept: bool,
    },
    /// It could not be done.
    Failed {
        /// Why.
        why: String,
    },
}

/// Where the socket of a directory is.
#[must_use]
pub fn socket(dir: &Path) -> PathBuf {
    dir.join("cache.sock")
}

impl Reads {
    /// The answer to a request.
    #[must_use]
    pub fn told(&self, asked: &Asked) -> Told {
        let dropped = |dropped: Dropped| {
            let Dropped { is_everywhere, is_kept } = dropped;
            Told::Dropped { is_everywhere, is_kept }
        };
        let told = match asked {
            Asked::Stats => return Told::Stats { stats: self.stats() },
            Asked::Get { kind, name } => self.json(kind, name).map(|answer| Told::Found {
                value: answer.value,
                from: answer.origin.name().to_owned(),
                is_stale: answer.is_stale,
            }),
            Asked::Drop { kind, name } => self.drop_one(kind, name).map(dropped),
            Asked::DropTag { tag } => self.drop_tag(tag).map(dropped),
        };
        told.unwrap_or_else(|error| Told::Failed { why: error.to_string() })
    }
}

/// Asks the services of a directory; `None` where none listen.
///
/// # Errors
/// They listen and do not answer.
pub fn ask(dir: &Path, asked: &Asked) -> io::Result<Option<Told>> {
    let mut stream = match UnixStream::connect(socket(dir)) {
        Ok(stream) => stream,
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(asked)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(Some(serde_json::from_str(&answer)?))
}

/// The desk of a services process: a thread that answers, one caller after the other.
#[derive(Debug)]
pub struct Desk {
    path: PathBuf,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    /// Listens. The socket of a process that died is replaced.
    ///
    /// # Errors
    /// Another process listens there, or what the system said.
    pub fn open(dir: &Path, reads: Arc<Reads>) -> io::Result<Self> {
        let path = socket(dir);
        if UnixStream::connect(&path).is_ok() {
            let text = format!("{}: other services listen there", path.display());
            return Err(io::Error::new(ErrorKind::AddrInUse, text));
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = std::thread::Builder::new()
            .name("cache-desk".to_owned())
            .spawn(move || serve(&listener, &reads, &over))?;
        Ok(Self { path, is_over, thread: Some(thread) })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // ORDERING: Relaxed: a lone flag.
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // One that panicked is over, too.
            let _ = thread.join();
        }
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn serve(listener: &UnixListener, reads: &Reads, is_over: &AtomicBool) {
    // ORDERING: Relaxed: a lone flag.
    while !is_over.load(Ordering::Relaxed) {
        match listener.accept() {
            // A caller that is gone or talks nonsense is its own affair.
            Ok((stream, _)) => drop(answer(stream, reads)),
            Err(_) => std::thread::sleep(LOOK),
        }
    }
}

fn answer(stream: UnixStream, reads: &Reads) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new((&stream).take(LINE_MAX)).read_line(&mut line)?;
    let told = match serde_json::from_str(&line) {
        Ok(asked) => reads.told(&asked),
        Err(error) => Told::Failed { why: format!("the request is none: {error}") },
    };
    let mut bytes = serde_json::to_vec(&told)?;
    bytes.push(b'\n');
    (&stream).write_all(&bytes)
}
