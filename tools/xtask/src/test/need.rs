//! What a test needs of the machine, and how it is brought.

use std::process::{Command, Stdio};

use crate::process;

/// A program some tests need.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// What it is called to a person.
    pub name: &'static str,
    /// A program and arguments that exit with 0 when it is there.
    pub probe: (&'static str, &'static [&'static str]),
    /// The Debian package that brings it.
    pub package: &'static str,
}

/// Counts instructions.
pub const VALGRIND: Need =
    Need { name: "valgrind", probe: ("valgrind", &["--version"]), package: "valgrind" };

/// What processes share a cache through.
pub const REDIS: Need =
    Need { name: "redis-server", probe: ("redis-server", &["--version"]), package: "redis-server" };

/// The server of the bus; its test starts and kills it by itself.
pub const NATS: Need = Need {
    name: "nats-server",
    probe: ("sh", &["-c", "PATH=$PATH:/usr/sbin:/usr/local/bin nats-server --version"]),
    package: "nats-server",
};

impl Need {
    /// Whether it is there; with `install`, after trying to bring it.
    pub fn met(&self, install: bool) -> bool {
        let there = || process::works(self.probe.0, self.probe.1);
        if there() || !install {
            return there();
        }
        println!("   installing {}", self.package);
        let line = format!("apt-get install -y --no-install-recommends {}", self.package);
        if !as_root(&line) {
            // The lists of a fresh machine are often empty.
            let brought = as_root("apt-get update") && as_root(&line);
            if !brought {
                println!("   could not install {}", self.package);
            }
        }
        there()
    }

    /// The line that says a test did not run.
    pub fn absent(&self, test: &str) -> String {
        let name = self.name;
        format!("NOT RUN: {test} (needs {name}; cargo xtask test --install brings it)")
    }
}

fn as_root(line: &str) -> bool {
    let prefix = if super::server::is_root() { "" } else { "sudo -n " };
    let line = format!("{prefix}{line}");
    let mut command = Command::new("sh");
    command.args(["-c", &line]).env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
