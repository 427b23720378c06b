//! The market against an obvious model.

mod special;

use super::*;
use crate::random::Random;
use std::collections::HashMap;

#[derive(Clone, Copy, Debug)]
struct ModelOrder {
    order_ref: u64,
    owner: Owner,
    tag: u32,
    side: Side,
    px: u32,
    leaves_qty: u32,
    arrival: u64,
}

/// Orders in one list; every question is answered by looking at all of them.
#[derive(Default)]
struct Model {
    orders: Vec<ModelOrder>,
    arrivals: u64,
    next_ref: u64,
    next_match_no: u64,
    prevent: bool,
    out: Output,
}

const LOCATE: u16 = 1;

impl Model {
    fn best(&self, side: Side) -> Option<usize> {
        (0..self.orders.len()).filter(|&at| self.orders[at].side == side).min_by_key(|&at| {
            let order = self.orders[at];
            let rank = if side == Side::Buy { u32::MAX - order.px } else { order.px };
            (rank, order.arrival)
        })
    }

    fn enter(&mut self, order: &NewOrder) {
        let order_ref = self.next_ref;
        self.next_ref += 1;
        self.out.report(order.owner, order.tag, ReportKind::Accepted { order_ref });
        self.place(order, order_ref);
    }

    fn reachable(&self, order: &NewOrder) -> Option<usize> {
        self.best(order.side.opposite()).filter(|&at| match order.limit_px {
            None => true,
            Some(px) if order.side == Side::Buy => self.orders[at].px <= px,
            Some(px) => self.orders[at].px >= px,
        })
    }

    fn place(&mut self, order: &NewOrder, order_ref: u64) {
        let mut leaves_qty = order.qty;
        if order.post_only && self.reachable(order).is_some() {
            let kind = ReportKind::Canceled { qty: leaves_qty, reason: CancelReason::PostOnly };
            return self.out.report(order.owner, order.tag, kind);
        }
        while leaves_qty > 0 {
            let Some(at) = self.reachable(order) else { break };
            let resting = self.orders[at];
            let qty = leaves_qty.min(resting.leaves_qty);
            if self.prevent && resting.owner == order.owner && order.owner.is_client() {
                let kind =
                    ReportKind::SelfMatch { qty: leaves_qty, prevented_qty: qty, px: resting.px };
                return self.out.report(order.owner, order.tag, kind);
            }
            let match_no = self.next_match_no;
            self.next_match_no += 1;
            let order_ref = resting.order_ref;
            self.out.event(LOCATE, EventKind::Executed { order_ref, qty, match_no });
            for (owner, tag, liquidity) in [
                (resting.owner, resting.tag, Liquidity::Added),
                (order.owner, order.tag, Liquidity::Removed),
            ] {
                let kind = ReportKind::Executed { qty, px: resting.px, liquidity, match_no };
                self.out.report(owner, tag, kind);
            }
            leaves_qty -= qty;
            self.orders[at].leaves_qty -= qty;
            self.orders.retain(|order| order.leaves_qty > 0);
        }
        if leaves_qty == 0 {
            return;
        }
        match order.limit_px {
            Some(px) if order.tif == Tif::Day => {
                self.rest(order, order_ref, px, leaves_qty);
                let kind = EventKind::Add {
                    order_ref,
                    side: order.side,
                    qty: leaves_qty,
                    px,
                    mpid: order.mpid,
                };
                self.out.event(LOCATE, kind);
            }
            _ => {
                let kind =
                    ReportKind::Canceled { qty: leaves_qty, reason: CancelReason::Immediate };
                self.out.report(order.owner, order.tag, kind);
            }
        }
    }

    fn rest(&mut self, order: &NewOrder, order_ref: u64, px: u32, leaves_qty: u32) {
        self.arrivals += 1;
        self.orders.push(ModelOrder {
            order_ref,
            owner: order.owner,
            tag: order.tag,
            side: order.side,
            px,
            leaves_qty,
            arrival: self.arrivals,
        });
    }

    fn reduce(&mut self, order_ref: u64, qty: u32) {
        let Some(order) = self.orders.iter_mut().find(|order| order.order_ref == order_ref) else {
            return;
        };
        let taken = qty.min(order.leaves_qty);
        if taken == 0 {
            return;
        }
        order.leaves_qty -= taken;
        let order = *order;
        let kind = if order.leaves_qty == 0 {
            EventKind::Deleted { order_ref }
        } else {
            EventKind::Reduced { order_ref, qty: taken }
        };
        self.out.event(LOCATE, kind);
        let kind = ReportKind::Canceled { qty: taken, reason: CancelReason::User };
        self.out.report(order.owner, order.tag, kind);
        self.orders.retain(|order| order.leaves_qty > 0);
    }

