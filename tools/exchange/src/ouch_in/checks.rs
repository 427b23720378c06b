//! What makes an order unfit for this market, and the reason the venue gives.

use crate::listing::Listing;
use crate::matching::{Special, Tif};
use gateway::codec::ouch50::{
    Appendage, AppendageBuf, CrossCode, DisplayCode, EnterOrder, QTY_MAX, RejectReason, Tag,
    TifCode, WirePx,
};
use shm::ids::Symbol;
use shm::message::Side;

/// Prices of 1.00 and above are multiples of the tick; below, any ten-thousandth.
const SUB_DOLLAR_PX: u64 = 10_000;
/// 200,000.0000 is taken for a market order as well. Source: OUCH 5.0, data types, Price.
const MARKET_ALIAS: u64 = 2_000_000_000;

/// Checked terms of an order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// ITCH locate of the symbol.
    pub locate: u16,
    /// Side of the book.
    pub side: Side,
    /// Limit price4; `None` for a market order.
    pub limit_px: Option<u32>,
    /// Day or immediate.
    pub tif: Tif,
    /// What it keeps from others.
    pub special: Special,
    /// Seconds after which it ends.
    pub expire_s: Option<u32>,
}

/// What options ask for, as far as this market knows them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KnownOptions {
    /// Post only.
    pub post_only: Option<bool>,
    /// Firm.
    pub firm: Option<[u8; 4]>,
    /// Group for mass cancels.
    pub group_id: Option<u16>,
    /// Least shares of a trade, 0 for any.
    pub min_qty: u32,
    /// Shares shown at a time, 0 for all.
    pub floor_qty: u32,
    /// Seconds to live, 0 for no such option.
    pub expire_s: u32,
    /// All of them again, to be echoed.
    pub echo: AppendageBuf,
}

/// Checks a new order.
///
/// # Errors
/// The first reason found, in the order: options, symbol, halt, side, quantity, price, time in
/// force, display, cross.
pub(super) fn check_enter(
    order: &EnterOrder,
    appendage: Appendage<'_>,
    listing: &Listing,
) -> Result<(Terms, KnownOptions), RejectReason> {
    let options = check_options(appendage)?;
    let locate = listing.locate_of(&Symbol(order.symbol)).ok_or(RejectReason::SYMBOL)?;
    let listed = listing.get(locate).ok_or(RejectReason::SYMBOL)?;
    if listed.state != b'T' {
        return Err(RejectReason::HALTED);
    }
    let side = order.side.side().ok_or(RejectReason::SIDE)?;
    check_qty(order.qty.get())?;
    let limit_px = check_px(order.px, listed.tick_px)?;
    let tif = check_tif(order.tif)?;
    let special = check_special(order.display, tif, &options, order.qty.get())?;
    let expire_s = check_expiry(order.tif, &options)?;
    if order.cross_type != CrossCode::CONTINUOUS {
        return Err(RejectReason::CROSS_ORDER);
    }
    if !order.capacity.is_known() {
        return Err(RejectReason::OTHER);
    }
    Ok((Terms { locate, side, limit_px, tif, special, expire_s }, options))
}

/// Shares of one order or chain.
///
/// # Errors
/// [`RejectReason::QTY`] outside `1..=QTY_MAX`.
pub(super) fn check_qty(qty: u32) -> Result<(), RejectReason> {
    if (1..=QTY_MAX).contains(&qty) { Ok(()) } else { Err(RejectReason::QTY) }
}

/// The limit as price4, `None` for a market order.
///
/// # Errors
/// [`RejectReason::PX`] for zero, over the maximum, or off the tick.
pub(super) fn check_px(px: WirePx, tick_px: u32) -> Result<Option<u32>, RejectReason> {
    let raw = px.0.get();
    if px == WirePx::MARKET || raw == MARKET_ALIAS {
        return Ok(None);
    }
    let on_tick = raw < SUB_DOLLAR_PX || raw.is_multiple_of(u64::from(tick_px));
    if raw == 0 || raw > WirePx::MAX.0.get() || !on_tick {
        return Err(RejectReason::PX);
    }
    u32::try_from(raw).map(Some).map_err(|_| RejectReason::PX)
}

