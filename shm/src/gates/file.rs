//! The gates' file: made once, kept over restarts, mapped by every process of ours that may close.

use super::scope::HEAD_WORDS;
use super::{GateOpener, Gates, LAYOUT_VERSION, Scope, Shape, Trigger};
use crate::atomic::{AtomicU64, Ordering};
use crate::map::{MapError, MappedFile, Options, Words};
use core::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// First word of the file.
const MAGIC: u64 = u64::from_ne_bytes(*b"WLGATES\0");

/// Why the gates cannot be used. Without gates nothing may trade.
#[derive(Debug)]
pub enum GatesError {
    /// The file cannot be made, opened or mapped.
    Map(MapError),
    /// The file is not a gates file, or is cut short.
    NotGates,
    /// A gates file of another layout version; ours is [`LAYOUT_VERSION`].
    OtherVersion {
        /// The version in the file.
        found: u64,
    },
    /// More gateways, accounts, strategies or instruments than a file can hold.
    BadShape,
}

impl fmt::Display for GatesError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(error) => error.fmt(out),
            Self::NotGates => out.write_str("the file is not a gates file, or is cut short"),
            Self::OtherVersion { found } => write!(
                out,
                "the gates file has layout version {found}, this program uses {LAYOUT_VERSION}"
            ),
            Self::BadShape => {
                out.write_str("more gateways, accounts, strategies or instruments than allowed")
            }
        }
    }
}

impl core::error::Error for GatesError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Map(error) => Some(error),
            Self::NotGates | Self::OtherVersion { .. } | Self::BadShape => None,
        }
    }
}

impl From<MapError> for GatesError {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

impl Gates {
    /// Opens the gates for a running engine: what is closed in the file stays closed. A file that
    /// is missing, or whose indexes meant other things, is made anew with the global gate closed by
    /// the operator. The caller holds the engine's lock: there is one opener.
    ///
    /// # Errors
    /// [`GatesError`]: the file cannot be mapped; it is not a gates file or one of another version,
    /// which is left alone; the shape is out of range.
    pub fn create_or_open(
        path: &Path,
        shape: Shape,
        options: Options,
    ) -> Result<(Self, GateOpener), GatesError> {
        if !shape.is_valid() {
            return Err(GatesError::BadShape);
        }
        let kept = match map(path, options) {
            Ok(gates) => Some(gates).filter(|gates| gates.shape == shape),
            Err(GatesError::Map(error)) if error.source.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let gates = match kept {
            Some(gates) => gates,
            None => create(path, shape, options)?,
        };
        let mut opener = GateOpener { gates: gates.clone() };
        opener.refresh();
        Ok((gates, opener))
    }

    /// Opens existing gates to ask and to close: what the kill command does.
    ///
    /// # Errors
    /// [`GatesError`]: missing, not ours, not a gates file, or of another version.
    pub fn open(path: &Path) -> Result<Self, GatesError> {
        map(path, Options::COLD)
    }
}

fn create(path: &Path, shape: Shape, options: Options) -> Result<Gates, GatesError> {
    let words = shape.words();
    let file = MappedFile::replace(path, words * 8, options, |file| {
        let header = [
            MAGIC,
            LAYOUT_VERSION,
            words as u64 * 8,
            shape.gateways as u64,
            shape.accounts as u64,
            shape.strategies as u64,
            shape.instruments as u64,
            shape.names_hash,
        ];
        for (word, value) in file.words(0, header.len()).into_iter().flatten().zip(header) {
            // ORDERING: Relaxed: the file has no name yet.
            word.store(value, Ordering::Relaxed);
        }
    })?;
    let gates = over(Arc::new(file), shape)?;
    // No one trades before this: the caller has not been given the gates.
    gates.close(Scope::Global, Trigger::Operator);
    Ok(gates)
}

fn map(path: &Path, options: Options) -> Result<Gates, GatesError> {
    let file = MappedFile::open_read_write(path, options)?;
    let head = file.words(0, HEAD_WORDS).ok_or(GatesError::NotGates)?;
    let [magic, version, bytes, gateways, accounts, strategies, instruments, names_hash, ..] = head
    else {
        return Err(GatesError::NotGates);
    };
    // ORDERING: Relaxed, all: written before the file had a name, never changed.
    let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
    let count = |word: &AtomicU64| usize::try_from(load(word)).map_err(|_| GatesError::NotGates);
    if load(magic) != MAGIC {
        return Err(GatesError::NotGates);
    }
    match load(version) {
        LAYOUT_VERSION => {}
        found => return Err(GatesError::OtherVersion { found }),
    }
    let shape = Shape {
        gateways: count(gateways)?,
        accounts: count(accounts)?,
        strategies: count(strategies)?,
        instruments: count(instruments)?,
        names_hash: load(names_hash),
    };
    let whole = load(bytes) == file.len() as u64;
    if !whole || !shape.is_valid() || file.len() != shape.words() * 8 {
        return Err(GatesError::NotGates);
    }
    over(Arc::new(file), shape)
}

fn over(file: Arc<MappedFile>, shape: Shape) -> Result<Gates, GatesError> {
    let words = Words::mapped(&file, 0, shape.words()).ok_or(GatesError::NotGates)?;
    Ok(Gates { words, shape })
}