    fn replace(&mut self, old_ref: u64, terms: &NewOrder) {
        let Some(at) = self.orders.iter().position(|order| order.order_ref == old_ref) else {
            return;
        };
        let old = self.orders.remove(at);
        let order_ref = self.next_ref;
        self.next_ref += 1;
        let order = NewOrder { owner: old.owner, side: old.side, mpid: None, ..*terms };
        let kind = ReportKind::Replaced { old_tag: old.tag, order_ref };
        self.out.report(old.owner, order.tag, kind);
        let px = order.limit_px.unwrap();
        if order.tif == Tif::Day && self.reachable(&order).is_none() {
            self.rest(&order, order_ref, px, order.qty);
            let kind = EventKind::Replaced { old_ref, order_ref, qty: order.qty, px };
            self.out.event(LOCATE, kind);
        } else {
            self.out.event(LOCATE, EventKind::Deleted { order_ref: old_ref });
            self.place(&order, order_ref);
        }
    }

    fn levels(&self, side: Side) -> Vec<LevelView> {
        let mut pxs: Vec<u32> =
            self.orders.iter().filter(|order| order.side == side).map(|order| order.px).collect();
        pxs.sort_unstable();
        pxs.dedup();
        if side == Side::Buy {
            pxs.reverse();
        }
        pxs.into_iter()
            .map(|px| {
                let at = |order: &&ModelOrder| order.side == side && order.px == px;
                let orders = self.orders.iter().filter(at);
                LevelView {
                    px,
                    qty: orders.clone().map(|order| u64::from(order.leaves_qty)).sum(),
                    orders: orders.count() as u32,
                }
            })
            .collect()
    }
}

fn random_order(random: &mut Random, tag: u32) -> NewOrder {
    NewOrder {
        owner: Owner(random.below(3) as u32),
        tag,
        locate: LOCATE,
        side: if random.chance(0.5) { Side::Buy } else { Side::Sell },
        qty: random.between(1, 9) as u32 * 100,
        limit_px: (!random.chance(0.03)).then(|| 10_000 + random.below(20) as u32 * 100),
        tif: if random.chance(0.15) { Tif::Ioc } else { Tif::Day },
        post_only: random.chance(0.1),
        mpid: None,
        special: Special::default(),
    }
}

/// Goal: price-time priority, reports, and book of the market equal those of the naive model, with
/// and without self-match prevention. Method: 6 seeds x 6,000 random operations on a narrow price
/// range; events and reports after each operation, levels every 50.
#[test]
fn market_equals_a_naive_matcher() {
    for seed in 1..=6_u64 {
        println!("seed {seed}");
        let prevent = seed % 2 == 0;
        let self_match = if prevent { SelfMatch::CancelIncoming } else { SelfMatch::Allow };
        let mut random = Random::new(seed, 0);
        let mut market = Market::new(1, 1, self_match);
        let mut model = Model { next_ref: 1, next_match_no: 1, prevent, ..Model::default() };
        let mut out = Output::default();
        let mut kinds_seen: HashMap<std::mem::Discriminant<ReportKind>, usize> = HashMap::new();
        for step in 0..6_000_u32 {
            let order_ref = random.below(model.next_ref) + 1;
            match random.below(10) {
                0..=4 => {
                    let order = random_order(&mut random, step);
                    market.enter(&order, &mut out);
                    model.enter(&order);
                }
                5..=6 => {
                    let mut order = random_order(&mut random, step);
                    order.limit_px = order.limit_px.or(Some(10_000));
                    let order_ref = live(&model, &mut random).unwrap_or(order_ref);
                    market.replace(order_ref, &order, &mut out);
                    model.replace(order_ref, &order);
                }
                7 => {
                    let qty = random.between(0, 5) as u32 * 100;
                    let order_ref = live(&model, &mut random).unwrap_or(order_ref);
                    market.reduce(order_ref, qty, CancelReason::User, &mut out);
                    model.reduce(order_ref, qty);
                }
                _ => {
                    market.cancel(order_ref, CancelReason::User, &mut out);
                    model.reduce(order_ref, u32::MAX);
                }
            }
            assert_eq!(out.events, model.out.events, "seed {seed} step {step}");
            assert_eq!(out.reports, model.out.reports, "seed {seed} step {step}");
            for report in &out.reports {
                *kinds_seen.entry(std::mem::discriminant(&report.kind)).or_default() += 1;
            }
            out.clear();
            model.out.clear();
            if step % 50 == 0 {
                check_book(&market, &model);
            }
        }
        assert_eq!(kinds_seen.len(), if prevent { 5 } else { 4 }, "every kind of report was made");
    }
}

