//! Folders of a test: on disk, and in memory for live segments, which outlive a process. Both go
//! with the test, also when it panics.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How the folders of tests are named. `cargo xtask test` fails over one that is left.
pub const PREFIX: &str = "wirelane-test-";

/// File system in memory, where there is one.
const MEMORY: &str = "/dev/shm";

/// A folder on disk, and whatever [`hot_dir`] names for engines in it.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// A new one.
    ///
    /// # Panics
    /// The disk takes no folder.
    #[must_use]
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix(PREFIX).tempdir().expect("a folder for the test"))
    }

    /// The folder on disk.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(in_memory) = self.path().file_name().and_then(in_memory) {
            // Nothing is there of a test that started no engine.
            let _ = std::fs::remove_dir_all(in_memory);
        }
    }
}

fn in_memory(name: &OsStr) -> Option<PathBuf> {
    let memory = Path::new(MEMORY);
    memory.is_dir().then(|| memory.join(name))
}

/// Where an engine whose directory lies in a [`Folder`] is to keep its live segments.
///
/// # Panics
/// The directory lies in no such folder.
#[must_use]
pub fn hot_dir(dir: &Path) -> PathBuf {
    let is_root = |path: &&Path| {
        let name = path.file_name().and_then(OsStr::to_str);
        name.is_some_and(|name| name.starts_with(PREFIX))
    };
    let root = dir.ancestors().find(is_root).expect("a directory in a folder of the test");
    let name = dir.strip_prefix(root).unwrap_or(dir).to_string_lossy().replace('/', "_");
    match root.file_name().and_then(in_memory) {
        Some(memory) => {
            // Where it cannot be made, the engine says so.
            let _ = std::fs::create_dir(&memory);
            memory.join(name)
        }
        None => root.join("hot").join(name),
    }
}

/// A folder in memory alone.
///
/// # Panics
/// There is no room for it.
#[must_use]
pub fn folder() -> TempDir {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(PREFIX);
    let made = match Path::new(MEMORY).is_dir() {
        true => builder.tempdir_in(MEMORY),
        false => builder.tempdir(),
    };
    made.expect("a folder in memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what an engine left in memory goes with its test, also one that panics. Method: a file
    /// in the named folder; a panic.
    #[test]
    fn a_test_that_panics_leaves_nothing_in_memory() {
        let folder = Folder::new();
        let (dir, disk) = (folder.path().join("deep/engine"), folder.path().to_path_buf());
        let hot = hot_dir(&dir);
        assert_ne!(hot, hot_dir(&folder.path().join("deep")));
        std::fs::create_dir_all(&hot).unwrap();
        std::fs::write(hot.join("lane-0"), "left").unwrap();
        let panic = std::panic::catch_unwind(move || {
            let _folder = folder;
            panic!("a test fails");
        });
        assert!(panic.is_err());
        assert!(!disk.exists() && !hot.exists() && !hot.parent().unwrap().exists());
    }
}
