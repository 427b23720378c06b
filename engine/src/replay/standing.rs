//! What stands in a session, running or over: orders that work and parents that are open, from the
//! records of its risk stage; and what became of the orders by hand.

use super::{Recording, ReplayError, StageId};
use crate::config::limits::{LimitRow, Scope};
use crate::config::params::Params;
use crate::order::Order;
use crate::pipeline::assemble::Assembly;
use crate::pipeline::opening::Opening;
use crate::risk::Risk;
use crate::risk::self_test::keys_of;
use crate::stage::Recorded;
use crate::strategy::Terms;
use shm::ids::{AccountId, ClOrdId, InstrumentId, StrategyId};
use shm::message::{CommandOp, Kind};
use shm::reason::{Reason, Unit};
use shm::record::order::{Approved, Denied, OrderEvent, OrderTerms};
use shm::record::parent::{Parent, ParentState};
use shm::record::status::{HandOrder, HandOutcome, Operator};
use shm::record::{RecordKind, Stage};
use shm::units::{Nanos, Price, Qty};
use std::collections::BTreeMap;
use std::path::Path;

/// What stands.
pub struct Standing {
    recording: Recording,
    risk: Risk,
    told: ToldOf,
}

/// What the journal tells of an order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// As it was first approved.
    pub approved: Option<Approved>,
    /// As it was refused, when it was not approved.
    pub denied: Option<Denied>,
    /// The last report of it.
    pub last: Option<OrderEvent>,
    /// Its fills.
    pub fills: Fills,
    /// When that was, engine ns.
    pub at: Nanos,
}

/// What the fills of one order came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fills {
    /// Sum of price times quantity, 1e-17.
    paid: i128,
    /// Quantity.
    filled: i128,
    /// One was broken or corrected, or is too large to add: the sums are not those of the order.
    is_unsure: bool,
}

impl Fills {
    /// Takes a report of the order.
    pub fn take(&mut self, event: &OrderEvent) {
        let (px, qty) = (i128::from(event.last_px.0), i128::from(event.last_qty.0));
        match Kind::from_u8(event.event) {
            Some(Kind::Executed) => match self.paid.checked_add(px * qty) {
                Some(paid) => (self.paid, self.filled) = (paid, self.filled + qty),
                None => self.is_unsure = true,
            },
            Some(Kind::Broken | Kind::Corrected) => self.is_unsure = true,
            _ => {}
        }
    }

    /// The average price of `filled`, rounded down to 1e-9; `None` where nothing is filled, or
    /// where the fills taken are not all of it.
    #[must_use]
    pub fn average(&self, filled: Qty) -> Option<Price> {
        let is_whole = !self.is_unsure && self.filled == i128::from(filled.0);
        let px = self.paid.checked_div_euclid(self.filled).filter(|_| is_whole)?;
        i64::try_from(px).ok().map(Price)
    }
}

impl Told {
    /// The average price of what is filled, where all fills are known.
    #[must_use]
    pub fn average(&self) -> Option<Price> {
        self.fills.average(self.last?.cum_qty)
    }
}

/// What the journal tells of a parent.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToldParent {
    /// As risk took it.
    pub taken: Option<Parent>,
    /// As it ended.
    pub done: Option<Parent>,
    /// What it has latched last.
    pub state: Option<ParentState>,
    /// As it was refused.
    pub denied: Option<Denied>,
    /// When that was, engine ns.
    pub at: Nanos,
}

/// What the journal tells of the orders of strategies that work orders by hand.
#[derive(Default)]
struct ToldOf {
    /// Rare terms of any order, by its id.
    terms: BTreeMap<ClOrdId, OrderTerms>,
    orders: BTreeMap<ClOrdId, Told>,
    parents: BTreeMap<ClOrdId, ToldParent>,
    /// Commands by hand with what the strategy made of them, and when.
    hands: Vec<(HandOrder, Nanos)>,
    /// First id of the chain that a slot holds.
    roots: BTreeMap<u32, ClOrdId>,
    /// What the guard did last in a gateway's place, unless it was armed since.
    guard: Option<String>,
}

