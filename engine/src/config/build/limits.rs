//! `[[limits]]`: tables of the configuration as rows of limits.

use shm::ids::{AccountId, StrategyId};
use shm::units::{Nanos, Notional, Qty};

use super::super::fault::did_you_mean;
use super::super::limits::{
    BreakerLimits, DayLimits, Limit, LimitRow, MoneyLimits, OrderLimits, RateLimits, RepeatLimits,
    Scope, TotalLimits, UnresolvedLimits,
};
use super::super::model::{LimitTable, ScopeName};
use super::super::reader::Reader;
use super::super::stages::{Known, index_of};
use super::{micros, millis};

pub(super) fn limit_table(reader: &Reader<'_>, known: &Known) -> Option<LimitTable> {
    // Every table is read, whatever the scope is, so that one load finds every fault.
    let row = LimitRow {
        scope: Scope::Firm,
        order: order(&reader.table("order")),
        total: total(&reader.table("total")),
        repeat: repeat(&reader.table("repeat")),
        money: money(&reader.table("money")),
        day: day(&reader.table("day")),
        rate: rate(&reader.table("rate")),
        breaker: breaker(&reader.table("breaker")),
        unresolved: unresolved(&reader.table("unresolved")),
    };
    let scope = scope(reader, known)?;
    Some(LimitTable { scope, row })
}

fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn qty(value: i128) -> Qty {
    Qty(i64::try_from(value).unwrap_or(i64::MAX))
}

fn order(table: &Reader<'_>) -> OrderLimits {
    OrderLimits {
        qty_max: table.limit_decimal("qty_max", qty),
        value_max: table.limit_decimal("value_max", Notional),
        value_min: table.limit_decimal("value_min", Notional),
        collar_bps: table.limit_int("collar_bps", small),
        collar_ticks: table.limit_int("collar_ticks", small),
        reference_age_max: table.limit_int("reference_age_max_ms", millis),
        adv_bps: table.limit_int("adv_bps", small),
        visible_bps: table.limit_int("visible_bps", small),
        drift_max: table.limit_int("clock_drift_max_us", micros),
        passive_bps: table.limit_int("passive_bps", small),
        passive_ticks: table.limit_int("passive_ticks", small),
        adv: table.limit_decimal("adv", qty),
        restricted: table.flag("restricted"),
    }
}

fn total(table: &Reader<'_>) -> TotalLimits {
    TotalLimits {
        long_max: table.limit_decimal("long_max", qty),
        short_max: table.limit_decimal("short_max", qty),
        open_qty_max: table.limit_decimal("open_qty_max", qty),
        open_value_max: table.limit_decimal("open_value_max", Notional),
        open_orders_max: table.limit_int("open_orders_max", small),
        locate_max: table.limit_decimal("locate_max", qty),
    }
}

/// The window of counts, which must be written with the first of them that is a number, and not
/// without any.
fn window(table: &Reader<'_>, key: &'static str, counts: &[(&'static str, Limit<u32>)]) -> Nanos {
    let per: Option<Nanos> = table.int_opt(key).map(millis);
    let number = counts.iter().find(|(_, limit)| matches!(limit, Limit::Max(_)));
    match (number, per) {
        (Some((count, _)), None) if !table.has(key) => {
            table.missing_because(key, &format!("{count} counts within a window"));
        }
        (None, Some(_)) if counts.iter().all(|(count, _)| !table.has(count)) => {
            if let Some((count, _)) = counts.first() {
                table.missing_because(count, &format!("{key} is the window of a count"));
            }
        }
        _ => {}
    }
    per.unwrap_or_default()
}

fn repeat(table: &Reader<'_>) -> RepeatLimits {
    let same_max = table.limit_int("same_max", small);
    RepeatLimits { same_max, per: window(table, "per_ms", &[("same_max", same_max)]) }
}

fn money(table: &Reader<'_>) -> MoneyLimits {
    MoneyLimits {
        gross_max: table.limit_decimal("gross_max", Notional),
        net_max: table.limit_decimal("net_max", Notional),
        funds_max: table.limit_decimal("funds_max", Notional),
        loss_max: table.limit_decimal("loss_max", Notional),
        drawdown_max: table.limit_decimal("drawdown_max", Notional),
    }
}

fn day(table: &Reader<'_>) -> DayLimits {
    DayLimits {
        entered_value_max: table.limit_decimal("entered_value_max", Notional),
        entered_qty_max: table.limit_decimal("entered_qty_max", qty),
        traded_value_max: table.limit_decimal("traded_value_max", Notional),
        traded_qty_max: table.limit_decimal("traded_qty_max", qty),
        orders_per_trade_max: table.limit_int("orders_per_trade_max", small),
        executions_max: table.limit_int("executions_max", small),
        orders_floor: table.int_opt("orders_floor").unwrap_or(0),
    }
}

fn rate(table: &Reader<'_>) -> RateLimits {
    let orders_max = table.limit_int("orders_max", small);
    let move_ticks_max = table.limit_int("move_ticks_max", small);
    RateLimits {
        orders_max,
        move_ticks_max,
        per: window(table, "per_ms", &[("orders_max", orders_max)]),
        move_per: window(table, "move_per_ms", &[("move_ticks_max", move_ticks_max)]),
    }
}

fn breaker(table: &Reader<'_>) -> BreakerLimits {
    let rejects_max = table.limit_int("rejects_max", small);
    let cancel_rejects_max = table.limit_int("cancel_rejects_max", small);
    let disconnects_max = table.limit_int("disconnects_max", small);
    let counts = [
        ("rejects_max", rejects_max),
        ("cancel_rejects_max", cancel_rejects_max),
        ("disconnects_max", disconnects_max),
    ];
    let per = window(table, "per_ms", &counts);
    BreakerLimits { rejects_max, cancel_rejects_max, disconnects_max, per }
}

fn unresolved(table: &Reader<'_>) -> UnresolvedLimits {
    UnresolvedLimits {
        count_max: table.limit_int("count_max", small),
        age_max: table.limit_int("age_max_ms", millis),
    }
}

fn scope(reader: &Reader<'_>, known: &Known) -> Option<ScopeName> {
    let text = reader.text_opt("scope")?;
    let Some((kind, name)) = text.split_once(':') else { return Some(ScopeName::Firm) };
    let names = match kind {
        "account" => &known.accounts,
        "strategy" => &known.strategies,
        _ => return Some(ScopeName::Instrument(name.to_owned())),
    };
    let Some(index) = index_of(names, name) else {
        if kind == "account" && names.is_empty() {
            return None;
        }
        let wrong = format!("there is no {kind} {name:?}");
        let scopes: Vec<String> = names.iter().map(|name| format!("{kind}:{name}")).collect();
        let remedy = did_you_mean(&text, scopes.iter().map(String::as_str));
        reader.cross("scope", wrong, "", remedy);
        return None;
    };
    match kind {
        "account" => u16::try_from(index).ok().map(|id| ScopeName::Account(AccountId(id))),
        _ => u8::try_from(index + 1).ok().map(|id| ScopeName::Strategy(StrategyId(id))),
    }
}
