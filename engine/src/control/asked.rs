//! What a caller knew when it asked, and how long it waits.
//!
//! A process that was stopped finds requests in its socket when it goes on, of callers who have
//! gone, from before a kill. What stops something is always carried out. What lets through what was
//! held back is carried out only for a caller who is still there, still waits, and had seen every
//! closing of a gate when it asked.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: the control thread, and those who ask it"
)]

use super::mode::MODES;
use super::{Caller, Control, Reply, Request, Why};
use crate::risk::Mode;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shm::gates::Gates;
use shm::ids::{InstrumentId, StrategyId};
use shm::message::CommandOp;
use shm::record::status::Operator;
use shm::record::{RecordKind, StageId as RecordStage};
use std::path::Path;
use std::time::Duration;

/// The key it stands under in a request.
const KEY: &str = "asked";

/// What stands beside a request: `"asked": {"closings": 3, "until": 8123456789}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Closings of all gates that the caller saw before it asked ([`Gates::closings`]).
    pub closings: u64,
    /// Until when it waits for the answer: the machine's monotonic clock, ns.
    pub until: u64,
}

/// Whoever asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub(super) caller: Caller,
    pub(super) token: usize,
    pub(super) asked: Option<Asked>,
}

/// What becomes of a request that is carried out late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// It shows or stops something: it is carried out whoever waits.
    Always,
    /// It acts: only for a caller who waits.
    Acts,
    /// It lets through what was held back: only for a caller who waits and saw every closing.
    Loosens,
}

impl Asked {
    /// Now, by a caller who waits for `patience`.
    #[must_use]
    pub fn now(gates: &Gates, patience: Duration) -> Self {
        let patience = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        Self { closings: gates.closings(), until: monotonic().saturating_add(patience) }
    }
}

/// The line that asks the engine of a directory, with the line's end: the request, and beside it
/// what its caller has seen and how long it waits.
#[must_use]
pub fn line(dir: &Path, request: &Request, patience: Duration) -> Vec<u8> {
    let asked = Gates::open(&dir.join("gates")).ok().map(|gates| Asked::now(&gates, patience));
    line_with(request, asked)
}

/// As [`line`].
pub(super) fn line_with(request: &Request, asked: Option<Asked>) -> Vec<u8> {
    let value = serde_json::to_value(request).and_then(|mut value| {
        if let (Value::Object(members), Some(asked)) = (&mut value, asked) {
            members.insert(KEY.to_owned(), serde_json::to_value(asked)?);
        }
        serde_json::to_vec(&value)
    });
    // A request is names and texts: it has a form in JSON.
    let mut line = value.unwrap_or_default();
    line.push(b'\n');
    line
}

/// Reads such a line.
pub(super) fn read(line: &str) -> Result<(Request, Option<Asked>), serde_json::Error> {
    let mut value: Value = serde_json::from_str(line)?;
    let asked = value.as_object_mut().and_then(|members| members.remove(KEY));
    let asked = asked.map(serde_json::from_value).transpose()?;
    Ok((serde_json::from_value(value)?, asked))
}

/// The machine's monotonic clock, ns: it goes on while a process stands still.
fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, ns) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(ns.unwrap_or(0))
}

impl Control {
    fn weight(&self, request: &Request) -> Weight {
        match request {
            Request::Kill { .. }
            | Request::Disable { .. }
            | Request::OrderCancel { .. }
            | Request::LimitsShow
            | Request::Status
            | Request::Stop => Weight::Always,
            Request::Heartbeat
            | Request::Set { .. }
            | Request::OrderNew { .. }
            | Request::OrderReplace { .. } => Weight::Acts,
            Request::Arm { .. }
            | Request::Enable { .. }
            | Request::Release { .. }
            | Request::LimitsLoad { .. } => Weight::Loosens,
            Request::Mode { scope, mode, .. } => {
                let mode = MODES.iter().find(|(known, _)| known == mode).map(|(_, mode)| *mode);
                let now = self.mode_now(scope);
                let tightens = mode.is_some_and(|mode| match now {
                    Some(now) => mode >= now,
                    None => mode > Mode::Active,
                });
                if tightens { Weight::Always } else { Weight::Loosens }
            }
        }
    }

