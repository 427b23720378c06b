//! Trading modes by command (R02): tighter ones at once, `active` where arming would be allowed:
//! every session reconciled, every rule of risk refusing its order.

use super::risk_desk::What;
use super::{Caller, Control, Reply, ScopeName, Why, scope_command};
use crate::config::StageId;
use crate::config::limits::Scope as LimitScope;
use crate::risk::Mode;
use shm::gates::Scope;
use shm::message::CommandOp;
use shm::printable::printable;

/// Modes as a person writes them.
pub(super) const MODES: [(&str, Mode); 4] = [
    ("active", Mode::Active),
    ("reduce-only", Mode::ReduceOnly),
    ("cancel-only", Mode::CancelOnly),
    ("halted", Mode::Halted),
];

impl Control {
    /// Sets the mode of a scope; nothing when its answer comes later. What works stays.
    pub(super) fn set_mode(
        &mut self,
        (scope, mode, reason): (&ScopeName, &str, &str),
        caller: Caller,
        token: usize,
    ) -> Option<Reply> {
        match self.give_mode((scope, mode, reason), caller) {
            Ok(what) => {
                self.wait_for_risk(what, caller, token);
                None
            }
            Err((why, error)) => Some(Reply::not(why, &error)),
        }
    }

    fn give_mode(
        &mut self,
        (name, mode, reason): (&ScopeName, &str, &str),
        caller: Caller,
    ) -> Result<What, (Why, String)> {
        let scope = self.scope(name).map_err(|error| (Why::NotThere, error))?;
        let limits = limits_of(scope).ok_or_else(|| {
            let text = format!(
                "{} has no mode of its own, only a gate: kill and arm it, or set the mode of global \
                 (or firm), account:NAME, strategy:NAME or instrument:SYMBOL",
                printable(&name.0)
            );
            (Why::NotThere, text)
        })?;
        let found = MODES.iter().find(|(known, _)| *known == mode);
        let (_, mode) = *found.ok_or_else(|| {
            let names = MODES.map(|(name, _)| name).join(", ");
            (Why::NotThere, format!("no mode {}; there are: {names}", printable(mode)))
        })?;
        let refused = |text: String| (Why::Refused, text);
        if reason.trim().is_empty() {
            let text = "a mode needs a reason, for the journal: --reason TEXT";
            return Err(refused(text.to_owned()));
        }
        let missing = self.not_reconciled(scope);
        if mode == Mode::Active && !missing.is_empty() {
            return Err(refused(format!(
                "nothing was set: not reconciled with {}; try again when `wirelane status` says \
                 that the session is up",
                missing.join(", ")
            )));
        }
        if mode == Mode::Active {
            let tested = self.test_again(caller);
            tested.map_err(|why| refused(format!("nothing was set: {why}")))?;
        }
        let mut command = scope_command(CommandOp::Mode, scope);
        command.value |= mode as i64;
        let name = self.name_of_limits(limits);
        let text = format!("{name}: {}: {reason}", mode.name());
        if !self.give(StageId::Risk, command, &text, caller) {
            return Err(refused(format!("{}; nothing was set", self.not_given("risk"))));
        }
        Ok(What::Mode(limits, name, mode))
    }

    /// What a scope may do now; none for one that does not exist or has no mode.
    pub(super) fn mode_now(&self, name: &ScopeName) -> Option<Mode> {
        let limits = limits_of(self.scope(name).ok()?)?;
        self.desk.board.modes(limits).map(|modes| modes.set)
    }

    /// A scope of limits as a person writes it.
    pub(super) fn name_of_limits(&self, scope: LimitScope) -> String {
        match scope {
            LimitScope::Firm => "firm".to_owned(),
            LimitScope::Account(id) => self.name_of(Scope::Account(id)),
            LimitScope::Strategy(id) => self.name_of(Scope::Strategy(id)),
            LimitScope::Instrument(id) => self.name_of(Scope::Instrument(id)),
        }
    }
}

/// The scope of limits that a gate stands before; none for that of a venue.
const fn limits_of(scope: Scope) -> Option<LimitScope> {
    match scope {
        Scope::Global => Some(LimitScope::Firm),
        Scope::Account(id) => Some(LimitScope::Account(id)),
        Scope::Strategy(id) => Some(LimitScope::Strategy(id)),
        Scope::Instrument(id) => Some(LimitScope::Instrument(id)),
        Scope::Venue(_) | Scope::Session(_) => None,
    }
}