impl ToldOf {
    fn take(&mut self, record: &Recorded, is_by_hand: &dyn Fn(ClOrdId) -> bool) {
        let body = record.body.as_slice();
        match record.kind {
            RecordKind::HandOrder => {
                self.hands.extend(HandOrder::read(body).map(|hand| (hand, record.ts)));
            }
            RecordKind::OrderTerms => {
                self.terms.extend(OrderTerms::read(body).map(|terms| (terms.cl_ord_id, terms)));
            }
            RecordKind::Approved => {
                let Some(order) = Approved::read(body).filter(|row| is_by_hand(row.cl_ord_id))
                else {
                    return;
                };
                if order.action == Kind::IntentNew as u8 {
                    let id = order.cl_ord_id;
                    self.roots.insert(id.slot(), id);
                    let approved = Some(order);
                    self.orders.insert(id, Told { approved, at: record.ts, ..Told::default() });
                }
            }
            RecordKind::Operator => self.take_operator(body),
            RecordKind::Denied => self.take_denied(body, record.ts, is_by_hand),
            RecordKind::OrderEvent => {
                let Some(event) = OrderEvent::read(body).filter(|row| is_by_hand(row.cl_ord_id))
                else {
                    return;
                };
                let root = self.roots.get(&event.cl_ord_id.slot());
                if let Some(told) = root.and_then(|root| self.orders.get_mut(root)) {
                    (told.last, told.at) = (Some(event), record.ts);
                    told.fills.take(&event);
                }
            }
            RecordKind::ParentApproved | RecordKind::CarryParent => {
                let taken = Parent::read(body);
                if let Some(parent) = taken.filter(|row| is_by_hand(row.cl_ord_id)) {
                    let told = self.parents.entry(parent.cl_ord_id).or_default();
                    (told.taken, told.at) = (taken, record.ts);
                }
            }
            RecordKind::ParentDone => {
                let done = Parent::read(body);
                let told = done.and_then(|parent| self.parents.get_mut(&parent.cl_ord_id));
                if let Some(told) = told {
                    (told.done, told.at) = (done, record.ts);
                }
            }
            RecordKind::ParentState | RecordKind::CarryParentState => {
                if let Some(state) = ParentState::read(body) {
                    self.parents.entry(state.cl_ord_id).or_default().state = Some(state);
                }
            }
            _ => {}
        }
    }

    fn take_operator(&mut self, body: &[u8]) {
        let Some((operator, rest)) = Operator::split(body) else { return };
        match operator.op {
            Operator::GUARD => {
                let text = rest.get(..operator.len as usize).unwrap_or_default();
                self.guard = Some(String::from_utf8_lossy(text).into_owned());
            }
            Operator::ARM => self.guard = None,
            _ => {}
        }
    }

    fn take_denied(&mut self, body: &[u8], at: Nanos, is_by_hand: &dyn Fn(ClOrdId) -> bool) {
        let denied = Denied::read(body);
        let Some(row) = denied.filter(|row| is_by_hand(row.cl_ord_id)) else { return };
        match Kind::from_u8(row.action) {
            Some(Kind::IntentNew) => {
                self.orders.insert(row.cl_ord_id, Told { denied, at, ..Told::default() });
            }
            Some(Kind::IntentParent) => {
                let told = ToldParent { denied, at, ..ToldParent::default() };
                self.parents.insert(row.cl_ord_id, told);
            }
            _ => {}
        }
    }
}

impl Standing {
    /// Reads the last complete session of a directory.
    ///
    /// # Errors
    /// [`ReplayError`] when the journal cannot be read, or a record does not fit those before it.
    pub fn read(dir: &Path) -> Result<Self, ReplayError> {
        let wanted = |stage: StageId, kind| {
            let of_strategy = matches!(kind, RecordKind::HandOrder | RecordKind::ParentState);
            let of_guard = stage == StageId::CONTROL && kind == RecordKind::Operator;
            stage == StageId::RISK
                || of_guard
                || stage.kind() == Some(Stage::Strategy) && of_strategy
        };
        let recording = Recording::read_of(dir, None, None, &wanted)?;
        let assembly = Assembly {
            config: &recording.loaded.config,
            instruments: &recording.instruments,
            bound: &recording.bound,
            plan: &recording.plan,
            epoch: recording.epoch,
            days: recording.days,
            opening: &Opening::default(),
        };
        let setup = assembly.risk_setup();
        let mut risk = Risk::new(&setup);
        recording.opening(&setup)?.restore_into(&mut risk)?;
        for record in recording.records.get(&StageId::RISK.0).into_iter().flatten() {
            risk.restore(record.kind, &record.body, record.ts)?;
        }
        let strategies = &recording.loaded.config.strategies;
        let is_by_hand = |id: ClOrdId| {
            let row = strategies.iter().find(|row| row.id == id.strategy());
            row.is_some_and(|row| matches!(row.params, Params::Exec(_)))
        };
        let mut told = ToldOf::default();
        for record in recording.records.values().flatten() {
            told.take(record, &is_by_hand);
        }
        Ok(Self { recording, risk, told })
    }

