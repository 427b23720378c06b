//! Orders that work, parents that are open, and what became of the orders by hand.

use super::words;
use crate::failure::{Failure, Outcome};
use crate::liveness::{Liveness, clock, gone};
use crate::place::Place;
use crate::stdout::Out;
use engine::order::Order;
use engine::parent::wants::stop_of;
use engine::replay::{Standing, Told, ToldParent};
use shm::ids::ClOrdId;
use shm::message::{OrdType, ParentKind, Side, Tif, parent_flags, terms_flags};
use shm::reason::Reason;
use shm::record::order::{Base, Denied, OrderTerms};
use shm::record::parent::{Parent, ParentState};
use shm::record::status::{HandOrder, HandOutcome};
use shm::units::{Nanos, Price, Qty};

/// Prints what stands; with `all` the orders by hand that have ended, too.
pub(crate) fn show(place: &Place, all: bool) -> Outcome {
    let standing = Standing::read(place.dir()).map_err(Failure::unsound)?;
    let mut out = Out::stdout();
    if let Some(line) = warning(place) {
        out.line(&line)?;
        out.line("")?;
    }
    for line in lines(&standing, all) {
        out.line(&line)?;
    }
    out.flush()
}

/// That no engine runs, and since when.
fn warning(place: &Place) -> Option<String> {
    let what = match place.region().map(|region| Liveness::of(&region, place)) {
        Ok(Liveness::Running) => return None,
        Ok(_) => gone(place)?.text,
        Err(_) => "when it ran is not known".to_owned(),
    };
    Some(format!(
        "NO ENGINE RUNS HERE: {what}. This is what its journal has; ask the venue what is open."
    ))
}

/// What is there, under a heading each.
fn lines(standing: &Standing, all: bool) -> Vec<String> {
    let mut lines = working(standing);
    if let Some(guard) = standing.guard().filter(|_| standing.orders().any(Order::is_canceling)) {
        lines.insert(
            0,
            format!(
                "GUARD: {guard}. What was confirmed to the guard is listed as being cancelled until \
                 its gateway has logged on again."
            ),
        );
        lines.insert(1, String::new());
    }
    if lines.is_empty() {
        lines.push("no order works".to_owned());
    }
    let parents = open_parents(standing);
    if !parents.is_empty() {
        lines.push(String::new());
        lines.extend(parents);
    }
    if all {
        lines.push(String::new());
        lines.extend(ended_lines(standing));
    }
    lines
}

/// The number by which an operator names it; of an order that is not by hand none.
fn number(standing: &Standing, id: ClOrdId) -> String {
    standing.number(id).map_or_else(|| "-".to_owned(), |number| number.to_string())
}

fn working(standing: &Standing) -> Vec<String> {
    let row = |cells: [&str; 11]| {
        let [no, id, strategy, symbol, side, qty, filled, leaves, px, state, rest] = cells;
        format!(
            "{no:>4} {id:<13} {strategy:<10} {symbol:<8} {side:<4} {qty:>9} {filled:>9} \
             {leaves:>9} {px:>11} {state:<16} {rest}"
        )
        .trim_end()
        .to_owned()
    };
    let mut lines: Vec<String> = standing
        .orders()
        .map(|order| {
            row([
                &number(standing, order.root),
                &order.terms.id.to_string(),
                standing.strategy(order.root.strategy()),
                standing.symbol(order.instrument),
                order.side.map_or("", Side::name),
                &order.ord_qty().to_string(),
                &order.cum_qty.to_string(),
                &order.leaves_qty().to_string(),
                &price(order.terms.px),
                order.base().name(),
                &order_terms(standing, order),
            ])
        })
        .collect();
    if !lines.is_empty() {
        let heads =
            ["no", "order", "strategy", "symbol", "side", "qty", "filled", "works", "price"];
        let [a, b, c, d, e, f, g, h, i] = heads;
        lines.insert(0, row([a, b, c, d, e, f, g, h, i, "state", "terms"]));
    }
    lines
}

/// Type, time in force, rare terms, what is under way, and whose child it is.
fn order_terms(standing: &Standing, order: &Order) -> String {
    let rare = standing.rare_terms(order);
    let ord_type = OrdType::from_u8(order.ord_type).map_or("?", OrdType::name);
    let tif = Tif::from_u8(order.tif).map_or("?", Tif::name);
    let mut words = vec![ord_type.to_lowercase(), tif.to_lowercase()];
    words.extend(rare_words(&rare));
    if order.is_replacing() {
        let (qty, px) = (order.replace.qty, price(order.replace.px));
        words.push(format!("being replaced by {qty} at {px}"));
    }
    if order.is_canceling() {
        words.push("being cancelled".to_owned());
    }
    if order.parent != ClOrdId::NONE {
        let no = standing.number(order.parent).map(|no| format!("order {no}"));
        let parent = no.unwrap_or_else(|| order.parent.to_string());
        words.push(format!("leg {} of {parent}", order.leg + 1));
    }
    words.join(", ")
}

