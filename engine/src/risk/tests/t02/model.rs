//! The slow model: lists of what has happened, and plain sums over them made anew for each
//! question. Nothing of the structures that make risk fast is here: no row, no window, no
//! reservation is kept.

use super::super::*;
use crate::config::limits::LimitSet;
use crate::risk::Mode;
use shm::message::{ParentKind, parent_flags};

/// An execution as it stands.
#[derive(Clone, Debug)]
pub(super) struct Exec {
    pub(super) number: u64,
    /// What its first report said.
    pub(super) said: (Price, Qty),
    pub(super) px: Price,
    pub(super) qty: i128,
    pub(super) liquidity: u8,
    pub(super) broken: bool,
    /// Undone, and it works again.
    pub(super) returns: bool,
}

/// Terms that are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) id: ClOrdId,
    pub(super) px: i128,
    pub(super) qty: i128,
}

/// What has become of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    InFlight,
    Works,
    Unknown,
    Ended,
}

/// An order with all that was heard of it.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) root: ClOrdId,
    pub(super) id: ClOrdId,
    pub(super) strategy: StrategyId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) ord_type: u8,
    pub(super) multiplier: i128,
    pub(super) px: i128,
    pub(super) qty: i128,
    pub(super) canceled: i128,
    pub(super) replace: Option<Next>,
    pub(super) execs: Vec<Exec>,
    pub(super) acked: bool,
    pub(super) unsure: bool,
    pub(super) refused: bool,
    pub(super) expired: bool,
    pub(super) gone: bool,
    pub(super) canceling: bool,
    pub(super) parent: ClOrdId,
    pub(super) leg: u8,
    pub(super) since: Nanos,
    pub(super) unknown_since: Option<Nanos>,
}

impl Kept {
    pub(super) fn cum(&self) -> i128 {
        self.execs.iter().filter(|exec| !exec.broken).map(|exec| exec.qty).sum()
    }

    fn undone(&self) -> i128 {
        let undone = self.execs.iter().filter(|exec| exec.broken && !exec.returns);
        undone.map(|exec| exec.qty).sum()
    }

    fn rest(&self) -> i128 {
        let unfilled = self.qty - self.cum();
        let rest = unfilled - self.undone() - self.canceled;
        if rest < 0 && self.canceled == 0 { unfilled } else { rest }
    }

    pub(super) fn is(&self) -> Is {
        if self.cum() >= self.qty || self.expired || self.rest() <= 0 {
            return Is::Ended;
        }
        match (self.refused, self.acked) {
            (true, true) => Is::Unknown,
            (true, false) => Is::Ended,
            (false, false) if self.unsure => Is::Unknown,
            (false, false) => Is::InFlight,
            (false, true) if self.gone => Is::Unknown,
            (false, true) => Is::Works,
        }
    }

    pub(super) fn works(&self) -> bool {
        self.is() != Is::Ended
    }

    pub(super) fn leaves(&self) -> i128 {
        if self.works() { self.rest().max(0) } else { 0 }
    }

    /// The worse of old and new terms: quantity and value.
    pub(super) fn reserved(&self) -> (i128, i128) {
        self.reserved_with(self.replace)
    }

    pub(super) fn reserved_with(&self, replace: Option<Next>) -> (i128, i128) {
        if !self.works() {
            return (0, 0);
        }
        let old = self.leaves();
        let (new, px) = replace.map_or((0, 0), |next| ((next.qty - self.cum()).max(0), next.px));
        (old.max(new), (old * self.px).max(new * px) * self.multiplier)
    }

    /// R47: what it uses of its parent; `asked` as if it were being replaced by that much.
    pub(super) fn used(&self, asked: i128) -> i128 {
        let replace = self.replace.filter(|_| self.works()).map_or(0, |next| next.qty);
        (self.cum() + self.undone() + self.leaves()).max(replace).max(asked)
    }

    /// The price at which it could be met now.
    pub(super) fn resting_px(&self) -> i128 {
        let new = self.replace.map_or(self.px, |next| next.px);
        if self.side == Side::Buy { self.px.max(new) } else { self.px.min(new) }
    }

    /// What is said of the replace's id means that it is in force.
    pub(super) fn take_replace(&mut self, id: ClOrdId) {
        if let Some(next) = self.replace.filter(|next| next.id == id) {
            (self.id, self.px, self.qty, self.canceled) = (next.id, next.px, next.qty, 0);
            self.replace = None;
        }
    }
}

/// A parent.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub(super) id: ClOrdId,
    pub(super) instrument: InstrumentId,
    pub(super) kind: ParentKind,
    pub(super) flags: u8,
    pub(super) side: Side,
    pub(super) qty: i128,
    /// Used and filled by children that are forgotten, by leg.
    pub(super) spent: [(i128, i128); 3],
}

impl Family {
    pub(super) fn side_of(&self, leg: u8) -> Option<Side> {
        match (self.kind, leg) {
            (_, 0) => Some(self.side),
            (ParentKind::Oco | ParentKind::Bracket, 1) | (ParentKind::Bracket, 2) => {
                Some(self.side.opposite())
            }
            _ => None,
        }
    }
}

/// A fill, or the undoing of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trade {
    pub(super) strategy: StrategyId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) px: i128,
    pub(super) qty: i128,
    pub(super) fee: i128,
    pub(super) undoes: bool,
}

/// An approval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entered {
    pub(super) strategy: StrategyId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) px: i128,
    pub(super) qty: i128,
    pub(super) more: (i128, i128),
    pub(super) at: Nanos,
    /// Before the restart: windows do not know of it.
    pub(super) old: bool,
}

/// What the venue said or did that breakers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Took,
    Refused,
    CancelRefused,
    Lost(GatewayId),
}

