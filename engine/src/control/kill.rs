//! Kill and arm (K1 to K6): what closes gates, what is told of the orders behind them, and what
//! must be so before they open.
//!
//! A kill is a store; everything else follows it. The answer to a kill waits until no order of the
//! scope is open, or for a time: what is open then is listed as NOT CONFIRMED, never as cancelled.

mod closing;

use super::asked::Asking;
use super::risk_desk::What;
use super::when::utc;
use super::{Caller, Control, Reply, Why, cancel_of};
use crate::config::StageId;
use crate::config::model::Session;
use crate::pipeline::guard::{Post, Words};
use crate::pipeline::net::Watched;
use crate::stage::gateway::{OpenOrder, OpenOrders, is_covered};
use closing::{Closing, is_of, named};
use shm::atomic::Ordering;
use shm::gates::{Scope, Trigger};
use shm::ids::{ClOrdId, GatewayId, StrategyId};
use shm::message::CommandOp;
use shm::record::status::Operator;
use shm::units::Nanos;
use std::sync::Arc;

/// Time after which an order that is still open behind a closed gate is NOT CONFIRMED.
const CONFIRM_MAX: Nanos = Nanos(1_000_000_000);
/// Orders named one by one; the rest are counted.
const NAMED_MAX: usize = 20;

/// What the control thread sees of gateways, by gateway.
#[derive(Default)]
pub struct Outlook {
    /// Orders that may live at its venue.
    pub open: Vec<Arc<OpenOrders>>,
    /// Links and fences, by gateway; the embedded venue has none.
    pub watched: Vec<(GatewayId, Arc<Watched>)>,
    /// What the guard has done.
    pub words: Words,
}

impl Outlook {
    /// On the gateways that the guard watches, and on their open orders.
    #[must_use]
    pub fn new(open: Vec<Arc<OpenOrders>>, posts: &[Post], words: &Words) -> Self {
        let watched = posts.iter().map(|post| (post.gateway, Arc::clone(&post.watched))).collect();
        Self { open, watched, words: words.clone() }
    }
}

/// What the control thread knows of kills.
#[derive(Default)]
pub(super) struct KillState {
    /// Callers who wait to hear what became of the orders.
    waiting: Vec<Waiting>,
    /// When a gate was last closed.
    closed_at: Nanos,
    /// When the operator was last heard; `None` before the first turn.
    heard: Option<Nanos>,
    /// The journal's failure has closed the gates.
    is_journal_told: bool,
    /// Gates that are closed.
    closings: Vec<Closing>,
    /// Cancels behind closed gates by gateway, at the last look; `None` before the first.
    sent: Option<Vec<u64>>,
    /// How much of what the guard says is in the journal.
    heard_of: usize,
}

struct Waiting {
    token: usize,
    caller: Caller,
    scope: Scope,
    since: Nanos,
    /// When the gate was closed, if that was before this kill.
    before: Option<Nanos>,
}

impl Control {
    /// Closes a gate, then asks for the scope's orders to be cancelled, then journals.
    pub(super) fn kill(&mut self, scope: Scope, trigger: Trigger, reason: &str, caller: Caller) {
        // What was sent by the last look may be the doing of a store that came before.
        self.note_closings(self.clock.now());
        let summary = self.gates.gates().close(scope, trigger);
        self.killing.closed_at = self.clock.now();
        self.note_closings(self.killing.closed_at);
        let cancel = cancel_of(scope);
        let told = self.give(StageId::Risk, cancel, reason, caller);
        let queued = match (told, self.is_journalled) {
            (true, _) => "",
            (false, true) => "; risk has too many commands waiting (BUSY)",
            (false, false) => "; the journal has no room for the command to risk",
        };
        self.journal(
            Operator::KILL,
            StrategyId(cancel.strategy),
            0,
            i64::try_from(summary.generation()).unwrap_or(i64::MAX),
            &format!("{} by {}: {reason}{queued}", self.name_of(scope), trigger.name()),
            caller,
        );
    }

    /// As [`Control::kill`], for a caller who is told once it is known what became of the orders.
    pub(super) fn kill_for(&mut self, scope: Scope, reason: &str, caller: Caller, token: usize) {
        // The caller closes the gate itself, just before it asks: that is no earlier closing.
        let now = self.clock.now();
        let known = self.killing.closings.iter().find(|known| known.scope == scope);
        let before = known.map(|known| known.since());
        let before = before.filter(|at| now.saturating_since(*at) > CONFIRM_MAX);
        self.kill(scope, Trigger::Operator, reason, caller);
        let since = self.killing.closed_at;
        self.killing.waiting.push(Waiting { token, caller, scope, since, before });
    }

    /// Anyone may close a gate, a process that then died as well: its orders are ours to cancel.
    pub(super) fn sweep_closed(&mut self) {
        self.killing.closed_at = self.clock.now();
        let closed: Vec<Scope> = self.gates.gates().closed().collect();
        for scope in closed {
            self.give(StageId::Risk, cancel_of(scope), "gate closed", Caller::own());
        }
    }

