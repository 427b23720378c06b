//! What a start has made, to be taken back if it fails.
//!
//! Nothing is taken back that was there before: files of others in the same folders, the gates of
//! an earlier run, what a dead engine left and was saved to the disk on the way.

#![expect(clippy::disallowed_macros, reason = "cold: before the start")]

use shm::gates::{Gates, Scope};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

/// Names that a start makes in the engine's directory. Each may have `.new` behind it.
const NAMES: [&str; 5] = ["epoch", "gates", "control.sock", "journal", "hot"];

/// Taken back when dropped, unless forgotten.
#[derive(Debug, Default)]
pub(super) struct Undo {
    /// Folders made, outermost first: removed where they are empty.
    folders: Vec<PathBuf>,
    /// Files, links and folders with all that is in them.
    made: Vec<PathBuf>,
    /// A link, and where it led.
    link: Option<(PathBuf, Option<PathBuf>)>,
    /// The region, and a second name for the one that was there.
    region: Option<(PathBuf, PathBuf)>,
    /// New gates, armed: kept if they are closed by now.
    gates: Option<Gates>,
}

impl Undo {
    /// Makes a folder and those above it, readable by the owner alone.
    pub(super) fn folder(&mut self, path: &Path) -> io::Result<()> {
        let missing = path.ancestors().take_while(|path| !path.as_os_str().is_empty());
        let mut missing: Vec<PathBuf> =
            missing.take_while(|path| !path.exists()).map(Path::to_path_buf).collect();
        missing.reverse();
        self.folders.extend(missing);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// Notes what is new.
    pub(super) fn made(&mut self, path: PathBuf) {
        self.made.push(path);
    }

    /// Notes a link that is about to be changed.
    pub(super) fn link(&mut self, link: PathBuf, led_to: Option<PathBuf>) {
        self.link = Some((link, led_to));
    }

    /// Notes everything that is about to be made: lanes whose contents are on the disk, and
    /// whatever is not there yet.
    pub(super) fn watch(&mut self, dir: &Path, hot_dir: &Path, epoch: u16) {
        let mut ours: Vec<PathBuf> = Vec::new();
        for name in NAMES {
            ours.push(dir.join(name));
            ours.push(dir.join(format!("{name}.new")));
        }
        ours.push(dir.join(format!("journal/epoch-{epoch:05}")));
        ours.push(hot_dir.join("region.new"));
        let region = hot_dir.join("region");
        let kept = hot_dir.join("region.before");
        // A name left by a start that was killed.
        let _ = std::fs::remove_file(&kept);
        // Without the second name the region of the last run is lost to those who look at it, and
        // nothing else is.
        match std::fs::hard_link(&region, &kept) {
            Ok(()) => self.region = Some((region, kept)),
            Err(_) => ours.push(region),
        }
        self.made.extend(ours.into_iter().filter(|path| path.symlink_metadata().is_err()));
        self.made.extend((0..=u8::MAX).map(|lane| hot_dir.join(format!("lane-{lane}"))));
    }

    /// New gates stay if somebody has closed them.
    pub(super) fn unless_closed(&mut self, gates: Gates) {
        self.gates = Some(gates);
    }

    /// The start has come to its end.
    pub(super) fn forget(&mut self) {
        if let Some((_, kept)) = &self.region {
            // A second name of a file that is no longer looked at: the next start removes it too.
            let _ = std::fs::remove_file(kept);
        }
        // Not by assignment, which would drop, and so take back, what was noted.
        self.made.clear();
        self.folders.clear();
        (self.link, self.region, self.gates) = (None, None, None);
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        let closed = self.gates.take().is_some_and(|gates| gates.is_closed(Scope::Global));
        for path in self.made.iter().rev() {
            if closed && path.ends_with("gates") {
                continue;
            }
            // What cannot be removed is overwritten, or passed over, by the next start.
            let _ = std::fs::remove_file(path).or_else(|_| std::fs::remove_dir_all(path));
        }
        if let Some((region, kept)) = self.region.take() {
            let _ = std::fs::rename(kept, region);
        }
        if let Some((link, led_to)) = self.link.take() {
            let _ = std::fs::remove_file(&link);
            if let Some(led_to) = led_to {
                let _ = symlink(led_to, link);
            }
        }
        for folder in self.folders.iter().rev() {
            // One that is not empty has something in it that is not ours.
            let _ = std::fs::remove_dir(folder);
        }
    }
}
