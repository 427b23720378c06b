//! What became of the orders behind a closed gate: how many were cancelled, how many the venue has
//! confirmed, which are left and since when. For the answer to a kill, the status, the journal and
//! the engine's own output.

use super::{CONFIRM_MAX, Caller, Control, NAMED_MAX};
use crate::control::status::orders;
use crate::control::when::{seconds, utc};
use crate::pipeline::guard::Speaker;
use crate::stage::gateway::OpenOrder;
use shm::gates::Scope;
use shm::ids::{ClOrdId, GatewayId, StrategyId};
use shm::record::status::Operator;
use shm::units::Nanos;
use std::collections::BTreeSet;

/// A gate that was closed.
pub(in crate::control) struct Closing {
    pub(super) scope: Scope,
    /// When it was first seen closed.
    since: Nanos,
    /// Cancels behind closed gates that each gateway had sent by then.
    from: Vec<u64>,
    /// What was told last, and the cancels sent by then; nothing was told yet of a new one.
    told: Option<(Outcome, Vec<u64>)>,
}

/// How many orders a closing has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outcome {
    all: usize,
    open: usize,
}

impl Closing {
    /// When it was first seen.
    pub(super) const fn since(&self) -> Nanos {
        self.since
    }
}

impl Control {
    /// Takes note of the gates that were closed, and of those that were opened.
    pub(super) fn note_closings(&mut self, now: Nanos) {
        // Before the look at the gates: a cancel that is sent after it is behind what it finds.
        let sent: Vec<u64> = self.outlook.open.iter().map(|open| open.cancels()).collect();
        let gates = self.gates.gates();
        let killing = &mut self.killing;
        let closed: Vec<Scope> =
            if gates.summary().some_closed() { gates.closed().collect() } else { Vec::new() };
        killing.closings.retain(|known| closed.contains(&known.scope));
        for scope in closed {
            if killing.closings.iter().any(|known| known.scope == scope) {
                continue;
            }
            // What was closed before the start is told of when it meets an order.
            let nothing = Outcome { all: 0, open: 0 };
            let told = killing.sent.is_none().then(|| (nothing, sent.clone()));
            let from = killing.sent.clone().unwrap_or_else(|| sent.clone());
            killing.closings.push(Closing { scope, since: now, from, told });
        }
        killing.sent = Some(sent);
    }

    /// Writes what became of each closing's orders, and says it, once it is known; again when it
    /// has changed.
    pub(super) fn tell_closings(&mut self, now: Nanos) {
        let mut closings = core::mem::take(&mut self.killing.closings);
        for closing in &mut closings {
            let sent = self.killing.sent.clone().unwrap_or_default();
            let is_settled = |told: &(Outcome, Vec<u64>)| told.0.open == 0 && told.1 == sent;
            if closing.told.as_ref().is_some_and(is_settled) {
                continue;
            }
            let found = self.outcome(closing);
            let is_overdue =
                closing.told.is_none() && now.saturating_since(closing.since) > CONFIRM_MAX;
            if found.open > 0 && !is_overdue {
                continue;
            }
            if closing.told.as_ref().map(|told| told.0) != Some(found) {
                let text = format!("{}: {}", self.name_of(closing.scope), self.words(closing, now));
                let all = i64::try_from(found.all).unwrap_or(i64::MAX);
                self.journal(
                    Operator::KILLED,
                    StrategyId::OPERATOR,
                    u8::from(found.open > 0),
                    all,
                    &text,
                    Caller::own(),
                );
                self.outlook.words.tell(Speaker::Kill, &format!("killed {text}"));
            }
            closing.told = Some((found, sent));
        }
        self.killing.closings = closings;
    }

    /// What the guard did since the last look, for the journal.
    pub(super) fn write_guard(&mut self) {
        let mut heard = self.killing.heard_of;
        for (speaker, text) in self.outlook.words.news(&mut heard) {
            if speaker == Speaker::Guard {
                self.journal(Operator::GUARD, StrategyId::OPERATOR, 0, 0, &text, Caller::own());
            }
        }
        self.killing.heard_of = heard;
    }

