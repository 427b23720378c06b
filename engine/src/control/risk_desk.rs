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
use shm::ids::ClOrdId;
use shm::journal::{DurableMark, LaneSeq};
use shm::units::Nanos;
use std::sync::Arc;

/// Time after which a caller is told that risk has not taken a command, or the disk not its record.
const TAKE_MAX: Nanos = Nanos(2_000_000_000);

/// Scopes that are not active in the headline of a status; the rest are counted.
const HEADED_MAX: usize = 5;

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
    /// The first of those.
    named: Vec<ClOrdId>,
    is_answered: bool,
}

/// What it changes.
pub(super) enum What {
    /// The limit set, its rows, and the set in its place before.
    Limits(Box<LimitsInForce>, LimitSet, String),
    /// The mode of a scope, with its name.
    Mode(LimitScope, String, Mode),
    /// What risk has fallen to is taken back, behind a gate that was opened.
    Arm,
    /// An instrument is let free that was held.
    Release(String),
}

impl What {
    /// What was asked for.
    fn name(&self) -> String {
        match self {
            Self::Limits(set, ..) => format!("limits {set}"),
            Self::Mode(_, scope, mode) => format!("mode {scope} {}", mode.name()),
            Self::Arm => "arm: the modes that risk fell to are taken back".to_owned(),
            Self::Release(instrument) => format!("release {instrument}"),
        }
    }
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

    /// A line for each command that risk has not taken yet.
    fn pending(&self) -> impl Iterator<Item = String> {
        let rows = self.waiting.iter().filter(|row| !row.is_taken);
        rows.map(|row| format!("PENDING: {}: on its way to risk, not taken yet", row.what.name()))
    }

    /// What is said to whoever loads a set while another is on its way.
    pub(super) fn on_its_way(&self) -> String {
        let mut sets =
            self.waiting.iter().filter(|row| !row.is_taken).filter_map(|row| match &row.what {
                What::Limits(set, ..) => Some(set),
                What::Mode(..) | What::Arm | What::Release(_) => None,
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
        let (over, named) = (0, Vec::new());
        let row =
            Waiting { token, caller, command, since, what, is_taken, over, named, is_answered };
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
                row.named = self.desk.board.over().collect();
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
                    (true, true) => self.done(row),
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

    /// It is in force, and on the disk.
    fn done(&self, row: &Waiting) -> Reply {
        let text = self.taken_words(row);
        let was_held = || self.desk.board.was_held(row.command.0) != Some(false);
        let is_done = !matches!(row.what, What::Release(_)) || was_held();
        if is_done { Reply::ok(&text) } else { Reply::error(&text) }
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
                format!("limits {set}; in place of {before}; {}", self.over_words(row))
            }
            What::Arm => {
                let closed: Vec<String> =
                    self.gates.gates().closed().map(|scope| self.name_of(scope)).collect();
                let rest = match closed.is_empty() {
                    true => String::new(),
                    false => format!(
                        "\nstill closed: {}; `wirelane arm --scope NAME` opens one",
                        closed.join(", ")
                    ),
                };
                self.status() + &rest
            }
            What::Release(name) if self.desk.board.was_held(row.command.0) == Some(false) => {
                format!("{name} was not held: nothing was released")
            }
            What::Release(name) => format!("{name} is released"),
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
    fn over_words(&self, row: &Waiting) -> String {
        use crate::config::model::OnOver;
        let acts = match self.config.risk.on_over {
            OnOver::Alarm => "stay: risk.on_over is alarm",
            OnOver::Cancel => "are being cancelled",
        };
        if row.over == 0 {
            return "no working order is over them".to_owned();
        }
        let ids: Vec<String> = row.named.iter().map(ToString::to_string).collect();
        let more = row.over.saturating_sub(ids.len() as u64);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let are = if row.over == 1 { "order is" } else { "orders are" };
        format!("{} working {are} over them; such orders {acts}: {}{more}", row.over, ids.join(" "))
    }

    /// Lines of a status: the limit set in force, and every scope that is not active.
    pub(super) fn risk_lines(&self) -> Vec<String> {
        let mut lines = vec![format!("limits: {}", self.desk.in_force)];
        lines.extend(self.desk.not_taken.clone());
        lines.extend(self.desk.pending());
        let restricted = self.desk.board.restricted();
        lines.extend(restricted.map(|modes| {
            let by = match (modes.set, modes.tripped) {
                (Mode::Active, _) => {
                    "fallen to by risk, its Alarm in the journal says why, or after a crash \
                     (start.after_crash); `wirelane arm` takes it back"
                }
                (_, Mode::Active) => "set by a person",
                _ => "the tighter of what a person set and risk fell to",
            };
            format!("mode of {} ({by})", self.mode_words(modes, ": "))
        }));
        lines
    }

    fn mode_words(&self, modes: ScopeModes, is: &str) -> String {
        let mode = modes.set.max(modes.tripped).name();
        format!("{}{is}{mode}", self.name_of_limits(modes.scope))
    }

    /// For a headline: each scope that is not active, and who made it so.
    pub(super) fn restrictions(&self) -> Vec<String> {
        let restricted = self.desk.board.restricted();
        let mut words: Vec<String> = restricted
            .map(|modes| {
                let by = if modes.set >= modes.tripped { "by a person" } else { "by risk" };
                format!("{} {by}", self.mode_words(modes, " is "))
            })
            .collect();
        let more = words.len().saturating_sub(HEADED_MAX);
        if more > 0 {
            words.truncate(HEADED_MAX);
            words.push(format!("{more} more scopes are restricted"));
        }
        words
    }
}
