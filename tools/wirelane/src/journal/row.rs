//! One record as a line: who wrote what when, and the fields of its kind by name. What a record
//! does not say is left out of a line and `null` in JSON.

use super::words::{self, Fields};
use crate::number::time_of_day;
use crate::session::Session;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use shm::journal::RecordHeader;
use shm::printable::printable;
use shm::record::{RecordKind, StageId};
use shm::units::Nanos;
use std::fmt;
use std::io::{self, Write};

/// A record, read and named.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The engine start.
    pub(crate) epoch: u16,
    /// The lane.
    pub(crate) lane: u16,
    /// Its number in the lane.
    pub(crate) seq: u64,
    /// Primary messages the stage had taken.
    pub(crate) at: u64,
    /// Engine time.
    pub(crate) ts: Nanos,
    /// The stage by name.
    pub(crate) stage: String,
    /// The kind; `None` for one that this build does not know.
    pub(crate) kind: Option<RecordKind>,
    /// Its number.
    pub(crate) kind_number: u16,
    /// Its fields in the order of the record.
    pub(crate) fields: Fields,
}

impl Row {
    /// Names what a record holds. `raw` adds captured bytes as hexadecimal.
    pub(crate) fn new(
        (epoch, lane, seq): (u16, u16, u64),
        header: &RecordHeader,
        body: &[u8],
        session: &Session,
        raw: bool,
    ) -> Self {
        let kind = RecordKind::from_u16(header.kind);
        let fields = kind.and_then(|kind| words::fields(kind, body, session, raw));
        let unread = || vec![("bytes", Value::from(body.len()))];
        Self {
            epoch,
            lane,
            seq,
            at: header.at,
            ts: Nanos(header.ts),
            stage: session.stage(StageId(header.stage)),
            kind,
            kind_number: header.kind,
            fields: fields.unwrap_or_else(unread),
        }
    }

    /// Whether a field holds a text of lines, and not words of a person or a program.
    fn is_file(&self, name: &str) -> bool {
        match self.kind {
            Some(RecordKind::SessionOpen) => name == "config",
            Some(RecordKind::LimitSet | RecordKind::Instruments | RecordKind::Topology) => {
                name == "text"
            }
            Some(_) | None => false,
        }
    }

    /// As JSON on one line, every character of it to be seen.
    ///
    /// # Errors
    /// What serde_json says.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        let mut out = Vec::new();
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Seen))?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    fn kind_name(&self) -> String {
        self.kind.map_or_else(|| format!("kind#{}", self.kind_number), |kind| kind.to_string())
    }
}

/// Writes JSON whose texts hold nothing that hides from a reader: such characters as `\uXXXX`.
struct Seen;

impl serde_json::ser::Formatter for Seen {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for char in fragment.chars() {
            // What `escape_debug` leaves as it is, is seen.
            if char.is_ascii_graphic() || char == ' ' || char.escape_debug().len() == 1 {
                write!(out, "{char}")?;
                continue;
            }
            for unit in char.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} {}.{}.{:<8} {:<14} {:<13}",
            time_of_day(self.ts),
            self.epoch,
            self.lane,
            self.seq,
            self.stage,
            self.kind_name()
        )?;
        for (name, value) in &self.fields {
            match value {
                Value::Null => {}
                Value::String(text) if self.is_file(name) => {
                    for line in text.lines() {
                        write!(out, "\n    | {}", printable(line))?;
                    }
                }
                Value::String(text) => write!(out, " {name}={}", printable(text))?,
                other => write!(out, " {name}={other}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(None)?;
        map.serialize_entry("epoch", &self.epoch)?;
        map.serialize_entry("lane", &self.lane)?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("at", &self.at)?;
        map.serialize_entry("ts", &self.ts.0)?;
        map.serialize_entry("stage", &self.stage)?;
        map.serialize_entry("kind", &self.kind_name())?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
