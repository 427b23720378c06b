//! An instrument that a contradiction in the reports held, let free by a person who has looked.

use super::risk_desk::What;
use super::{Caller, Control, Reply, Why, command};
use crate::config::StageId;
use shm::ids::StrategyId;
use shm::message::{Command, CommandOp};
use shm::printable::printable;

impl Control {
    /// Lets an instrument trade again; nothing when its answer comes later: risk knows whether it
    /// was held.
    pub(super) fn release(
        &mut self,
        name: &str,
        reason: &str,
        caller: Caller,
        token: usize,
    ) -> Option<Reply> {
        let found = name.split_once('/').and_then(|(venue, symbol)| {
            let same = |row: &&feed::instruments::Instrument| {
                row.venue.as_str() == venue && row.symbol.as_str() == symbol
            };
            self.instruments.iter().find(same).map(|row| row.id)
        });
        let Some(instrument) = found else {
            let text = format!("no instrument {}; write VENUE/SYMBOL", printable(name));
            return Some(Reply::not(Why::NotThere, &text));
        };
        if reason.trim().is_empty() {
            return Some(Reply::error("a release needs a reason, for the journal"));
        }
        let command = Command {
            instrument,
            ..command(CommandOp::InstrumentRelease, StrategyId::OPERATOR, 0, 0)
        };
        if !self.give(StageId::Risk, command, reason, caller) {
            let text = format!("{}; nothing was released", self.not_given("risk"));
            return Some(Reply::error(&text));
        }
        self.wait_for_risk(What::Release(name.to_owned()), caller, token);
        None
    }
}
