//! A record of the chain in words: who, what, before and after.

use super::link::{Entry, hex};
use sha2::{Digest as _, Sha256};
use shm::message::CommandOp;
use shm::printable::printable;
use shm::record::RecordKind;
use shm::record::status::{LimitSet, LimitSource, Operator, SessionOpen, Text};
use std::collections::HashMap;

/// Digits of a hash that name a text in a line.
const SHORT: usize = 12;

/// Tells records one after the other, each against what stood before it.
#[derive(Clone, Debug, Default)]
pub struct Teller {
    configuration: Option<String>,
    instruments: Option<String>,
    topology: Option<String>,
    limits: Option<u32>,
    /// By strategy and parameter: the text of the last setting.
    parameters: HashMap<(u8, u8), String>,
}

impl Teller {
    /// The record in words, on one line.
    pub fn tell(&mut self, entry: &Entry<'_>) -> String {
        let told = match entry.kind {
            RecordKind::SessionOpen => self.open(entry.body),
            RecordKind::Instruments => text_of(entry.body)
                .map(|text| format!("instruments {}", change(&mut self.instruments, text))),
            RecordKind::Topology => text_of(entry.body)
                .map(|text| format!("topology {}", change(&mut self.topology, text))),
            RecordKind::LimitSet => self.limit_set(entry.body),
            RecordKind::Operator => self.command(entry.body),
            RecordKind::OpenComplete => Some("opening complete".to_owned()),
            RecordKind::SessionClose => Some("session closed in order".to_owned()),
            _ => None,
        };
        told.unwrap_or_else(|| format!("{}: {} bytes", entry.kind.name(), entry.body.len()))
    }

    fn open(&mut self, body: &[u8]) -> Option<String> {
        let (open, rest) = SessionOpen::split(body)?;
        let text = rest.get(..usize::try_from(open.len).ok()?)?;
        let config = change(&mut self.configuration, text);
        Some(format!("session opened by process {}: configuration {config}", open.pid))
    }

    fn limit_set(&mut self, body: &[u8]) -> Option<String> {
        let (set, rest) = LimitSet::split(body)?;
        let (len, reason_len) = (usize::try_from(set.len).ok()?, usize::try_from(set.reason_len));
        let reason = rest.get(len..len.checked_add(reason_len.ok()?)?)?;
        let source = LimitSource::from_u8(set.source).map_or("?", LimitSource::name);
        let before = match self.limits.replace(set.version) {
            None => String::new(),
            Some(version) if version == set.version => " (as before)".to_owned(),
            Some(version) => format!(" (before: {version})"),
        };
        let mut told = format!("limits version {}{before}, {source}", set.version);
        if !reason.is_empty() {
            told.push_str(": ");
            told.push_str(&line(reason));
        }
        told.push_str(&caller(set.uid, set.pid));
        Some(told)
    }

    fn command(&mut self, body: &[u8]) -> Option<String> {
        let (given, rest) = Operator::split(body)?;
        let words = line(rest.get(..usize::try_from(given.len).ok()?)?);
        let op = match given.op {
            Operator::KILL => "KILL".to_owned(),
            Operator::ARM => "ARM".to_owned(),
            Operator::SELF_TEST => "SELF_TEST".to_owned(),
            Operator::KILLED => "KILLED".to_owned(),
            Operator::GUARD => "GUARD".to_owned(),
            raw => CommandOp::from_u8(raw).map_or_else(|| format!("#{raw}"), |op| op.to_string()),
        };
        let refused = if given.refused == 0 { "" } else { " REFUSED" };
        let mut told = format!("{op}{refused}");
        if given.op == CommandOp::StrategySet as u8 && given.refused == 0 {
            let key = (given.strategy, given.param);
            if let Some(before) = self.parameters.insert(key, words.clone()) {
                told.push_str(&format!(" (before: {before})"));
            }
        }
        if given.strategy != 0 {
            told.push_str(&format!(" strategy {}", given.strategy));
        }
        if given.instrument != u32::MAX {
            told.push_str(&format!(" instrument {}", given.instrument));
        }
        if given.value != 0 {
            told.push_str(&format!(" value {}", given.value));
        }
        if !words.is_empty() {
            told.push_str(": ");
            told.push_str(&words);
        }
        told.push_str(&caller(given.uid, given.pid));
        Some(told)
    }
}

/// Who asked: commands come by the control socket, which knows user and process.
fn caller(uid: u32, pid: u32) -> String {
    format!(" [user {uid}, process {pid}]")
}

/// Bytes of a person as one line in which nothing hides.
fn line(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes)).to_string()
}

fn text_of(body: &[u8]) -> Option<&[u8]> {
    let (head, rest) = Text::split(body)?;
    rest.get(..usize::try_from(head.len).ok()?)
}

/// The short hash of a text, and of the one before it.
fn change(known: &mut Option<String>, text: &[u8]) -> String {
    let mut now = hex(&Sha256::digest(text));
    now.truncate(SHORT);
    let told = match known.as_ref() {
        None => now.clone(),
        Some(before) if *before == now => format!("{now} (as before)"),
        Some(before) => format!("{now} (before: {before})"),
    };
    *known = Some(now);
    told
}

#[cfg(test)]
mod tests {
    use super::super::link::Place;
    use super::*;
    use shm::units::Nanos;

    /// Goal: a line says who, what, and what stood before, and a text cannot break out of it.
    /// Method: two of each kind, the second another than the first.
    #[test]
    fn a_line_says_who_what_and_what_was_before() {
        let mut teller = Teller::default();
        let mut tell = |kind, body: &[u8]| {
            teller.tell(&Entry { place: Place::default(), kind, ts: Nanos(0), body })
        };
        let open = |text: &str| {
            let head = SessionOpen { pid: 7, len: text.len() as u32, ..SessionOpen::default() };
            [head.bytes(), text.as_bytes()].concat()
        };
        let first = tell(RecordKind::SessionOpen, &open("a"));
        assert!(first.starts_with("session opened by process 7: configuration "), "{first}");
        assert!(!first.contains("before"), "{first}");
        assert!(tell(RecordKind::SessionOpen, &open("a")).ends_with("(as before)"));
        assert!(tell(RecordKind::SessionOpen, &open("b")).contains("(before: "));
        let set = |version| {
            let set = LimitSet { version, reason_len: 3, uid: 5, ..LimitSet::default() };
            [set.bytes(), b"why"].concat()
        };
        tell(RecordKind::LimitSet, &set(1));
        let second = tell(RecordKind::LimitSet, &set(2));
        assert_eq!(second, "limits version 2 (before: 1), ?: why [user 5, process 0]");
        let command = |text: &str| {
            let given = Operator {
                op: CommandOp::StrategySet as u8,
                strategy: 1,
                instrument: u32::MAX,
                len: text.len() as u32,
                ..Operator::default()
            };
            [given.bytes(), text.as_bytes()].concat()
        };
        tell(RecordKind::Operator, &command("qty=1"));
        let second = tell(RecordKind::Operator, &command("qty=2\n\u{1b}[2J"));
        assert!(second.starts_with("STRATEGY_SET (before: qty=1) strategy 1: qty=2"), "{second}");
        assert!(!second.contains(['\n', '\u{1b}']), "{second}");
        assert_eq!(tell(RecordKind::Operator, &[1]), "Operator: 1 bytes");
    }
}
