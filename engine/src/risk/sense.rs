//! Whether the terms of a parent make sense together, before any rule of an order is asked: exits
//! on the right side of an entry, a stop that its limit can follow, slices that there is time and
//! quantity for. Pure; asked by risk (R12), and by the control thread to answer in words at once.

use shm::message::{ParentKind, Side, parent_flags};
use shm::record::parent::Parent;
use shm::units::{Nanos, Price, Qty};

/// Least time of a slice of a TWAP: what a refused one waits before its next try, and a round trip.
pub const SLICE_MIN: Nanos = Nanos(100_000_000);
/// A whole in hundredths of a percent.
const WHOLE_BPS: u32 = 10_000;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)+) => {
        /// What makes terms no order. Its number is `measured` of the refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Fault {
            $($(#[$doc])* $name = $number,)+
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// What is wrong, and what would be right, in terms of `wirelane order new`.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The fault of a number.
            #[must_use]
            pub fn from_number(number: i128) -> Option<Self> {
                Self::ALL.iter().copied().find(|fault| *fault as i128 == number)
            }
        }
    };
}

faults! {
    /// A term that the type needs is not there.
    Missing = 1, "a price, quantity, time or number that its type needs is missing";
    /// Of a stop limit, or a leg that is one.
    StopLimit = 2, "px has to be at or above stop to buy, at or below it to sell: else the order \
        rests away from the market that has triggered it";
    /// A trailing stop that stays a whole price behind.
    TrailTooFar = 3, "ticks or bps has to be a distance smaller than the price that it follows";
    /// The two orders of an OCO are one.
    OcoSame = 4, "the two orders of an oco are the same: px and px-2, stop and stop-2, or side-2 \
        has to differ";
    /// Two limits on opposite sides that would meet each other.
    OcoMeets = 5, "the px that buys has to be below the px that sells: else the two orders of the \
        oco meet each other";
    /// A limit beyond the stop of the same side.
    OcoWrongWay = 6, "of two orders of one side px has to be on the better side of the other's \
        stop: above it to sell, below it to buy";
    /// The profit of a bracket is on the wrong side of its entry.
    ProfitSide = 7, "profit has to be above px to buy, below it to sell (px is the price now, of \
        an entry at the market)";
    /// The stop of a bracket is on the wrong side of its entry.
    StopSide = 8, "stop has to be below px to buy, above it to sell (px is the price now, of an \
        entry at the market)";
    /// The stop of a bracket is not on the other side of its profit.
    ExitsCross = 9, "stop has to be below profit to buy, above it to sell";
    /// The limit of a bracket's stop.
    ExitLimit = 10, "stop-px has to be at or below stop to buy (its exit sells), at or above it to \
        sell";
    /// An iceberg, or an order, that shows more than there is.
    ShowsMore = 11, "show has to be at most the quantity";
    /// More slices than lots.
    SlicesOfNothing = 12, "slices has to be at most the quantity in lots: else some are of nothing";
    /// Slices that follow each other too fast.
    SlicesTooFast = 13, "over has to give each of the slices 100 ms at least";
    /// A TWAP whose time is over.
    SlicesTooLate = 14, "the time of a twap has to end later than now";
}

/// What the terms are held against: the instrument and the market.
#[derive(Clone, Copy, Debug)]
pub struct Against {
    /// Lot size, at least 1.
    pub lot: Qty,
    /// Tick at the price now.
    pub tick: Price,
    /// Price now; `None` where none is known: then what needs it passes.
    pub px: Option<Price>,
    /// Engine time; before it nothing can be done any more.
    pub now: Nanos,
}

/// Whether a parent makes sense.
///
/// # Errors
/// The first [`Fault`] of its type.
pub fn check(parent: &Parent, against: &Against) -> Result<(), Fault> {
    let kind = ParentKind::from_u8(parent.parent).ok_or(Fault::Missing)?;
    let side = Side::from_u8(parent.side).ok_or(Fault::Missing)?;
    let ([px, ..], [stop, _]) = (parent.px, parent.stop_px);
    match kind {
        ParentKind::Stop => holds(Fault::Missing, stop.is_some()),
        ParentKind::StopLimit => {
            holds(Fault::Missing, stop.is_some() && px.is_some())?;
            stop_limit(side, stop, px, Fault::StopLimit)
        }
        ParentKind::Trailing => trailing(parent, against),
        ParentKind::Oco => oco(parent, side),
        ParentKind::Bracket => bracket(parent, side, against),
        ParentKind::Iceberg => {
            holds(Fault::Missing, px.is_some() && parent.clip_qty > Qty::ZERO)?;
            holds(Fault::ShowsMore, parent.clip_qty <= parent.qty)
        }
        ParentKind::Twap => twap(parent, against),
    }
}

