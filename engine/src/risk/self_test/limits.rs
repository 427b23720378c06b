//! The limits: what each is called, and how an order comes to stand at it or one step beyond it.

use shm::message::Side;
use shm::reason::Reason;
use shm::units::{Nanos, Notional, Price, Qty};

use super::trial::{NOW, REPEATS, Trial};
use crate::config::limits::{Limit, LimitRow};
use crate::risk::duplicate::Likeness;
use crate::risk::limits::{Breaker, COUNT_UNBOUNDED, QTY_UNBOUNDED, UNBOUNDED};

/// A limit to be reached (step 0) or passed (step 1).
pub(super) struct Case<'a> {
    pub(super) limit: i128,
    pub(super) step: i128,
    pub(super) row: &'a LimitRow,
}

impl Case<'_> {
    /// What must be there already for an order that adds `own`.
    const fn before(&self, own: i128) -> Option<i128> {
        match self.limit.checked_add(self.step) {
            Some(sum) => sum.checked_sub(own),
            None => None,
        }
    }

    /// The same where there is no less than nothing: an order that alone passes the limit stands
    /// beyond it, and none stands at it.
    fn before_none(&self, own: i128) -> Option<i128> {
        let before = self.before(own)?;
        if before < 0 && self.step == 0 { None } else { Some(before.max(0)) }
    }
}

/// One key of a limit row.
pub(super) struct Key {
    /// As a person writes it.
    pub(super) name: &'static str,
    /// The rule that compares with it.
    pub(super) rule: Reason,
    /// Of one order: the tightest of all scopes binds.
    pub(super) is_of_order: bool,
    /// Its number, if it has one.
    pub(super) of: fn(&LimitRow) -> Option<i128>,
    /// Takes it from another row.
    pub(super) copy: fn(&mut LimitRow, &LimitRow),
    /// Puts an order at the limit, or one step beyond; nothing where no order can be there.
    pub(super) reach: fn(&mut Trial, &Case<'_>) -> Option<()>,
}

impl Key {
    /// Orders that R43 must remember to see them all.
    pub(super) fn memory(&self, limit: i128) -> usize {
        let equal = usize::try_from(limit).ok().filter(|_| self.rule == Reason::Duplicate);
        equal.map_or(REPEATS, |equal| (equal + 2).min(1 << 24))
    }
}

/// A limit as a number.
trait Number {
    /// A number that bounds nothing.
    const UNBOUNDED: i128;

    fn wide(self) -> i128;
}

impl Number for Qty {
    const UNBOUNDED: i128 = QTY_UNBOUNDED as i128;

    fn wide(self) -> i128 {
        self.0.into()
    }
}

impl Number for Notional {
    const UNBOUNDED: i128 = UNBOUNDED;

    fn wide(self) -> i128 {
        self.0
    }
}

impl Number for Nanos {
    const UNBOUNDED: i128 = u64::MAX as i128;

    fn wide(self) -> i128 {
        self.0.into()
    }
}

impl Number for u32 {
    const UNBOUNDED: i128 = COUNT_UNBOUNDED as i128;

