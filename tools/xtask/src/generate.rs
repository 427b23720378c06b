//! `cargo xtask gen`: input for benches, made by the crate that benches make it with.

use std::io;
use std::path::Path;
use std::process::Stdio;

use crate::workspace;

/// Writes a generated day; says whether that worked. The program that makes it names what is wrong.
///
/// # Errors
/// Cargo cannot be started.
pub fn itch(messages: u64, symbols: u16, seed: u64, out: Option<&Path>) -> io::Result<bool> {
    let arguments = ["run", "--release", "--quiet", "--locked", "--package", "wirelane-day", "--"];
    let mut command = workspace::cargo(&arguments);
    command.args(["--messages", &messages.to_string(), "--symbols", &symbols.to_string()]);
    command.args(["--seed", &seed.to_string()]).stdin(Stdio::null());
    if let Some(out) = out {
        // Cargo runs in the root of the workspace, a path is meant from here.
        command.arg("--out").arg(std::path::absolute(out)?);
    }
    Ok(command.status()?.success())
}
