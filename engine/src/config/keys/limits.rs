//! The keys of `[[limits]]`.

use super::super::forms::Form;
use super::super::spec::{
    Field, Kind, Scale, Table, decimal, int, limit_decimal, limit_int, may, must, or,
};

const MONEY: &str = "the account's currency";
const BPS_MAX: i64 = 1_000_000;
/// A window of counts keeps the time of each: so many at most.
const COUNT_MAX: i64 = 65_536;
const DAY_MS: i64 = 86_400_000;

pub(super) static LIMITS: Table = Table {
    named_by: Some("scope"),
    fields: &[
        must("scope", Kind::Text(Form::Scope), "limits", "What the table holds for."),
        or("order", "{}", Kind::Table(&ORDER), "limits", "Of one order."),
        or("total", "{}", Kind::Table(&TOTAL), "limits",
            "Of all orders and positions of the scope, per instrument."),
        or("repeat", "{}", Kind::Table(&REPEAT), "limits", "Of equal orders."),
        or("money", "{}", Kind::Table(&MONEY_TABLE), "limits",
            "Of the money of the scope, over all its instruments."),
        or("day", "{}", Kind::Table(&DAY), "limits", "Of the session date."),
        or("rate", "{}", Kind::Table(&RATE), "limits", "Of orders and prices over time."),
        or("breaker", "{}", Kind::Table(&BREAKER), "limits",
            "Of what goes wrong: one more sets CANCEL_ONLY."),
        or("unresolved", "{}", Kind::Table(&UNRESOLVED), "limits",
            "Of orders whose outcome is not known."),
    ],
};

const fn qty(key: &'static str, rule: &'static str, doc: &'static str) -> Field {
    may(key, limit_decimal(Scale::Qty, "shares"), rule, doc)
}

const fn money(key: &'static str, rule: &'static str, doc: &'static str) -> Field {
    may(key, limit_decimal(Scale::Notional, MONEY), rule, doc)
}

const fn window(key: &'static str, rule: &'static str, doc: &'static str) -> Field {
    may(key, int(1, DAY_MS, "milliseconds"), rule, doc)
}

static ORDER: Table = Table {
    named_by: None,
    fields: &[
        qty("qty_max", "risk R20", "Quantity."),
        money("value_max", "risk R21", "Price x quantity x multiplier."),
        may("value_min", decimal(Scale::Notional, 0, MONEY), "risk R22",
            "The least of the same; \"0\" for none."),
        may("collar_bps", limit_int(BPS_MAX, "bps of the reference"), "risk R23",
            "Distance from the reference price."),
        may("collar_ticks", limit_int(1_000_000_000, "ticks"), "risk R23",
            "The same in ticks; the tighter holds."),
        may("passive_bps", limit_int(BPS_MAX, "bps of the reference"), "risk R23",
            "The same for a buy below and a sell above the reference; as collar_bps if absent."),
        may("passive_ticks", limit_int(1_000_000_000, "ticks"), "risk R23",
            "The same in ticks; as collar_ticks if absent."),
        may("reference_age_max_ms", limit_int(DAY_MS, "milliseconds"), "risk R24",
            "Oldest reference price."),
        may("adv_bps", limit_int(BPS_MAX, "bps of adv"), "risk R25",
            "Quantity as a share of the average daily volume."),
        qty("adv", "risk R25", "Average daily volume; without it a number in adv_bps refuses."),
        may("visible_bps", limit_int(1_000_000_000, "bps of the quantity"), "risk R25",
            "Quantity as a share of what is shown at the best price it would meet."),
        may("clock_drift_max_us", limit_int(3_600_000_000, "microseconds"), "risk R08",
            "Distance of the wall clock from the engine's."),
        or("restricted", "false", Kind::Flag, "risk R11", "No order may be entered."),
    ],
};

static TOTAL: Table = Table {
    named_by: None,
    fields: &[
        qty("long_max", "risk R30", "Position with every working buy filled."),
        qty("short_max", "risk R30", "The same of sells, as a positive number."),
        qty("open_qty_max", "risk R31", "Quantity of working orders."),
        money("open_value_max", "risk R31", "Value of working orders."),
        may("open_orders_max", limit_int(1 << 20, "orders"), "risk R31",
            "Number of working orders."),
        qty("locate_max", "risk R11",
            "What may be short with every working sell filled; \"0\" bans short sales."),
    ],
};

static REPEAT: Table = Table {
    named_by: None,
    fields: &[
        may("same_max", limit_int(1_000_000, "orders"), "risk R43",
            "Equal orders in any window of per_ms, this one counted."),
        window("per_ms", "risk R43", "The window of same_max."),
    ],
};

static MONEY_TABLE: Table = Table {
    named_by: None,
    fields: &[
        money("gross_max", "risk R32",
            "Positions at their marks, none set off against another, and all working orders."),
        money("net_max", "risk R33",
            "Positions at their marks, set off, with all working orders of one side."),
        money("funds_max", "risk R34",
            "What purchases, fees, working buys and short positions may tie up."),
        money("loss_max", "risk R36", "Loss of the session, realised and marked, with fees."),
        money("drawdown_max", "risk R36", "Fall from the session's best result."),
    ],
};

static DAY: Table = Table {
    named_by: None,
    fields: &[
        money("entered_value_max", "risk R35", "Value of all orders entered."),
        qty("entered_qty_max", "risk R35", "Quantity of all orders entered."),
        money("traded_value_max", "risk R35", "Value of all fills, working orders filled."),
        qty("traded_qty_max", "risk R35", "Quantity of all fills, working orders filled."),
        may("orders_per_trade_max", limit_int(1_000_000_000, "orders"), "risk R42",
            "Orders and replaces per trade."),
        may("orders_floor", int(0, 1_000_000_000, "orders"), "risk R42",
            "Orders before orders_per_trade_max is asked; 0 if absent."),
        may("executions_max", limit_int(4_000_000_000, "executions"), "risk R44",
            "The execution of this number stops the scope until a person re-arms it."),
    ],
};

static RATE: Table = Table {
    named_by: None,
    fields: &[
        may("orders_max", limit_int(COUNT_MAX, "orders"), "risk R41",
            "Orders and replaces in any window of per_ms."),
        window("per_ms", "risk R41", "The window of orders_max."),
        may("move_ticks_max", limit_int(1_000_000_000, "ticks"), "risk R26",
            "Ticks that a price may be worse than the best fill of its side in move_per_ms."),
        window("move_per_ms", "risk R26", "The window of move_ticks_max."),
    ],
};

static BREAKER: Table = Table {
    named_by: None,
    fields: &[
        may("rejects_max", limit_int(1_000, "refusals"), "risk R46",
            "Refusals by the venue with no acceptance between them."),
        may("cancel_rejects_max", limit_int(1_000, "refusals"), "risk R46", "Refused cancels."),
        may("disconnects_max", limit_int(1_000, "losses"), "risk R46", "Sessions lost."),
        window("per_ms", "risk R46", "Their window."),
    ],
};

static UNRESOLVED: Table = Table {
    named_by: None,
    fields: &[
        may("count_max", limit_int(1 << 20, "orders"), "risk R07", "How many there may be."),
        may("age_max_ms", limit_int(DAY_MS, "milliseconds"), "risk R07",
            "How long the oldest of them may have been one."),
    ],
};

/// What a limit takes, by its table and key.
pub(in super::super) fn limit_kind(table: &str, key: &str) -> Option<Kind> {
    match LIMITS.field(table)?.kind {
        Kind::Table(table) => table.field(key).map(|field| field.kind),
        _ => None,
    }
}