const fn holds(fault: Fault, condition: bool) -> Result<(), Fault> {
    if condition { Ok(()) } else { Err(fault) }
}

/// Whether `a` is better than `b` for who trades that side: lower to buy, higher to sell.
fn is_better(side: Side, a: Price, b: Price) -> bool {
    match side {
        Side::Buy => a < b,
        Side::Sell => a > b,
    }
}

/// The limit of a stop is not better than the stop: else it rests away from the market.
fn stop_limit(side: Side, stop: Price, px: Price, fault: Fault) -> Result<(), Fault> {
    let is_both = stop.is_some() && px.is_some();
    holds(fault, !is_both || !is_better(side, px, stop))
}

fn trailing(parent: &Parent, against: &Against) -> Result<(), Fault> {
    holds(Fault::Missing, parent.offset > 0)?;
    if parent.flags & parent_flags::OFFSET_BPS != 0 {
        return holds(Fault::TrailTooFar, parent.offset < WHOLE_BPS);
    }
    let Some(px) = against.px else { return Ok(()) };
    let distance = against.tick.checked_mul(i64::from(parent.offset));
    holds(Fault::TrailTooFar, distance.is_some_and(|distance| distance < px))
}

fn oco(parent: &Parent, side: Side) -> Result<(), Fault> {
    let side_1 = Side::from_u8(parent.side_other).ok_or(Fault::Missing)?;
    let ([px, px_1, _], [stop, stop_1]) = (parent.px, parent.stop_px);
    // A leg without a price works at any, so it has to wait for one.
    let is_whole = (px.is_some() || stop.is_some()) && (px_1.is_some() || stop_1.is_some());
    holds(Fault::Missing, is_whole)?;
    holds(Fault::OcoSame, (side, px, stop) != (side_1, px_1, stop_1))?;
    stop_limit(side, stop, px, Fault::StopLimit)?;
    stop_limit(side_1, stop_1, px_1, Fault::StopLimit)?;
    let rest = stop.is_none() && stop_1.is_none();
    if rest && side != side_1 {
        return holds(Fault::OcoMeets, is_better(side, px, px_1));
    }
    // A limit that rests and a stop behind it, in either order.
    if side == side_1 && stop.is_none() && stop_1.is_some() {
        return holds(Fault::OcoWrongWay, is_better(side, px, stop_1));
    }
    if side == side_1 && stop_1.is_none() && stop.is_some() {
        return holds(Fault::OcoWrongWay, is_better(side, px_1, stop));
    }
    Ok(())
}

fn bracket(parent: &Parent, side: Side, against: &Against) -> Result<(), Fault> {
    let ([px, profit, exit_px], [stop, _]) = (parent.px, parent.stop_px);
    holds(Fault::Missing, profit.is_some() && stop.is_some())?;
    holds(Fault::ExitsCross, is_better(side, stop, profit))?;
    let entry = if px.is_some() { Some(px) } else { against.px };
    if let Some(entry) = entry {
        holds(Fault::ProfitSide, is_better(side, entry, profit))?;
        holds(Fault::StopSide, is_better(side, stop, entry))?;
    }
    stop_limit(side.opposite(), stop, exit_px, Fault::ExitLimit)
}

fn twap(parent: &Parent, against: &Against) -> Result<(), Fault> {
    holds(Fault::Missing, parent.slices > 0 && parent.end > parent.start)?;
    let lots = parent.qty.0 / against.lot.0.max(1);
    holds(Fault::SlicesOfNothing, i64::from(parent.slices) <= lots)?;
    let least = SLICE_MIN.0.saturating_mul(u64::from(parent.slices));
    holds(Fault::SlicesTooFast, parent.end.0 - parent.start.0 >= least)?;
    holds(Fault::SlicesTooLate, parent.end > against.now)
}

#[cfg(test)]
mod tests;
