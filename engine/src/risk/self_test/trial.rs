//! One order before one `Risk`, both as small as can be: a strategy, an instrument whose form
//! refuses nothing, a live feed, an open session.

use shm::ids::{Cause, ClOrdId, FeedId, GatewayId, InstrumentId, StrategyId};
use shm::message::{BookTop, ExecReport, Intent, Kind, OrdType, OrderTerms, Side, Tif};
use shm::reason::Reason;
use shm::units::{Nanos, Price, Qty};

use super::Site;
use crate::config::limits::{LimitSet, Scope};
use crate::config::model::SelfTrade;
use crate::risk::capability::Hours;
use crate::risk::exposure::Change;
use crate::risk::limits::ScopeWindows;
use crate::risk::sample;
use crate::risk::scope::ScopeState;
use crate::risk::setup::{Account, Instrument, Memory, Setup, Strategy};
use crate::risk::{Context, Decision, Mode, Risk};

/// The time of every order: far from 0, so that anything may be old.
pub(super) const NOW: Nanos = Nanos(1 << 60);
/// Slots of the strategy that is shown.
const SLOTS: u32 = 4;
/// What R43 remembers where it is not asked.
pub(super) const REPEATS: usize = 4;

/// The setup of a site: its strategy alone has slots, its instrument is the only one and takes any
/// price and quantity; hours and self-trades bind nothing.
pub(super) fn small(site: &Site<'_>, limits: LimitSet) -> Setup {
    let Site { setup, strategy, instrument, .. } = site;
    let multiplier = setup.instruments.get(instrument.index()).map_or(1, |row| row.multiplier);
    let strategies = setup.strategies.iter().enumerate().map(|(at, row)| {
        let is_shown = at == strategy.index();
        let slot_count = if is_shown { SLOTS } else { 0 };
        Strategy { slot_first: 0, slot_count, instruments: vec![is_shown], ..row.clone() }
    });
    let allow = |row: &Account| Account { self_trade: SelfTrade::Allow, ..*row };
    Setup {
        instruments: vec![Instrument {
            bands: vec![(Price(0), Price(1))],
            lot: Qty(1),
            qty_min: Qty(1),
            qty_max: Qty(i64::MAX),
            px_min: Price(1),
            px_max: Price(i64::MAX),
            multiplier,
            prior_close: Price::NONE,
            feed: FeedId(0),
        }],
        accounts: setup.accounts.iter().map(allow).collect(),
        gateways: setup.gateways.clone(),
        strategies: strategies.collect(),
        feeds: 1,
        limits,
        hours: Hours::default(),
        memory: Memory { closed: 1, past: 0, facts: 1, repeats: REPEATS },
        epoch: setup.epoch,
        answer_max: setup.answer_max,
        closes: setup.closes,
        cost: setup.cost,
    }
}

/// An order and the state it is judged in.
pub(super) struct Trial {
    pub(super) risk: Risk,
    pub(super) intent: Intent,
    pub(super) terms: OrderTerms,
    pub(super) context: Context,
    pub(super) gateway: GatewayId,
    /// Price of the reference.
    pub(super) reference: Price,
    /// Quantity shown on each side.
    pub(super) shown: Qty,
    /// When the feed was heard; `None` for never.
    pub(super) heard: Option<Nanos>,
    place: u32,
    sums: usize,
}