    fn wide(self) -> i128 {
        self.into()
    }
}

fn number<T: Number + Copy + Ord>(limit: Limit<T>) -> Option<i128> {
    limit.number().map(Number::wide).filter(|number| *number != T::UNBOUNDED)
}

macro_rules! key {
    ($name:literal $rule:ident $of_order:literal $group:ident.$field:ident $reach:expr) => {
        Key {
            name: $name,
            rule: Reason::$rule,
            is_of_order: $of_order,
            of: |row| number(row.$group.$field),
            copy: |to, from| to.$group.$field = from.$group.$field,
            reach: $reach,
        }
    };
}

/// Every key of a limit row.
pub(super) const KEYS: [Key; 37] = [
    key!("unresolved.count_max" Unresolved false unresolved.count_max |at, case| {
        let unknown = u32::try_from(case.before(0)?).ok()?;
        let state = at.state()?;
        (state.unknown, state.unknown_since) = (unknown, NOW);
        Some(())
    }),
    key!("unresolved.age_max_ms" Unresolved false unresolved.age_max |at, case| {
        let since = ago(case)?;
        let state = at.state()?;
        (state.unknown, state.unknown_since) = (1, since);
        Some(())
    }),
    key!("order.clock_drift_max_us" Clock true order.drift_max |at, case| {
        at.risk.set_drift(Nanos(u64::try_from(case.before(0)?).ok()?));
        Some(())
    }),
    Key {
        name: "order.restricted",
        rule: Reason::Restricted,
        is_of_order: true,
        of: |row| row.order.restricted.then_some(0),
        copy: |to, from| to.order.restricted = from.order.restricted,
        reach: |_, case| (case.step > 0).then_some(()),
    },
    key!("total.locate_max" Restricted false total.locate_max |at, case| {
        at.intent.side = Side::Sell as u8;
        at.hold(case.before(1)?.checked_neg()?)
    }),
    key!("order.qty_max" OrderQty true order.qty_max |at, case| {
        at.intent.qty = Qty(i64::try_from(case.before(0)?).ok()?);
        (at.intent.qty.0 > 0).then_some(())
    }),
    key!("order.value_max" OrderValue true order.value_max |at, case| {
        let qty = valued(at, case.limit)?.checked_add(case.step)?;
        at.intent.qty = Qty(i64::try_from(qty).ok()?);
        (qty > 0).then_some(())
    }),
    key!("order.value_min" OrderValueMin true order.value_min |at, case| {
        let whole = valued(at, case.limit)?;
        at.intent.qty = Qty(i64::try_from(whole).ok()?);
        // The least quantity that is worth it, or one less.
        let least = if at.value()? < case.limit { whole.checked_add(1)? } else { whole };
        let qty = least.checked_sub(case.step)?;
        at.intent.qty = Qty(i64::try_from(qty).ok()?);
        (qty > 0).then_some(())
    }),
    key!("order.collar_bps" Collar true order.collar_bps |at, case| {
        away(at, case.limit.checked_mul(BPS)?.checked_add(case.step)?, Side::Buy)
    }),
    key!("order.collar_ticks" Collar true order.collar_ticks |at, case| {
        away(at, case.before(0)?, Side::Buy)
    }),
    key!("order.passive_bps" Collar true order.passive_bps |at, case| {
        away(at, case.limit.checked_mul(BPS)?.checked_add(case.step)?, Side::Sell)
    }),
    key!("order.passive_ticks" Collar true order.passive_ticks |at, case| {
        away(at, case.before(0)?, Side::Sell)
    }),
    key!("order.reference_age_max_ms" NoReference true order.reference_age_max |at, case| {
        at.heard = Some(ago(case)?);
        Some(())
    }),
    key!("order.adv_bps" VolumeShare true order.adv_bps |at, case| {
        let volume = number(case.row.order.adv).unwrap_or(0);
        share(at, case, volume)
    }),
    key!("order.visible_bps" VolumeShare true order.visible_bps |at, case| {
        at.shown = Qty(1_000_000_000);
        share(at, case, 1_000_000_000)
    }),
    key!("rate.move_ticks_max" CollarWindow false rate.move_ticks_max |at, case| {
        let best = i128::from(at.intent.px.0).checked_sub(case.before(0)?)?;
        let account = at.risk.permits.get(at.intent.cl_ord_id.strategy().index())?.account;
        let best = Price(i64::try_from(best).ok()?);
        at.risk.moves.push(account, at.intent.instrument, Side::Buy, best, NOW);
        Some(())
    }),
    key!("total.long_max" Position false total.long_max |at, case| at.hold(case.before(1)?)),
    key!("total.short_max" Position false total.short_max |at, case| {
        at.intent.side = Side::Sell as u8;
        at.hold(case.before(1)?.checked_neg()?)
    }),
    key!("total.open_qty_max" OpenOrders false total.open_qty_max |at, case| {
        at.work(case.before_none(1)?, 0, 0)
    }),
    key!("total.open_value_max" OpenOrders false total.open_value_max |at, case| {
        at.work(0, case.before_none(at.value()?)?, 0)
    }),
    key!("total.open_orders_max" OpenOrders false total.open_orders_max |at, case| {
        at.work(0, 0, case.before_none(1)?)
    }),
    key!("money.gross_max" Gross false money.gross_max |at, case| {
        at.state()?.gross = case.before(at.value()?)?;
        Some(())
    }),
    key!("money.net_max" Net false money.net_max |at, case| {
        at.state()?.net = case.before(at.value()?)?;
        Some(())
    }),
    key!("money.funds_max" Funds false money.funds_max |at, case| {
        at.state()?.debits = case.before(at.value()?)?;
        Some(())
    }),
    key!("day.entered_value_max" Daily false day.entered_value_max |at, case| {
        at.state()?.entered_value = case.before(at.value()?)?;
        Some(())
    }),
    key!("day.entered_qty_max" Daily false day.entered_qty_max |at, case| {
        at.state()?.entered_qty = case.before(1)?;
        Some(())
    }),
    key!("day.traded_value_max" Daily false day.traded_value_max |at, case| {
        at.state()?.traded_value = case.before(at.value()?)?;
        Some(())
    }),
    key!("day.traded_qty_max" Daily false day.traded_qty_max |at, case| {
        at.state()?.traded_qty = case.before(1)?;
        Some(())
    }),
    key!("money.loss_max" Loss false money.loss_max |at, case| {
        at.state()?.earned = case.before(0)?.checked_neg()?;
        Some(())
    }),
    key!("money.drawdown_max" Loss false money.drawdown_max |at, case| {
        at.state()?.peak = case.before(0)?;
        Some(())
    }),
    key!("rate.orders_max" RateStrategy false rate.orders_max |at, case| {
        let count = case.before_none(1)?;
        let windows = at.windows()?;
        (0..count).for_each(|_| windows.count_order(NOW));
        Some(())
    }),
    key!("day.orders_per_trade_max" OrderToTrade false day.orders_per_trade_max |at, case| {
        // So many trades that the floor is behind, and the ratio what counts.
        let trades = i128::from(case.row.day.orders_floor) / case.limit.max(1) + 2;
        let orders = case.limit.checked_mul(trades)?.checked_add(case.step)?.checked_sub(1)?;
        let orders = if case.limit == 0 { case.row.day.orders_floor.into() } else { orders };
        let state = at.state()?;
        state.trades = u64::try_from(trades).ok()?;
        state.orders = u64::try_from(orders).ok()?;
        (case.limit > 0 || case.step > 0).then_some(())
    }),
    key!("repeat.same_max" Duplicate false repeat.same_max |at, case| {
        let account = at.risk.permits.get(at.intent.cl_ord_id.strategy().index())?.account;
        let (instrument, px, qty) = (at.intent.instrument, at.intent.px, at.intent.qty);
        let likeness = Likeness { account, instrument, side: Side::Buy, px, qty };
        for _ in 0..case.before_none(1)? {
            at.risk.repeats.push(likeness, NOW);
        }
        Some(())
    }),
    key!("day.executions_max" Repeated false day.executions_max |at, case| {
        at.state()?.executions = u32::try_from(case.before_none(1)?).ok()?;
        Some(())
    }),
    key!("breaker.rejects_max" Breaker false breaker.rejects_max |at, case| {
        let count = case.before(0)?;
        let windows = at.windows()?;
        (0..count).for_each(|_| _ = windows.count(Breaker::Rejects, NOW));
        Some(())
    }),
    key!("breaker.cancel_rejects_max" Breaker false breaker.cancel_rejects_max |at, case| {
        let count = case.before(0)?;
        let windows = at.windows()?;
        (0..count).for_each(|_| _ = windows.count(Breaker::CancelRejects, NOW));
        Some(())
    }),
    key!("breaker.disconnects_max" Breaker false breaker.disconnects_max |at, case| {
        let count = case.before(0)?;
        let windows = at.windows()?;
        (0..count).for_each(|_| _ = windows.count(Breaker::Disconnects, NOW));
        Some(())
    }),
];

/// Of a reference, a hundredth of a percent.
const BPS: i128 = 100_000;

/// A time as long ago as the limit says.
fn ago(case: &Case<'_>) -> Option<Nanos> {
    let age = u64::try_from(case.before(0)?).ok()?;
    NOW.0.checked_sub(age).map(Nanos)
}

/// Prices the order so that an integer quantity comes near a value; the greatest that is worth no
/// more.
fn valued(at: &mut Trial, value: i128) -> Option<i128> {
    let multiplier = i128::from(at.multiplier());
    let px = (value / multiplier) >> 60;
    at.price(i64::try_from(px).ok()?.checked_add(2)?);
    value.checked_div(i128::from(at.intent.px.0).checked_mul(multiplier)?)
}

/// Puts the price above a reference of 10^5 hundredths of a percent: a buy there crosses it, a sell
/// does not.
fn away(at: &mut Trial, distance: i128, side: Side) -> Option<()> {
    let reference = 10_000 * BPS;
    at.reference = Price(i64::try_from(reference).ok()?);
    at.intent.side = side as u8;
    at.intent.px = Price(i64::try_from(reference.checked_add(distance)?).ok()?);
    // One unit at least: at the reference a sell crosses.
    (side == Side::Buy || distance > 0).then_some(())
}

/// The greatest quantity that is no more than a share of a volume, or one more.
fn share(at: &mut Trial, case: &Case<'_>, volume: i128) -> Option<()> {
    let qty = case.limit.checked_mul(volume)? / 10_000 + case.step;
    at.intent.qty = Qty(i64::try_from(qty).ok()?);
    (qty > 0).then_some(())
}
