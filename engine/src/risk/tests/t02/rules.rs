//! The rules once more, written out over plain sums, in the order of their ids.

use super::super::*;
use super::model::{Is, Kept, Model, Next, Outcome};
use super::sums::{Row, Sums};
use crate::config::model::SelfTrade;
use crate::risk::Mode;
use shm::message::{OrdType, OrderTerms};

/// Fills that risk remembers of a side (R26) before it gets tighter than a list.
pub(super) const MOVES_MAX: usize = 8;

/// What an order that passes reserves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    pub(super) px: i128,
    pub(super) more: (i128, i128),
}

/// An order as it is judged.
pub(super) struct Asked<'a> {
    pub(super) strategy: StrategyId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) qty: i128,
    pub(super) px: i128,
    market: bool,
    /// Of a replace.
    own: Option<&'a Kept>,
    intent: &'a Intent,
    terms: &'a OrderTerms,
    /// Limits and sums of its scopes.
    scopes: Vec<(LimitRow, Sums)>,
    /// Of firm, account and strategy, whatever limits there are.
    held: [Row; 3],
    more: (i128, i128),
}

type Said = Result<(), Denied>;

fn deny(reason: Reason, measured: i128, limit: i128) -> Said {
    Err(Denied { reason, measured, limit })
}

fn most(reason: Reason, measured: i128, limit: Option<i128>) -> Said {
    match limit {
        Some(limit) if measured > limit => deny(reason, measured, limit),
        _ => Ok(()),
    }
}

fn money(limit: crate::config::limits::Limit<Notional>) -> Option<i128> {
    limit.number().map(|value| value.0)
}

fn qty(limit: crate::config::limits::Limit<Qty>) -> Option<i128> {
    limit.number().map(|qty| qty.0.into())
}

fn count(limit: crate::config::limits::Limit<u32>) -> Option<i128> {
    limit.number().map(i128::from)
}

/// A tick at a price.
pub(super) fn tick(px: i128) -> i128 {
    i128::from(if px >= i128::from(DOLLAR) { DOLLAR / 100 } else { DOLLAR / 10_000 })
}

impl Model {
    /// The decision.
    pub(super) fn judge(&self, intent: &Intent, terms: &OrderTerms) -> Result<Passed, Denied> {
        let mut asked = self.asked(intent, terms);
        self.gates(&asked)?;
        let tightest =
            self.limits.tightest(self.account(asked.strategy), asked.strategy, asked.instrument);
        self.price(&mut asked, &tightest)?;
        asked.more = match asked.own {
            None => (asked.qty, asked.px * asked.qty * self.multiplier(asked.instrument)),
            Some(own) => {
                let next = Next { id: intent.cl_ord_id, px: asked.px, qty: asked.qty };
                let (old, new) = (own.reserved(), own.reserved_with(Some(next)));
                (new.0 - old.0, new.1 - old.1)
            }
        };
        self.position(&asked)?;
        self.money(&asked, &tightest)?;
        self.flow(&asked)?;
        self.child(&asked)?;
        Ok(Passed { px: asked.px, more: asked.more })
    }