/// The market in an instrument.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quote {
    pub(super) bid: Option<i128>,
    pub(super) ask: Option<i128>,
    pub(super) bid_qty: i128,
    pub(super) ask_qty: i128,
    pub(super) last: Option<i128>,
    pub(super) close: Option<i128>,
    pub(super) doubtful: bool,
    /// What positions are valued at.
    pub(super) mark: Option<i128>,
    /// Whether that is a reference now, but for its age.
    pub(super) usable: bool,
    /// Whether anything was ever sold or filled here: what moves is watched.
    pub(super) touched: bool,
    /// Exposure that nobody asked for.
    pub(super) reduce_only: bool,
}

impl Quote {
    /// Twice the reference price; `None` for a crossed book or no price at all.
    pub(super) fn twice(&self) -> Option<i128> {
        match (self.bid, self.ask) {
            (Some(bid), Some(ask)) if bid > ask => None,
            (Some(bid), Some(ask)) => Some(bid + ask),
            _ => self.last.or(self.close).map(|px| px * 2),
        }
    }
}

/// Modes of a scope, and the best profit that it has had.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) set: Mode,
    pub(super) tripped: Mode,
    pub(super) peak: i128,
    /// How many of all fills and of all outcomes had been when a person armed it.
    pub(super) armed: (usize, usize),
}

/// Lists and nothing else.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) setup: Setup,
    pub(super) limits: LimitSet,
    pub(super) now: Nanos,
    pub(super) orders: Vec<Kept>,
    pub(super) families: Vec<Family>,
    /// Positions at the beginning of the day and what they had earned: minus what they cost.
    pub(super) opening: Vec<(StrategyId, InstrumentId, i128, i128)>,
    /// Of the day.
    pub(super) trades: Vec<Trade>,
    /// Of the day.
    pub(super) entered: Vec<Entered>,
    /// Every fill since the start: who, where, which side, at what price, when.
    pub(super) paid: Vec<(StrategyId, InstrumentId, Side, i128, Nanos)>,
    /// From where on windows know of `paid`.
    pub(super) paid_from: usize,
    pub(super) sent: Vec<(GatewayId, Nanos)>,
    pub(super) outcomes: Vec<(Outcome, StrategyId, InstrumentId, Nanos)>,
    pub(super) outcomes_from: usize,
    pub(super) quotes: Vec<Quote>,
    pub(super) feeds: Vec<(bool, Nanos)>,
    pub(super) sessions: Vec<bool>,
    pub(super) scopes: Vec<Scope>,
    pub(super) standing: Vec<Standing>,
    /// What a person must hear of: scope and rule.
    pub(super) alarms: Vec<(Scope, Reason, i128, i128)>,
}

impl Model {
    pub(super) fn new(setup: &Setup) -> Self {
        let accounts = (0..setup.accounts.len()).map(|at| Scope::Account(AccountId(at as u16)));
        let strategies =
            (0..setup.strategies.len()).map(|at| Scope::Strategy(StrategyId(at as u8)));
        let instruments =
            (0..setup.instruments.len()).map(|at| Scope::Instrument(InstrumentId(at as u32)));
        let scopes: Vec<Scope> = core::iter::once(Scope::Firm)
            .chain(accounts)
            .chain(strategies)
            .chain(instruments)
            .collect();
        let standing =
            Standing { set: Mode::Active, tripped: Mode::Active, peak: 0, armed: (0, 0) };
        let mut model = Self {
            setup: setup.clone(),
            limits: setup.limits.clone(),
            now: Nanos(0),
            orders: Vec::new(),
            families: Vec::new(),
            opening: Vec::new(),
            trades: Vec::new(),
            entered: Vec::new(),
            paid: Vec::new(),
            paid_from: 0,
            sent: Vec::new(),
            outcomes: Vec::new(),
            outcomes_from: 0,
            quotes: Vec::new(),
            feeds: Vec::new(),
            sessions: Vec::new(),
            standing: vec![standing; scopes.len()],
            scopes,
            alarms: Vec::new(),
        };
        model.forget_market();
        model
    }

    /// What a start knows of the market: the closes of the day before.
    pub(super) fn forget_market(&mut self) {
        let quotes = self.setup.instruments.iter().map(|row| {
            let close = row.prior_close.is_some().then(|| i128::from(row.prior_close.0));
            Quote { close, mark: close, usable: close.is_some(), ..Quote::default() }
        });
        self.quotes = quotes.collect();
        self.feeds = vec![(false, Nanos(0)); self.setup.feeds];
        self.sessions = vec![false; self.setup.gateways.len()];
    }

    pub(super) fn account(&self, strategy: StrategyId) -> AccountId {
        self.setup.strategies[strategy.index()].account
    }

    pub(super) fn covers(
        &self,
        scope: Scope,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> bool {
        scope.covers(self.account(strategy), strategy, instrument)
    }

    /// R47: what a leg uses and has filled.
    pub(super) fn used(&self, family: &Family, leg: u8) -> (i128, i128) {
        let children = self.orders.iter();
        let children = children.filter(|order| order.parent == family.id && order.leg == leg);
        children.fold(family.spent[usize::from(leg)], |(used, filled), child| {
            (used + child.used(0), filled + child.cum())
        })
    }

    /// R47: what a leg may still be given, may be negative.
    pub(super) fn room(&self, family: &Family, leg: u8) -> i128 {
        let used = |leg| self.used(family, leg).0;
        match (family.kind, leg) {
            (ParentKind::Bracket, 1 | 2) => {
                self.used(family, 0).1.min(family.qty) - used(1) - used(2)
            }
            (ParentKind::Oco, _) if family.flags & parent_flags::SHARED != 0 => {
                family.qty - used(0) - used(1)
            }
            (_, leg) => family.qty - used(leg),
        }
    }
}
