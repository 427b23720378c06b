//! A small, complete setup and a run of typical decisions: what the instruction gate counts, and
//! what the tests of risk begin from. Cold but for [`DecideRun::run`].

use shm::ids::{AccountId, Cause, ClOrdId, FeedId, GatewayId, InstrumentId, StrategyId};
use shm::message::{
    BookTop, ExecReport, FeedState, FeedStatus, Intent, Kind, Message, OrdType, Side, Tif,
};
use shm::units::{Nanos, Notional, Price, Qty};

use super::capability::{Capability, Hours};
use super::setup::{Account, Gateway, Instrument, Memory, Setup, Strategy};
use super::{Context, Decision, Mode, Risk};
use crate::config::limits::{
    BreakerLimits, DayLimits, Limit, LimitRow, LimitSet, MoneyLimits, OrderLimits, RateLimits,
    RepeatLimits, Scope, TotalLimits, UnresolvedLimits,
};
use crate::config::model::SelfTrade;
use crate::position::{CostBasis, FeeRates};

/// A dollar as a price.
pub const DOLLAR: i64 = Price::SCALE;

/// An instrument like a NASDAQ share: ticks of 1 cent, of a hundredth of one below 1 dollar.
#[must_use]
pub fn share(prior_close: Price) -> Instrument {
    Instrument {
        bands: vec![(Price(0), Price(DOLLAR / 10_000)), (Price(DOLLAR), Price(DOLLAR / 100))],
        lot: Qty::from_shares(1),
        qty_min: Qty::from_shares(1),
        qty_max: Qty::from_shares(999_999),
        px_min: Price(DOLLAR / 10_000),
        px_max: Price(199_999 * DOLLAR + DOLLAR / 100 * 99),
        multiplier: 1,
        prior_close,
        feed: FeedId(0),
    }
}

/// Limits that name every number, wide enough for the setup's orders.
#[must_use]
pub const fn wide(scope: Scope) -> LimitRow {
    LimitRow {
        scope,
        order: OrderLimits {
            qty_max: Limit::Max(Qty::from_shares(1_000)),
            value_max: Limit::Max(Notional(Notional::SCALE * 500_000)),
            value_min: Limit::Max(Notional::ZERO),
            collar_bps: Limit::Max(500),
            collar_ticks: Limit::Max(200),
            reference_age_max: Limit::Max(Nanos(2_000_000_000)),
            ..OrderLimits::UNLIMITED
        },
        total: TotalLimits {
            long_max: Limit::Max(Qty(i64::MAX)),
            short_max: Limit::Max(Qty(i64::MAX)),
            open_qty_max: Limit::Max(Qty(i64::MAX)),
            open_value_max: Limit::Unlimited,
            open_orders_max: Limit::Unlimited,
            locate_max: Limit::Unlimited,
        },
        repeat: RepeatLimits { same_max: Limit::Max(5), per: Nanos(1_000_000_000) },
        money: MoneyLimits::UNLIMITED,
        day: DayLimits::UNLIMITED,
        rate: RateLimits::UNLIMITED,
        breaker: BreakerLimits::UNLIMITED,
        unresolved: UnresolvedLimits::UNLIMITED,
    }
}

/// Two shares, two accounts, one gateway, the operator and two strategies with `slots` slots each;
/// one row of wide limits for the firm.
#[must_use]
pub fn setup(slots: u32) -> Setup {
    let strategy = |index: u32, account: u16| Strategy {
        account: AccountId(account),
        gateway: GatewayId(0),
        slot_first: index * slots,
        slot_count: slots,
        instruments: vec![true; 2],
    };
    let rates = FeeRates { fee: Price(3_000_000), rebate: Price(2_000_000) };
    Setup {
        epoch: 7,
        instruments: vec![share(Price(10 * DOLLAR)), share(Price::NONE)],
        accounts: vec![Account { rates, group: 0, self_trade: SelfTrade::Allow }; 2],
        gateways: vec![Gateway {
            rate: 2_000,
            reserve: 200,
            per: Nanos::SECOND,
            capability: Capability::OUCH50,
        }],
        strategies: vec![strategy(0, 0), strategy(1, 0), strategy(2, 1)],
        feeds: 1,
        limits: LimitSet { version: 1, rows: vec![wide(Scope::Firm)] },
        hours: Hours::default(),
        memory: Memory { closed: 64, past: 256, facts: 256, repeats: 4096 },
        answer_max: super::setup::ANSWER_MAX,
        closes: super::setup::Closes::default(),
        cost: CostBasis::Average,
    }
}

