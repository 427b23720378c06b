//! Orders by hand: words to the commands that carry them, and what is wrong with words that are no
//! order.
//!
//! An order goes to a strategy of kind `exec`, term by term and then as a whole, so that it lies in
//! the journal with who asked before it acts, and is replayed with the strategy.

use crate::risk::sense::{self, Against, Fault};
use crate::strategy::exec::staged::{Asked, Staged};
use feed::instruments::{Instrument, Instruments};
use shm::ids::ClOrdId;
use shm::message::{OrdType, OrderField, ParentKind, Side, Tif, parent_flags};
use shm::units::{Nanos, Price, Qty};

/// Types of orders by hand, with the keys that each needs and those that it may have.
const TYPES: &[(&str, &[&str], &[&str])] = &[
    ("limit", &["px"], &["tif", "expires", "hidden", "show"]),
    ("market", &[], &[]),
    ("post-only", &["px"], &["tif", "expires", "hidden"]),
    ("stop", &["stop"], &["trigger"]),
    ("stop-limit", &["stop", "px"], &["trigger"]),
    ("trailing", &[], &["ticks", "bps", "trigger"]),
    ("oco", &["side-2"], &["px", "stop", "px-2", "stop-2", "shared", "trigger"]),
    ("bracket", &["profit", "stop"], &["px", "stop-px", "trigger"]),
    ("iceberg", &["px", "show"], &[]),
    ("twap", &["over", "slices"], &["px", "in", "slice-max"]),
];

/// Terms of an order, ready to be given.
pub(super) type Terms = Vec<(OrderField, i64)>;

/// Reads an order: its type, side and quantity, and `key=value` for the rest.
///
/// # Errors
/// One sentence: what is wrong, and what would be right.
pub(super) fn order(kind: &str, side: &str, qty: &str, words: &[String]) -> Result<Terms, String> {
    let Some((_, needs, may)) = TYPES.iter().find(|(name, ..)| *name == kind) else {
        let names: Vec<&str> = TYPES.iter().map(|(name, ..)| *name).collect();
        return Err(format!("no order type {kind}; there are: {}", names.join(", ")));
    };
    let mut given = Vec::new();
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, "yes"));
        if !needs.contains(&key) && !may.contains(&key) {
            let all = [*needs, *may].concat().join(", ");
            return Err(format!("{kind} has no {key}; it takes: {all}"));
        }
        if given.iter().any(|(known, _)| *known == key) {
            return Err(format!("{key} is given twice"));
        }
        given.push((key, value));
    }
    if let Some(missing) = needs.iter().find(|key| !given.iter().any(|(known, _)| known == *key)) {
        return Err(format!("{kind} needs {missing}=..."));
    }
    let mut terms =
        vec![(OrderField::Side, self::side(side)?), (OrderField::Qty, quantity("quantity", qty)?)];
    terms.extend(base(kind));
    let mut flags = 0;
    for (key, value) in given {
        term(kind, key, value, &mut terms, &mut flags)?;
    }
    if flags != 0 {
        terms.push((OrderField::Flags, i64::from(flags)));
    }
    complete(kind, &terms)?;
    Ok(terms)
}

/// Whether the terms of an order make sense together, as far as that can be told without the
/// market; risk asks again, with it.
///
/// # Errors
/// As [`order`].
pub(super) fn sense(kind: &str, terms: &Terms, instrument: &Instrument) -> Result<(), String> {
    // Times of an order count from its command.
    let now = Nanos(0);
    let mut staged = Staged::default();
    for (field, value) in terms {
        staged.give(*field as u8, *value);
    }
    let fault = match staged.take(instrument.id, now) {
        Some(Asked::Parent(ask)) => {
            let against = Against { lot: instrument.lot, tick: Price(0), px: None, now };
            sense::check(&ask.under(ClOrdId::NONE, now), &against).err()
        }
        Some(Asked::Order(order, rare)) if rare.display_qty > order.qty => Some(Fault::ShowsMore),
        Some(Asked::Order(..)) => None,
        None => Some(Fault::Missing),
    };
    fault.map_or(Ok(()), |fault| Err(format!("{kind}: {}", fault.text())))
}