impl Trial {
    /// A buy of the least quantity at the reference, which breaks nothing yet.
    pub(super) fn new(
        setup: &Setup,
        strategy: StrategyId,
        scope: Scope,
        repeats: usize,
    ) -> Option<Self> {
        let row = setup.strategies.get(strategy.index())?;
        let memory = Memory { repeats, ..setup.memory };
        let mut risk = Risk::new(&Setup { memory, ..setup.clone() });
        risk.set_drift(Nanos(0));
        let up = ExecReport { kind: Kind::SessionUp as u8, ..ExecReport::default() };
        risk.on_report(&up, row.gateway);
        let place = risk.scopes.map.place(scope)?;
        let rows = risk.exposure.rows(row.account, strategy, InstrumentId(0));
        let [firm, account, own] = rows.sums;
        let sums = match scope {
            Scope::Firm | Scope::Instrument(_) => firm,
            Scope::Account(_) => account,
            Scope::Strategy(_) => own,
        };
        let reference = Price(sample::DOLLAR);
        let intent = Intent {
            kind: Kind::IntentNew as u8,
            side: Side::Buy as u8,
            tif: Tif::Day as u8,
            ord_type: OrdType::Limit as u8,
            instrument: InstrumentId(0),
            px: reference,
            qty: Qty(1),
            cl_ord_id: ClOrdId::new(setup.epoch, strategy, 0, 1),
            ..Intent::default()
        };
        let context = Context { now: NOW, gates_open: true, mode: Mode::Active, journal_ok: true };
        Some(Self {
            risk,
            intent,
            terms: OrderTerms::NONE,
            context,
            gateway: row.gateway,
            reference,
            shown: Qty(i64::MAX),
            heard: Some(NOW),
            place,
            sums,
        })
    }

    /// What becomes of the order: nothing, or the code of its refusal.
    pub(super) fn judge(mut self) -> Result<(), Reason> {
        if let Some(at) = self.heard {
            self.risk.on_market(&sample::live(at));
            let top = BookTop {
                kind: Kind::BookTop as u8,
                bid_px: self.reference,
                bid_qty: self.shown,
                ask_px: self.reference,
                ask_qty: self.shown,
                t0: at,
                cause: Cause::new(FeedId(0), 1),
                ..BookTop::default()
            };
            self.risk.on_market(&top.into());
        }
        match self.risk.decide_with(&self.intent, &self.terms, &self.context) {
            Decision::Approve { .. } => Ok(()),
            Decision::Deny { record, .. } => {
                Err(Reason::from_u8(record.reason).unwrap_or(Reason::None))
            }
            // No order of a trial is a cancel.
            Decision::Cancel { .. } => Err(Reason::None),
        }
    }

    /// The scope's running state.
    pub(super) fn state(&mut self) -> Option<&mut ScopeState> {
        self.risk.scopes.get_mut(self.place)
    }

    /// The scope's windows.
    pub(super) fn windows(&mut self) -> Option<&mut ScopeWindows> {
        self.risk.scopes.empty_room(self.place);
        self.risk.limits.windows_mut(self.place)
    }

    /// Value of the order.
    pub(super) fn value(&self) -> Option<i128> {
        let multiplier = self.multiplier();
        self.intent.px.notional(self.intent.qty, multiplier).map(|value| value.0)
    }

    pub(super) fn multiplier(&self) -> i64 {
        self.risk.forms.first().map_or(1, |form| form.multiplier)
    }

    /// Prices the order, and the reference with it.
    pub(super) const fn price(&mut self, px: i64) {
        (self.intent.px, self.reference) = (Price(px), Price(px));
    }

    /// The scope holds so much in the instrument.
    pub(super) fn hold(&mut self, signed: i128) -> Option<()> {
        self.risk.exposure.fill(self.sums, i64::try_from(signed).ok()?);
        Some(())
    }

    /// So much of the scope works at the venue.
    pub(super) fn work(&mut self, qty: i128, value: i128, orders: i128) -> Option<()> {
        let qty = i64::try_from(qty).ok()?;
        let mut orders = u32::try_from(orders).ok()?;
        let mut change = Change { side: Side::Buy, qty, value, orders: 0 };
        while orders > 0 {
            let some = i32::try_from(orders).unwrap_or(i32::MAX);
            let part = Change { qty: 0, value: 0, orders: some, ..change };
            self.risk.exposure.apply(self.sums, &part);
            orders = orders.saturating_sub(some.unsigned_abs());
        }
        change.orders = 0;
        self.risk.exposure.apply(self.sums, &change);
        Some(())
    }
}
