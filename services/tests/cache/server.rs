//! A Redis server of the test's own: on a free port, in a folder of its own, gone with the test.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for it.
const WAIT: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    child: Option<Child>,
}

impl Server {
    /// Starts one; `None` where there is no such program, which is said.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let there = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if !there.is_ok_and(|status| status.success()) {
            println!("NOT RUN: {test} (needs redis-server; cargo xtask test --install brings it)");
            return None;
        }
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut server = Self { folder: tempfile::tempdir().unwrap(), port, child: None };
        server.restart();
        Some(server)
    }

    /// Starts it again, on the same port and with nothing in it.
    pub(crate) fn restart(&mut self) {
        let port = self.port.to_string();
        // It ends with the test, also where that is killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig=KILL", "redis-server"]);
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        let begin = Instant::now();
        while self.say("PING").is_none_or(|answer| !answer.starts_with("+PONG")) {
            assert!(begin.elapsed() < WAIT, "redis-server does not answer on port {port}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// One inline command; the first bytes of the answer.
    pub(crate) fn say(&self, words: &str) -> Option<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(format!("{words}\r\n").as_bytes()).ok()?;
        let mut bytes = [0; 512];
        let count = stream.read(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..count]).into_owned())
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id();
        let line = format!("kill -{name} {id}");
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
