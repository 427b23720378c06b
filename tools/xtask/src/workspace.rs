//! Where the workspace is, and what cargo and the data are called.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the root manifest: the one with the lock file, from where cargo says this runs.
/// Where it was built counts only without cargo, as a build folder may serve several checkouts.
pub fn root() -> PathBuf {
    let built = env!("CARGO_MANIFEST_DIR");
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| built.into());
    let here = Path::new(&here);
    let root = here.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.unwrap_or(here).to_path_buf()
}

/// Where cargo builds: `CARGO_TARGET_DIR`, else `target` of the workspace.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A cargo command in the root, without color, and with the data folder named when it is there.
pub fn cargo(args: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root()).args(args).env("CARGO_TERM_COLOR", "never");
    // Set by the cargo that runs this program; a nested cargo must find its own.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        command.env_remove(name);
    }
    if let Some(data) = data() {
        command.env("WIRELANE_DATA", data);
    }
    command
}

/// The folder of recorded data: `WIRELANE_DATA`, else `../shared/data`, if it exists.
pub fn data() -> Option<PathBuf> {
    let path = env::var_os("WIRELANE_DATA")
        .map_or_else(|| root().join("../shared/data"), |name| root().join(name));
    path.canonicalize().ok()
}
