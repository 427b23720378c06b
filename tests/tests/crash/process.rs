//! The victim: one process, its words, its end.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest wait for a word of a healthy process.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running victim. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Victim {
    child: Child,
    words: Receiver<String>,
    errors: std::path::PathBuf,
    started: Instant,
}

impl Victim {
    /// Starts one.
    pub(crate) fn start(config: &Path, layout: &str, errors: &Path) -> Self {
        let log = std::fs::File::create(errors).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_victim"))
            .arg(config)
            .arg(layout)
            .env("CRASH_PASSWORD", super::venue::PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let (sender, words) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, words, errors: errors.to_path_buf(), started: Instant::now() }
    }

    /// Waits until its threads run; the time from its making.
    pub(crate) fn wait_ready(&mut self) -> Duration {
        match self.words.recv_timeout(PATIENCE) {
            Ok(line) if line.starts_with("READY") => self.started.elapsed(),
            Ok(line) => panic!("the victim says {line:?}; {}", self.last_words()),
            Err(RecvTimeoutError::Timeout) => panic!("the victim is silent; {}", self.last_words()),
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the victim has ended; {}", self.last_words())
            }
        }
    }

    /// Waits so long, and sees that it still runs.
    pub(crate) fn run_for(&mut self, time: Duration) {
        std::thread::sleep(time);
        self.check();
    }

    /// Fails if the process has ended on its own.
    pub(crate) fn check(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the victim has ended on its own: {status}; {}", self.last_words());
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.check();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end it was told to come to.
    pub(crate) fn wait_end(mut self) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "the victim: {status}; {}", self.last_words());
                return;
            }
            assert!(Instant::now() < until, "the victim does not stop; {}", self.last_words());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn last_words(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be gone already: that is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
