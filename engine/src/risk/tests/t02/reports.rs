//! What the venue says: answers, fills, late ones, undoings and corrections, repeats, orders that
//! nobody knows.

use super::super::*;
use super::model::{Exec, Outcome, Trade};
use super::walk::Walk;
use shm::message::CancelRefusal;

/// One report, of whatever may be said now.
pub(super) fn report(walk: &mut Walk) {
    match walk.dice.roll(20) {
        0..4 => accept(walk),
        4 => refuse(walk),
        5..12 => fill(walk),
        12..14 => end(walk),
        14 => answer_cancel(walk),
        15..17 => answer_replace(walk),
        17 => undo(walk),
        18 => correct(walk),
        _ => odd(walk),
    }
}

fn hear(walk: &mut Walk, mut report: ExecReport, strategy: StrategyId) -> Applied {
    let gateway = walk.model.setup.strategies[strategy.index()].gateway;
    walk.rig.seq += 1;
    report.venue_seq = walk.rig.seq;
    walk.rig.risk.advance(walk.rig.now);
    let applied = walk.rig.risk.on_report(&report, gateway);
    if let Some(update) = applied.update {
        walk.rig.pools[update.cl_ord_id.strategy().index()].on_update(&update);
    }
    applied
}

/// Tells the engine of an order, then the model's lists of the same.
fn tell(walk: &mut Walk, at: usize, kind: Kind, px: Price, qty: Qty, exec_id: u64) {
    let order = &walk.model.orders[at];
    let (id, strategy) = (order.id, order.strategy);
    tell_as(walk, at, said(kind, id, px, qty, exec_id), strategy);
}

fn tell_as(walk: &mut Walk, at: usize, report: ExecReport, strategy: StrategyId) {
    hear(walk, report, strategy);
    let (instrument, kind) = (walk.model.orders[at].instrument, Kind::from_u8(report.kind));
    let outcome = match kind {
        Some(Kind::Accepted | Kind::Replaced) => Some(Outcome::Took),
        Some(Kind::Rejected) => Some(Outcome::Refused),
        Some(Kind::CancelRejected) => Some(Outcome::CancelRefused),
        _ => None,
    };
    if let Some(outcome) = outcome {
        walk.model.outcome(outcome, strategy, instrument);
    }
}

/// Fills that the order's position has had.
fn money(walk: &mut Walk, at: usize, exec: &Exec, undoes: bool) {
    let order = &walk.model.orders[at];
    let (strategy, instrument, side) = (order.strategy, order.instrument, order.side);
    let fee = walk.model.fee(strategy, exec.qty, exec.liquidity);
    let (px, qty) = (exec.px.0.into(), exec.qty);
    walk.model.trade(Trade { strategy, instrument, side, px, qty, fee, undoes });
}

fn settled(walk: &mut Walk, at: usize) {
    let order = &walk.model.orders[at];
    let (strategy, instrument) = (order.strategy, order.instrument);
    walk.model.watch_trade(strategy, instrument);
    walk.model.date_unknown();
}

fn accept(walk: &mut Walk) {
    let Some(at) = walk.pick(|order| !order.acked && !order.refused && order.works()) else {
        return;
    };
    let order = &mut walk.model.orders[at];
    (order.acked, order.gone) = (true, false);
    let (px, qty) = (Price(order.px as i64), Qty(order.qty as i64));
    // The acceptance is of the first id.
    let report = said(Kind::Accepted, order.root, px, qty, 0);
    let strategy = order.strategy;
    tell_as(walk, at, report, strategy);
    walk.model.date_unknown();
    walk.met.event("accepted");
}

/// The venue, or the gateway, does not take the order.
fn refuse(walk: &mut Walk) {
    let Some(at) = walk.pick(|order| !order.acked && !order.refused && order.works()) else {
        return;
    };
    let kind = match walk.dice.roll(4) {
        0 => Kind::GateReject,
        1 => Kind::SendFailed,
        _ => Kind::Rejected,
    };
    let order = &mut walk.model.orders[at];
    match kind {
        Kind::SendFailed => order.unsure = true,
        _ => order.refused = true,
    }
    let (root, strategy) = (order.root, order.strategy);
    tell_as(walk, at, said(kind, root, Price::NONE, Qty::ZERO, 0), strategy);
    walk.model.date_unknown();
    walk.met.event("refused by the venue");
}

