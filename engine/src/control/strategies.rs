//! What a person may do to a strategy: enable it, disable it, give it a parameter anew.

use super::{Caller, Control, Reply, command};
use crate::config::StageId;
use crate::config::params::Params;
use shm::ids::StrategyId;
use shm::message::CommandOp;

impl Control {
    pub(super) fn switch(&mut self, name: &str, op: CommandOp, caller: Caller) -> Reply {
        let Some(id) = self.strategy(name) else { return self.no_strategy(name) };
        if let Some(why) = self.vitals.why_down(name).filter(|_| op == CommandOp::StrategyEnable) {
            return Reply::error(&format!(
                "{name} {}: it stays stopped until the engine is started again; the journal has its \
                 words (wirelane journal cat)",
                why.name()
            ));
        }
        if !self.give(StageId::Strategy(id), command(op, id, 0, 0), name, caller) {
            return Reply::error(&format!("{}; nothing was done", self.not_given("the strategy")));
        }
        if op != CommandOp::StrategyDisable {
            return Reply::ok(&format!("{name} is enabled"));
        }
        if self.give(StageId::Risk, command(CommandOp::CancelAll, id, 0, 0), name, caller) {
            Reply::ok(&format!(
                "{name} is disabled and sends no orders; those it has are being cancelled ({} orders \
                 of all strategies still work)",
                self.vitals.working()
            ))
        } else {
            Reply::error(&format!(
                "{name} is disabled and sends no orders, but those it has were NOT cancelled: {}; ask \
                 again, or kill strategy:{name}",
                self.not_given("risk")
            ))
        }
    }

    pub(super) fn set(&mut self, name: &str, param: &str, value: &str, caller: Caller) -> Reply {
        let Some(id) = self.strategy(name) else { return self.no_strategy(name) };
        let row = id.index().checked_sub(1).and_then(|at| self.config.strategies.get(at));
        let Some(params) = row.map(|row| row.params) else { return self.no_strategy(name) };
        let change = match Params::parse_change(&params, param, value) {
            Ok(change) => change,
            Err(error) => return Reply::error(&error),
        };
        let Ok(index) = u8::try_from(change.index) else {
            return Reply::error("no such parameter");
        };
        let command = command(CommandOp::StrategySet, id, index, change.value);
        if self.give(StageId::Strategy(id), command, &format!("{param}={value}"), caller) {
            Reply::ok(&format!("{name}: {param} = {value}"))
        } else {
            Reply::error(&format!("{}; nothing was set", self.not_given("the strategy")))
        }
    }

    pub(super) fn strategy(&self, name: &str) -> Option<StrategyId> {
        self.config.strategies.iter().find(|row| row.name == name).map(|row| row.id)
    }

    pub(super) fn no_strategy(&self, name: &str) -> Reply {
        let known: Vec<&str> = self.config.strategies.iter().map(|row| row.name.as_str()).collect();
        Reply::error(&format!("no strategy named {name}; there are: {}", known.join(", ")))
    }
}
