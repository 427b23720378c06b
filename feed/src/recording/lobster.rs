//! A LOBSTER message file as a recording.

use super::Bytes;
use crate::binaryfile::open;
use crate::lobster::{Converter, RowError, convert, parse_row};
use shm::ids::Symbol;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Converts a LOBSTER message file. Its name begins with the symbol; the order book file of the
/// same name beside it, if there is one, gives the levels before the first event.
pub(super) fn convert_file(path: &Path, mut bytes: Bytes) -> Result<Vec<Vec<u8>>, String> {
    let mut rows = String::new();
    bytes.read_to_string(&mut rows).map_err(|error| error.to_string())?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let symbol = name.split_once('_').and_then(|(symbol, _)| Symbol::new(symbol)).ok_or(
        "it begins with digits, as a LOBSTER message file, whose name begins with its symbol and \
         an underscore (AAPL_..._message_50.csv); this name does not",
    )?;
    let first_levels = match order_book_beside(path, name) {
        None => None,
        Some(book) => {
            Some(first_line(&book).map_err(|error| format!("{}: {error}", book.display()))?)
        }
    };
    match first_levels {
        Some(levels) => convert(&rows, &levels, symbol, 1).map(|converted| converted.messages),
        None => convert_unseeded(&rows, symbol),
    }
    .map_err(|error| format!("read as LOBSTER messages, {error}"))
}

/// The order book file that goes with a message file.
fn order_book_beside(path: &Path, name: &str) -> Option<PathBuf> {
    let (stem, _) = name.split_once("_message_")?;
    let prefix = format!("{stem}_orderbook_");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let is_book = |candidate: &PathBuf| {
        let name = candidate.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(&prefix))
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_book).min()
}

fn first_line(path: &Path) -> std::io::Result<String> {
    let mut line = String::new();
    BufReader::new(open(path)?).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// Converts without a seed: events of orders that were there before are left out.
fn convert_unseeded(rows: &str, symbol: Symbol) -> Result<Vec<Vec<u8>>, RowError> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let mut converter = Converter::new(symbol, 1, |message: &[u8]| messages.push(message.to_vec()));
    let mut last_ns = None;
    for (line, number) in rows.lines().zip(1..) {
        let row = parse_row(line).map_err(|error| RowError { row: number, ..error })?;
        if last_ns.is_some_and(|last| row.ts < last) {
            let what =
                "its time is before that of the row in front of it: the file is damaged there";
            return Err(RowError { row: number, what });
        }
        if last_ns.is_none() {
            converter.start(row.ts, &[]);
        }
        last_ns = Some(row.ts);
        converter.row(&row).map_err(|error| RowError { row: number, ..error })?;
    }
    converter.finish(last_ns.unwrap_or(0));
    Ok(messages)
}
