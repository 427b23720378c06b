//! Random steps, each made of engine and model alike. The dice of a step depend on the seed and
//! its number alone, so that a run with fewer steps is the same run with some left out.

use super::super::*;
use super::model::{Kept, Model, Outcome};
use super::reports;
use super::setups::{self, INSTRUMENTS, MIDDLES};
use super::worst;
use crate::config::limits::LimitSet;
use crate::risk::Mode;
use crate::risk::family::{ParentDecision, child_terms};
use crate::risk::limits::LimitTable;
use crate::risk::scope::ScopeMap;
use shm::ids::{Cause, FeedId};
use shm::message::{
    BookTop, FeedState, FeedStatus, OrdType, OrderTerms, ParentIntent, ParentKind, ParentPrices,
    Tif, Trade, flags, parent_flags, terms_flags,
};
use std::collections::BTreeMap;

/// What a run has met.
#[derive(Default)]
pub(super) struct Met {
    pub(super) steps: u64,
    pub(super) refusals: BTreeMap<String, u64>,
    pub(super) events: BTreeMap<&'static str, u64>,
}

impl Met {
    pub(super) fn event(&mut self, name: &'static str) {
        *self.events.entry(name).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: Self) {
        self.steps += other.steps;
        for (name, count) in other.refusals {
            *self.refusals.entry(name).or_default() += count;
        }
        for (name, count) in other.events {
            *self.events.entry(name).or_default() += count;
        }
    }
}

pub(super) type Step = Result<(), String>;

pub(super) struct Walk {
    pub(super) rig: Rig,
    pub(super) model: Model,
    pub(super) dice: Dice,
    pub(super) exec_id: u64,
    pub(super) met: Met,
    seed: u64,
    version: u32,
}

/// Dice of a step: the first rolls of near seeds are near, so some are thrown away.
fn dice_of(seed: u64, step: u64) -> Dice {
    let mut dice = Dice::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(step + 1));
    for _ in 0..4 {
        dice.next();
    }
    dice
}