fn rare_words(rare: &OrderTerms) -> Vec<String> {
    let mut words = Vec::new();
    if rare.expiry.0 > 0 {
        words.push(format!("until {}", clock(rare.expiry)));
    }
    if rare.flags & terms_flags::HIDDEN != 0 {
        words.push("hidden".to_owned());
    }
    if rare.display_qty.0 > 0 {
        words.push(format!("shows {}", rare.display_qty));
    }
    words
}

fn price(px: Price) -> String {
    if px.is_none() { "-".to_owned() } else { px.to_string() }
}

fn open_parents(standing: &Standing) -> Vec<String> {
    let row = |cells: [&str; 8]| {
        let [no, id, strategy, symbol, kind, qty, filled, rest] = cells;
        format!(
            "{no:>4} {id:<13} {strategy:<10} {symbol:<8} {kind:<10} {qty:>9} {filled:>14} {rest}"
        )
        .trim_end()
        .to_owned()
    };
    let mut lines: Vec<String> = standing
        .parents()
        .map(|parent| {
            let id = parent.cl_ord_id;
            let state = standing.told_parent(id).and_then(|told| told.state);
            row([
                &number(standing, id),
                &id.to_string(),
                standing.strategy(id.strategy()),
                standing.symbol(parent.instrument),
                ParentKind::from_u8(parent.parent).map_or("", ParentKind::name),
                &parent.qty.to_string(),
                &joined(&parent.filled),
                &parent_terms(standing, parent, state.as_ref()),
            ])
        })
        .collect();
    if !lines.is_empty() {
        let heads = ["no", "parent", "strategy", "symbol", "type", "qty", "filled", "terms"];
        lines.insert(0, row(heads));
    }
    lines
}

/// Quantities by leg, as far as there are any.
fn joined(list: &[Qty]) -> String {
    let used = list.iter().rposition(|qty| qty.0 != 0).map_or(1, |last| last + 1);
    let words: Vec<String> = list.iter().take(used).map(ToString::to_string).collect();
    words.join("/")
}

/// What a parent is to do, in words.
fn parent_terms(standing: &Standing, parent: &Parent, state: Option<&ParentState>) -> String {
    let [px, px_1, px_2] = parent.px;
    let [stop, stop_1] = parent.stop_px;
    let side = Side::from_u8(parent.side);
    let mut words = vec![side.map_or("?", Side::name).to_lowercase()];
    let at = |word: &str, px: Price| px.is_some().then(|| format!("{word} {px}"));
    match ParentKind::from_u8(parent.parent) {
        Some(ParentKind::Stop | ParentKind::StopLimit) => {
            words.extend(at("stop", stop));
            words.extend(at("limit", px));
        }
        Some(ParentKind::Trailing) => words.extend(trailing(standing, parent, state)),
        Some(ParentKind::Oco) => {
            words.extend(at("limit", px));
            words.extend(at("stop", stop));
            let other = Side::from_u8(parent.side_other).map_or("?", Side::name).to_lowercase();
            words.push(format!("or {other}"));
            words.extend(at("limit", px_1));
            words.extend(at("stop", stop_1));
            if parent.flags & parent_flags::SHARED != 0 {
                words.push("one quantity for both".to_owned());
            }
        }
        Some(ParentKind::Bracket) => {
            words.push(at("entry", px).unwrap_or_else(|| "entry at the market".to_owned()));
            words.extend(at("profit", px_1));
            words.extend(at("stop", stop));
            words.extend(at("stop limit", px_2));
        }
        Some(ParentKind::Iceberg) => {
            words.extend(at("limit", px));
            words.push(format!("shows {}", parent.clip_qty));
        }
        Some(ParentKind::Twap) => {
            words.push(at("limit", px).unwrap_or_else(|| "at the market".to_owned()));
            let step = state.map_or(0, |state| state.step);
            words.push(format!("slice {step} of {}", parent.slices));
            words.push(format!("{} to {}", clock(parent.start), clock(parent.end)));
            if parent.clip_qty.0 > 0 {
                words.push(format!("at most {} a slice", parent.clip_qty));
            }
        }
        None => {}
    }
    if parent.flags & parent_flags::LAST_TRADE != 0 {
        words.push("triggers on the last trade".to_owned());
    }
    words.join(", ")
}

/// Distance, best price seen, and the stop that follows from it.
fn trailing(standing: &Standing, parent: &Parent, state: Option<&ParentState>) -> Vec<String> {
    let distance = if parent.flags & parent_flags::OFFSET_BPS != 0 {
        format!("{} bps behind", parent.offset)
    } else {
        format!("{} ticks behind", parent.offset)
    };
    let anchor = state.map_or(Price::NONE, |state| state.anchor);
    let terms = standing.terms(parent.instrument);
    let stop = Side::from_u8(parent.side).zip(terms).and_then(|(side, terms)| {
        stop_of(anchor, side, parent.offset, parent.flags, &terms).map(|stop| (anchor, stop))
    });
    let now = match stop {
        Some((anchor, stop)) => format!("best {anchor}, so stop {stop}"),
        None => "no price seen yet".to_owned(),
    };
    vec![distance, now]
}