    /// Answers a kill, or says of a closed gate: the orders of its scope.
    pub(super) fn words_of(&self, scope: Scope, now: Nanos) -> String {
        match self.killing.closings.iter().find(|known| known.scope == scope) {
            Some(closing) => self.words(closing, now),
            None => "the gate was opened meanwhile".to_owned(),
        }
    }

    fn words(&self, closing: &Closing, now: Nanos) -> String {
        let open = self.open_behind(closing.scope);
        let all = self.outcome(closing).all.max(open.len());
        if all == 0 {
            return "no order is open behind the gate, and none had to be cancelled".to_owned();
        }
        let count = orders(all as u64);
        let to_guard = self.only_to_guard(closing.scope);
        if open.is_empty() {
            return format!(
                "{count} cancelled, {all} confirmed by the venue{to_guard}; no order is open behind \
                 the gate"
            );
        }
        let confirmed = all - open.len();
        let named = named(&open, closing.since, now);
        format!("{count} to cancel, {confirmed} confirmed by the venue{to_guard}; {named}")
    }

    /// What the engine's own session has yet to hear, in brackets.
    fn only_to_guard(&self, scope: Scope) -> String {
        match self.confirmed_to_guard(scope) {
            0 => String::new(),
            count => format!(
                " ({count} to the guard alone: counted and listed as working until the gateway has \
                 logged on again, after `wirelane arm` or at a stop)"
            ),
        }
    }

    /// The orders that were cancelled, here or by the guard, and those that are open.
    fn outcome(&self, closing: &Closing) -> Outcome {
        let mut all = BTreeSet::new();
        for (at, (open, from)) in self.outlook.open.iter().zip(&closing.from).enumerate() {
            let gateway = GatewayId(at as u8);
            let by_guard = self.outlook.words.asked(gateway);
            let cancelled = open.cancelled_since(*from).chain(by_guard);
            let mine = cancelled.filter(|order| is_of(closing.scope, order, gateway));
            all.extend(mine.map(|order| order.id));
        }
        let open = self.open_behind(closing.scope);
        all.extend(&open);
        Outcome { all: all.len(), open: open.len() }
    }

    /// A line for each closed gate that met orders.
    pub(super) fn closing_lines(&self, now: Nanos) -> Vec<String> {
        let met = self.killing.closings.iter().filter(|closing| self.outcome(closing).all > 0);
        let line = |closing: &Closing| {
            let by: Vec<&str> =
                self.gates.gates().closed_by(closing.scope).map(|by| by.name()).collect();
            format!(
                "killed {} at {} by {}: {}",
                self.name_of(closing.scope),
                utc(closing.since),
                by.join(" and "),
                self.words(closing, now)
            )
        };
        met.map(line).collect()
    }

    /// When the first of the closed gates was seen closed.
    pub(super) fn closed_since(&self) -> Option<Nanos> {
        self.killing.closings.iter().map(|closing| closing.since).min()
    }
}

/// Whether an order is in a scope; what is not known of it is.
pub(super) fn is_of(scope: Scope, order: &OpenOrder, gateway: GatewayId) -> bool {
    match scope {
        Scope::Global => true,
        Scope::Strategy(id) => id == order.id.strategy(),
        Scope::Venue(id) | Scope::Session(id) => id == gateway,
        Scope::Account(id) => order.account.is_none_or(|account| account == id),
        Scope::Instrument(id) => order.account.is_none() || order.instrument == id,
    }
}

pub(super) fn named(open: &[ClOrdId], since: Nanos, now: Nanos) -> String {
    let ids: Vec<String> = open.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = open.len().saturating_sub(NAMED_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!(
        "NOT CONFIRMED since {} ({} ago): {} may be open: {}{more}",
        utc(since),
        seconds(now.saturating_since(since)),
        orders(open.len() as u64),
        ids.join(" ")
    )
}
