//! The checks, one pure function per rule. Each says nothing or a [`Refusal`] with what it measured
//! and the last allowed value.

use shm::message::Side;
use shm::reason::{Reason, Unit};
use shm::units::{Nanos, Notional, Price, Qty};

use super::limits::{COUNT_UNBOUNDED, PairLimits, QTY_UNBOUNDED};
use super::reference::{NoReference, Reference};
use crate::planted::{self, Bug};

/// A refused order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which rule.
    pub reason: Reason,
    /// What the two numbers count.
    pub unit: Unit,
    /// What it measured.
    pub measured: i128,
    /// The last allowed value.
    pub limit: i128,
}

impl Refusal {
    /// A refusal by a rule that measures nothing.
    #[must_use]
    pub const fn of(reason: Reason) -> Self {
        Self { reason, unit: Unit::None, measured: 0, limit: 0 }
    }

    /// A refusal with what was measured and the last allowed value, in the rule's own unit.
    #[must_use]
    pub const fn new(reason: Reason, measured: i128, limit: i128) -> Self {
        Self { reason, unit: reason.unit(), measured, limit }
    }
}

/// What a check says.
pub type Verdict = Result<(), Refusal>;

/// Passes iff the measured value is at most the limit.
#[inline]
pub fn at_most(reason: Reason, measured: i128, limit: i128) -> Verdict {
    let over = i128::from(planted::is(Bug::OffByOneLimit));
    if measured <= limit.saturating_add(over) {
        Ok(())
    } else {
        Err(Refusal::new(reason, measured, limit))
    }
}

/// Passes iff the measured value is at least the limit.
#[inline]
pub const fn at_least(reason: Reason, measured: i128, limit: i128) -> Verdict {
    if measured >= limit { Ok(()) } else { Err(Refusal::new(reason, measured, limit)) }
}

/// Passes iff the condition holds.
#[inline]
pub const fn holds(reason: Reason, condition: bool) -> Verdict {
    if condition { Ok(()) } else { Err(Refusal::of(reason)) }
}

/// What a price and a quantity must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// `(from, tick)`, rising; unused ones behind the used have a tick of 0.
    pub bands: [(Price, Price); Form::BANDS_MAX],
    /// More than 0.
    pub lot: Qty,
    /// Least quantity.
    pub qty_min: Qty,
    /// Greatest quantity.
    pub qty_max: Qty,
    /// Least price; only below 0 are prices of 0 and less allowed.
    pub px_min: Price,
    /// Greatest price.
    pub px_max: Price,
    /// At least 1.
    pub multiplier: i64,
}

impl Form {
    /// Tick bands of an instrument.
    pub const BANDS_MAX: usize = 4;

    /// The tick at a price: that of the last band that begins at or below it, of the first below
    /// all.
    #[must_use]
    #[inline]
    pub fn tick(&self, px: Price) -> Price {
        let &[(_, mut found), ref rest @ ..] = &self.bands;
        for (from, tick) in rest {
            if tick.0 <= 0 || *from > px {
                break;
            }
            found = *tick;
        }
        found
    }
}

/// R13. The measured value is the price.
#[inline]
pub fn price_form(form: &Form, px: Price) -> Verdict {
    let measured = i128::from(px.0);
    if px.is_none() || px > form.px_max {
        let limit = i128::from(form.px_max.0);
        return Err(Refusal::new(Reason::BadPrice, measured, limit));
    }
    let least = if form.px_min.0 < 0 { form.px_min.0 } else { form.px_min.0.max(1) };
    at_least(Reason::BadPrice, measured, i128::from(least))?;
    let tick = form.tick(px);
    if px.is_on_tick(tick) {
        return Ok(());
    }
    Err(Refusal::new(Reason::BadPrice, measured, i128::from(tick.0)))
}

/// R14. The measured value is the quantity.
#[inline]
pub fn qty_form(form: &Form, qty: Qty) -> Verdict {
    let measured = i128::from(qty.0);
    at_least(Reason::BadQty, measured, i128::from(form.qty_min.0.max(1)))?;
    at_most(Reason::BadQty, measured, i128::from(form.qty_max.0))?;
    if qty.is_on_lot(form.lot) {
        return Ok(());
    }
    Err(Refusal::new(Reason::BadQty, measured, i128::from(form.lot.0)))
}

/// Value of an order, of a negative price the absolute one.
///
/// # Errors
/// OVERFLOW beyond `i128`.
#[inline]
pub fn notional(px: Price, qty: Qty, multiplier: i64) -> Result<Notional, Refusal> {
    match px.notional(qty, multiplier) {
        Some(value) => Ok(Notional(value.0.saturating_abs())),
        None => Err(Refusal::of(Reason::Overflow)),
    }
}