/// A live feed at `at`.
#[must_use]
pub fn live(at: Nanos) -> Message {
    FeedStatus {
        kind: Kind::FeedStatus as u8,
        state: FeedState::Live as u8,
        instrument: InstrumentId::NONE,
        packet_at: at,
        t0: at,
        ..FeedStatus::default()
    }
    .into()
}

/// A book of one instrument at `at`.
#[must_use]
pub fn top(instrument: u32, bid: Price, ask: Price, flags: u8, at: Nanos) -> Message {
    BookTop {
        kind: Kind::BookTop as u8,
        flags,
        instrument: InstrumentId(instrument),
        bid_px: bid,
        bid_qty: Qty::from_shares(100),
        ask_px: ask,
        ask_qty: Qty::from_shares(100),
        t0: at,
        cause: Cause::new(FeedId(0), 1),
        ..BookTop::default()
    }
    .into()
}

/// A report of the gateway that its session is up or down.
#[must_use]
pub fn session(up: bool) -> ExecReport {
    let kind = if up { Kind::SessionUp } else { Kind::SessionDown };
    ExecReport { kind: kind as u8, ..ExecReport::default() }
}

/// Everything open.
#[must_use]
pub const fn open(now: Nanos) -> Context {
    Context { now, gates_open: true, mode: Mode::Active, journal_ok: true }
}

/// A limit order of a day for 100 shares of instrument 0.
#[must_use]
pub fn intent(cl_ord_id: ClOrdId, side: Side, px: Price) -> Intent {
    Intent {
        kind: Kind::IntentNew as u8,
        side: side as u8,
        tif: Tif::Day as u8,
        ord_type: OrdType::Limit as u8,
        instrument: InstrumentId(0),
        px,
        qty: Qty::from_shares(100),
        cl_ord_id,
        ..Intent::default()
    }
}

/// A run of decisions, each on a new order that passes every check, 1 ms apart, with prices and
/// quantities that change so that no two in a window are equal.
#[derive(Debug)]
pub struct DecideRun {
    risk: Risk,
    orders: u32,
}

impl DecideRun {
    /// Prepares a run of `orders`, in `1..=2^18`: all allocation happens here.
    #[must_use]
    pub fn new(orders: u32) -> Self {
        let mut risk = Risk::new(&setup(orders));
        risk.on_market(&live(Nanos::SECOND));
        risk.on_market(&top(
            0,
            Price(995 * DOLLAR / 100),
            Price(1_005 * DOLLAR / 100),
            0,
            Nanos(1),
        ));
        risk.on_report(&session(true), GatewayId(0));
        Self { risk, orders }
    }

    /// Decides on every order; returns how many passed, which is all of them.
    pub fn run(&mut self) -> u32 {
        let mut approved = 0;
        for at in 0..self.orders {
            let id = ClOrdId::new(7, StrategyId(1), self.orders + at, 0);
            let cents = i64::from(at % 20);
            let side = if at % 2 == 0 { Side::Buy } else { Side::Sell };
            let now = Nanos(1_000_000_000 + u64::from(at) * 1_000_000);
            if at % 100 == 0 {
                self.risk.on_market(&live(now));
            }
            let mut intent = intent(id, side, Price(990 * DOLLAR / 100 + cents * DOLLAR / 100));
            intent.qty = Qty::from_shares(1 + at % 1_000);
            let decision = self.risk.decide(&intent, &open(now));
            approved += u32::from(matches!(decision, Decision::Approve { .. }));
        }
        approved
    }
}
