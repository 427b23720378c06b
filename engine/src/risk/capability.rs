//! What venues take (R12), and when orders may be entered at all (R10).

use shm::message::{OrdType, OrderTerms, Tif};
use shm::units::{Nanos, Qty};

/// Types and times in force of a venue, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// By [`OrdType`], the times in force it may have: bit [`Tif`].
    tifs: [u8; 4],
    /// An order may show less than it has.
    display: bool,
}

impl Capability {
    const fn tif(tif: Tif) -> u8 {
        1 << tif as u8
    }

    const DAY: u8 = Self::tif(Tif::Day);
    const IOC: u8 = Self::tif(Tif::Ioc);
    const FOK: u8 = Self::tif(Tif::Fok);
    const GTD: u8 = Self::tif(Tif::Gtd);

    /// OUCH 5.0 as [`gateway::ouch`] speaks it: a market order is an immediate one at the far edge
    /// of its collar, all or nothing is a least quantity.
    pub const OUCH50: Self = Self {
        tifs: [
            0,
            Self::DAY | Self::IOC | Self::FOK | Self::GTD,
            Self::DAY | Self::IOC,
            Self::DAY | Self::GTD,
        ],
        display: true,
    };

    /// The embedded venue; it has no reserve orders.
    pub const PAPER: Self = Self {
        tifs: [
            0,
            Self::DAY | Self::IOC | Self::FOK | Self::GTD,
            Self::DAY | Self::IOC | Self::FOK,
            Self::DAY | Self::GTD,
        ],
        display: false,
    };

    /// Whether the venue takes an order with these rare terms. One that is hidden has no part to
    /// show, and one that ends at a time says so by its time in force.
    #[must_use]
    #[inline]
    pub fn takes_terms(&self, terms: &OrderTerms, tif: Tif) -> bool {
        let shows_all = terms.display_qty == Qty::ZERO;
        let shows_part = self.display && terms.display_qty > Qty::ZERO && !terms.is_hidden();
        (shows_all || shows_part) && (tif == Tif::Gtd || terms.expiry == Nanos(0))
    }

    /// Whether the venue takes orders of this type with this time in force.
    #[must_use]
    #[inline]
    pub const fn takes(&self, ord_type: OrdType, tif: Tif) -> bool {
        let tifs = match ord_type {
            OrdType::Limit => self.tifs[1],
            OrdType::Market => self.tifs[2],
            OrdType::PostOnly => self.tifs[3],
        };
        tifs & Self::tif(tif) != 0
    }
}

/// Hours of the session date on the engine's clock; each from its begin, to before its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// Orders may be entered (R10); `None` for always.
    pub open: Option<(Nanos, Nanos)>,
    /// Market orders may be entered (R12); `None` for always.
    pub regular: Option<(Nanos, Nanos)>,
}

impl Hours {
    /// Whether orders may be entered.
    #[must_use]
    #[inline]
    pub fn is_open(&self, now: Nanos) -> bool {
        self.open.is_none_or(|(from, to)| from <= now && now < to)
    }

    /// Whether market orders may be entered.
    #[must_use]
    #[inline]
    pub fn is_regular(&self, now: Nanos) -> bool {
        self.regular.is_none_or(|(from, to)| from <= now && now < to)
    }
}