    /// Orders that work, in the order they began to.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.risk.working_orders()
    }

    /// What the guard did last in a gateway's place, in its words; nothing once it was armed since.
    #[must_use]
    pub fn guard(&self) -> Option<&str> {
        self.told.guard.as_deref()
    }

    /// Parents that are open.
    pub fn parents(&self) -> impl Iterator<Item = &Parent> {
        self.risk.open_parents()
    }

    /// Rare terms of an order: those of its newest replace that has some, else its own.
    #[must_use]
    pub fn rare_terms(&self, order: &Order) -> OrderTerms {
        let of_chain = self.told.terms.range(order.root..=order.terms.id);
        of_chain.last().map(|(_, terms)| *terms).unwrap_or_default()
    }

    /// What the journal tells of an order of a strategy that works orders by hand.
    #[must_use]
    pub fn told(&self, id: ClOrdId) -> Option<&Told> {
        self.told.orders.get(&id)
    }

    /// The same of a parent.
    #[must_use]
    pub fn told_parent(&self, id: ClOrdId) -> Option<&ToldParent> {
        self.told.parents.get(&id)
    }

    /// Orders and parents that were placed by hand, in the order of their commands: what their
    /// strategy made of them, and when.
    pub fn placed(&self) -> impl Iterator<Item = &(HandOrder, Nanos)> {
        let hands = self.told.hands.iter();
        hands.filter(|(hand, _)| hand.op == CommandOp::OrderPlace as u8)
    }

    /// The number by which `wirelane order` knows an order or parent.
    #[must_use]
    pub fn number(&self, id: ClOrdId) -> Option<i64> {
        let mut placed = self.placed().filter(|(hand, _)| hand.outcome == HandOutcome::Asked as u8);
        placed.find(|(hand, _)| hand.cl_ord_id == id).map(|(hand, _)| hand.number)
    }

    /// Whether a person has cancelled a parent or order.
    #[must_use]
    pub fn is_cancelled_by_hand(&self, id: ClOrdId) -> bool {
        let is_cancel = |hand: &HandOrder| {
            hand.op == CommandOp::OrderCancel as u8 && hand.outcome == HandOutcome::Asked as u8
        };
        self.told.hands.iter().any(|(hand, _)| hand.cl_ord_id == id && is_cancel(hand))
    }

    /// Tick sizes of an instrument.
    #[must_use]
    pub fn terms(&self, id: InstrumentId) -> Option<Terms> {
        self.recording
            .instruments
            .get(id)
            .map(|row| Terms { bands: row.ticks.map(|band| (band.from, band.tick)), lot: row.lot })
    }

    /// Name of a strategy.
    #[must_use]
    pub fn strategy(&self, id: StrategyId) -> &str {
        let row = id.index().checked_sub(1);
        let row = row.and_then(|at| self.recording.loaded.config.strategies.get(at));
        row.map_or("?", |row| &row.name)
    }

    /// Symbol of an instrument.
    #[must_use]
    pub fn symbol(&self, id: InstrumentId) -> &str {
        self.recording.instruments.get(id).map_or("?", |row| row.symbol.as_str())
    }
}

/// The limit sets of a session, to name the one that refused.
pub struct LimitsOf {
    sets: Vec<(u32, Vec<LimitRow>)>,
}

impl LimitsOf {
    /// Reads those of the last complete session of a directory.
    ///
    /// # Errors
    /// As [`Standing::read`].
    pub fn read(dir: &Path) -> Result<Self, ReplayError> {
        let recording = Recording::read_of(dir, None, None, &|_, _| false)?;
        let sets = recording.limits.into_iter().chain([recording.bound.limits]);
        Ok(Self { sets: sets.map(|set| (set.version, set.rows)).collect() })
    }

    /// Key and scope of the limits that a refusal was by: of its rule, with its number, in a scope
    /// that covers the order; all of the rule where none has the number, as of a collar, whose
    /// limit is a price that follows from the reference.
    #[must_use]
    pub fn by(&self, denied: &Denied) -> Vec<(&'static str, Scope)> {
        let has_numbers = Unit::from_u8(denied.unit).is_some_and(|unit| unit != Unit::None);
        let Some(reason) = Reason::from_u8(denied.reason) else { return Vec::new() };
        let limit = shm::record::order::value_of(denied.limit);
        let (account, strategy) = (AccountId(denied.account), denied.cl_ord_id.strategy());
        let set = self.sets.iter().find(|(version, _)| *version == denied.limit_version);
        let rows = set.map(|(_, rows)| rows.iter()).into_iter().flatten();
        let covering = rows.filter(|row| row.scope.covers(account, strategy, denied.instrument));
        let all: Vec<_> = covering
            .flat_map(|row| keys_of(row, reason).map(|(name, number)| (name, row.scope, number)))
            .collect();
        // A collar's limit is a price: it follows from its keys, and is equal to none of them.
        let is_one = all.iter().any(|(_, _, number)| *number == limit);
        let is_meant = |number: i128| number == limit || !is_one && has_numbers;
        let found = all.into_iter().filter(|(_, _, number)| is_meant(*number));
        found.map(|(name, scope, _)| (name, scope)).collect()
    }
}