    /// What time and others' failures ask for: the operator's silence, the journal's end, answers
    /// that are due.
    pub(super) fn kill_on(&mut self, now: Nanos) {
        let heard = *self.killing.heard.get_or_insert(now);
        let is_closed = self.gates.gates().is_closed(Scope::Global);
        if let Some(most) = self.config.kill.heartbeat_max
            && !is_closed
            && now.saturating_since(heard) > most
        {
            let reason = format!("no operator heartbeat for {} ms", most.0 / 1_000_000);
            self.kill(Scope::Global, Trigger::Heartbeat, &reason, Caller::own());
        }
        if !self.killing.is_journal_told
            && let Some(why) = self.vitals.trouble()
        {
            self.killing.is_journal_told = true;
            let reason = format!("the journal failed: {why}");
            self.kill(Scope::Global, Trigger::Breaker, &reason, Caller::own());
        }
        if !self.gates.gates().summary().some_closed() {
            // A guard that was kept from its core may raise one after the arming it had to come
            // before: no gateway stays away behind open gates.
            self.lower_fences();
        }
        self.note_closings(now);
        self.write_guard();
        self.tell_closings(now);
        self.answer_waiting(now);
    }

    fn answer_waiting(&mut self, now: Nanos) {
        let mut waiting = core::mem::take(&mut self.killing.waiting);
        waiting.retain(|row| {
            let open = self.open_behind(row.scope);
            if !open.is_empty() && now.saturating_since(row.since) <= CONFIRM_MAX {
                return true;
            }
            // The place may be another caller's by now.
            if self.server.caller(row.token) == Some(row.caller) {
                let guard = self.outlook.words.all().into_iter();
                let guard: String = guard.map(|text| format!("\nGUARD: {text}")).collect();
                let (scope, words) = (self.name_of(row.scope), self.words_of(row.scope, now));
                let before = row.before.map_or_else(String::new, |at| {
                    format!("the gate was closed already, at {}; since then: ", utc(at))
                });
                let failed = self.vitals.journal_failed();
                let disk = failed.as_ref().map_or_else(String::new, |failed| {
                    format!("; NOT on the disk: the journal has {failed}")
                });
                let text = format!("killed {scope}: {before}{words}{disk}{guard}");
                let is_known = open.is_empty() && failed.is_none();
                let reply = match is_known {
                    true => Reply::ok(&text),
                    false => Reply::not(Why::NotConfirmed, &text),
                };
                self.server.reply(row.token, &reply);
            }
            false
        });
        self.killing.waiting.append(&mut waiting);
    }

    /// Orders of a scope that the venue has confirmed to the guard as gone, and that their gateway
    /// shows until it has logged on again.
    fn confirmed_to_guard(&self, scope: Scope) -> usize {
        let words = &self.outlook.words;
        let of = |(at, open): (usize, &Arc<OpenOrders>)| {
            let gateway = GatewayId(at as u8);
            let gone = |order: &OpenOrder| {
                is_of(scope, order, gateway) && words.is_confirmed(gateway, order)
            };
            open.iter().filter(gone).count()
        };
        self.outlook.open.iter().enumerate().map(of).sum()
    }

    /// Orders of a scope that may live at a venue.
    fn open_behind(&self, scope: Scope) -> Vec<ClOrdId> {
        let gates = self.gates.gates();
        let mut ids = Vec::new();
        for (at, open) in self.outlook.open.iter().enumerate() {
            let gateway = GatewayId(at as u8);
            let words = &self.outlook.words;
            let covered = open.iter().filter(|order| {
                is_covered(gates, order, gateway) && !words.is_confirmed(gateway, order)
            });
            ids.extend(covered.filter(|order| is_of(scope, order, gateway)).map(|order| order.id));
        }
        ids
    }

    /// Lines of a status: what the guard did, and what is open behind closed gates.
    pub(super) fn kill_lines(&self, now: Nanos) -> Vec<String> {
        let words = self.outlook.words.all();
        let is_over = self.open_behind(Scope::Global).is_empty();
        let each = words.into_iter().map(|text| {
            let then = if is_over && text.contains("NOT CONFIRMED") {
                "; since then no order is open behind the gates"
            } else {
                ""
            };
            format!("GUARD: {text}{then}")
        });
        let mut lines: Vec<String> = each.collect();
        let is_late = now.saturating_since(self.killing.closed_at) > CONFIRM_MAX;
        let open = if is_late { self.open_behind(Scope::Global) } else { Vec::new() };
        lines.extend(self.closing_lines(now));
        if !open.is_empty() {
            let since = self.closed_since().unwrap_or(self.killing.closed_at);
            lines.push(named(&open, since, now));
        }
        if let Some(most) = self.config.kill.heartbeat_max {
            let heard = self.killing.heard.unwrap_or(now);
            lines.push(format!(
                "operator heartbeat: {} ms ago, at most {} ms",
                now.saturating_since(heard).0 / 1_000_000,
                most.0 / 1_000_000
            ));
        }
        lines
    }

