//! An engine as a process of its own, to be killed, stopped and held.

use crate::site::Site;
use engine::control::Request;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

const FUSED: &str = "topology = { layout = \"fused\", wait = \"yield\", helpers = \"auto\" }";

/// An engine as a process. Dropped, it is killed.
pub(crate) struct Victim(Child, BufReader<ChildStdout>);

impl Victim {
    pub(crate) fn start(site: &Site, more: &str) -> Self {
        let path = site.path("engine.toml");
        let bad = "act = \"huge\", after = 1000000, qty = \"5\"";
        std::fs::write(&path, site.config(bad, &format!("{FUSED}\n{more}"))).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_victim"))
            .args([path.to_str().unwrap(), "fused"])
            .env("CRASH_PASSWORD", "loopback")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("READY"), "{line:?}");
        Self(child, said)
    }

    /// Holds every thread of it still, or lets them go on.
    pub(crate) fn stand_still(&self, still: bool) {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = Pid::from_child(&self.0);
        kill_process(pid, if still { Signal::STOP } else { Signal::CONT }).unwrap();
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Kills it while a thread of it is held: that one has to be taken note of first.
    pub(crate) fn kill_held(mut self, held: &crate::held::Held) {
        self.0.kill().unwrap();
        held.reap();
        self.0.wait().unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Stops in order.
    pub(crate) fn stop(mut self, site: &Site) {
        assert!(site.ask(&Request::Stop).ok);
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        assert!(self.0.wait().unwrap().success(), "{line:?}");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be gone already: that is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