/// A fill: of what works, late of what has ended, now and then of more than there is.
fn fill(walk: &mut Walk) {
    let late = walk.dice.roll(12) == 0;
    let at = walk.pick(|order| {
        let unfilled = order.cum() < order.qty;
        unfilled && !order.refused && order.works() != late && (!late || order.acked)
    });
    let Some(at) = at else { return };
    let more = walk.dice.roll(40) == 0;
    let better = cents(walk.dice.roll(3) as i64);
    let replaced = walk.dice.roll(4) == 0;
    let liquidity = if walk.dice.roll(2) == 0 { b'A' } else { b'R' };
    walk.exec_id += 1;
    let number = walk.exec_id;
    let order = &walk.model.orders[at];
    let id = match order.replace.filter(|_| replaced && order.works()) {
        Some(next) => next.id,
        None => order.id,
    };
    let mut after = order.clone();
    after.take_replace(id);
    let open = ((after.qty - after.cum()).max(0) / i128::from(Qty::SCALE)) as u64;
    let mut qty = if open == 0 { 50 } else { 1 + walk.dice.roll(open) };
    if more {
        qty = open + 1 + walk.dice.roll(100);
    }
    let qty = shares(qty as u32);
    let px = after.px - i128::from(after.side.sign()) * i128::from(better.0);
    let px = Price(px as i64);
    let is_over = {
        let most = after.qty.max(after.replace.map_or(0, |next| next.qty));
        after.cum() + i128::from(qty.0) > most
    };
    let exec = Exec {
        number,
        said: (px, qty),
        px,
        qty: qty.0.into(),
        liquidity,
        broken: false,
        returns: false,
    };
    (after.acked, after.gone) = (true, false);
    after.execs.push(exec.clone());
    if !walk.may_work(at, &after) {
        return;
    }
    walk.met.event(if late { "late fill" } else { "fill" });
    if is_over {
        walk.met.event("overfill");
        walk.model.quotes[after.instrument.index()].reduce_only = true;
    }
    let strategy = after.strategy;
    walk.model.orders[at] = after;
    let report = ExecReport { liquidity, ..said(Kind::Executed, id, px, qty, number) };
    tell_as(walk, at, report, strategy);
    money(walk, at, &exec, false);
    settled(walk, at);
}

/// The order, or a part of it, ends.
fn end(walk: &mut Walk) {
    let Some(at) = walk.pick(|order| order.acked && order.works()) else { return };
    let part = walk.dice.roll(5) == 0;
    let expired = walk.dice.roll(4) == 0;
    let order = &mut walk.model.orders[at];
    (order.acked, order.gone) = (true, false);
    if expired {
        order.expired = true;
        tell(walk, at, Kind::Expired, Price::NONE, Qty::ZERO, 0);
    } else {
        let left = order.leaves();
        let qty = if part { left.min(10 * i128::from(Qty::SCALE)) } else { left };
        order.canceled += qty;
        tell(walk, at, Kind::Canceled, Price::NONE, Qty(qty as i64), 0);
    }
    walk.met.event("ended");
    walk.model.date_unknown();
}

/// A cancel is refused, by a venue that may not know the order.
fn answer_cancel(walk: &mut Walk) {
    let Some(at) = walk.pick(|order| order.canceling && order.works()) else { return };
    let unknown = walk.dice.roll(3) == 0;
    let why = if unknown { CancelRefusal::UnknownOrder } else { CancelRefusal::Other };
    let order = &mut walk.model.orders[at];
    order.canceling = false;
    order.gone |= unknown;
    let (id, strategy) = (order.id, order.strategy);
    let report = said(Kind::CancelRejected, id, Price::NONE, Qty::ZERO, 0);
    tell_as(walk, at, ExecReport { liquidity: why as u8, ..report }, strategy);
    walk.model.date_unknown();
    walk.met.event("cancel refused");
}

fn answer_replace(walk: &mut Walk) {
    let Some(at) = walk.pick(|order| order.replace.is_some() && order.works()) else { return };
    let accepted = walk.dice.roll(3) > 0;
    let order = &mut walk.model.orders[at];
    let Some(next) = order.replace else { return };
    let strategy = order.strategy;
    if accepted {
        let left = (next.qty - order.cum()).max(0);
        order.take_replace(next.id);
        (order.acked, order.gone) = (true, false);
        let px = Price(next.px as i64);
        let report = said(Kind::Replaced, next.id, px, Qty(left as i64), 0);
        tell_as(walk, at, report, strategy);
        walk.met.event("replaced");
    } else {
        order.replace = None;
        let report = said(Kind::Rejected, next.id, Price::NONE, Qty::ZERO, 0);
        tell_as(walk, at, report, strategy);
        walk.met.event("replace refused");
    }
    walk.model.date_unknown();
}