fn live(model: &Model, random: &mut Random) -> Option<u64> {
    let at = random.below(model.orders.len() as u64) as usize;
    model.orders.get(at).map(|order| order.order_ref)
}

fn check_book(market: &Market, model: &Model) {
    let book = market.book(LOCATE).unwrap();
    assert!(!book.is_locked_or_crossed(), "matching leaves no crossed book");
    assert_eq!(book.order_count(), model.orders.len());
    for side in [Side::Buy, Side::Sell] {
        let levels: Vec<LevelView> = book.levels(side).collect();
        assert_eq!(levels, model.levels(side));
        for level in levels {
            let queue: Vec<&Order> = market.queue(LOCATE, side, level.px).collect();
            assert_eq!(queue.len() as u32, level.orders);
            let sum: u64 = queue.iter().map(|order| u64::from(order.leaves_qty)).sum();
            assert_eq!(sum, level.qty, "the level is the sum of its orders");
        }
    }
    for order in &model.orders {
        let resting = market.order(order.order_ref).unwrap();
        assert_eq!((resting.leaves_qty, resting.px), (order.leaves_qty, order.px));
    }
}

fn client(tag: u32, side: Side, qty: u32, px: u32) -> NewOrder {
    NewOrder {
        owner: Owner(1),
        tag,
        locate: LOCATE,
        side,
        qty,
        limit_px: Some(px),
        tif: Tif::Day,
        post_only: false,
        mpid: None,
        special: Special::default(),
    }
}

fn recorded(side: Side, qty: u32, px: u32) -> NewOrder {
    NewOrder { owner: Owner::FLOW, ..client(0, side, qty, px) }
}

/// Goal: a recorded execution fills clients that stand before the recorded order, and only those.
/// Method: a recorded bid with a client older at its price, one better, one younger, one worse.
#[test]
fn recorded_execution_fills_clients_that_stand_before_it() {
    let mut market = Market::new(1, 1 << 40, SelfMatch::Allow);
    let mut out = Output::default();
    market.enter(&client(1, Side::Buy, 100, 10_000), &mut out);
    market.enter_recorded(&recorded(Side::Buy, 500, 10_000), 77, &mut out);
    market.enter(&client(2, Side::Buy, 100, 10_000), &mut out);
    market.enter(&client(3, Side::Buy, 100, 9_900), &mut out);
    market.enter(&client(4, Side::Buy, 50, 10_100), &mut out);
    out.clear();
    let taken = market.fill_clients_before(77, 400, &mut out);
    assert_eq!(taken, 150, "the better one, then the older one");
    let tags: Vec<u32> = out.reports.iter().map(|report| report.tag).collect();
    assert_eq!(tags, [4, 1]);
    let done = market.execute_recorded(77, 250, 9, None, &mut out);
    assert_eq!(done, 250);
    assert_eq!(market.order(77).unwrap().leaves_qty, 250);
    assert_eq!(market.fill_clients_before(77, 400, &mut out), 0, "the others stand behind");
}

/// Goal: a recorded add that reaches a client's order trades with it first; recorded orders never
/// trade among themselves. Method: a client's ask and a recorded ask, both reached by a recorded
/// bid.
#[test]
fn recorded_add_meets_clients_only() {
    let mut market = Market::new(1, 1 << 40, SelfMatch::Allow);
    let mut out = Output::default();
    market.enter_recorded(&recorded(Side::Sell, 100, 10_000), 5, &mut out);
    market.enter(&client(1, Side::Sell, 30, 10_100), &mut out);
    out.clear();
    market.enter_recorded(&recorded(Side::Buy, 100, 10_100), 6, &mut out);
    assert_eq!(out.reports.len(), 1, "the client is filled");
    assert_eq!(market.order(6).unwrap().leaves_qty, 70, "the rest rests");
    assert_eq!(market.order(5).unwrap().leaves_qty, 100, "the recorded ask is untouched");
    assert!(market.book(LOCATE).unwrap().is_locked_or_crossed(), "as recorded");
    out.clear();
    market.replace_recorded(6, &recorded(Side::Buy, 40, 9_800), 8, &mut out);
    assert!(matches!(out.events[..], [MarketEvent { kind: EventKind::Replaced { .. }, .. }]));
    out.clear();
    market.replace_recorded(6, &recorded(Side::Buy, 40, 9_800), 9, &mut out);
    assert!(
        matches!(out.events[..], [MarketEvent { kind: EventKind::Add { order_ref: 9, .. }, .. }]),
        "a replace of an order that is gone appears as an add"
    );
}
