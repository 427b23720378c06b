//! Published heads: a file that is only ever appended to, best in a place that whoever may write
//! the database may not.
//!
//! # Layout
//! One line a head: number, hash, epoch and number of its record in the control lane, engine time
//! of the record in ns, separated by spaces.

use super::link::{Head, Place, hash_of, hex};
use shm::units::Nanos;
use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// What was published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// In the order of the file.
    pub heads: Vec<Head>,
    /// Lines that are no head: what a power cut left of one, or what somebody wrote.
    pub torn: u64,
}

impl Heads {
    /// The furthest that any of them reaches.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.heads.iter().map(|head| head.number).max().unwrap_or(0)
    }
}

/// Appends a head and syncs it. A file is made for its owner alone.
///
/// # Errors
/// What the system says: the folder is not there, it may not be written, the disk is full.
pub fn publish(path: &Path, head: &Head, place: Place, ts: Nanos) -> io::Result<()> {
    let mut open = OpenOptions::new();
    let mut file = open.read(true).append(true).create(true).mode(0o600).open(path)?;
    let Head { number, hash } = head;
    let (Place { epoch, seq }, ts) = (place, ts.0);
    let mut line = format!("{number} {} {epoch} {seq} {ts}\n", hex(hash));
    // A power cut may have left a part of a line: it stays a line of its own.
    let end = file.seek(SeekFrom::End(0))?;
    if end > 0 {
        let mut last = [0];
        file.seek(SeekFrom::Start(end - 1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, '\n');
        }
    }
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

/// All that was published; nothing where there is no file.
///
/// # Errors
/// What the system says.
pub fn read(path: &Path) -> io::Result<Heads> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Heads::default()),
        read => read?,
    };
    let mut heads = Heads::default();
    for line in String::from_utf8_lossy(&bytes).lines() {
        match parse(line) {
            Some(head) => heads.heads.push(head),
            None => heads.torn += 1,
        }
    }
    Ok(heads)
}

fn parse(line: &str) -> Option<Head> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [number, hash, epoch, seq, ts] = fields.as_slice() else { return None };
    let (_, _, _): (u16, u64, u64) = (epoch.parse().ok()?, seq.parse().ok()?, ts.parse().ok()?);
    Some(Head { number: number.parse().ok().filter(|number| *number > 0)?, hash: hash_of(hash)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: heads come back as published, also around what a power cut left of a line. Method: the
    /// file is cut at every byte of its last line, and one more head is published behind it.
    #[test]
    fn heads_come_back_around_a_torn_line() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("heads");
        assert_eq!(read(&path).unwrap(), Heads::default());
        let head = |number: u64| Head { number, hash: [number as u8; 32] };
        let say = |path: &Path, number| {
            publish(path, &head(number), Place { epoch: 1, seq: number }, Nanos(7)).unwrap();
        };
        say(&path, 1);
        let first = std::fs::metadata(&path).unwrap().len() as usize;
        say(&path, 2);
        let whole = std::fs::read(&path).unwrap();
        for cut in first..=whole.len() {
            std::fs::write(&path, whole.get(..cut).unwrap()).unwrap();
            say(&path, 3);
            let found = read(&path).unwrap();
            // The line's last figures are the time: one that lacks some of them says the same head.
            let lost = found.heads != [head(1), head(2), head(3)];
            assert!(!lost || found.heads == [head(1), head(3)], "cut at {cut}: {found:?}");
            assert_eq!(found.torn, u64::from(lost && cut > first), "cut at {cut}: {found:?}");
            assert_eq!(found.last(), 3);
        }
    }
}
