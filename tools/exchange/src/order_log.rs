//! The log of orders: one JSON line per order or replace that was judged, written out at once.
//!
//! It is what the exchange saw, for tests that compare it with a client's journal after a crash.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLogEntry {
    /// The user.
    pub user: String,
    /// Its number of the order.
    pub user_ref_num: u32,
    /// The number it replaces, for a replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u32>,
    /// The client's text, without padding.
    pub cl_ord_id: String,
    /// The symbol.
    pub symbol: String,
    /// `B`, `S`, `T` or `E`.
    pub side: char,
    /// Shares accepted, or asked for.
    pub qty: u32,
    /// Price in ten-thousandths.
    pub px: u64,
    /// The venue's number, if accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_ref: Option<u64>,
    /// The reason's number, if rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject: Option<u16>,
}

/// The file.
#[derive(Debug)]
pub struct OrderLog {
    file: File,
    line: Vec<u8>,
}

impl OrderLog {
    /// Creates the file, or empties it.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: File::create(path)?, line: Vec::new() })
    }

    /// Writes a line; it is with the kernel when this returns.
    ///
    /// # Errors
    /// When it cannot be written: the run must stop, a log with holes proves nothing.
    pub fn append(&mut self, entry: &OrderLogEntry) -> std::io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, entry)?;
        self.line.push(b'\n');
        self.file.write_all(&self.line)
    }
}
