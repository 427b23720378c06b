//! What the control thread needs to speak with risk: limit sets go out, what was taken is seen on
//! the board. Callers whose command changes limits or modes are answered once risk has taken it and
//! both records are durable.

use super::{Caller, Control, Reply, Why};
use crate::config::Loaded;
use crate::config::limits::{LimitSet, Scope as LimitScope};
use crate::pipeline::limit_set::LimitsInForce;
use crate::risk::Mode;
use crate::risk::setup::Setup;
use crate::stage::risk::{Board, Compiler, LimitDesk, ScopeModes};
use shm::journal::{DurableMark, LaneSeq};
use shm::units::Nanos;
use std::sync::Arc;

/// Time after which a caller is told that risk has not taken a command, or the disk not its record.
const TAKE_MAX: Nanos = Nanos(2_000_000_000);

/// What stands between the control thread and the risk stage.
pub struct RiskDesk {
    /// The configuration, whole: what a limit set is loaded over.
    pub(super) config: String,
    pub(super) in_force: LimitsInForce,
    /// The set of the session before that was not taken, in words.
    not_taken: Option<String>,
    /// Its rows.
    rows: LimitSet,
    pub(super) compiler: Compiler,
    pub(super) sets: LimitDesk,
    pub(super) board: Arc<Board>,
    /// How far the risk stage's lane is durable.
    lane: Option<DurableMark>,
    waiting: Vec<Waiting>,
}

/// A command on its way.
struct Waiting {
    token: usize,
    caller: Caller,
    /// Its record in lane 0.
    command: LaneSeq,
    since: Nanos,
    what: What,
    is_taken: bool,
    /// Working orders over the limits that it brought, when it was taken: later the count may be
    /// another set's.
    over: u64,
    is_answered: bool,
}

/// What it changes.
pub(super) enum What {
    /// The limit set, its rows, and the set in its place before.
    Limits(Box<LimitsInForce>, LimitSet, String),
    /// The mode of a scope, with its name.
    Mode(LimitScope, String, Mode),
}

impl RiskDesk {
    /// With the limit set that the session begins with, and the ends of the risk stage.
    #[must_use]
    pub fn new(
        loaded: &Loaded,
        in_force: LimitsInForce,
        setup: &Setup,
        (sets, board): (LimitDesk, Arc<Board>),
        lane: Option<DurableMark>,
    ) -> Self {
        let (config, compiler) = (loaded.to_toml(), Compiler::of(setup));
        let rows = setup.limits.clone();
        let (not_taken, waiting) = (None, Vec::new());
        Self { config, in_force, not_taken, rows, compiler, sets, board, lane, waiting }
    }

    /// After a session whose last limit set was journalled and not taken.
    #[must_use]
    pub fn after(self, untaken: Option<&LimitsInForce>) -> Self {
        Self { not_taken: untaken.map(LimitsInForce::not_taken), ..self }
    }

    /// What a person who starts the engine must know of its limits.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.in_force.note().into_iter().chain(self.not_taken.clone()).collect()
    }

    /// Over another lane of risk: for tests.
    #[cfg(test)]
    pub(super) fn watch_lane(&mut self, lane: DurableMark) {
        self.lane = Some(lane);
    }

    /// Whether a limit set is on its way.
    pub(super) fn is_switching(&self) -> bool {
        self.waiting.iter().any(|row| matches!(row.what, What::Limits(..)) && !row.is_taken)
    }

    /// What is said to whoever loads a set while another is on its way.
    pub(super) fn on_its_way(&self) -> String {
        let mut sets =
            self.waiting.iter().filter(|row| !row.is_taken).filter_map(|row| match &row.what {
                What::Limits(set, ..) => Some(set),
                What::Mode(..) => None,
            });
        let set = sets.next_back().map_or_else(|| "another set".to_owned(), ToString::to_string);
        format!(
            "nothing was loaded: limits {set}: are on their way to risk and hold once it has taken \
             them; look at `wirelane limits show`, then load yours if it is still wanted"
        )
    }

    /// The rows of the set in force.
    pub(super) const fn rows(&self) -> &LimitSet {
        &self.rows
    }

    fn is_durable(&self, record: u64) -> bool {
        self.lane.as_ref().is_some_and(|lane| lane.covers(LaneSeq(record)))
    }
}