/// An execution is undone; its quantity may work again.
fn undo(walk: &mut Walk) {
    let Some(at) = walk.pick(|order| order.execs.iter().any(|exec| !exec.broken)) else { return };
    let returns = walk.dice.roll(2) == 0;
    let mut after = walk.model.orders[at].clone();
    let live = after.execs.iter_mut().filter(|exec| !exec.broken);
    let Some(exec) = live.last() else { return };
    (exec.broken, exec.returns) = (true, returns);
    let exec = exec.clone();
    (after.acked, after.gone) = (true, false);
    if !walk.may_work(at, &after) {
        return;
    }
    walk.model.orders[at] = after;
    let qty = if returns { Qty(exec.qty as i64) } else { Qty::ZERO };
    tell(walk, at, Kind::Broken, exec.px, qty, exec.number);
    money(walk, at, &exec, true);
    settled(walk, at);
    walk.met.event(if returns { "undone, works again" } else { "undone" });
}

/// An execution is told anew: another price, or less of it.
fn correct(walk: &mut Walk) {
    let wanted =
        |order: &super::model::Kept| order.works() && order.execs.iter().any(|exec| !exec.broken);
    let Some(at) = walk.pick(wanted) else { return };
    let better = walk.dice.roll(3) as i64;
    let less = walk.dice.roll(2) == 0;
    let order = &mut walk.model.orders[at];
    let sign = order.side.sign();
    let live = order.execs.iter_mut().filter(|exec| !exec.broken);
    let Some(exec) = live.last() else { return };
    let was = exec.clone();
    exec.px = Price(was.px.0 - sign * cents(better).0);
    if less && exec.qty > i128::from(Qty::SCALE) {
        exec.qty -= i128::from(Qty::SCALE);
    }
    let now = exec.clone();
    (order.acked, order.gone) = (true, false);
    let (id, strategy) = (order.id, order.strategy);
    let qty = Qty(now.qty as i64);
    let report = said(Kind::Corrected, id, now.px, qty, now.number);
    let (venue_ord_id, liquidity) = (VenueOrdId(0), now.liquidity);
    tell_as(walk, at, ExecReport { venue_ord_id, liquidity, ..report }, strategy);
    if (was.px, was.qty) != (now.px, now.qty) {
        money(walk, at, &was, true);
        money(walk, at, &now, false);
        settled(walk, at);
    }
    walk.model.date_unknown();
    walk.met.event("corrected");
}

/// A repeat, or a fill of an order that is not ours.
fn odd(walk: &mut Walk) {
    if walk.dice.roll(4) > 0 {
        let Some(at) = walk.pick(|order| !order.execs.is_empty()) else { return };
        let order = &mut walk.model.orders[at];
        let Some(exec) = order.execs.last().cloned() else { return };
        (order.acked, order.gone) = (true, false);
        let (root, strategy) = (order.root, order.strategy);
        let (px, qty) = exec.said;
        let report = said(Kind::Executed, root, px, qty, exec.number);
        let liquidity = exec.liquidity;
        tell_as(walk, at, ExecReport { liquidity, ..report }, strategy);
        walk.model.date_unknown();
        walk.met.event("repeated");
        return;
    }
    let instrument = InstrumentId(walk.dice.roll(super::setups::INSTRUMENTS as u64) as u32);
    let side = if walk.dice.roll(2) == 0 { Side::Buy } else { Side::Sell };
    walk.exec_id += 1;
    let id = ClOrdId::external(instrument, side as u8);
    let px = cents(super::setups::MIDDLES[instrument.index()]);
    let report = said(Kind::Executed, id, px, shares(50), walk.exec_id);
    // The operator has what no order explains.
    let strategy = StrategyId(0);
    let applied = hear(walk, report, strategy);
    assert!(applied.external, "an order that is not ours");
    let qty = i128::from(shares(50).0);
    let fee = walk.model.fee(strategy, qty, b'A');
    let (px, undoes) = (px.0.into(), false);
    walk.model.trade(Trade { strategy, instrument, side, px, qty, fee, undoes });
    walk.model.quotes[instrument.index()].reduce_only = true;
    walk.model.watch_trade(strategy, instrument);
    walk.met.event("not ours");
}
