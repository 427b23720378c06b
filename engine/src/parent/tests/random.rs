//! All types at once against a venue that does anything a venue may.

use super::kit::{Rig, STOCK, cents, said, shares};
use crate::order::Order;
use crate::parent::{Ask, OcoLeg, Offset};
use crate::risk::sample;
use shm::ids::{ClOrdId, ExecId};
use shm::message::{ExecReport, Kind, Side};
use shm::reason::Reason;
use shm::units::{Nanos, Price, Qty};

struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn side(&mut self) -> Side {
        if self.roll(2) == 0 { Side::Buy } else { Side::Sell }
    }
}

/// Any parent around a price.
fn any(dice: &mut Dice, mid: i64, now: Nanos) -> Ask {
    let side = dice.side();
    let near = |dice: &mut Dice| cents(mid + dice.roll(21) as i64 - 10);
    let qty = shares(1 + dice.roll(200) as u32);
    let market_or = |dice: &mut Dice, px: Price| if dice.roll(2) == 0 { px } else { Price::NONE };
    let ask = match dice.roll(7) {
        0 => Ask::stop(STOCK, side, qty, near(dice)),
        1 => {
            let (stop, px) = in_turn(side, near(dice), near(dice));
            Ask::stop_limit(STOCK, side, qty, stop, px)
        }
        2 => Ask::trailing(STOCK, side, qty, Offset::Ticks(1 + dice.roll(6) as u32)),
        3 => {
            let leg = |dice: &mut Dice| {
                let side = dice.side();
                let (stop_px, px) = in_turn(side, near(dice), near(dice));
                OcoLeg { side, px, stop_px: market_or(dice, stop_px) }
            };
            let ask = Ask::oco(STOCK, qty, leg(dice), leg(dice));
            if dice.roll(2) == 0 { ask.shared() } else { ask }
        }
        4 => {
            let sign = if side == Side::Buy { 1 } else { -1 };
            let entry = market_or(dice, cents(mid - sign));
            Ask::bracket(STOCK, side, qty, entry, cents(mid + 3 * sign), cents(mid - 5 * sign))
        }
        5 => {
            let clip = shares(1 + dice.roll(40) as u32).min(qty);
            Ask::iceberg(STOCK, side, qty, near(dice), clip)
        }
        _ => {
            let most = 1 + dice.roll(5);
            let end = Nanos(now.0 + most * 100 * Nanos::MILLI.0);
            let px = market_or(dice, cents(mid + if side == Side::Buy { 5 } else { -5 }));
            let slices = (1 + dice.roll(most) as u32).min(qty.to_shares().unwrap());
            Ask::twap(STOCK, side, qty, px, (now, end), slices)
        }
    };
    if dice.roll(4) == 0 { ask.on_last_trade() } else { ask }
}

/// A stop and a limit that can follow it.
fn in_turn(side: Side, a: Price, b: Price) -> (Price, Price) {
    match side {
        Side::Buy => (a.min(b), a.max(b)),
        Side::Sell => (a.max(b), a.min(b)),
    }
}

/// The venue says something of one order, or nothing.
fn speak(rig: &mut Rig, dice: &mut Dice, order: &Order, exec: &mut u64) {
    let id = order.terms.id;
    let leaves = order.leaves_qty();
    let is_new = order.venue_ord_id.0 == 0;
    let replace = order.replace.id;
    let part = Qty(leaves.0.min(shares(1 + dice.roll(50) as u32).0));
    match dice.roll(12) {
        0..=2 if is_new => rig.accept(id),
        3 if is_new => rig.rejected(id),
        4..=6 if !is_new && part.0 > 0 => {
            *exec += 1;
            let fill = said(Kind::Executed, id, order.terms.px, part);
            rig.report(ExecReport { exec_id: ExecId(*exec), ..fill });
        }
        7 if !is_new && (dice.roll(4) == 0 || order.pending() != 0) => rig.canceled(id),
        8 if replace != ClOrdId::NONE => rig.replaced(replace),
        9 if replace != ClOrdId::NONE => rig.rejected(replace),
        10 if order.pending() & shm::message::pending::CANCEL != 0 => {
            rig.report(said(Kind::CancelRejected, id, Price::NONE, Qty::ZERO));
        }
        _ => {}
    }
}

