//! Pre-trade risk: a fixed order of checks on every intent, and the state they need. The one owner
//! of order table, reservations, positions and money; fed by intents, reports and market messages;
//! pure, so that the same inputs make the same decisions in a replay.
//!
//! ```text
//! market ──► references ─┐
//! intents ──► decide ────┴─► Approved | CancelAsked | Denied   (a record and a message each)
//! reports ──► on_report ───► OrderEvent, PositionEvent, OrderUpdate
//! journal ──► restore          carry ──► journal of the next session
//! ```
//!
//! [`Risk::decide`] has already made the reservation when it approves: its caller has made sure of
//! room in the journal and in the ring before it calls, appends the record, then pushes the
//! message. A refusal changes counters only.
//!
//! | module | what |
//! |---|---|
//! | [`checks`] | one pure function per rule |
//! | [`decide`](Risk::decide) | the fixed order, first failure wins, one reservation at the end |
//! | `pass` | all rules at once, for the orders that pass |
//! | `room` | limits less sums, for `pass` |
//! | [`exposure`] | sums of positions and working orders per scope (R30, R31) |
//! | [`limits`] | the compiled limit set (R05) |
//! | [`mod@reference`] | reference prices (R24) |
//! | [`rate`], [`duplicate`] | windows of R40 and R43 |
//! | [`approval`] | the gateway's side of R47 |
//! | [`parents`], [`family`] | R47 of parents: what their children have and may have |
//! | [`sense`] | whether the terms of a parent make sense together |
//! | [`self_test`] | before arming, each rule refuses its order |
//! | [`sample`] | a setup and a run of decisions, for benches and tests |
#![forbid(unsafe_code)]

pub mod approval;
pub mod capability;
pub mod checks;
pub mod cost;
pub mod duplicate;
pub mod exposure;
pub mod family;
pub mod limits;
pub mod moves;
pub mod own_book;
pub mod parents;
pub mod rate;
pub mod reference;
pub mod sample;
pub mod scope;
pub mod self_test;
pub mod sense;
pub mod setup;

mod carry;
mod decide;
mod enter;
mod fills;
mod flow;
mod money;
mod outcome;
mod over;
mod pass;
mod recent;
mod report;
mod restore;
mod room;
mod rules;
mod session;
mod standing;
mod totals;
mod unresolved;
mod watch;

#[cfg(test)]
mod tests;

use shm::ids::{AccountId, ClOrdId, GatewayId, InstrumentId, StrategyId};
use shm::message::{self, Message, OrderUpdate};
use shm::reason::Reason;
use shm::units::{Nanos, Price};

use crate::order::{Order, OrderTable};
use crate::position::{Holding, Ledger, Total};
use capability::{Capability, Hours};
use checks::Form;
use duplicate::Repeats;
use exposure::{Exposure, Rows, Sums};
pub use flow::MET_MAX;
use limits::LimitTable;
use money::Money;
use moves::Moves;
pub use outcome::{Applied, Context, Counters, Decision, Mode};
use own_book::OwnBook;
use rate::RateWindow;
use reference::References;
pub use restore::RestoreError;
pub use rules::{RULES, Rule};
use scope::{ScopeMap, ScopeState, Scopes};
use setup::{Account, Setup};
pub use totals::{scope_of, scope_words};
use watch::Alarms;
pub use watch::{ALARMS_MAX, Alarm};

#[derive(Clone, Debug)]
struct Permit {
    account: AccountId,
    gateway: GatewayId,
    slot_first: u32,
    slot_count: u32,
    /// One bit per instrument.
    instruments: Box<[u64]>,
}