/// Orders and parents by hand that have ended or were refused, with the reason.
fn ended_lines(standing: &Standing) -> Vec<String> {
    let mut lines = Vec::new();
    for (hand, at) in standing.placed() {
        let (at, end) = match end_of(standing, hand) {
            Some((ended, end)) => (ended.max(*at), end),
            None => continue,
        };
        lines.push(format!("{:>4} {:<13} {} {end}", hand.number, id_of(hand), clock(at)));
    }
    match lines.len() {
        0 => lines.push("no order by hand has ended since the start".to_owned()),
        _ => lines.insert(0, "ended since the start, orders by hand:".to_owned()),
    }
    lines
}

fn id_of(hand: &HandOrder) -> String {
    if hand.cl_ord_id == ClOrdId::NONE { "-".to_owned() } else { hand.cl_ord_id.to_string() }
}

/// How an order or parent by hand ended, and when; `None` while it works.
fn end_of(standing: &Standing, hand: &HandOrder) -> Option<(Nanos, String)> {
    if hand.outcome != HandOutcome::Asked as u8 {
        let why = HandOutcome::from_u8(hand.outcome).map_or("?", HandOutcome::name);
        return Some((hand.t0, format!("not asked for: {why}")));
    }
    let id = hand.cl_ord_id;
    let order = standing.told(id).and_then(|told| order_end(standing, told));
    order.or_else(|| standing.told_parent(id).and_then(|told| parent_end(standing, told)))
}

fn denied_words(standing: &Standing, denied: &Denied) -> String {
    let why = Reason::from_u8(denied.reason).map_or_else(String::new, |reason| {
        format!("{}: {}{}", words::code(reason), words::what(reason), words::numbers(denied))
    });
    let why = words::senseless(denied).map_or(why, |fault| fault.text().to_owned());
    let side = Side::from_u8(denied.side).map_or("", Side::name);
    let symbol = standing.symbol(denied.instrument);
    format!("{symbol} {side} {} REFUSED by risk: {why}", denied.qty)
}

fn order_end(standing: &Standing, told: &Told) -> Option<(Nanos, String)> {
    if let Some(denied) = &told.denied {
        return Some((told.at, denied_words(standing, denied)));
    }
    let (approved, last) = (told.approved?, told.last?);
    let base = Base::from_u8(last.base).filter(|base| base.is_terminal())?;
    let side = Side::from_u8(approved.side).map_or("", Side::name);
    let symbol = standing.symbol(approved.instrument);
    let why = words::event_reason(&last).map(|why| format!(": {why}")).unwrap_or_default();
    let limit = match OrdType::from_u8(approved.ord_type) {
        Some(OrdType::Market) => "at the market".to_owned(),
        _ => format!("at {}", price(last.px)),
    };
    let average = told.average().map(|px| format!(" at {px} on average")).unwrap_or_default();
    let (qty, filled, base) = (last.qty, last.cum_qty, base.name());
    let text = format!("{symbol} {side} {qty} {limit}: {base}, {filled} filled{average}{why}");
    Some((told.at, text))
}

fn parent_end(standing: &Standing, told: &ToldParent) -> Option<(Nanos, String)> {
    if let Some(denied) = &told.denied {
        return Some((told.at, denied_words(standing, denied)));
    }
    let done = told.done?;
    let kind = ParentKind::from_u8(done.parent).map_or("", ParentKind::name);
    let why = match Reason::from_u8(done.reason) {
        None | Some(Reason::None) if standing.is_cancelled_by_hand(done.cl_ord_id) => {
            "cancelled by hand".to_owned()
        }
        _ if done.flags & parent_flags::SWEPT != 0 => {
            "taken back with all orders of its scope: a kill, a disabling, or the stop of the engine"
                .to_owned()
        }
        None | Some(Reason::None) => "ended".to_owned(),
        Some(Reason::Expired) if done.parent == ParentKind::Twap as u8 => {
            words::TWAP_OVER.to_owned()
        }
        Some(reason) => format!("ended: {}: {}", words::code(reason), words::what(reason)),
    };
    let terms = parent_terms(standing, &done, told.state.as_ref());
    let symbol = standing.symbol(done.instrument);
    let text =
        format!("{symbol} {kind} {} {terms}: {why}, filled {}", done.qty, joined(&done.filled));
    Some((told.at, text))
}

/// What is said of an order that its strategy does not know (any more).
pub(super) fn ended(place: &Place, hand: &HandOrder) -> String {
    let name = match hand.number {
        0 => format!("order {}", hand.cl_ord_id),
        number => format!("order {number}"),
    };
    let Ok(standing) = Standing::read(place.dir()) else {
        return format!("{name} is not known, or has ended");
    };
    let is_it = |placed: &HandOrder| match hand.number {
        0 => placed.cl_ord_id == hand.cl_ord_id,
        number => placed.number == number,
    };
    let placed = standing.placed().find(|(placed, _)| is_it(placed));
    match placed.and_then(|(placed, _)| end_of(&standing, placed)) {
        Some((at, end)) => format!("{name} has ended, at {}: {end}", clock(at)),
        None if placed.is_some() => format!("{name} is not worked by this strategy any more"),
        None => format!("there is no {name} of this strategy that works"),
    }
}