/// Reads the terms of a replace.
///
/// # Errors
/// As [`order`].
pub(super) fn replace(words: &[String]) -> Result<Terms, String> {
    let each = words.iter().map(|word| match word.split_once('=') {
        Some(("px", value)) => Ok((OrderField::Px, price("px", value)?)),
        Some(("qty", value)) => Ok((OrderField::Qty, quantity("qty", value)?)),
        _ => Err(format!("a replace takes px=PRICE and qty=WHOLE QUANTITY, not {word}")),
    });
    let terms: Terms = each.collect::<Result<_, String>>()?;
    if terms.is_empty() { Err("a replace needs px=... or qty=...".to_owned()) } else { Ok(terms) }
}

/// Which order is meant: its number of this session, or its id.
///
/// # Errors
/// As [`order`].
pub(super) fn named(text: &str) -> Result<(i64, Terms), String> {
    if let Ok(number) = text.parse::<u32>() {
        return match number {
            0 => Err("orders are numbered from 1".to_owned()),
            number => Ok((i64::from(number), Vec::new())),
        };
    }
    let id = ClOrdId::from_text(text.as_bytes()).filter(|id| *id != ClOrdId::NONE);
    let id = id.ok_or_else(|| {
        format!("{text} is no order: write its number, or its id as the journal shows it")
    })?;
    Ok((0, vec![(OrderField::Id, id.0 as i64)]))
}

/// The instrument of a name: `SYMBOL`, or `VENUE/SYMBOL` where several venues have it.
///
/// # Errors
/// As [`order`].
pub(super) fn instrument<'a>(
    name: &str,
    instruments: &'a Instruments,
) -> Result<&'a Instrument, String> {
    let (venue, symbol) = name.split_once('/').map_or((None, name), |(v, s)| (Some(v), s));
    let mut found = instruments.iter().filter(|row| {
        row.symbol.as_str() == symbol && venue.is_none_or(|venue| row.venue.as_str() == venue)
    });
    match (found.next(), found.next()) {
        (Some(row), None) => Ok(row),
        (Some(_), Some(_)) => Err(format!("{symbol} is at several venues: write VENUE/{symbol}")),
        (None, _) => Err(format!("no instrument {name}")),
    }
}

/// What a type says by itself.
fn base(kind: &str) -> Option<(OrderField, i64)> {
    let parent = match kind {
        "limit" => return None,
        "market" => return Some((OrderField::OrdType, OrdType::Market as i64)),
        "post-only" => return Some((OrderField::OrdType, OrdType::PostOnly as i64)),
        "stop" => ParentKind::Stop,
        "stop-limit" => ParentKind::StopLimit,
        "trailing" => ParentKind::Trailing,
        "oco" => ParentKind::Oco,
        "bracket" => ParentKind::Bracket,
        "iceberg" => ParentKind::Iceberg,
        _ => ParentKind::Twap,
    };
    Some((OrderField::Parent, parent as i64))
}

/// One `key=value`.
fn term(
    kind: &str,
    key: &str,
    value: &str,
    terms: &mut Terms,
    flags: &mut u8,
) -> Result<(), String> {
    let term = match key {
        "px" => (OrderField::Px, price(key, value)?),
        "px-2" | "profit" => (OrderField::Px1, price(key, value)?),
        "stop-px" => (OrderField::Px2, price(key, value)?),
        "stop" => (OrderField::StopPx, price(key, value)?),
        "stop-2" => (OrderField::StopPx1, price(key, value)?),
        "side-2" => (OrderField::SideOther, side(value)?),
        "show" | "slice-max" => (OrderField::ClipQty, quantity(key, value)?),
        "ticks" => (OrderField::Offset, count(key, value)?),
        "bps" => {
            *flags |= parent_flags::OFFSET_BPS;
            (OrderField::Offset, count(key, value)?)
        }
        "trigger" => {
            match value {
                "last" => *flags |= parent_flags::LAST_TRADE,
                "quote" => {}
                _ => return Err(format!("trigger is last or quote, not {value}")),
            }
            return Ok(());
        }
        "shared" => {
            *flags |= if switch(key, value)? { parent_flags::SHARED } else { 0 };
            return Ok(());
        }
        "hidden" => (OrderField::Hidden, i64::from(switch(key, value)?)),
        "expires" => (OrderField::ExpiryIn, span(key, value)?),
        "in" => (OrderField::StartIn, span(key, value)?),
        "over" => (OrderField::EndIn, span(key, value)?),
        "slices" => (OrderField::Slices, count(key, value)?),
        "tif" => {
            let tif = Tif::ALL.iter().find(|tif| tif.name().eq_ignore_ascii_case(value));
            let tif = tif.ok_or_else(|| format!("tif is day, ioc, fok or gtd, not {value}"))?;
            (OrderField::Tif, *tif as i64)
        }
        _ => return Err(format!("{kind} has no {key}")),
    };
    terms.push(term);
    Ok(())
}

