//! An order by hand, term by term, until it is placed.

use super::super::desk::Order;
use crate::parent::Ask;
use shm::ids::{ClOrdId, InstrumentId};
use shm::message::{OrdType, OrderField, OrderTerms, ParentKind, Side, Tif, terms_flags};
use shm::record::parent::Parent;
use shm::units::{Nanos, Price, Qty};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    /// A plain order.
    Order(Order, OrderTerms),
    /// A parent.
    Parent(Ask),
}

/// The terms given so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Staged {
    values: [Option<i64>; OrderField::COUNT + 1],
}

impl Staged {
    /// Takes a term; one that there is not is not taken, and 0 forgets what was given before.
    pub(crate) fn give(&mut self, field: u8, value: i64) {
        if field == 0 {
            *self = Self::default();
            return;
        }
        if let Some(place) = self.values.get_mut(usize::from(field)) {
            *place = Some(value);
        }
    }

    /// A term.
    pub(crate) fn get(&self, field: OrderField) -> Option<i64> {
        self.values.get(field as usize).copied().flatten()
    }

    /// The id of the order that is meant, if one was given.
    pub(crate) fn id(&self) -> ClOrdId {
        self.get(OrderField::Id).map_or(ClOrdId::NONE, |id| ClOrdId(id as u64))
    }

    /// The order, with nothing given any more; `None` for one that makes no sense.
    pub(crate) fn take(&mut self, instrument: InstrumentId, now: Nanos) -> Option<Asked> {
        let given = core::mem::take(self);
        let byte = |field| given.get(field).and_then(|value| u8::try_from(value).ok());
        let side = Side::from_u8(byte(OrderField::Side)?)?;
        let qty = Qty(given.get(OrderField::Qty)?);
        match byte(OrderField::Parent).unwrap_or(0) {
            0 => given.order(instrument, side, qty, now),
            kind => given.parent(ParentKind::from_u8(kind)?, instrument, side, qty, now),
        }
    }

    fn px(&self, field: OrderField) -> Price {
        self.get(field).map_or(Price::NONE, Price)
    }

    /// A time from now; `None` when it was not given.
    fn later(&self, field: OrderField, now: Nanos) -> Option<Nanos> {
        let span = u64::try_from(self.get(field)?).ok()?;
        Some(Nanos(now.0.saturating_add(span)))
    }

    fn order(&self, instrument: InstrumentId, side: Side, qty: Qty, now: Nanos) -> Option<Asked> {
        let byte = |field| self.get(field).and_then(|value| u8::try_from(value).ok());
        let tif = Tif::from_u8(byte(OrderField::Tif).unwrap_or(Tif::Day as u8))?;
        let ord_type = OrdType::from_u8(byte(OrderField::OrdType).unwrap_or(1))?;
        let is_hidden = self.get(OrderField::Hidden) == Some(1);
        let rare = OrderTerms {
            flags: if is_hidden { terms_flags::HIDDEN } else { 0 },
            expiry: self.later(OrderField::ExpiryIn, now).unwrap_or(Nanos(0)),
            display_qty: Qty(self.get(OrderField::ClipQty).unwrap_or(0)),
            ..OrderTerms::NONE
        };
        let px = self.get(OrderField::Px).map_or(Price(0), Price);
        Some(Asked::Order(Order { instrument, side, px, qty, form: (tif, ord_type) }, rare))
    }

    fn parent(
        &self,
        kind: ParentKind,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        now: Nanos,
    ) -> Option<Asked> {
        let small = |field| self.get(field).and_then(|value| u32::try_from(value).ok());
        let byte = |field| small(field).and_then(|value| u8::try_from(value).ok());
        let parent = Parent {
            parent: kind as u8,
            instrument,
            side: side as u8,
            side_other: byte(OrderField::SideOther).unwrap_or(0),
            flags: byte(OrderField::Flags).unwrap_or(0),
            qty,
            px: [OrderField::Px, OrderField::Px1, OrderField::Px2].map(|field| self.px(field)),
            stop_px: [OrderField::StopPx, OrderField::StopPx1].map(|field| self.px(field)),
            clip_qty: Qty(self.get(OrderField::ClipQty).unwrap_or(0)),
            offset: small(OrderField::Offset).unwrap_or(0),
            slices: small(OrderField::Slices).unwrap_or(0),
            start: self.later(OrderField::StartIn, now).unwrap_or(now),
            end: self.later(OrderField::EndIn, now).unwrap_or(now),
            ..Parent::default()
        };
        Some(Asked::Parent(Ask::of(parent)))
    }
}