    /// The operator is there.
    pub(super) fn heartbeat(&mut self) -> Reply {
        self.killing.heard = Some(self.clock.now());
        match self.config.kill.heartbeat_max {
            Some(most) => {
                Reply::ok(&format!("heard; the next is due within {} ms", most.0 / 1_000_000))
            }
            None => Reply::ok("heard; kill.heartbeat_max_ms is unlimited, so nothing waits for it"),
        }
    }

    /// Opens a gate: with a reason, once every session that it stands before is reconciled, and if
    /// every rule of risk refuses the order that it is shown. The generation that is judged is
    /// journalled before it is opened.
    ///
    /// Nothing when its answer comes later: once risk has taken back the modes it had fallen to.
    pub(super) fn arm(&mut self, scope: Scope, reason: &str, asking: &Asking) -> Option<Reply> {
        if let Err(reply) = self.open(scope, reason, asking) {
            return Some(reply);
        }
        let caller = asking.caller;
        let rearm = super::scope_command(CommandOp::Rearm, scope);
        if !self.give(StageId::Risk, rearm, reason, caller) {
            let text = format!(
                "the gate {} is open, but risk was not asked to take back what it has fallen to: {}; \
                 arm again",
                self.name_of(scope),
                self.not_given("risk")
            );
            return Some(Reply::not(Why::NotConfirmed, &text));
        }
        self.wait_for_risk(What::Arm, caller, asking.token);
        None
    }

    fn open(&mut self, scope: Scope, reason: &str, asking: &Asking) -> Result<(), Reply> {
        let caller = asking.caller;
        if reason.trim().is_empty() {
            let text = "arming needs a reason, for the journal: --reason TEXT";
            return Err(Reply::not(Why::Usage, text));
        }
        // A fenced gateway comes back first: it logs on, and hears what became of its orders.
        self.lower_fences();
        let missing = self.not_reconciled(scope);
        if !missing.is_empty() {
            let is_shut = self.config.gateways.iter().any(|row| self.is_shut(row.id));
            let shut = if is_shut {
                "; the guard had shut its link, which is let log on again"
            } else {
                ""
            };
            return Err(Reply::error(&format!(
                "nothing was armed: not reconciled with {}{shut}; try again when \
                 `wirelane status` says that the session is up",
                missing.join(", ")
            )));
        }
        self.test_again(caller).map_err(|why| Reply::error(&why))?;
        let judged = self.gates.judge(scope).ok_or_else(|| Reply::error("no such scope"))?;
        // A closing that came before the judgement is counted here, a later one fails the opening.
        self.still_in_time(asking)?;
        let generation = i64::try_from(judged.summary().generation()).unwrap_or(i64::MAX);
        let text = format!("{}: {reason}", self.name_of(scope));
        if !self.journal(Operator::ARM, StrategyId::OPERATOR, 0, generation, &text, caller) {
            return Err(Reply::error("the journal is full: nothing was armed"));
        }
        let opened = self.gates.try_open(&judged);
        opened.map_err(|_| Reply::error("a gate was closed meanwhile: look again, then arm"))?;
        self.killing.heard = Some(self.clock.now());
        if !self.gates.gates().summary().some_closed() {
            self.outlook.words.clear();
        }
        Ok(())
    }

    /// Lets fenced gateways log on again: at an arming, at a stop, and behind open gates.
    pub(super) fn lower_fences(&self) {
        for (_, watched) in &self.outlook.watched {
            // ORDERING: Relaxed; a lone flag, whoever reads it later dials anew.
            watched.fence.store(0, Ordering::Relaxed);
        }
    }

    /// Whether the guard has shut a gateway's link and it has not logged on again: one that shows
    /// its session as up has only not noticed yet.
    pub(super) fn is_shut(&self, gateway: GatewayId) -> bool {
        let mut mine = self.outlook.watched.iter().filter(|(id, _)| *id == gateway);
        mine.any(|(_, watched)| watched.is_shut(self.vitals.sessions(gateway)))
    }

    /// Gateways before which a gate stands and whose session is not up.
    pub(super) fn not_reconciled(&self, scope: Scope) -> Vec<String> {
        let rows = self.config.gateways.iter().filter(|row| match scope {
            Scope::Venue(id) | Scope::Session(id) => row.id == id,
            Scope::Global | Scope::Account(_) | Scope::Strategy(_) | Scope::Instrument(_) => true,
        });
        let live = rows.filter(|row| matches!(row.session, Session::Ouch50 { .. }));
        let is_away = |id| !self.vitals.is_up(id) || self.is_shut(id);
        live.filter(|row| is_away(row.id)).map(|row| row.name.clone()).collect()
    }
}