/// R24 as a refusal: an age is measured against its maximum, anything else measures nothing.
#[inline]
pub const fn no_reference(why: NoReference, age_max: u64) -> Refusal {
    match why {
        NoReference::Age(age) => Refusal::new(Reason::NoReference, age.0 as i128, age_max as i128),
        NoReference::Feed | NoReference::Book | NoReference::Absent => {
            Refusal::of(Reason::NoReference)
        }
    }
}

/// R20.
#[inline]
pub fn qty_limit(qty: Qty, max: i64) -> Verdict {
    if max == QTY_UNBOUNDED {
        return Ok(());
    }
    at_most(Reason::OrderQty, qty.0.into(), max.into())
}

/// R25: of the average daily volume, and of what is shown at the best price that the order would
/// meet. A volume that is not known allows nothing. A refusal tells the share, rounded up.
#[inline]
pub fn volume_share(qty: Qty, shown: Qty, limits: &PairLimits) -> Verdict {
    let qty = i128::from(qty.0) * 10_000;
    let share = |bps: u32, volume: i64| {
        let (limit, volume) = (i128::from(bps), i128::from(volume));
        if bps == COUNT_UNBOUNDED || (volume > 0 && qty <= limit * volume) {
            return Ok(());
        }
        if volume <= 0 {
            return Err(Refusal::of(Reason::VolumeShare));
        }
        let measured = qty.div_euclid(volume) + i128::from(qty.rem_euclid(volume) > 0);
        Err(Refusal::new(Reason::VolumeShare, measured, limit))
    };
    share(limits.adv_bps, limits.adv)?;
    share(limits.visible_bps, shown.0)
}

/// R15.
#[inline]
pub const fn expiry(expiry: Nanos, now: Nanos) -> Verdict {
    if expiry.0 > now.0 {
        return Ok(());
    }
    Err(Refusal::new(Reason::Expired, expiry.0 as i128, now.0 as i128))
}

/// R23. Within `bps` and within `ticks` of the reference, each [`COUNT_UNBOUNDED`] for none; both
/// are multiplied out: the bps band compares `abs(2 px - 2 ref) * 10000` with `bps * 2 ref`, the
/// tick band twice the price. A refusal tells the distance, rounded up, and the band, rounded down.
#[inline]
pub fn collar(form: &Form, px: Price, reference: Reference, bps: u32, ticks: u32) -> Verdict {
    if planted::is(Bug::RuleCommentedOut) {
        return Ok(());
    }
    let distance = (i128::from(px.0) * 2 - reference.twice).abs();
    // At most 2^65 * 10^4, 2^32 * 2^64 and 2^32 * 2^63 * 2.
    let measured = || distance.div_euclid(2) + distance.rem_euclid(2);
    if bps != COUNT_UNBOUNDED && distance * 10_000 > i128::from(bps) * reference.twice {
        let band = (i128::from(bps) * reference.twice).div_euclid(20_000);
        return Err(Refusal::new(Reason::Collar, measured(), band));
    }
    if ticks != COUNT_UNBOUNDED {
        let tick = i128::from(form.tick(reference.floor()).0);
        let band = i128::from(ticks) * tick;
        if distance > band * 2 {
            return Err(Refusal::new(Reason::Collar, measured(), band));
        }
    }
    Ok(())
}

/// The far edge of the collar: the worst price on the tick that R23 lets pass; what a market order
/// is priced at. `None` where the collar is unlimited or leaves the integers.
#[must_use]
pub fn collar_edge(
    form: &Form,
    side: Side,
    reference: Reference,
    bps: u32,
    ticks: u32,
) -> Option<Price> {
    let tick = i128::from(form.tick(reference.floor()).0);
    let by_bps = (bps != COUNT_UNBOUNDED).then(|| i128::from(bps) * reference.twice / 10_000);
    let by_ticks = (ticks != COUNT_UNBOUNDED).then(|| i128::from(ticks) * tick * 2);
    let band = match (by_bps, by_ticks) {
        (Some(bps), Some(ticks)) => bps.min(ticks),
        (Some(band), None) | (None, Some(band)) => band,
        (None, None) => return None,
    };
    let twice = match side {
        Side::Buy => reference.twice.checked_add(band)?,
        Side::Sell => reference.twice.checked_sub(band)?,
    };
    match side {
        Side::Buy => {
            let px = Price(i64::try_from(twice.div_euclid(2)).ok()?);
            px.floor_to_tick(form.tick(px))
        }
        Side::Sell => {
            let px = Price(i64::try_from(twice.div_euclid(2) + twice.rem_euclid(2)).ok()?);
            px.ceil_to_tick(form.tick(px))
        }
    }
}

/// R39: the order is opposite to the position and no greater than what other own orders of its side
/// leave of it.
#[must_use]
#[inline]
pub const fn reduces(side: Side, qty: i64, position: Qty, open_same_side: i128) -> bool {
    let held = match side {
        Side::Buy => -(position.0 as i128),
        Side::Sell => position.0 as i128,
    };
    held > 0 && qty as i128 <= held - open_same_side
}