impl Walk {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = dice_of(seed, u64::MAX - 1);
        let setup = setups::setup(&mut dice);
        let mut rig = Rig::new(&setup);
        rig.risk = Risk::new(&setup);
        let mut model = Model::new(&setup);
        model.now = rig.now;
        let met = Met::default();
        let mut walk = Self { rig, model, dice, exec_id: 0, met, seed, version: 1 };
        walk.open();
        walk
    }

    /// Sessions up, feeds live, a book of each instrument.
    fn open(&mut self) {
        for gateway in [0, 1] {
            self.session(GatewayId(gateway), true);
        }
        for feed in [0, 1] {
            self.feed(feed, true);
        }
        for instrument in 0..INSTRUMENTS {
            self.book(instrument, true);
        }
    }

    /// One step, then engine and model compared.
    pub(super) fn step(&mut self, step: u64) -> Step {
        self.dice = dice_of(self.seed, step);
        self.met.steps += 1;
        let jump = if self.dice.roll(60) == 0 { 1_500_000_000 } else { 30_000_000 };
        self.rig.now.0 += self.dice.roll(jump);
        self.model.now = self.rig.now;
        self.hear_time();
        match self.dice.roll(100) {
            0..36 => self.enter()?,
            36..43 => self.replace()?,
            43..50 => self.cancel()?,
            50..82 => reports::report(self),
            82..92 => self.market(),
            _ => self.person()?,
        }
        while let Some(alarm) = self.rig.risk.take_alarm() {
            let said = (alarm.scope, alarm.reason, alarm.measured, alarm.limit);
            if matches!(said.1, Reason::Mode | Reason::None) {
                continue;
            }
            let at = self.model.alarms.iter().position(|expected| *expected == said);
            let Some(at) = at else { return Err(format!("alarm {said:?}")) };
            self.model.alarms.remove(at);
        }
        if let Some(alarm) = self.model.alarms.first() {
            return Err(format!("no alarm {alarm:?}"));
        }
        self.rig.journal.clear();
        if self.model.orders.len() > 60 {
            self.model.forget_ended(20);
        }
        self.compare()
    }

    /// Live feeds, good books after bad ones, and answers that are overdue.
    fn hear_time(&mut self) {
        for instrument in 0..INSTRUMENTS {
            if !self.model.quotes[instrument].usable && self.dice.roll(4) == 0 {
                self.book(instrument, true);
            }
        }
        for feed in [0, 1] {
            if self.dice.roll(20) > if self.model.feeds[feed].0 { 0 } else { 14 } {
                self.feed(feed, true);
            }
        }
        while self.rig.risk.take_overdue(self.rig.now).is_some() {
            self.met.event("overdue");
        }
        self.model.overdue();
    }

    fn feed(&mut self, feed: usize, live: bool) {
        let now = self.rig.now;
        let state = if live { FeedState::Live } else { FeedState::Stale };
        let status = FeedStatus {
            kind: Kind::FeedStatus as u8,
            state: state as u8,
            feed: feed as u8,
            packet_at: now,
            t0: now,
            ..FeedStatus::default()
        };
        self.rig.risk.on_market(&status.into());
        self.model.feeds[feed] = (live, now);
    }

    fn market(&mut self) {
        let instrument = self.dice.roll(INSTRUMENTS as u64) as usize;
        match self.dice.roll(8) {
            0 => {
                let feed = self.dice.roll(2) as usize;
                let live = self.dice.roll(4) > 0;
                self.feed(feed, live);
            }
            1 => self.print(instrument),
            _ => self.book(instrument, false),
        }
    }

    /// A book; a good one, or now and then one that is stale, crossed or without a side.
    fn book(&mut self, instrument: usize, good: bool) {
        let odd = if good { 99 } else { self.dice.roll(24) };
        let middle = MIDDLES[instrument] + self.dice.roll(9) as i64 - 4;
        let spread = self.dice.roll(3) as i64;
        let mut bid = Some(cents(middle - 1));
        let mut ask = Some(cents(middle + spread));
        let mut marks = 0;
        match odd {
            0 => marks = flags::STALE,
            1 => marks = flags::CROSSED,
            2 => bid = None,
            3 => (bid, ask) = (None, None),
            4 => bid = Some(cents(middle + 5)),
            _ => {}
        }
        let bid_qty = shares(50 + self.dice.roll(400) as u32);
        let ask_qty = shares(50 + self.dice.roll(400) as u32);
        let feed = self.model.setup.instruments[instrument].feed;
        let top = BookTop {
            kind: Kind::BookTop as u8,
            flags: marks,
            instrument: InstrumentId(instrument as u32),
            bid_px: bid.unwrap_or(Price::NONE),
            bid_qty,
            ask_px: ask.unwrap_or(Price::NONE),
            ask_qty,
            t0: self.rig.now,
            cause: Cause::new(feed, 1),
            ..BookTop::default()
        };
        self.rig.risk.on_market(&top.into());
        let quote = &mut self.model.quotes[instrument];
        quote.bid = bid.map(|px| px.0.into());
        quote.ask = ask.map(|px| px.0.into());
        (quote.bid_qty, quote.ask_qty) = (bid_qty.0.into(), ask_qty.0.into());
        quote.doubtful = marks != 0;
        self.mark(instrument, feed);
    }

    fn print(&mut self, instrument: usize) {
        let stale = self.dice.roll(6) == 0;
        let px = cents(MIDDLES[instrument] + self.dice.roll(9) as i64 - 4);
        let feed = self.model.setup.instruments[instrument].feed;
        let trade = Trade {
            kind: Kind::Trade as u8,
            flags: if stale { flags::STALE } else { 0 },
            instrument: InstrumentId(instrument as u32),
            px,
            qty: shares(1),
            t0: self.rig.now,
            cause: Cause::new(feed, 1),
            ..Trade::default()
        };
        self.rig.risk.on_market(&trade.into());
        if !stale {
            self.model.quotes[instrument].last = Some(px.0.into());
        }
        self.mark(instrument, feed);
    }

    /// What the model makes of a market message.
    fn mark(&mut self, instrument: usize, feed: FeedId) {
        self.model.feeds[feed.index()].1 = self.rig.now;
        let quote = &mut self.model.quotes[instrument];
        let before = (quote.mark, quote.usable);
        quote.mark = quote.twice().map(|twice| twice.div_euclid(2)).or(quote.mark);
        quote.usable = !quote.doubtful && quote.twice().is_some();
        if quote.touched && before != (quote.mark, quote.usable) {
            self.model.watch_mark(InstrumentId(instrument as u32));
        }
    }

    /// A price near the middle, on the tick.
    fn px(&mut self, instrument: usize) -> Price {
        cents(MIDDLES[instrument] - 5 + self.dice.roll(11) as i64)
    }

    fn qty(&mut self) -> Qty {
        shares(50 * (1 + self.dice.roll(6) as u32))
    }

    fn enter(&mut self) -> Step {
        let strategy = self.dice.roll(4) as usize;
        let family = self.dice.roll(4) == 0 && !self.model.families.is_empty();
        let family = family.then(|| {
            let count = self.model.families.len() as u64;
            self.model.families[self.dice.roll(count) as usize].clone()
        });
        let strategy = family.as_ref().map_or(strategy, |row| row.id.strategy().index());
        let Some(id) = self.rig.pools[strategy].take() else { return Ok(()) };
        let instrument = self.dice.roll(INSTRUMENTS as u64) as usize;
        let mut side = if self.dice.roll(2) == 0 { Side::Buy } else { Side::Sell };
        let mut terms = OrderTerms::NONE;
        let mut instrument = InstrumentId(instrument as u32);
        if let Some(family) = family {
            let leg = self.dice.roll(3) as u8;
            terms = child_terms(family.id, leg);
            // Now and then of the wrong side, leg or instrument.
            if self.dice.roll(12) > 0 {
                side = family.side_of(leg).unwrap_or(side);
                instrument = family.instrument;
            }
        }
        if self.dice.roll(10) == 0 {
            terms.flags |= terms_flags::REDUCE_ONLY;
        }
        let (px, qty) = (self.px(instrument.index()), self.qty());
        let mut intent = Intent { qty, instrument, ..sample::intent(id, side, px) };
        if let Some(last) = self.model.entered.last()
            && self.dice.roll(8) == 0
        {
            // The like of the order before it (R43).
            (intent.instrument, intent.side) = (last.instrument, last.side as u8);
            (intent.px, intent.qty) = (Price(last.px as i64), Qty(last.qty as i64));
        }
        if self.dice.roll(12) == 0 {
            (intent.ord_type, intent.tif) = (OrdType::Market as u8, Tif::Ioc as u8);
            intent.px = Price::NONE;
        }
        if !self.decide(&intent, &terms)? {
            self.rig.pools[strategy].free(id);
        }
        Ok(())
    }

    fn replace(&mut self) -> Step {
        let Some(at) = self.pick(Kept::works) else { return Ok(()) };
        let order = &self.model.orders[at];
        let (id, side, ord_type) = (order.id, order.side, order.ord_type);
        let instrument = order.instrument;
        if ord_type == OrdType::Market as u8 {
            return Ok(());
        }
        let Some(id) = self.rig.pools[id.strategy().index()].replace(id) else { return Ok(()) };
        let (px, qty) = (self.px(instrument.index()), self.qty());
        let kind = Kind::IntentReplace as u8;
        let intent = Intent { kind, qty, instrument, ..sample::intent(id, side, px) };
        self.met.event("replace asked");
        self.decide(&intent, &OrderTerms::NONE).map(|_| ())
    }

    /// The same decision, for the same reason, by the same numbers.
    fn decide(&mut self, intent: &Intent, terms: &OrderTerms) -> Result<bool, String> {
        let expected = self.model.judge(intent, terms);
        let context = self.rig.context();
        let found = match self.rig.risk.decide_with(intent, terms, &context) {
            Decision::Approve { record, .. } => Ok(record.px),
            Decision::Deny { record, .. } => Err(Denied {
                reason: Reason::from_u8(record.reason).ok_or("no such reason")?,
                measured: value_of(record.measured),
                limit: value_of(record.limit),
            }),
            Decision::Cancel { .. } => return Err("a cancel".to_owned()),
        };
        match (found, expected) {
            (Ok(px), Ok(passed)) if i128::from(px.0) == passed.px => {
                self.model.enter(intent, terms, &passed);
                self.met.event("approved");
                worst::never_over(&self.model, intent)?;
                if self.met.steps.is_multiple_of(64) {
                    worst::never_over_played(self, intent)?;
                }
                Ok(true)
            }
            (Err(found), Err(expected)) if found == expected => {
                *self.met.refusals.entry(found.reason.to_string()).or_default() += 1;
                Ok(false)
            }
            (Err(found), expected)
                if found.reason == Reason::CollarWindow
                    && self.model.moves_overflow(intent)
                    && expected.is_ok_and(|_| found.measured > found.limit) =>
            {
                self.met.event("R26 tighter than a list");
                Ok(false)
            }
            (found, expected) => {
                Err(format!("engine {found:?}, model {expected:?}: {intent:?} {terms:?}"))
            }
        }
    }

    fn cancel(&mut self) -> Step {
        let Some(at) = self.pick(|_| true) else { return Ok(()) };
        let order = &self.model.orders[at];
        let works = order.works();
        let id = order.id;
        let cancel = Intent {
            kind: Kind::IntentCancel as u8,
            instrument: order.instrument,
            ..sample::intent(id, order.side, Price::NONE)
        };
        let context = self.rig.context();
        match (self.rig.risk.decide(&cancel, &context), works) {
            (Decision::Cancel { .. }, true) => {
                self.model.ask_cancel(at);
                self.met.event("cancel asked");
                Ok(())
            }
            (Decision::Deny { record, .. }, false)
                if record.reason == Reason::UnknownOrder as u8 =>
            {
                Ok(())
            }
            (decision, _) => Err(format!("cancel, works {works}: {decision:?}")),
        }
    }

    /// One of the orders that are as asked.
    pub(super) fn pick(&mut self, wanted: impl Fn(&Kept) -> bool) -> Option<usize> {
        let orders = self.model.orders.iter().enumerate();
        let fit: Vec<usize> = orders.filter(|row| wanted(row.1)).map(|row| row.0).collect();
        (!fit.is_empty()).then(|| fit[self.dice.roll(fit.len() as u64) as usize])
    }

    /// Whether an order that comes to this still has its slot, or has ended: one that works again
    /// after its slot was given away is not of these walks.
    pub(super) fn may_work(&self, at: usize, after: &Kept) -> bool {
        let slot = after.root.slot();
        !after.works() || self.model.orders[at + 1..].iter().all(|row| row.root.slot() != slot)
    }

    pub(super) fn session(&mut self, gateway: GatewayId, up: bool) {
        let report = sample::session(up);
        self.rig.risk.advance(self.rig.now);
        self.rig.risk.on_report(&report, gateway);
        self.model.sessions[gateway.index()] = up;
        if up {
            return;
        }
        self.met.event("session lost");
        self.model.outcome(Outcome::Lost(gateway), StrategyId(0), InstrumentId(0));
        let rows = &self.model.setup.strategies;
        for order in &mut self.model.orders {
            order.unsure |= rows[order.strategy.index()].gateway == gateway && !order.acked;
        }
        self.model.date_unknown();
    }

    /// What people do: arm, set modes, switch limits, start and end parents, restart.
    fn person(&mut self) -> Step {
        let scopes = self.model.scopes.len() as u64;
        let scope = self.model.scopes[self.dice.roll(scopes) as usize];
        match self.dice.roll(24) {
            0..13 => {
                let firm = self.dice.roll(3) > 0;
                let scope = if firm { Scope::Firm } else { scope };
                self.rig.risk.rearm(scope);
                self.model.rearm(scope);
                for at in 0..INSTRUMENTS {
                    self.rig.risk.release(InstrumentId(at as u32));
                    self.model.quotes[at].reduce_only = false;
                }
            }
            13 => {
                let modes = [Mode::Active, Mode::Active, Mode::ReduceOnly, Mode::CancelOnly];
                let mode = modes[self.dice.roll(4) as usize];
                // What is set comes back soon: a firm that is halted meets nothing.
                for at in 0..self.model.scopes.len() {
                    self.rig.risk.set_mode(self.model.scopes[at], Mode::Active);
                    self.model.standing[at].set = Mode::Active;
                }
                self.rig.risk.set_mode(scope, mode);
                let at = self.model.at(scope);
                self.model.standing[at].set = mode;
                self.met.event("mode set");
            }
            14..16 => self.switch_limits(),
            16..20 => self.begin_parent(),
            20 => {
                if let Some(family) = self.model.families.pop() {
                    self.rig.risk.end_parent(family.id, 0, 0);
                    self.rig.pools[family.id.strategy().index()].free(family.id);
                }
            }
            21 if self.dice.roll(2) == 0 => self.restart()?,
            _ => {
                let gateway = GatewayId(self.dice.roll(2) as u8);
                let up = !self.model.sessions[gateway.index()];
                self.session(gateway, up);
            }
        }
        for gateway in [0, 1] {
            if !self.model.sessions[gateway] && self.dice.roll(3) > 0 {
                self.session(GatewayId(gateway as u8), true);
            }
        }
        Ok(())
    }

    fn switch_limits(&mut self) {
        self.version += 1;
        let set: LimitSet = setups::limits(&mut self.dice, self.version);
        let setup = &self.model.setup;
        let accounts: Vec<AccountId> = setup.strategies.iter().map(|row| row.account).collect();
        let map = ScopeMap::new(setup.accounts.len(), accounts.len(), INSTRUMENTS);
        let table = LimitTable::compile(&set, &accounts, map);
        assert!(self.rig.risk.switch_limits(table).is_ok(), "a set for the same scopes");
        self.model.limits = set;
        self.met.event("limits switched");
    }

    fn begin_parent(&mut self) {
        let strategy = self.dice.roll(4) as usize;
        let Some(id) = self.rig.pools[strategy].take() else { return };
        let kinds = [
            ParentKind::Stop,
            ParentKind::Oco,
            ParentKind::Bracket,
            ParentKind::Bracket,
            ParentKind::Iceberg,
        ];
        let kind = kinds[self.dice.roll(5) as usize];
        let side = if self.dice.roll(2) == 0 { Side::Buy } else { Side::Sell };
        let instrument = InstrumentId(self.dice.roll(INSTRUMENTS as u64) as u32);
        let shared = if self.dice.roll(2) == 0 { parent_flags::SHARED } else { 0 };
        let qty = shares(100 + 50 * self.dice.roll(8) as u32);
        let sign = side.sign();
        let intent = ParentIntent {
            kind: Kind::IntentParent as u8,
            parent: kind as u8,
            side: side as u8,
            instrument,
            cl_ord_id: id,
            qty,
            ..ParentIntent::default()
        };
        let prices = ParentPrices {
            kind: Kind::IntentParentPrices as u8,
            side_other: side.opposite() as u8,
            px: [cents(1_000), cents(1_000 + sign), cents(1_000 - 3 * sign)],
            stop_px: [cents(1_000 - 2 * sign), cents(1_000 + 4 * sign)],
            clip_qty: shares(100),
            flags: shared,
            ..ParentPrices::default()
        };
        let context = self.rig.context();
        match self.rig.risk.decide_parent(&intent, &prices, &context) {
            ParentDecision::Approve { .. } => {
                self.met.event("parent");
                let qty = qty.0.into();
                let family = super::model::Family {
                    id,
                    instrument,
                    kind,
                    flags: shared,
                    side,
                    qty,
                    spent: [(0, 0); 3],
                };
                self.model.families.push(family);
            }
            ParentDecision::Deny(_) => {
                self.rig.pools[strategy].free(id);
            }
        }
    }

    /// The opening records of the next session are taken into a fresh state.
    fn restart(&mut self) -> Step {
        let new_day = self.dice.roll(3) == 0;
        self.met.event(if new_day { "new day" } else { "restart" });
        let mut records = Vec::new();
        let old = &self.rig.risk;
        let costs: Vec<_> =
            old.holdings().map(|(who, what, holding)| (who, what, holding.cost)).collect();
        old.carry(new_day, &mut |kind, body| records.push((kind, body.to_vec())));
        let setup = Setup { limits: self.model.limits.clone(), ..self.model.setup.clone() };
        let mut risk = Risk::new(&setup);
        for (kind, body) in records {
            let restored = risk.restore(kind, &body, self.rig.now);
            restored.map_err(|error| format!("restart: {error} {kind}"))?;
        }
        self.rig.risk = risk;
        let ended: Vec<ClOrdId> = if new_day {
            self.model.families.iter().map(|family| family.id).collect()
        } else {
            Vec::new()
        };
        self.model.restart(new_day, &costs);
        for id in ended {
            self.rig.pools[id.strategy().index()].free(id);
        }
        self.open();
        Ok(())
    }
}
