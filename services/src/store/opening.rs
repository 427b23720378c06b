//! What a session says of itself: configuration, instruments, limits, its beginning and end.

use super::batch::{Batch, Row};
use super::database::{NO_INT, NO_TEXT, Value, int, text};
use super::record::ns;
use super::table::Slot;
use crate::audit::hex;
use crate::follow::Taken;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use shm::record::status::{LimitSet, LimitSource, SessionOpen, Text};

/// Column of a session that says when its opening was complete.
pub(super) const COMPLETE: usize = 7;
/// Column of a session that says when it was closed in order.
pub(super) const CLOSED: usize = 8;

/// The `len` bytes of text behind a body; what is not text is shown as such. `None` if there are
/// fewer.
pub(super) fn text_of(rest: &[u8], len: u32) -> Option<String> {
    let bytes = rest.get(..usize::try_from(len).ok()?)?;
    // A database takes no zero byte in a text.
    Some(String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}"))
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// A row of `sessions` that knows nothing but its epoch.
fn session(taken: &Taken<'_>) -> Row {
    vec![int(taken.epoch), NO_INT, NO_INT, NO_INT, NO_TEXT, NO_TEXT, NO_TEXT, NO_INT, NO_INT]
}

fn set(row: &mut Row, column: usize, value: Value) {
    if let Some(cell) = row.get_mut(column) {
        *cell = value;
    }
}

/// A moment of the session.
pub(super) fn mark(batch: &mut Batch, taken: &Taken<'_>, column: usize) {
    let mut row = session(taken);
    set(&mut row, column, ns(taken.ts));
    batch.put(Slot::Sessions, row);
}

/// The parts of a configuration that give ids their names. It was checked by the engine that wrote
/// it; of one that this build does not read, the text is kept and names are missing.
#[derive(Debug, Default, Deserialize)]
struct Names {
    #[serde(default)]
    account: Vec<Account>,
    #[serde(default)]
    gateway: Vec<Named>,
    #[serde(default)]
    strategy: Vec<Strategy>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Account {
    name: String,
    #[serde(default)]
    currency: String,
}

#[derive(Debug, Deserialize)]
struct Strategy {
    name: String,
    #[serde(default)]
    wiring: Wiring,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wiring {
    kind: String,
    account: String,
    gateway: String,
}

pub(super) fn session_open(batch: &mut Batch, taken: &Taken<'_>) -> Option<()> {
    let (open, rest) = SessionOpen::split(taken.body)?;
    let body = text_of(rest, open.len)?;
    let sha = digest(&body);
    let mut row = session(taken);
    let known = [int(open.date), ns(open.wall), int(open.pid), text(sha.clone())];
    for (column, value) in (1..).zip(known) {
        set(&mut row, column, value);
    }
    batch.put(Slot::Sessions, row);
    let names: Names = toml::from_str(&body).unwrap_or_default();
    for (id, account) in (0..).zip(names.account) {
        let row =
            vec![text(&*sha), Value::Int(Some(id)), text(account.name), text(account.currency)];
        batch.put(Slot::Accounts, row);
    }
    for (id, gateway) in (0..).zip(names.gateway) {
        batch.put(Slot::Gateways, vec![text(&*sha), Value::Int(Some(id)), text(gateway.name)]);
    }
    // 0 is the operator.
    for (id, strategy) in (1..).zip(names.strategy) {
        let Strategy { name, wiring } = strategy;
        let mut row = vec![text(&*sha), Value::Int(Some(id)), text(name)];
        row.extend([text(wiring.kind), text(wiring.account), text(wiring.gateway)]);
        batch.put(Slot::Strategies, row);
    }
    batch.put(Slot::ConfigVersions, vec![text(sha), int(taken.epoch), text(body)]);
    Some(())
}

/// Columns of the instrument file, in the order of ours.
const COLUMNS: [&str; 11] = [
    "venue",
    "symbol",
    "currency",
    "multiplier",
    "lot",
    "qty_min",
    "qty_max",
    "px_min",
    "px_max",
    "prior_close",
    "ticks",
];

pub(super) fn instruments(batch: &mut Batch, taken: &Taken<'_>) -> Option<()> {
    let (head, rest) = Text::split(taken.body)?;
    let body = text_of(rest, head.len)?;
    let sha = digest(&body);
    let mut row = session(taken);
    set(&mut row, 5, text(sha.clone()));
    batch.put(Slot::Sessions, row);
    let mut lines = body.lines().filter(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
    let at = COLUMNS.map(|column| header.iter().position(|name| *name == column));
    let cell = |cells: &[&str], at: Option<usize>| {
        at.and_then(|at| cells.get(at)).map_or(String::new(), |cell| cell.trim().to_owned())
    };
    let mut rows: Vec<[String; COLUMNS.len()]> = lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            at.map(|at| cell(&cells, at))
        })
        .collect();
    // Ids are dense in the order of venue and symbol.
    rows.sort_by(|one, other| one[..2].cmp(&other[..2]));
    for (id, cells) in (0..).zip(rows) {
        let mut row = vec![text(&*sha), Value::Int(Some(id))];
        row.extend(cells.map(text));
        batch.put(Slot::Instruments, row);
    }
    Some(())
}

pub(super) fn topology(batch: &mut Batch, taken: &Taken<'_>) -> Option<()> {
    let (head, rest) = Text::split(taken.body)?;
    let mut row = session(taken);
    set(&mut row, 6, text(text_of(rest, head.len)?));
    batch.put(Slot::Sessions, row);
    Some(())
}

pub(super) fn limit_set(batch: &mut Batch, taken: &Taken<'_>) -> Option<()> {
    let (limits, rest) = LimitSet::split(taken.body)?;
    let body = text_of(rest, limits.len)?;
    let reason = text_of(rest.get(usize::try_from(limits.len).ok()?..)?, limits.reason_len)?;
    let source = LimitSource::from_u8(limits.source).map_or("?", LimitSource::name);
    let row = vec![
        int(limits.version),
        text(hex(&limits.digest)),
        text(source),
        ns(limits.wall),
        int(limits.uid),
        int(limits.pid),
        text(reason),
        text(body),
        int(taken.epoch),
    ];
    batch.put(Slot::LimitSets, row);
    Some(())
}

#[cfg(test)]
mod tests;
