//! The programs of the benches crate, built as figures are taken.

use std::error::Error;
use std::path::PathBuf;

use serde::Deserialize;

use crate::{process, workspace};

#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// Builds a program in the profile latency figures are taken with, and finds what was built.
///
/// # Errors
/// The build fails, or makes no program.
pub fn build(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let args = ["build", "--profile", "bench", "--package", "wirelane-benches", "--locked"];
    let mut command = workspace::cargo(&args);
    command.args(["--bin", name, "--message-format", "json-render-diagnostics"]);
    let text = process::output(&mut command)?;
    let found = text.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let program = found.filter_map(|message| message.executable).next_back();
    program.ok_or_else(|| format!("cargo built no program `{name}`").into())
}