    fn asked<'a>(&'a self, intent: &'a Intent, terms: &'a OrderTerms) -> Asked<'a> {
        let (strategy, instrument) = (intent.cl_ord_id.strategy(), intent.instrument);
        let account = self.account(strategy);
        let rows = self.limits.covering(account, strategy, instrument);
        let scopes = rows.map(|row| (*row, self.sums(row.scope)));
        let held = [Scope::Firm, Scope::Account(account), Scope::Strategy(strategy)];
        let is_replace = intent.kind == Kind::IntentReplace as u8;
        let slot = intent.cl_ord_id.slot();
        let mut own = self.orders.iter().rev();
        Asked {
            strategy,
            instrument,
            side: Side::from_u8(intent.side).unwrap(),
            qty: intent.qty.0.into(),
            px: intent.px.0.into(),
            market: intent.ord_type == OrdType::Market as u8,
            own: own.find(|order| order.root.slot() == slot).filter(|_| is_replace),
            intent,
            terms,
            scopes: scopes.collect(),
            held: held.map(|scope| self.sums(scope).rows[instrument.index()]),
            more: (0, 0),
        }
    }

    pub(super) fn multiplier(&self, instrument: InstrumentId) -> i128 {
        self.setup.instruments[instrument.index()].multiplier.into()
    }

    /// R02, R03, R07, R11, R16.
    fn gates(&self, asked: &Asked<'_>) -> Said {
        let scopes = self.scopes.iter().zip(&self.standing);
        let mode = scopes
            .filter(|(scope, _)| self.covers(**scope, asked.strategy, asked.instrument))
            .map(|(_, standing)| standing.set.max(standing.tripped))
            .max()
            .unwrap();
        let reduce = self.quotes[asked.instrument.index()].reduce_only;
        let mode = if reduce { mode.max(Mode::ReduceOnly) } else { mode };
        let [_, _, own] = asked.held;
        let may = mode == Mode::Active || mode == Mode::ReduceOnly && asked.reduces(&own);
        if !may {
            return deny(Reason::Mode, mode as i128, Mode::Active as i128);
        }
        let gateway = self.setup.strategies[asked.strategy.index()].gateway;
        if !self.sessions[gateway.index()] {
            return deny(Reason::Session, 0, 0);
        }
        for (row, sums) in asked.scopes.iter().filter(|(_, sums)| sums.unknown > 0) {
            most(Reason::Unresolved, sums.unknown, count(row.unresolved.count_max))?;
            let age = sums.unknown_since.map_or(0, |since| self.now.0 - since.0);
            let age_max = row.unresolved.age_max.number().map(|age| age.0.into());
            most(Reason::Unresolved, age.into(), age_max)?;
        }
        if asked.side == Side::Sell {
            let sold = asked.own.map_or(0, |own| own.cum() + own.reserved().0);
            let more = asked.qty - sold;
            let more = if asked.own.is_some() { more.max(0) } else { more };
            for (row, sums) in &asked.scopes {
                let held = sums.rows[asked.instrument.index()];
                let short = (held.sells - held.position + more).max(0);
                most(Reason::Restricted, short, qty(row.total.locate_max))?;
            }
        }
        let slot = asked.intent.cl_ord_id.slot();
        let holds = self.orders.iter().any(|order| order.works() && order.root.slot() == slot);
        match asked.own {
            None if asked.intent.kind == Kind::IntentReplace as u8 => {
                deny(Reason::UnknownOrder, 0, 0)
            }
            None if holds => deny(Reason::DupId, 0, 0),
            Some(own) if !matches!(own.is(), Is::Works | Is::InFlight) || own.replace.is_some() => {
                deny(Reason::UnknownOrder, 0, 0)
            }
            _ => Ok(()),
        }
    }

    /// R24: twice the reference.
    fn reference(&self, instrument: InstrumentId, age_max: Option<Nanos>) -> Result<i128, Denied> {
        let none = Denied { reason: Reason::NoReference, measured: 0, limit: 0 };
        let quote = &self.quotes[instrument.index()];
        let feed = self.setup.instruments[instrument.index()].feed;
        if !self.feeds[feed.index()].0 || quote.doubtful {
            return Err(none);
        }
        self.heard(feed, age_max)?;
        quote.twice().ok_or(none)
    }

    fn heard(&self, feed: shm::ids::FeedId, age_max: Option<Nanos>) -> Said {
        let (live, at) = self.feeds[feed.index()];
        if !live {
            return deny(Reason::NoReference, 0, 0);
        }
        let age = i128::from(self.now.0.saturating_sub(at.0));
        most(Reason::NoReference, age, age_max.map(|max| max.0.into()))
    }

    /// R20 to R26. A market order gets the worst price that its collar allows.
    fn price(&self, asked: &mut Asked<'_>, row: &LimitRow) -> Said {
        let order = &row.order;
        most(Reason::OrderQty, asked.qty, qty(order.qty_max))?;
        let reference = self.reference(asked.instrument, order.reference_age_max.number());
        let step = if asked.side == Side::Buy { 1 } else { -1 };
        if asked.market {
            let twice = reference?;
            let cent = tick(twice / 2);
            let (low, odd) = (twice / 2 / cent * cent, twice % (2 * cent) != 0);
            asked.px = if step > 0 || !odd { low } else { low + cent };
            let bands = (count(order.collar_bps), count(order.collar_ticks));
            while collar(asked.px + step * cent, twice, bands).is_ok() {
                asked.px += step * cent;
            }
        }
        let value = asked.px * asked.qty * self.multiplier(asked.instrument);
        most(Reason::OrderValue, value, money(order.value_max))?;
        if let Some(least) = money(order.value_min).filter(|least| value < *least) {
            return deny(Reason::OrderValueMin, value, least);
        }
        let twice = reference?;
        let or = |passive: crate::config::limits::Limit<u32>, all| {
            count(if passive.is_stated() { passive } else { all })
        };
        let bands = if step * (asked.px * 2 - twice) >= 0 {
            (count(order.collar_bps), count(order.collar_ticks))
        } else {
            let ticks = or(order.passive_ticks, order.collar_ticks);
            (or(order.passive_bps, order.collar_bps), ticks)
        };
        collar(asked.px, twice, bands)?;
        let quote = &self.quotes[asked.instrument.index()];
        let shown = match asked.side {
            Side::Buy => quote.ask.map_or(0, |_| quote.ask_qty),
            Side::Sell => quote.bid.map_or(0, |_| quote.bid_qty),
        };
        share(asked.qty, count(order.adv_bps), qty(order.adv).unwrap_or(0))?;
        share(asked.qty, count(order.visible_bps), shown)?;
        for (row, _) in &asked.scopes {
            if let Some(paid) = self.moved(asked, row.rate.move_per) {
                let limit = count(row.rate.move_ticks_max).map(|ticks| ticks * tick(twice / 2));
                most(Reason::CollarWindow, paid, limit)?;
            }
        }
        Ok(())
    }

    /// R26: how much worse the price is than the best fill of the account on that side.
    fn moved(&self, asked: &Asked<'_>, per: Nanos) -> Option<i128> {
        let fills = self.moves(asked).filter(|fill| self.now.0 - fill.1.0 < per.0);
        let away = match asked.side {
            Side::Buy => asked.px - fills.map(|fill| fill.0).min()?,
            Side::Sell => fills.map(|fill| fill.0).max()? - asked.px,
        };
        Some(away)
    }

    fn moves(&self, asked: &Asked<'_>) -> impl Iterator<Item = (i128, Nanos)> {
        let account = self.account(asked.strategy);
        let (side, instrument) = (asked.side, asked.instrument);
        let fills = self.paid.iter().skip(self.paid_from).filter(move |paid| {
            self.account(paid.0) == account && (paid.1, paid.2) == (instrument, side)
        });
        fills.map(|paid| (paid.3, paid.4))
    }

    /// Whether more fills count than risk remembers: then it may be tighter by R26.
    pub(super) fn moves_overflow(&self, intent: &Intent) -> bool {
        let asked = self.asked(intent, &OrderTerms::NONE);
        let mut chain: Vec<i128> = Vec::new();
        let mut longest = 0;
        for (px, _) in self.moves(&asked) {
            let worse =
                |other: &i128| if asked.side == Side::Buy { *other < px } else { *other > px };
            chain.retain(worse);
            chain.push(px);
            longest = longest.max(chain.len());
        }
        longest > MOVES_MAX
    }

    /// R30, R31.
    fn position(&self, asked: &Asked<'_>) -> Said {
        let at = asked.instrument.index();
        for (row, sums) in &asked.scopes {
            let held = sums.rows[at];
            match asked.side {
                Side::Buy => {
                    let worst = held.position + held.buys + asked.more.0;
                    most(Reason::Position, worst, qty(row.total.long_max))?;
                }
                Side::Sell => {
                    let worst = held.sells - held.position + asked.more.0;
                    most(Reason::Position, worst, qty(row.total.short_max))?;
                }
            }
        }
        for (row, sums) in &asked.scopes {
            let (held, total) = (sums.rows[at], &row.total);
            let open = held.buys + held.sells + asked.more.0;
            most(Reason::OpenOrders, open, qty(total.open_qty_max))?;
            let value = held.buy_value + held.sell_value + asked.more.1;
            most(Reason::OpenOrders, value, money(total.open_value_max))?;
            let orders = held.orders + i128::from(asked.own.is_none());
            most(Reason::OpenOrders, orders, count(total.open_orders_max))?;
        }
        Ok(())
    }

    /// R24 of what is held, R32 to R39.
    fn money(&self, asked: &Asked<'_>, tightest: &LimitRow) -> Said {
        let bound = asked.scopes.iter().filter(|(row, _)| {
            let money = &row.money;
            [money.gross_max, money.net_max, money.funds_max, money.loss_max, money.drawdown_max]
                .iter()
                .any(|limit| limit.number().is_some())
        });
        for (_, sums) in bound {
            if sums.unmarked > 0 {
                return deny(Reason::NoReference, sums.unmarked, 0);
            }
            for feed in 0..self.feeds.len() {
                let mut rows = sums.rows.iter().zip(&self.setup.instruments);
                if rows.any(|(row, terms)| row.position != 0 && terms.feed.index() == feed) {
                    let feed = shm::ids::FeedId(feed as u8);
                    self.heard(feed, tightest.order.reference_age_max.number())?;
                }
            }
        }
        let reduces = asked.held.iter().all(|held| asked.reduces(held));
        let more = asked.more.1;
        for (row, sums) in asked.scopes.iter().filter(|_| !reduces) {
            let all = sums.gross + sums.open_buy + sums.open_sell + more;
            most(Reason::Gross, all, money(row.money.gross_max))?;
        }
        for (row, sums) in &asked.scopes {
            let worst = match asked.side {
                Side::Buy => sums.net + sums.open_buy + more,
                Side::Sell => sums.open_sell - sums.net + more,
            };
            most(Reason::Net, worst, money(row.money.net_max))?;
        }
        for (row, sums) in &asked.scopes {
            let now = sums.rows[asked.instrument.index()];
            let after = Row { sells: now.sells + asked.more.0, ..now };
            let mark = self.quotes[asked.instrument.index()].mark.unwrap_or(0);
            let shorter = (after.short() - now.short()) * mark * self.multiplier(asked.instrument);
            let more = if asked.side == Side::Buy { more } else { shorter };
            let required = sums.debits + sums.open_buy + sums.short_value + more;
            most(Reason::Funds, required, money(row.money.funds_max))?;
        }
        self.day(asked)?;
        for (row, sums) in asked.scopes.iter().filter(|_| !reduces) {
            let (profit, peak) = (sums.profit(), self.standing[self.at(row.scope)].peak);
            most(Reason::Loss, -profit, money(row.money.loss_max))?;
            most(Reason::Loss, peak - profit, money(row.money.drawdown_max))?;
        }
        let [_, _, own] = asked.held;
        if asked.terms.is_reduce_only() && !asked.reduces(&own) {
            return deny(Reason::ReduceOnly, 0, 0);
        }
        Ok(())
    }

    /// R35.
    fn day(&self, asked: &Asked<'_>) -> Said {
        let (more_qty, more) = asked.more;
        for (row, sums) in &asked.scopes {
            let day = &row.day;
            most(Reason::Daily, sums.entered_value + more, money(day.entered_value_max))?;
            most(Reason::Daily, sums.entered_qty + more_qty, qty(day.entered_qty_max))?;
            let open = sums.open_buy + sums.open_sell + more;
            most(Reason::Daily, sums.traded_value + open, money(day.traded_value_max))?;
            let open = sums.open_qty + more_qty;
            most(Reason::Daily, sums.traded_qty + open, qty(day.traded_qty_max))?;
        }
        Ok(())
    }

    /// R40 to R46.
    fn flow(&self, asked: &Asked<'_>) -> Said {
        let gateway = self.setup.strategies[asked.strategy.index()].gateway;
        let terms = &self.setup.gateways[gateway.index()];
        let used = self.messages(gateway).min(terms.rate.into());
        most(Reason::Rate, used + 1, Some((terms.rate - terms.reserve).into()))?;
        for (row, _) in &asked.scopes {
            if let Some(max) = count(row.rate.orders_max) {
                let used = self.orders_within(row.scope, row.rate.per).min(max + 1);
                most(Reason::RateStrategy, used + 1, Some(max))?;
            }
        }
        for (row, sums) in &asked.scopes {
            if sums.orders + 1 > row.day.orders_floor.into() {
                let ratio = count(row.day.orders_per_trade_max);
                let limit = ratio.map(|ratio| ratio * sums.trades.max(1));
                most(Reason::OrderToTrade, sums.orders + 1, limit)?;
            }
        }
        for (row, _) in &asked.scopes {
            if let Some(max) = count(row.repeat.same_max) {
                let alike = self.entered.iter().filter(|entered| self.alike(entered, asked, row));
                let alike = (alike.count() as i128).min(max);
                most(Reason::Duplicate, alike + 1, Some(max))?;
            }
        }
        for (row, sums) in &asked.scopes {
            let max = count(row.day.executions_max);
            most(Reason::Repeated, sums.executions, max.map(|max| max - 1))?;
        }
        self.self_trade(asked)?;
        for (row, _) in &asked.scopes {
            let breaker = &row.breaker;
            for (max, what) in [
                (breaker.rejects_max, Outcome::Refused),
                (breaker.cancel_rejects_max, Outcome::CancelRefused),
                (breaker.disconnects_max, Outcome::Lost(gateway)),
            ] {
                let Some(max) = count(max) else { continue };
                let used = self.outcomes_within(row.scope, what, breaker.per).min(max + 1);
                most(Reason::Breaker, used, Some(max))?;
            }
        }
        Ok(())
    }

    fn alike(&self, entered: &super::model::Entered, asked: &Asked<'_>, row: &LimitRow) -> bool {
        !entered.old
            && self.now.0 - entered.at.0 < row.repeat.per.0
            && self.account(entered.strategy) == self.account(asked.strategy)
            && (entered.instrument, entered.side) == (asked.instrument, asked.side)
            && (entered.px, entered.qty) == (asked.px, asked.qty)
    }

    /// R45.
    fn self_trade(&self, asked: &Asked<'_>) -> Said {
        let account = |strategy| &self.setup.accounts[self.account(strategy).index()];
        let own = account(asked.strategy);
        let met: Vec<&Kept> = self
            .orders
            .iter()
            .filter(|order| order.works() && order.instrument == asked.instrument)
            .filter(|order| account(order.strategy).group == own.group)
            .filter(|order| match asked.side {
                Side::Buy => order.side == Side::Sell && asked.px >= order.resting_px(),
                Side::Sell => order.side == Side::Buy && asked.px <= order.resting_px(),
            })
            .collect();
        let prices = met.iter().map(|order| order.resting_px());
        let best = if asked.side == Side::Buy { prices.min() } else { prices.max() };
        let Some(best) = best else { return Ok(()) };
        match own.self_trade {
            SelfTrade::Allow => Ok(()),
            // What is being cancelled may still trade.
            SelfTrade::CancelResting | SelfTrade::Reject | SelfTrade::Both => {
                deny(Reason::SelfTrade, asked.px, best)
            }
        }
    }

    /// R47.
    fn child(&self, asked: &Asked<'_>) -> Said {
        let named = (asked.terms.parent, asked.terms.leg);
        let (parent, leg) = asked.own.map_or(named, |own| (own.parent, own.leg));
        if parent == ClOrdId::NONE {
            return Ok(());
        }
        let family = self.families.iter().find(|family| {
            family.id == parent
                && family.instrument == asked.instrument
                && family.id.strategy() == asked.strategy
                && family.side_of(leg) == Some(asked.side)
        });
        let Some(family) = family else { return deny(Reason::Unapproved, 0, 0) };
        let more = asked.own.map_or(asked.qty, |own| {
            // What its own pending terms use already; here there are none.
            own.used(asked.qty) - own.used(0)
        });
        most(Reason::Unapproved, more, Some(self.room(family, leg).max(0)))
    }
}