/// What only all terms together can say.
fn complete(kind: &str, terms: &Terms) -> Result<(), String> {
    let get = |field| terms.iter().find(|(known, _)| *known == field).map(|(_, value)| *value);
    let has = |field| get(field).is_some();
    let is_timed = get(OrderField::Tif) == Some(Tif::Gtd as i64);
    match kind {
        "limit" | "post-only" if is_timed != has(OrderField::ExpiryIn) => {
            Err("tif=gtd and expires=... belong together".to_owned())
        }
        "trailing" if !has(OrderField::Offset) => {
            Err("trailing needs ticks=... or bps=...".to_owned())
        }
        "trailing"
            if terms.iter().filter(|(field, _)| *field == OrderField::Offset).count() > 1 =>
        {
            Err("trailing takes ticks or bps, not both".to_owned())
        }
        "oco" if !has(OrderField::Px) && !has(OrderField::StopPx) => {
            Err("the first leg needs px=... or stop=...".to_owned())
        }
        "oco" if !has(OrderField::Px1) && !has(OrderField::StopPx1) => {
            Err("the second leg needs px-2=... or stop-2=...".to_owned())
        }
        _ => Ok(()),
    }
}

fn side(text: &str) -> Result<i64, String> {
    let side = Side::ALL.iter().find(|side| side.name().eq_ignore_ascii_case(text));
    side.map(|side| *side as i64).ok_or_else(|| format!("a side is buy or sell, not {text}"))
}

fn price(key: &str, text: &str) -> Result<i64, String> {
    let px: Option<Price> = text.parse().ok().filter(|px: &Price| px.is_some());
    px.map(|px| px.0).ok_or_else(|| format!("{key} is a price as 185.01, not {text}"))
}

fn quantity(key: &str, text: &str) -> Result<i64, String> {
    let qty: Option<Qty> = text.parse().ok().filter(|qty: &Qty| qty.0 > 0);
    qty.map(|qty| qty.0).ok_or_else(|| format!("{key} is a quantity above 0 as 100, not {text}"))
}

fn count(key: &str, text: &str) -> Result<i64, String> {
    let count: Option<u32> = text.parse().ok().filter(|count| *count > 0);
    count.map(i64::from).ok_or_else(|| format!("{key} is a whole number above 0, not {text}"))
}

fn switch(key: &str, text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("{key} is yes or no, not {text}")),
    }
}