impl Permit {
    fn allows(&self, instrument: InstrumentId) -> bool {
        let word = self.instruments.get(instrument.index() / 64);
        word.is_some_and(|word| word >> (instrument.0 % 64) & 1 == 1)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Session {
    up: bool,
    /// Sequence of the last report applied.
    venue_seq: u32,
}

/// The state of risk.
#[derive(Clone, Debug)]
pub struct Risk {
    epoch: u16,
    forms: Box<[Form]>,
    /// Instruments held after a contradiction (E4, E5, E7): no new orders until the next session.
    held: Box<[bool]>,
    /// Instruments that may only be reduced, since a report told of exposure that nobody asked for
    /// (E6 after a reject, E8, E23, C8): until the next session.
    reduce_only: Box<[bool]>,
    /// How long an order may wait for the venue's first answer (E24).
    answer_max: Nanos,
    closes: setup::Closes,
    permits: Box<[Permit]>,
    accounts: Box<[Account]>,
    capabilities: Box<[Capability]>,
    hours: Hours,
    sessions: Box<[Session]>,
    limits: LimitTable,
    table: OrderTable,
    parents: parents::Parents,
    exposure: Exposure,
    scopes: Scopes,
    money: Money,
    own: OwnBook,
    moves: Moves,
    ledger: Ledger,
    windows: Box<[RateWindow]>,
    repeats: Repeats,
    references: References,
    counters: Counters,
    alarms: Alarms,
    /// By slot: since when its order is unknown (R07); the greatest time if it is not.
    unknown_since: Box<[Nanos]>,
    /// Wall clock against engine clock; `None` before it was measured (R08).
    drift: Option<Nanos>,
    /// Records are being restored: nothing trips.
    restoring: bool,
    /// Some scope's peak is to be journalled.
    peaks_rose: bool,
    /// The latest decision (R08).
    decided: Nanos,
    /// The latest time seen: windows never run backwards.
    now: Nanos,
}

impl Risk {
    /// Everything flat, no order, every session down. Allocates all that it will ever need. Cold.
    ///
    /// # Panics
    /// On a setup that contradicts itself; the configuration has been checked before.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        assert!(setup.epoch != 0, "epoch 0 makes ids that are none");
        assert!(setup.strategies.len() <= 256, "more strategies than ids");
        let accounts: Vec<AccountId> = setup.strategies.iter().map(|row| row.account).collect();
        assert!(
            accounts.iter().all(|account| account.index() < setup.accounts.len()),
            "strategy of no account"
        );
        let ends = setup.strategies.iter().map(|row| row.slot_first + row.slot_count);
        let slots = ends.max().unwrap_or(0) as usize;
        let instruments = setup.instruments.len();
        let map = ScopeMap::new(setup.accounts.len(), accounts.len(), instruments);
        let marked = setup.instruments.iter();
        let marked = marked.map(|row| (row.multiplier, row.feed, row.prior_close));
        let groups = setup.accounts.iter().map(|account| account.group + 1);
        let groups = groups.max().unwrap_or(1).into();
        let memory = setup.memory;
        Self {
            epoch: setup.epoch,
            forms: setup.instruments.iter().map(form_of).collect(),
            held: vec![false; instruments].into(),
            reduce_only: vec![false; instruments].into(),
            answer_max: setup.answer_max,
            closes: setup.closes,
            permits: setup.strategies.iter().map(|row| permit_of(row, setup)).collect(),
            accounts: setup.accounts.iter().copied().collect(),
            capabilities: setup.gateways.iter().map(|row| row.capability).collect(),
            hours: setup.hours,
            sessions: vec![Session::default(); setup.gateways.len()].into(),
            limits: LimitTable::compile(&setup.limits, &accounts, map),
            table: OrderTable::new(slots, memory.closed, memory.past, memory.facts),
            parents: parents::Parents::new(accounts.len(), slots),
            exposure: Exposure::new(map),
            scopes: Scopes::new(map),
            money: Money::new(marked, setup.feeds, map.len()),
            own: OwnBook::new(slots, groups, instruments),
            moves: Moves::new(setup.accounts.len(), instruments),
            ledger: Ledger::new(&accounts, instruments, setup.cost),
            windows: setup
                .gateways
                .iter()
                .map(|row| RateWindow::new(row.rate, row.reserve, row.per))
                .collect(),
            repeats: Repeats::new(setup.memory.repeats),
            references: References::new(&setup.instruments, setup.feeds),
            counters: Counters::default(),
            alarms: Alarms::new(),
            unknown_since: vec![Nanos(u64::MAX); slots].into(),
            drift: None,
            restoring: false,
            peaks_rose: false,
            decided: Nanos(0),
            now: Nanos(0),
        }
    }

    /// Takes a market message (book, trade, feed status); anything else is ignored.
    #[inline]
    pub fn on_market(&mut self, message: &Message) {
        if let Some(instrument) = self.references.on_market(message) {
            let Self { money, references, exposure, scopes, .. } = self;
            if money.remark(instrument, references, exposure, scopes) {
                self.watch_instrument(instrument);
            }
        }
    }

    /// Tells the time of the report that comes next; one that is earlier changes nothing.
    #[inline]
    pub fn advance(&mut self, now: Nanos) {
        self.now = self.now.max(now);
    }

    /// Swaps in a limit set compiled for the same strategies and instruments; the old one comes
    /// back, or the new one if it is not alike. It acts on the next order.
    ///
    /// # Errors
    /// The table given, when it was compiled for others.
    pub fn switch_limits(&mut self, mut table: LimitTable) -> Result<LimitTable, LimitTable> {
        if !table.is_like(&self.limits) {
            return Err(table);
        }
        table.inherit(&mut self.limits);
        self.scopes.empty_rooms();
        Ok(core::mem::replace(&mut self.limits, table))
    }

    /// Every scope with its running state.
    pub fn scopes(&self) -> impl Iterator<Item = (crate::config::limits::Scope, &ScopeState)> {
        self.scopes.iter().map(|(place, state)| (self.scopes.map.scope(place), state))
    }

    /// Version of the limit set in force.
    #[must_use]
    pub const fn limit_version(&self) -> u32 {
        self.limits.version()
    }

    /// What was decided, in numbers.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Orders that work, in the order they began to: what a kill cancels. Pending and unknown ones
    /// are among them.
    pub fn working_orders(&self) -> impl Iterator<Item = &Order> {
        self.table.working()
    }

    /// Slots of orders: as many may work at one time.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.unknown_since.len()
    }

