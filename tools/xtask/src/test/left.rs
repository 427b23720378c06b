//! What tests leave in memory: live segments outlive a process, so that a test which does not clean
//! up takes memory from the machine for good.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::tally::Tally;

/// File system in memory, where engines keep live segments.
const MEMORY: &str = "/dev/shm";
/// How engines and tests name their folders there.
const PREFIX: &str = "wirelane-";

/// The folders that are there before a run.
#[derive(Debug)]
pub struct Before(BTreeSet<PathBuf>);

impl Before {
    /// Looks.
    pub fn look() -> Self {
        Self(folders(Path::new(MEMORY)))
    }

    /// Fails over each folder that has come since and that no engine holds.
    pub fn judge(&self) -> Tally {
        let left = folders(Path::new(MEMORY)).into_iter().filter(|path| !self.0.contains(path));
        let left: Vec<String> =
            left.filter(|path| !is_held(path)).map(|path| path.display().to_string()).collect();
        if left.is_empty() {
            return Tally::pass();
        }
        Tally::fail(format!(
            "left in memory by tests: {}: keep an engine's hot_dir in wirelane_tests::memory",
            left.join(" ")
        ))
    }
}

fn folders(memory: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(memory).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    ours.map(|entry| entry.path()).collect()
}

/// Whether an engine that runs has locked the folder, or one in it.
fn is_held(folder: &Path) -> bool {
    let inside = folders_in(folder);
    std::iter::once(folder.to_path_buf()).chain(inside).any(|path| {
        let file = File::open(path);
        file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    })
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a folder that a test has left is found; one that an engine holds, one of something
    /// else and one that was there before are not. Method: one of each, the lock in a folder below.
    #[test]
    fn a_folder_that_was_left_in_memory_is_found() {
        let temp = tempfile::tempdir().unwrap();
        for name in ["wirelane-old", "wirelane-left", "wirelane-held/engine", "other"] {
            fs::create_dir_all(temp.path().join(name)).unwrap();
        }
        let found = folders(temp.path());
        let names = ["wirelane-held", "wirelane-left", "wirelane-old"];
        assert!(
            found
                .iter()
                .map(|path| path.strip_prefix(temp.path()).unwrap())
                .eq(names.map(Path::new))
        );
        let lock = File::open(temp.path().join("wirelane-held/engine")).unwrap();
        lock.lock().unwrap();
        assert!(is_held(&temp.path().join("wirelane-held")));
        assert!(!is_held(&temp.path().join("wirelane-left")));
        if !Path::new(MEMORY).is_dir() {
            return;
        }
        let before = Before::look();
        let left = tempfile::Builder::new().prefix("wirelane-xtask-").tempdir_in(MEMORY).unwrap();
        let name = left.path().display().to_string();
        assert!(before.judge().failures.concat().contains(&name));
        drop(left);
        assert!(!before.judge().failures.concat().contains(&name));
    }
}