/// A time as `500ms`, `30s`, `5m`, `2h`, in nanoseconds; at most a day.
fn span(key: &str, text: &str) -> Result<i64, String> {
    let wrong = || format!("{key} is a time as 500ms, 30s, 5m or 2h up to a day, not {text}");
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit: i64 = match text.get(digits.len()..) {
        Some("ms") => 1_000_000,
        Some("s") => 1_000_000_000,
        Some("m") => 60_000_000_000,
        Some("h") => 3_600_000_000_000,
        _ => return Err(wrong()),
    };
    let count: i64 = digits.parse().map_err(|_| wrong())?;
    let span = count.checked_mul(unit).filter(|span| (1..=86_400_000_000_000).contains(span));
    span.ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Goal: every type has its example, and what it says arrives under the right field.
    #[test]
    fn every_type_can_be_written() {
        let table = [
            ("limit", "px=185.01 tif=gtd expires=30s hidden show=50", 6),
            ("market", "", 1),
            ("post-only", "px=185", 2),
            ("stop", "stop=184 trigger=last", 3),
            ("stop-limit", "stop=184 px=183.9", 3),
            ("trailing", "bps=20", 3),
            ("oco", "px=186 side-2=sell stop-2=184 shared=yes", 5),
            ("bracket", "px=185 profit=186 stop=184 stop-px=183", 5),
            ("iceberg", "px=185 show=100", 3),
            ("twap", "over=60s slices=12 px=185.5 slice-max=200 in=5s", 6),
        ];
        for (kind, text, count) in table {
            let terms = order(kind, "buy", "100", &words(text)).unwrap();
            // Limit is what an order is without a type.
            let own = usize::from(kind == "limit");
            assert_eq!(terms.len(), 2 + count - own, "{kind}: {terms:?}");
            let mut fields: Vec<u8> = terms.iter().map(|(field, _)| *field as u8).collect();
            fields.sort_unstable();
            fields.dedup();
            assert_eq!(fields.len(), terms.len(), "{kind}: a term twice");
        }
        assert_eq!(TYPES.len(), table.len(), "every type has its example");
        let terms = order("trailing", "sell", "1.5", &words("bps=20 trigger=last")).unwrap();
        let flags = i64::from(parent_flags::OFFSET_BPS | parent_flags::LAST_TRADE);
        assert!(terms.contains(&(OrderField::Flags, flags)) && terms[1].1 == 150_000_000);
        let terms = order("twap", "buy", "1", &words("over=2h slices=3")).unwrap();
        assert!(terms.contains(&(OrderField::EndIn, 7_200_000_000_000)));
    }

    /// Goal: terms that make no sense together are refused by their keys, before anything is given.
    /// Method: one order of each kind of nonsense, and the same put right.
    #[test]
    fn senseless_terms_are_refused_by_their_keys() {
        let file = "venue,symbol,currency,multiplier,lot,qty_min,qty_max,px_min,px_max,\
                    prior_close,ticks\nX,A,USD,1,1,1,1000000,0.01,1000,10,0:0.01\n";
        let all = Instruments::parse("test", file).unwrap();
        let stock = instrument("A", &all).unwrap();
        for (kind, side, wrong, right, part) in [
            ("bracket", "buy", "px=10 profit=9 stop=8", "px=10 profit=11 stop=8", "profit"),
            ("bracket", "sell", "px=10 profit=9 stop=8", "px=10 profit=9 stop=11", "stop"),
            ("stop-limit", "buy", "stop=10 px=9", "stop=10 px=10", "px has to be at or above"),
            ("trailing", "sell", "bps=10000", "bps=9999", "distance smaller"),
            ("oco", "sell", "px=9 side-2=sell stop-2=10", "px=11 side-2=sell stop-2=10", "px"),
            ("iceberg", "buy", "px=10 show=101", "px=10 show=100", "show"),
            ("limit", "buy", "px=10 show=101", "px=10 show=100", "show"),
            ("twap", "buy", "over=60s slices=101", "over=60s slices=100", "slices"),
            ("twap", "buy", "over=1s slices=11", "over=1s slices=10", "100 ms"),
        ] {
            let said = |text| sense(kind, &order(kind, side, "100", &words(text)).unwrap(), stock);
            let error = said(wrong).unwrap_err();
            assert!(error.contains(part), "{kind} {wrong}: {error}");
            assert_eq!(said(right), Ok(()), "{kind} {right}");
        }
    }

    /// Goal: what is no order is refused in a sentence that says what would be right.
    #[test]
    fn what_is_no_order_is_refused_with_its_remedy() {
        for (kind, side, qty, text, part) in [
            ("stopp", "buy", "1", "", "there are: limit, market"),
            ("stop", "long", "1", "stop=1", "buy or sell"),
            ("stop", "buy", "0", "stop=1", "above 0"),
            ("stop", "buy", "1", "", "needs stop="),
            ("stop", "buy", "1", "px=3 stop=1", "has no px; it takes: stop, trigger"),
            ("stop", "buy", "1", "stop=x", "a price as"),
            ("stop", "buy", "1", "stop=1 stop=2", "given twice"),
            ("stop", "buy", "1", "stop=1 trigger=bid", "last or quote"),
            ("limit", "buy", "1", "px=1 tif=gtd", "belong together"),
            ("limit", "buy", "1", "px=1 tif=gtc", "day, ioc, fok or gtd"),
            ("limit", "buy", "1", "px=1 tif=gtd expires=2d", "500ms, 30s, 5m or 2h"),
            ("trailing", "buy", "1", "", "ticks=... or bps=..."),
            ("trailing", "buy", "1", "ticks=1 bps=1", "not both"),
            ("oco", "buy", "1", "side-2=sell px=1", "second leg"),
            ("twap", "buy", "1", "over=1s slices=0", "whole number above 0"),
        ] {
            let error = order(kind, side, qty, &words(text)).unwrap_err();
            assert!(error.contains(part), "{kind} {text}: {error}");
        }
        assert!(replace(&words("")).unwrap_err().contains("px=... or qty=..."));
        assert!(replace(&words("side=sell")).unwrap_err().contains("not side=sell"));
        assert_eq!(named("7"), Ok((7, Vec::new())));
        let id = ClOrdId::new(3, shm::ids::StrategyId(1), 5, 9);
        assert_eq!(named(&id.to_string()), Ok((0, vec![(OrderField::Id, id.0 as i64)])));
        assert!(named("seven").unwrap_err().contains("its number, or its id"));
    }
}