    /// Whether a request may still be carried out.
    ///
    /// # Errors
    /// Why not; it is journalled, since nobody may be there to hear it.
    pub(super) fn in_time(&mut self, request: &Request, asking: &Asking) -> Result<(), Reply> {
        let weight = self.weight(request);
        let nothing = match request {
            Request::OrderNew { .. } | Request::OrderReplace { .. } => Some("ordered"),
            Request::Set { .. } => Some("set"),
            _ => (weight == Weight::Loosens).then_some("done"),
        };
        let failed = nothing.and_then(|done| {
            let failed = self.vitals.journal_failed()?;
            Some(format!("nothing was {done} (JOURNAL, R04): the journal has {failed}"))
        });
        let found = failed.or_else(|| self.outdated(weight, asking));
        found.map_or(Ok(()), |why| Err(self.refuse_late(op_of(request), &why, asking.caller)))
    }

    /// What an answer to something that acts says beside it, while the journal has failed.
    pub(super) fn told_with_journal(&self, request: &Request, reply: Reply) -> Reply {
        let shows = matches!(
            request,
            Request::Status | Request::LimitsShow | Request::Heartbeat | Request::Stop
        );
        match self.vitals.journal_failed().filter(|_| reply.ok && !shows) {
            None => reply,
            Some(failed) => {
                let force = match request {
                    Request::OrderCancel { .. } => "it was asked for",
                    _ => "in force now",
                };
                let text = format!(
                    "{}: {force}, and NOT on the disk: the journal has {failed}",
                    reply.text
                );
                Reply { ok: false, text, why: Why::NotConfirmed, ..reply }
            }
        }
    }

    /// As [`Control::in_time`], directly before an arming opens its gate.
    pub(super) fn still_in_time(&mut self, asking: &Asking) -> Result<(), Reply> {
        let found = self.outdated(Weight::Loosens, asking);
        found.map_or(Ok(()), |why| Err(self.refuse_late(Operator::ARM, &why, asking.caller)))
    }

    fn outdated(&self, weight: Weight, asking: &Asking) -> Option<String> {
        if weight == Weight::Always {
            return None;
        }
        if self.server.is_gone(asking.token) {
            return Some("nothing was done: its caller has gone".to_owned());
        }
        let Some(asked) = asking.asked else {
            let why = "nothing was done: the request does not say what its caller had seen \
                       (`asked`); use a `wirelane` of the engine's version";
            return (weight == Weight::Loosens).then(|| why.to_owned());
        };
        let now = monotonic();
        if now > asked.until {
            return Some(format!(
                "nothing was done: its caller waited until {} ms ago; look at `wirelane status`, \
                 then ask again",
                (now - asked.until) / 1_000_000
            ));
        }
        let closings = self.gates.gates().closings();
        if weight == Weight::Loosens && closings != asked.closings {
            let times = match closings.wrapping_sub(asked.closings) {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            return Some(format!(
                "nothing was done: gates were closed {times} while this was on its way; look at \
                 `wirelane status`, then ask again"
            ));
        }
        None
    }

    fn refuse_late(&mut self, op: u8, why: &str, caller: Caller) -> Reply {
        let record = Operator {
            op,
            refused: 1,
            len: why.len() as u32,
            uid: caller.uid,
            pid: caller.pid,
            strategy: StrategyId::OPERATOR.0,
            stage: RecordStage::CONTROL.0,
            instrument: InstrumentId::NONE.0,
            ..Operator::default()
        };
        let body = [record.bytes(), why.as_bytes()].concat();
        self.write(RecordKind::Operator, &body, self.clock.now());
        Reply::error(why)
    }
}

/// What a request is in the journal.
fn op_of(request: &Request) -> u8 {
    let op = match request {
        Request::Arm { .. } => return Operator::ARM,
        Request::Kill { .. } => return Operator::KILL,
        Request::Enable { .. } => CommandOp::StrategyEnable,
        Request::Set { .. } => CommandOp::StrategySet,
        Request::Release { .. } => CommandOp::InstrumentRelease,
        Request::LimitsLoad { .. } | Request::LimitsShow => CommandOp::LimitsSwitch,
        Request::Mode { .. } => CommandOp::Mode,
        Request::OrderNew { .. } => CommandOp::OrderPlace,
        Request::OrderReplace { .. } => CommandOp::OrderReplace,
        Request::OrderCancel { .. } => CommandOp::OrderCancel,
        Request::Disable { .. } | Request::Stop => CommandOp::StrategyDisable,
        Request::Heartbeat | Request::Status => return 0,
    };
    op as u8
}
