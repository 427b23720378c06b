//! The slow path beside the engine, to be stopped: a process that maps and reads, as services do.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The process. Killed when dropped.
pub(crate) struct SlowPath(Child);

impl SlowPath {
    /// Starts it beside an engine's directory.
    pub(crate) fn beside(dir: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_reader"))
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("READY"), "{line:?}");
        Self(child)
    }

    /// Stops every thread of it, or lets them go on.
    pub(crate) fn stand_still(&self, still: bool) {
        let signal = if still { Signal::STOP } else { Signal::CONT };
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// It still reads: no record was torn, none was lost.
    pub(crate) fn assert_alive(mut self) {
        assert!(self.0.try_wait().unwrap().is_none(), "the reader has ended: see its output");
    }
}

impl Drop for SlowPath {
    fn drop(&mut self) {
        // It may be gone already: that is told by `assert_alive`.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