    /// How many orders work.
    #[must_use]
    pub const fn working_count(&self) -> u32 {
        self.table.working_count()
    }

    /// The order an id belongs to, working or ended and not yet forgotten.
    #[must_use]
    pub fn order(&self, id: ClOrdId) -> Option<&Order> {
        self.table.get(self.table.find(id)?)
    }

    /// All positions ever touched in the session.
    pub fn holdings(&self) -> impl Iterator<Item = (StrategyId, InstrumentId, &Holding)> {
        self.ledger.iter()
    }

    /// The position of a strategy in an instrument.
    #[must_use]
    pub fn holding(&self, strategy: StrategyId, instrument: InstrumentId) -> Option<&Holding> {
        self.ledger.get(strategy, instrument)
    }

    /// Sum over an account, or over the firm, at the marks of the market. Cold.
    #[must_use]
    pub fn total(&self, account: Option<AccountId>) -> Total {
        self.ledger.total(account, |instrument| {
            let multiplier = self.forms.get(instrument.index())?.multiplier;
            Some((self.mark(instrument)?, multiplier))
        })
    }

    /// What a position is valued at: middle of the book, last trade, prior close.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentId) -> Option<Price> {
        self.references.mark(instrument)
    }

    /// Sums of firm, account and strategy in an instrument, with their reservations.
    #[must_use]
    pub fn sums(&self, strategy: StrategyId, instrument: InstrumentId) -> Option<[Sums; 3]> {
        self.forms.get(instrument.index())?;
        Some(self.exposure.sums(self.rows(strategy, instrument)?))
    }

    /// The running state of a scope.
    #[must_use]
    pub fn scope(&self, scope: crate::config::limits::Scope) -> Option<&ScopeState> {
        self.scopes.get(self.scopes.map.place(scope)?)
    }

    /// Sequence of the last report of a session that was applied: where its stream resumes, after
    /// it.
    #[must_use]
    pub fn venue_seq(&self, gateway: GatewayId) -> Option<u32> {
        self.sessions.get(gateway.index()).map(|session| session.venue_seq)
    }

    /// Whether orders may go to a gateway (R03).
    #[must_use]
    pub fn is_session_up(&self, gateway: GatewayId) -> bool {
        self.sessions.get(gateway.index()).is_some_and(|session| session.up)
    }

    /// Whether an instrument is held after a contradiction in the reports.
    #[must_use]
    pub fn is_held(&self, instrument: InstrumentId) -> bool {
        self.held.get(instrument.index()).is_none_or(|held| *held)
    }

    /// Whether an instrument may only be reduced, after exposure that nobody asked for.
    #[must_use]
    pub fn is_reduce_only(&self, instrument: InstrumentId) -> bool {
        self.reduce_only.get(instrument.index()).is_some_and(|reduce| *reduce)
    }

    /// Orders whose outcome is not known, the one that became so first leading.
    pub fn unknown_orders(&self) -> impl Iterator<Item = &Order> {
        self.table.unknown()
    }

    /// Lets an instrument trade freely again that a contradiction held: an operator has looked.
    /// Whether it was held, or let only reduce.
    pub fn release(&mut self, instrument: InstrumentId) -> bool {
        let at = instrument.index();
        let words = [self.held.get_mut(at), self.reduce_only.get_mut(at)];
        let was = words.map(|word| word.is_some_and(core::mem::take));
        was.contains(&true)
    }

    fn rows(&self, strategy: StrategyId, instrument: InstrumentId) -> Option<Rows> {
        let account = self.permits.get(strategy.index())?.account;
        Some(self.exposure.rows(account, strategy, instrument))
    }

    /// The state of an order as its strategy hears it, without a fill.
    #[must_use]
    pub fn update_of(order: &Order, reason: Reason, t0: Nanos) -> OrderUpdate {
        OrderUpdate {
            kind: message::Kind::OrderUpdate as u8,
            flags: order.pending(),
            base: order.base() as u8,
            reason: reason as u8,
            instrument: order.instrument,
            cl_ord_id: order.terms.id,
            last_px: Price::NONE,
            cum_qty: order.cum_qty,
            leaves_qty: order.leaves_qty(),
            t0,
            ..OrderUpdate::default()
        }
    }

    /// Digest of working orders, positions and reservations: equal for equal state, whatever the
    /// path or the order of reports. Cold.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        carry::digest(self)
    }
}