impl Asked<'_> {
    /// R39: opposite to the position and no greater than what other own orders leave of it.
    fn reduces(&self, held: &Row) -> bool {
        let own = self.own.map_or(0, |own| own.reserved().0);
        let (position, others) = match self.side {
            Side::Buy => (-held.position, held.buys - own),
            Side::Sell => (held.position, held.sells - own),
        };
        position > 0 && self.qty <= position - others
    }
}

/// R23: told as a distance, rounded up, and a band, rounded down.
fn collar(px: i128, twice: i128, bands: (Option<i128>, Option<i128>)) -> Said {
    let away = (px * 2 - twice).abs();
    if let Some(bps) = bands.0.filter(|bps| away * 10_000 > bps * twice) {
        return deny(Reason::Collar, (away + 1) / 2, bps * twice / 20_000);
    }
    if let Some(ticks) = bands.1.filter(|ticks| away > ticks * tick(twice / 2) * 2) {
        return deny(Reason::Collar, (away + 1) / 2, ticks * tick(twice / 2));
    }
    Ok(())
}

/// R25: told as a share, rounded up.
fn share(asked: i128, bps: Option<i128>, volume: i128) -> Said {
    let Some(bps) = bps else { return Ok(()) };
    if volume == 0 {
        return deny(Reason::VolumeShare, 0, 0);
    }
    let share = (asked * 10_000 + volume - 1) / volume;
    most(Reason::VolumeShare, share, Some(bps))
}