impl Control {
    /// Lets a caller wait for the command just given.
    pub(super) fn wait_for_risk(&mut self, what: What, caller: Caller, token: usize) {
        let (command, since) = (self.lane.last_seq(), self.clock.now());
        let (is_taken, is_answered) = (false, false);
        let row = Waiting { token, caller, command, since, what, is_taken, over: 0, is_answered };
        self.desk.waiting.push(row);
    }

    /// Answers those whose command was taken, or has waited for too long.
    pub(super) fn answer_taken(&mut self, now: Nanos) {
        let mut waiting = core::mem::take(&mut self.desk.waiting);
        waiting.retain_mut(|row| {
            let taken = self.desk.board.taken(row.command.0);
            if taken.is_some() && !row.is_taken {
                row.is_taken = true;
                row.over = self.vitals.over_limits();
                if let What::Limits(set, rows, _) = &row.what {
                    self.desk.in_force = LimitsInForce::clone(set);
                    self.desk.not_taken = None;
                    self.desk.rows = rows.clone();
                }
            }
            let own = self.lane.durable() >= row.command;
            let durable = own && taken.is_some_and(|record| self.desk.is_durable(record));
            let is_late = now.saturating_since(row.since) > TAKE_MAX;
            // Nothing gets onto the disk any more: that is said at once.
            let failed = self.vitals.journal_failed().filter(|_| taken.is_some());
            if !row.is_answered && (durable || is_late || failed.is_some()) {
                row.is_answered = true;
                let reply = match (taken.is_some(), durable) {
                    (true, true) => Reply::ok(&self.taken_words(row)),
                    (true, false) => self.not_durable(row, failed),
                    (false, _) => Reply::not(
                        Why::NotConfirmed,
                        "NOT CONFIRMED: it is journalled, and risk has not taken it yet; \
                         `wirelane status` tells when it has",
                    ),
                };
                // The place may be another caller's by now.
                if self.server.caller(row.token) == Some(row.caller) {
                    self.server.reply(row.token, &reply);
                }
            }
            !(row.is_answered && row.is_taken)
        });
        self.desk.waiting.append(&mut waiting);
    }

    /// It is in force, whatever became of the journal.
    fn not_durable(&self, row: &Waiting, failed: Option<String>) -> Reply {
        let journal = failed.map_or_else(
            || "is behind: look at `journal` in `wirelane status`".to_owned(),
            |failed| format!("has {failed}"),
        );
        let text = format!(
            "{}: in force now, and NOT on the disk: the journal {journal}",
            self.taken_words(row)
        );
        Reply::not(Why::NotConfirmed, &text)
    }

    fn taken_words(&self, row: &Waiting) -> String {
        match &row.what {
            What::Limits(set, _, before) => {
                format!("limits {set}; in place of {before}; {}", self.over_words(row.over))
            }
            What::Mode(scope, name, mode) => {
                let fallen = self.desk.board.modes(*scope).filter(|now| now.tripped > *mode);
                let but = fallen.map(|now| {
                    format!(
                        ", and {} by risk itself: `wirelane arm --scope {name}` takes that back",
                        now.tripped.name()
                    )
                });
                format!("{name} is {}{}", mode.name(), but.unwrap_or_default())
            }
        }
    }

    /// What became of working orders that a new set would not let in.
    fn over_words(&self, over: u64) -> String {
        use crate::config::model::OnOver;
        let acts = match self.config.risk.on_over {
            OnOver::Alarm => "stay: risk.on_over is alarm",
            OnOver::Cancel => "are being cancelled",
        };
        match over {
            0 => "no working order is over them".to_owned(),
            1 => format!("1 working order is over them; such orders {acts}"),
            _ => format!("{over} working orders are over them; such orders {acts}"),
        }
    }

    /// Lines of a status: the limit set in force, and every scope that is not active.
    pub(super) fn risk_lines(&self) -> Vec<String> {
        let mut lines = vec![format!("limits: {}", self.desk.in_force)];
        lines.extend(self.desk.not_taken.clone());
        if self.desk.is_switching() {
            lines.push("limits: another set is on its way to risk".to_owned());
        }
        let restricted = self.desk.board.restricted();
        lines.extend(restricted.map(|modes| {
            let ScopeModes { scope, set, tripped } = modes;
            let by = match (set, tripped) {
                (Mode::Active, _) => "fallen to by risk; `wirelane arm` takes it back",
                (_, Mode::Active) => "set by a person",
                _ => "the tighter of what a person set and risk fell to",
            };
            format!("mode of {}: {} ({by})", self.name_of_limits(scope), set.max(tripped).name())
        }));
        lines
    }
}
