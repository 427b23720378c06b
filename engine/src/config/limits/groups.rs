//! The groups of a limit row, each a table of the configuration.

use shm::units::{Nanos, Notional, Qty};

use super::Limit;

/// Declares a group of mandatory limits, with the key of each as a person writes it.
macro_rules! group {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty = $key:literal,)+ }
        then { $($(#[$rest_doc:meta])* $rest:ident: $rest_ty:ty = $none:expr,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Limit<$ty>,)+
            $($(#[$rest_doc])* pub $rest: $rest_ty,)*
        }

        impl $name {
            /// Every limit stated, none a number.
            pub const UNLIMITED: Self =
                Self { $($field: Limit::Unlimited,)+ $($rest: $none,)* };

            /// Whether each is stated, by key.
            pub(super) fn stated(&self) -> Vec<(&'static str, bool)> {
                vec![$(($key, self.$field.is_stated()),)+]
            }

            fn tighten_maxima(&mut self, other: &Self) {
                $(self.$field = self.$field.tightest(other.$field);)+
            }
        }
    };
}

group! {
    /// Limits of one order.
    OrderLimits {
        /// R20.
        qty_max: Qty = "order.qty_max",
        /// R21.
        value_max: Notional = "order.value_max",
        /// R22: a minimum. Never [`Limit::Unlimited`] in a configuration; zero for none.
        value_min: Notional = "order.value_min",
        /// R23, in 1e-4 of the reference; in `0..=1_000_000`.
        collar_bps: u32 = "order.collar_bps",
        /// R23, in ticks of the instrument at the reference; the tighter of both holds.
        collar_ticks: u32 = "order.collar_ticks",
        /// R24, age of the reference.
        reference_age_max: Nanos = "order.reference_age_max_ms",
        /// R25, in 1e-4 of the average daily volume.
        adv_bps: u32 = "order.adv_bps",
        /// R25, in 1e-4 of the quantity shown at the best price it would meet.
        visible_bps: u32 = "order.visible_bps",
        /// R08, distance of wall clock and engine clock.
        drift_max: Nanos = "order.clock_drift_max_us",
    }
    then {
        /// R23 of an order that does not cross the reference; as `collar_bps` if none is stated.
        passive_bps: Limit<u32> = Limit::Missing,
        /// R23 of an order that does not cross the reference; as `collar_ticks` if none is stated.
        passive_ticks: Limit<u32> = Limit::Missing,
        /// R25, the average daily volume; the smallest of those stated counts.
        adv: Limit<Qty> = Limit::Missing,
        /// R11: no order may be entered.
        restricted: bool = false,
    }
}

group! {
    /// Limits of all working orders and positions of the scope, each per instrument.
    TotalLimits {
        /// R30: position with every working buy filled.
        long_max: Qty = "total.long_max",
        /// R30: the same of sells, as a positive number.
        short_max: Qty = "total.short_max",
        /// R31: quantity of working orders.
        open_qty_max: Qty = "total.open_qty_max",
        /// R31: value of working orders.
        open_value_max: Notional = "total.open_value_max",
        /// R31: number of working orders.
        open_orders_max: u32 = "total.open_orders_max",
        /// R11: what may be short with every working sell filled; zero is a ban of short sales.
        locate_max: Qty = "total.locate_max",
    }
    then {}
}

group! {
    /// Limits of equal orders (R43).
    RepeatLimits {
        /// Equal orders within `per`, the one judged counted.
        same_max: u32 = "repeat.same_max",
    }
    then {
        /// The window; an event exactly this old has left it. Zero unless `same_max` is a number.
        per: Nanos = Nanos(0),
    }
}

group! {
    /// Limits of the money of a scope, over all its instruments.
    MoneyLimits {
        /// R32: positions at their marks, each as a positive number, and all working orders.
        gross_max: Notional = "money.gross_max",
        /// R33: positions at their marks, signed, with the working orders of one side.
        net_max: Notional = "money.net_max",
        /// R34: what purchases, fees and short positions may tie up.
        funds_max: Notional = "money.funds_max",
        /// R36: loss of the session, realised and marked, with fees.
        loss_max: Notional = "money.loss_max",
        /// R36: fall from the session's best.
        drawdown_max: Notional = "money.drawdown_max",
    }
    then {}
}

group! {
    /// Limits of the session date; they begin anew with it, not with a restart.
    DayLimits {
        /// R35: value of all orders entered.
        entered_value_max: Notional = "day.entered_value_max",
        /// R35: quantity of all orders entered.
        entered_qty_max: Qty = "day.entered_qty_max",
        /// R35: value of all fills, with every working order filled.
        traded_value_max: Notional = "day.traded_value_max",
        /// R35: quantity of all fills, with every working order filled.
        traded_qty_max: Qty = "day.traded_qty_max",
        /// R42: orders per trade.
        orders_per_trade_max: u32 = "day.orders_per_trade_max",
        /// R44: the execution of this number disables until a person re-arms.
        executions_max: u32 = "day.executions_max",
    }
    then {
        /// R42 counts from the order after this many.
        orders_floor: u32 = 0,
    }
}

group! {
    /// Limits of messages and prices over time.
    RateLimits {
        /// R41: orders and replaces within `per`.
        orders_max: u32 = "rate.orders_max",
        /// R26: ticks that fills may have moved against us within `move_per`.
        move_ticks_max: u32 = "rate.move_ticks_max",
    }
    then {
        /// Window of `orders_max`.
        per: Nanos = Nanos(0),
        /// Window of `move_ticks_max`.
        move_per: Nanos = Nanos(0),
    }
}

group! {
    /// Breakers (R46): the next one sets CANCEL_ONLY.
    BreakerLimits {
        /// Refusals by the venue within `per` with no acceptance between them.
        rejects_max: u32 = "breaker.rejects_max",
        /// Refused cancels within `per`.
        cancel_rejects_max: u32 = "breaker.cancel_rejects_max",
        /// Sessions lost within `per`.
        disconnects_max: u32 = "breaker.disconnects_max",
    }
    then {
        /// Their window.
        per: Nanos = Nanos(0),
    }
}

group! {
    /// Orders whose outcome is not known (R07).
    UnresolvedLimits {
        /// How many there may be.
        count_max: u32 = "unresolved.count_max",
        /// How long the oldest may be unknown.
        age_max: Nanos = "unresolved.age_max_ms",
    }
    then {}
}

impl OrderLimits {
    pub(super) fn tighten(&mut self, other: &Self) {
        let value_min = self.value_min.tightest_min(other.value_min);
        self.tighten_maxima(other);
        self.value_min = value_min;
        self.passive_bps = self.passive_bps.tightest(other.passive_bps);
        self.passive_ticks = self.passive_ticks.tightest(other.passive_ticks);
        self.adv = self.adv.tightest(other.adv);
        self.restricted |= other.restricted;
    }
}

impl TotalLimits {
    pub(super) fn tighten(&mut self, other: &Self) {
        self.tighten_maxima(other);
    }
}

impl MoneyLimits {
    pub(super) fn tighten(&mut self, other: &Self) {
        self.tighten_maxima(other);
    }
}

impl UnresolvedLimits {
    pub(super) fn tighten(&mut self, other: &Self) {
        self.tighten_maxima(other);
    }
}

// Windows of two scopes cannot be merged into one: what a row with a tighter number says of its
// window is shown. The stage compares row by row.

impl RepeatLimits {
    pub(super) fn tighten(&mut self, other: &Self) {
        let before = self.same_max;
        self.tighten_maxima(other);
        if self.same_max != before {
            self.per = other.per;
        }
    }
}

impl DayLimits {
    pub(super) fn tighten(&mut self, other: &Self) {
        let before = self.orders_per_trade_max;
        self.tighten_maxima(other);
        if self.orders_per_trade_max != before {
            self.orders_floor = other.orders_floor;
        }
    }
}

impl RateLimits {
    pub(super) fn tighten(&mut self, other: &Self) {
        let before = *self;
        self.tighten_maxima(other);
        if self.orders_max != before.orders_max {
            self.per = other.per;
        }
        if self.move_ticks_max != before.move_ticks_max {
            self.move_per = other.move_per;
        }
    }
}

impl BreakerLimits {
    pub(super) fn tighten(&mut self, other: &Self) {
        let before = *self;
        self.tighten_maxima(other);
        if *self != before {
            self.per = other.per;
        }
    }
}