fn permit_of(row: &setup::Strategy, setup: &Setup) -> Permit {
    assert!(row.gateway.index() < setup.gateways.len(), "strategy of no gateway");
    let mut words = vec![0_u64; setup.instruments.len().div_ceil(64)];
    for (at, _) in row.instruments.iter().enumerate().filter(|(_, allowed)| **allowed) {
        if let Some(word) = words.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }
    Permit {
        account: row.account,
        gateway: row.gateway,
        slot_first: row.slot_first,
        slot_count: row.slot_count,
        instruments: words.into(),
    }
}

fn form_of(row: &setup::Instrument) -> Form {
    assert!(
        (1..=Form::BANDS_MAX).contains(&row.bands.len()),
        "an instrument has 1 to 4 tick bands"
    );
    assert!(row.multiplier >= 1 && row.lot.0 >= 1, "multiplier and lot are at least 1");
    let mut bands = [(Price(0), Price(0)); Form::BANDS_MAX];
    for (band, &given) in bands.iter_mut().zip(&row.bands) {
        *band = given;
    }
    Form {
        bands,
        lot: row.lot,
        qty_min: row.qty_min,
        qty_max: row.qty_max,
        px_min: row.px_min,
        px_max: row.px_max,
        multiplier: row.multiplier,
    }
}
