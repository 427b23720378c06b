//! A text file that a person names, read within a bound: a pipe, a device or a file that never ends
//! is refused in words, and nothing waits for it.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: before the start, and in commands"
)]

use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not there, or may not be read.
    #[error("cannot be read: {0}")]
    NotThere(#[from] io::Error),
    /// It is no text file of that size.
    #[error("{0}")]
    Wrong(String),
}

/// The text of a regular file of at most `most` bytes.
///
/// # Errors
/// [`Unreadable`], in words that follow the file's name.
pub fn read_text(path: &Path, most: usize) -> Result<String, Unreadable> {
    // Without this, opening a pipe waits for somebody to write into it.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if !kind.is_file() {
        let what = if kind.is_dir() { "a directory" } else { "a pipe, a socket or a device" };
        return Err(Unreadable::Wrong(format!("is {what}, not a file")));
    }
    let bytes = read_bounded(file, most)?;
    if bytes.len() > most {
        return Err(Unreadable::Wrong(format!("is longer than the {most} bytes that it may have")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..at).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Unreadable::Wrong(format!("is not text: line {line} (byte {at}) is not UTF-8"))
    })
}

/// One byte more than the bound tells that there is more.
fn read_bounded(file: File, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: only a text file within the bound is read; each other thing is named, and none is
    /// waited for. Method: a file at the bound and one byte beyond, a directory, a pipe without a
    /// writer, devices, bytes that are no text, nothing.
    #[test]
    fn only_a_bounded_text_file_is_read() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        std::fs::write(at("good"), "four").unwrap();
        std::fs::write(at("long"), "fives").unwrap();
        std::fs::write(at("binary"), b"a\n\xFF").unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(read_text(&at("good"), 4).unwrap(), "four");
        let devices = ["/dev/zero", "/dev/null"].map(std::path::PathBuf::from);
        for (path, words) in [
            (at("long"), "is longer than the 4 bytes"),
            (at("binary"), "line 2 (byte 2) is not UTF-8"),
            (at("pipe"), "is a pipe"),
            (temp.path().to_path_buf(), "is a directory"),
            (devices[0].clone(), "a device, not a file"),
            (devices[1].clone(), "a device, not a file"),
            (at("none"), "cannot be read: No such file"),
        ] {
            let error = read_text(&path, 4).unwrap_err();
            let is_there = matches!(error, Unreadable::Wrong(_));
            assert!(error.to_string().contains(words), "{}: {error}", path.display());
            assert_eq!(is_there, !path.ends_with("none"));
        }
    }
}