/// Goal: whatever the market and the venue do, no child is ever refused for its parent (the
/// machines stay within what risk allows), every parent comes to an end once it is cancelled, and
/// risk and strategy agree on what each leg has filled. Method: 1e5 steps over twenty seeds.
#[test]
fn parents_come_to_an_end_and_agree_with_risk() {
    let mut ended = 0;
    for seed in 1..=20_u64 {
        let mut setup = sample::setup(256);
        setup.gateways[0].rate = 1_000_000;
        setup.limits.rows[0].repeat.same_max = crate::config::limits::Limit::Unlimited;
        let mut rig = Rig::of(&setup, seed % 2 == 0);
        let mut dice = Dice(seed);
        let (mut mid, mut exec) = (1_000_i64, 0);
        for _ in 0..5_000 {
            match dice.roll(20) {
                0..=5 => {
                    mid = (mid + dice.roll(5) as i64 - 2).clamp(950, 1_050);
                    rig.top(mid, mid + 1);
                }
                6 => rig.print(mid, 0),
                7 => rig.pass(1 + dice.roll(20)),
                8 if rig.parents.count() < 20 => {
                    let ask = any(&mut dice, mid, rig.now);
                    rig.ask(ask);
                }
                9 if dice.roll(4) == 0 => {
                    let open: Vec<ClOrdId> =
                        rig.parents.iter().map(|row| row.parent.cl_ord_id).collect();
                    if let Some(id) = open.get(dice.roll(20) as usize) {
                        rig.cancel_parent(*id);
                    }
                }
                _ => {
                    let orders: Vec<Order> = rig.risk.working_orders().copied().collect();
                    if let Some(order) = orders.get(dice.roll(24) as usize) {
                        speak(&mut rig, &mut dice, order, &mut exec);
                    }
                }
            }
            rig.wire.clear();
            agree(&rig, seed);
        }
        wind_down(&mut rig, seed);
        ended += rig.events.iter().filter(|event| event.leg.is_none()).count();
        let beyond: Vec<&Reason> =
            rig.refused.iter().filter(|reason| **reason == Reason::Unapproved).collect();
        assert!(beyond.is_empty(), "seed {seed}: {} children beyond their parent", beyond.len());
    }
    assert!(ended > 1_000, "only {ended}");
}

/// Strategy and risk hold the same of every leg.
fn agree(rig: &Rig, seed: u64) {
    for row in rig.parents.iter() {
        let Some(parent) = rig.risk.parent(row.parent.cl_ord_id) else { continue };
        let filled = row.legs.map(|leg| Qty(leg.filled()));
        assert_eq!(filled, parent.filled, "seed {seed}: {row:?}");
    }
}

/// Cancels every parent; the venue carries out every cancel.
fn wind_down(rig: &mut Rig, seed: u64) {
    let open: Vec<ClOrdId> = rig.parents.iter().map(|row| row.parent.cl_ord_id).collect();
    for id in open {
        if rig.parents.iter().any(|row| row.parent.cl_ord_id == id) {
            rig.cancel_parent(id);
        }
    }
    for _ in 0..10 {
        rig.pass(200);
        let orders: Vec<ClOrdId> = rig.risk.working_orders().map(|order| order.terms.id).collect();
        for id in orders {
            if rig.risk.order(id).is_some_and(Order::is_working) {
                rig.canceled(id);
            }
        }
        rig.wire.clear();
    }
    assert_eq!(rig.parents.count(), 0, "seed {seed}: {:?}", rig.parents.iter().next());
    assert_eq!((rig.risk.parents().count(), rig.risk.working_count()), (0, 0), "seed {seed}");
    assert_eq!(rig.slots.free_count(), 256, "seed {seed}: every slot came back");
}
