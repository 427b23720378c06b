//! Servers that tests talk to: how each is found, brought, started, waited for and stopped. A run
//! has servers of its own, in a folder of its own, on ports that were free; nothing of it is left.

use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::need::Need;
use crate::process;

/// Longest wait for a server to answer, and for one that was asked to end.
const WAIT: Duration = Duration::from_secs(60);

/// A kind of server.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    /// What brings its programs.
    pub need: Need,
    /// The variable that tells a test where it is.
    pub variable: &'static str,
    /// What that variable says, from the port.
    pub address: fn(u16) -> String,
    /// What is to be done in the folder before the start, if anything.
    pub prepare: fn(&Place) -> Vec<Command>,
    /// What runs until it is stopped.
    pub start: fn(&Place) -> Command,
    /// What succeeds once it answers.
    pub answers: fn(&Place) -> Command,
    /// The signal that ends it at once and in order.
    pub stop: &'static str,
}

/// Where one server of a run is.
#[derive(Debug)]
pub struct Place {
    /// Its folder, which it owns.
    pub folder: PathBuf,
    /// Its port on the loopback address.
    pub port: u16,
}

/// A server that runs; it ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stop: &'static str,
    folder: PathBuf,
    /// What its test is told.
    pub told: (&'static str, String),
}

impl Server {
    /// Starts one.
    ///
    /// # Errors
    /// It cannot be prepared or started, or does not answer in time; its last words are the text.
    pub fn start(&self) -> Result<Running, Box<dyn Error>> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let name = format!("wirelane-{}-{}-{port}", self.need.name, std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder)?;
        let place = Place { folder, port };
        match self.bring_up(&place) {
            Ok(child) => Ok(Running {
                child,
                stop: self.stop,
                folder: place.folder,
                told: (self.variable, (self.address)(port)),
            }),
            Err(error) => {
                std::fs::remove_dir_all(&place.folder)?;
                Err(error)
            }
        }
    }

    fn bring_up(&self, place: &Place) -> Result<Child, Box<dyn Error>> {
        if is_root() {
            // Some servers refuse to run as root, and none should.
            process::output(Command::new("chown").arg("nobody").arg(&place.folder))?;
        }
        for mut command in (self.prepare)(place) {
            process::output(&mut command)?;
        }
        let log = place.folder.join("log");
        let out = std::fs::File::create(&log)?;
        let mut command = (self.start)(place);
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let mut child = command.spawn()?;
        let begin = Instant::now();
        loop {
            let mut answers = (self.answers)(place);
            answers.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if answers.status().is_ok_and(|status| status.success()) {
                return Ok(child);
            }
            let over = child.try_wait()?.is_some();
            if over || begin.elapsed() > WAIT {
                end(&mut child, "KILL");
                let words = std::fs::read_to_string(&log).unwrap_or_default();
                let name = self.need.name;
                return Err(
                    format!("{name} does not answer on port {}: {words}", place.port).into()
                );
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child, self.stop);
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("cannot remove {}: {error}", self.folder.display());
        }
    }
}

/// Sends a signal and waits; what does not end by then is killed.
fn end(child: &mut Child, signal: &str) {
    let line = format!("kill -{signal} {}", child.id());
    // One that has ended already needs no signal.
    let _ = Command::new("sh").args(["-c", &line]).stderr(Stdio::null()).status();
    let begin = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if begin.elapsed() > WAIT {
            let _ = child.kill();
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether this is the superuser.
pub fn is_root() -> bool {
    process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// A program run as nobody where this is the superuser, else as it is; it ends with whoever started
/// it, also where that is killed.
pub fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all"]);
    }
    command.arg("--pdeathsig=INT").arg(program);
    command
}

/// PostgreSQL, without a password, for whoever reaches its port on this machine while it runs.
pub const POSTGRES: Server = Server {
    need: Need {
        name: "postgresql",
        probe: ("sh", &["-c", "ls /usr/lib/postgresql/*/bin/initdb"]),
        package: "postgresql",
    },
    variable: "WIRELANE_TEST_POSTGRES",
    address: |port| format!("postgres://wirelane@127.0.0.1:{port}/postgres"),
    prepare: |place| {
        let mut init = unprivileged(&postgres_program("initdb"));
        init.args(["--username=wirelane", "--auth=trust", "--encoding=UTF8", "--no-sync"]);
        init.arg("--pgdata").arg(place.folder.join("data"));
        vec![in_folder(init, place)]
    },
    start: |place| {
        let mut start = unprivileged(&postgres_program("postgres"));
        start.arg("-D").arg(place.folder.join("data"));
        start.args(["-p", &place.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        start.args(["-c", "fsync=on", "-c", "max_connections=40"]);
        start.arg("-k").arg(&place.folder);
        in_folder(start, place)
    },
    answers: |place| {
        let mut ready = Command::new(postgres_program("pg_isready"));
        ready.args(["-h", "127.0.0.1", "-p", &place.port.to_string()]);
        ready
    },
    stop: "INT",
};

/// A program of the newest PostgreSQL there is: Debian keeps them off the path.
fn postgres_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| {
            let program = entry.path().join("bin").join(name);
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            program.exists().then_some((version, program))
        })
        .max();
    newest.map_or_else(|| PathBuf::from(name), |(_, program)| program)
}

fn in_folder(mut command: Command, place: &Place) -> Command {
    command.current_dir(&place.folder);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAKE: Server = Server {
        need: Need { name: "fake", probe: ("true", &[]), package: "none" },
        variable: "FAKE",
        address: |port| format!("fake:{port}"),
        prepare: |place| {
            let mut command = Command::new("touch");
            command.arg(place.folder.join("prepared"));
            vec![command]
        },
        start: |place| {
            let mut command = Command::new("sh");
            command.args(["-c", "echo begun; touch up; while :; do sleep 0.1; done"]);
            in_folder(command, place)
        },
        answers: |place| {
            let mut command = Command::new("test");
            command.arg("-e").arg(place.folder.join("up"));
            command
        },
        stop: "TERM",
    };

    // Goal: a server is prepared, started, waited for, told of, and then gone with its folder.
    // Method: a shell as the server; one that ends at once, one that cannot be prepared.
    #[test]
    fn a_server_comes_and_goes() {
        let running = FAKE.start().unwrap();
        let (folder, id) = (running.folder.clone(), running.child.id());
        assert!(running.told.0 == "FAKE" && running.told.1.starts_with("fake:"));
        assert!(folder.join("prepared").exists() && folder.join("up").exists());
        drop(running);
        assert!(!folder.exists());
        assert!(!Path::new(&format!("/proc/{id}")).exists());
        let start = |place: &Place| {
            let mut command = Command::new("sh");
            command.args(["-c", "echo last words; exit 1"]);
            in_folder(command, place)
        };
        let error = Server { start, ..FAKE }.start().unwrap_err().to_string();
        assert!(error.contains("fake") && error.contains("last words"), "{error}");
        let prepare = |_: &Place| vec![Command::new("false")];
        assert!(Server { prepare, ..FAKE }.start().is_err());
        let left = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.unwrap().file_name().into_string().unwrap_or_default();
            name.starts_with(&format!("wirelane-fake-{}-", std::process::id()))
        };
        assert!(!std::fs::read_dir(std::env::temp_dir()).unwrap().any(left));
    }
}
