//! The control socket of the victim.

use engine::control::{Reply, Request, ScopeName};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A caller.
#[derive(Debug)]
pub(crate) struct Caller {
    stream: BufReader<UnixStream>,
    dir: PathBuf,
}

impl Caller {
    /// Connects to the engine of a directory.
    pub(crate) fn connect(dir: &Path) -> Self {
        let stream = UnixStream::connect(dir.join("control.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream: BufReader::new(stream), dir: dir.to_path_buf() }
    }

    /// One request, one reply.
    pub(crate) fn ask(&mut self, request: &Request) -> Reply {
        let line = engine::control::line(&self.dir, request, PATIENCE);
        self.stream.get_mut().write_all(&line).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Opens the gates, if they are closed, once the session is reconciled.
    pub(crate) fn arm(&mut self) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.ask(&Request::Status).text.starts_with("armed") {
            let scope = ScopeName::default();
            let reply = self.ask(&Request::Arm { scope, reason: "test".to_owned() });
            let is_early = reply.text.contains("not reconciled") && Instant::now() < until;
            assert!(reply.is_in_force() || is_early, "{}", reply.text);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Orders that work, by risk's count.
    pub(crate) fn working(&mut self) -> u64 {
        let text = self.ask(&Request::Status).text;
        let count = text
            .lines()
            .next()
            .unwrap_or_default()
            .split("; ")
            .last()
            .and_then(|part| part.split(' ').next());
        count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{text}"))
    }
}
