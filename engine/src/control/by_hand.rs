//! Orders by hand on their way to the strategy that works them.

use super::{Caller, Control, Given, Reply, Request, Why, command, orders};
use crate::config::StageId;
use crate::config::params::Params;
use shm::ids::{InstrumentId, StrategyId};
use shm::message::{Command, CommandOp};

/// What is given to the strategy.
struct ByHand {
    op: CommandOp,
    /// The operator's number of the order, 0 for one named by its id.
    number: i64,
    instrument: InstrumentId,
    terms: orders::Terms,
    /// In words, for the journal and the operator.
    text: String,
}

impl Control {
    /// Answers a request about an order.
    pub(super) fn order(&mut self, request: Request, caller: Caller) -> Reply {
        match self.read_order(request) {
            Ok((strategy, order)) => self.give_order(&strategy, order, caller),
            Err(reply) => reply,
        }
    }

    /// A request in commands, with the strategy it names.
    fn read_order(&self, request: Request) -> Result<(String, ByHand), Reply> {
        let usage = |error: String| Reply::not(Why::Usage, &error);
        match request {
            Request::OrderNew { strategy, instrument, kind, side, qty, terms } => {
                let found = orders::instrument(&instrument, &self.instruments)
                    .map_err(|error| Reply::not(Why::NotThere, &error))?;
                let text = [kind.as_str(), &instrument, &side, &qty, &terms.join(" ")].join(" ");
                let terms = orders::order(&kind, &side, &qty, &terms).map_err(usage)?;
                orders::sense(&kind, &terms, found).map_err(usage)?;
                let order = ByHand {
                    op: CommandOp::OrderPlace,
                    number: self.ordered + 1,
                    instrument: found.id,
                    terms,
                    text: text.trim_end().to_owned(),
                };
                Ok((strategy, order))
            }
            Request::OrderReplace { strategy, order, terms } => {
                let (number, mut named) = orders::named(&order).map_err(usage)?;
                named.extend(orders::replace(&terms).map_err(usage)?);
                let text = format!("replace {order} {}", terms.join(" "));
                let op = CommandOp::OrderReplace;
                let instrument = InstrumentId::NONE;
                Ok((strategy, ByHand { op, number, instrument, terms: named, text }))
            }
            Request::OrderCancel { strategy, order } => {
                let (number, terms) = orders::named(&order).map_err(usage)?;
                let (op, instrument) = (CommandOp::OrderCancel, InstrumentId::NONE);
                let text = format!("cancel {order}");
                Ok((strategy, ByHand { op, number, instrument, terms, text }))
            }
            _ => Err(Reply::error("not an order")),
        }
    }

    /// The strategy that works orders by hand.
    fn executor(&self, named: &str) -> Result<(StrategyId, String), String> {
        let all = self.config.strategies.iter();
        let executors: Vec<_> = all.filter(|row| matches!(row.params, Params::Exec(_))).collect();
        let names: Vec<&str> = executors.iter().map(|row| row.name.as_str()).collect();
        let mut meant = executors.iter().filter(|row| named.is_empty() || row.name == named);
        match (meant.next(), meant.next()) {
            (Some(row), None) => Ok((row.id, row.name.clone())),
            (Some(_), Some(_)) => Err(format!(
                "several strategies work orders by hand; name one with --strategy: {}",
                names.join(", ")
            )),
            (None, _) if names.is_empty() => {
                Err("no strategy of kind exec, which works orders by hand, is in the configuration"
                    .to_owned())
            }
            (None, _) => Err(format!(
                "{named} works no orders by hand; of kind exec there are: {}",
                names.join(", ")
            )),
        }
    }

    /// Gives an order term by term and then as a whole: all of it, or nothing.
    fn give_order(&mut self, strategy: &str, order: ByHand, caller: Caller) -> Reply {
        if order.op != CommandOp::OrderPlace && !(0..=self.ordered).contains(&order.number) {
            return Reply::not(Why::NotThere, &self.no_such(order.number));
        }
        let (id, name) = match self.executor(strategy) {
            Ok(executor) => executor,
            Err(error) => return Reply::error(&error),
        };
        let ByHand { op, number, instrument, terms, text } = order;
        if op != CommandOp::OrderCancel && !self.vitals.is_enabled(&name) {
            let remedy = format!("wirelane strategy enable {name}");
            return Reply::error(&format!("{name} is disabled: nothing was ordered; {remedy}"));
        }
        let stage = StageId::Strategy(id);
        let output = self.commands.iter().find(|(known, _)| *known == stage);
        if !output.is_some_and(|(_, output)| output.has_room(terms.len() + 2)) {
            return Reply::error("BUSY: the strategy has too many commands waiting; ask again");
        }
        let term = |field: u8, value| command(CommandOp::OrderTerm, id, field, value);
        // What was left of an order that was not placed is not this one's.
        let first = (term(0, 0), "order");
        let each = terms.into_iter();
        let each = each.map(|(field, value)| (term(field as u8, value), field.name()));
        let whole = (Command { instrument, ..command(op, id, 0, number) }, text.as_str());
        for (command, words) in [first].into_iter().chain(each).chain([whole]) {
            if !self.give(stage, command, words, caller) {
                return Reply::error("the journal is full: nothing was ordered");
            }
        }
        let given = Some(Given { strategy: id.index() as u8, number, at: self.given_at.0 });
        if op != CommandOp::OrderPlace {
            let text = format!("{text}: given to {name}; what became of it: wirelane order list");
            return Reply { given, ..Reply::ok(&text) };
        }
        self.ordered = number;
        let text = format!(
            "order {number}: {text}: given to {name}; what became of it: wirelane order list; to end \
             it: wirelane order cancel {number}"
        );
        Reply { given, ..Reply::ok(&text) }
    }

    /// What is said of a number that no order has.
    fn no_such(&self, number: i64) -> String {
        match self.ordered {
            0 => format!("there is no order {number}: none was given by hand since the start"),
            1 => format!("there is no order {number}: order 1 is the only one since the start"),
            last => format!("there is no order {number}: those since the start are 1 to {last}"),
        }
    }
}