/// # Errors
/// [`RejectReason::DESTINATION_CLOSED`] for after hours, [`RejectReason::OTHER`] for what is not
/// offered.
pub(super) fn check_tif(tif: TifCode) -> Result<Tif, RejectReason> {
    match tif {
        TifCode::DAY | TifCode::GTX | TifCode::GTT => Ok(Tif::Day),
        TifCode::IOC => Ok(Tif::Ioc),
        TifCode::AFTER_HOURS => Err(RejectReason::DESTINATION_CLOSED),
        _ => Err(RejectReason::OTHER),
    }
}

/// What an order keeps from others. Only what is not shown may wait for a least quantity; what is
/// hidden whole has nothing to show a part of.
///
/// # Errors
/// [`RejectReason::DISPLAY`], [`RejectReason::MAX_FLOOR`], [`RejectReason::MIN_QTY`].
pub(super) fn check_special(
    display: DisplayCode,
    tif: Tif,
    options: &KnownOptions,
    qty: u32,
) -> Result<Special, RejectReason> {
    let hidden = match display {
        DisplayCode::VISIBLE | DisplayCode::ATTRIBUTABLE => false,
        DisplayCode::HIDDEN => true,
        _ => return Err(RejectReason::DISPLAY),
    };
    let KnownOptions { min_qty, floor_qty, .. } = *options;
    if floor_qty > 0 && hidden {
        return Err(RejectReason::MAX_FLOOR);
    }
    if min_qty > qty || (min_qty > 0 && tif == Tif::Day && !hidden) {
        return Err(RejectReason::MIN_QTY);
    }
    Ok(Special { hidden, floor_qty, min_qty })
}

/// The seconds of an order that ends by itself. Source: OUCH 5.0, option ExpireTime.
///
/// # Errors
/// [`RejectReason::OTHER`]: one without the other, or not within the day.
pub(super) fn check_expiry(
    tif: TifCode,
    options: &KnownOptions,
) -> Result<Option<u32>, RejectReason> {
    match (tif == TifCode::GTT, options.expire_s) {
        (false, 0) => Ok(None),
        (true, seconds @ 1..=86_399) => Ok(Some(seconds)),
        (_, _) => Err(RejectReason::OTHER),
    }
}

/// Reads the options.
///
/// # Errors
/// The reason for the first option that this market does not offer.
pub(super) fn check_options(appendage: Appendage<'_>) -> Result<KnownOptions, RejectReason> {
    let mut known = KnownOptions::default();
    for option in appendage.options() {
        match option {
            Tag::PostOnly(letter) => known.post_only = Some(letter == b'P'),
            Tag::Firm(firm) => known.firm = Some(firm),
            Tag::GroupId(group_id) => known.group_id = Some(group_id),
            Tag::MinQty(qty) => known.min_qty = qty,
            Tag::MaxFloor(qty) => known.floor_qty = qty,
            Tag::ExpireTime(seconds) => known.expire_s = seconds,
            Tag::PriceType(b'L')
            | Tag::UserRefIdx(0)
            | Tag::CustomerType(_)
            | Tag::SharesLocated(_)
            | Tag::LocateBroker(_)
            | Tag::BboWeight(_)
            | Tag::TradeNow(b'N') => {}
            Tag::PriceType(_) | Tag::PegOffset(_) => return Err(RejectReason::PEGGING_NOT_ALLOWED),
            Tag::RandomReserves(_) => return Err(RejectReason::MAX_FLOOR),
            Tag::Route(_) => return Err(RejectReason::ROUTING_NOT_ALLOWED),
            _ => return Err(RejectReason::OTHER),
        }
        known.echo.push(option).map_err(|_| RejectReason::OTHER)?;
    }
    Ok(known)
}
