//! OCO and bracket.

use super::kit::{Rig, STOCK, Sent, cents, limit, market, shares};
use crate::parent::{Ask, OcoLeg};
use shm::message::{Kind, Side, Tif};
use shm::reason::Reason;
use shm::units::{Price, Qty};

/// A cancel of an order as the venue sees it.
fn cancel(side: Side, px: i64) -> Sent {
    Sent { kind: Kind::ApprovedCancel, side, px, qty: 0, tif: Tif::Day }
}

fn replace(side: Side, px: i64, qty: u32) -> Sent {
    Sent { kind: Kind::ApprovedReplace, ..limit(side, px, qty) }
}

const fn leg(side: Side, px: Price) -> OcoLeg {
    OcoLeg { side, px, stop_px: Price::NONE }
}

/// A profit at 10.10 and a stop at 9.90, both selling 100.
fn exits() -> Ask {
    let stop = OcoLeg { side: Side::Sell, px: Price::NONE, stop_px: cents(990) };
    Ask::oco(STOCK, shares(100), leg(Side::Sell, cents(1_010)), stop)
}

/// Goal: the first fill of one leg cancels the other, and only then.
#[test]
fn the_first_fill_cancels_the_other() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    let both =
        Ask::oco(STOCK, shares(100), leg(Side::Buy, cents(990)), leg(Side::Sell, cents(1_010)));
    rig.ask(both);
    let ids = rig.ids(&[limit(Side::Buy, 990, 100), limit(Side::Sell, 1_010, 100)]);
    ids.iter().for_each(|id| rig.accept(*id));
    rig.top(990, 1_010);
    assert_eq!(rig.taken(), []);
    rig.fill(ids[1], 10);
    assert_eq!(rig.taken(), [cancel(Side::Buy, 990)]);
    rig.canceled(ids[0]);
    assert_eq!(rig.over(), None, "the other one goes on to its end");
    rig.fill(ids[1], 90);
    assert_eq!(rig.over(), Some(Reason::None));
}

/// Goal: the race bound: both may fill before the cancel arrives, no leg by more than its quantity,
/// and what is left of the winner shrinks by what the other took.
#[test]
fn both_may_fill_before_the_cancel_and_the_winner_shrinks() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(Ask::oco(
        STOCK,
        shares(100),
        leg(Side::Buy, cents(990)),
        leg(Side::Sell, cents(1_010)),
    ));
    let ids = rig.ids(&[limit(Side::Buy, 990, 100), limit(Side::Sell, 1_010, 100)]);
    ids.iter().for_each(|id| rig.accept(*id));
    rig.fill(ids[0], 40);
    assert_eq!(rig.taken(), [cancel(Side::Sell, 1_010)]);
    rig.fill(ids[1], 70);
    // 40 and 70 are more than 100: nothing is left for the winner.
    assert_eq!(rig.taken(), [cancel(Side::Buy, 990)]);
    rig.canceled(ids[1]);
    rig.canceled(ids[0]);
    assert_eq!(rig.over(), Some(Reason::None));
    assert_eq!(rig.events.last().unwrap().filled, [shares(40), shares(70), Qty::ZERO]);
}

/// Goal: legs that share one quantity never have more than it at the venue: the second goes out
/// when the first is confirmed cancelled, for what that one has left. Method: a fill in the race.
#[test]
fn legs_that_share_a_quantity_take_turns() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(exits().shared());
    let profit = rig.accepted(limit(Side::Sell, 1_010, 100));
    rig.top(990, 991);
    assert_eq!(rig.taken(), [cancel(Side::Sell, 1_010)]);
    rig.fill(profit, 30);
    assert_eq!(rig.taken(), [], "not before the cancel is confirmed");
    rig.canceled(profit);
    let loss = rig.accepted(market(Side::Sell, 70));
    rig.fill(loss, 70);
    assert_eq!(rig.over(), Some(Reason::None));
    assert!(rig.refused.is_empty());
}

/// Goal: a leg of a shared pair that has begun to fill keeps its turn.
#[test]
fn a_shared_leg_that_has_filled_keeps_its_turn() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(exits().shared());
    let profit = rig.accepted(limit(Side::Sell, 1_010, 100));
    rig.fill(profit, 1);
    rig.top(980, 981);
    assert_eq!(rig.taken(), []);
    rig.fill(profit, 99);
    assert_eq!(rig.over(), Some(Reason::None));
}

/// Goal: a resting leg that the venue refuses ends the pair: half of it is not what was asked for.
#[test]
fn a_refused_leg_ends_the_pair() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(Ask::oco(STOCK, shares(10), leg(Side::Buy, cents(990)), leg(Side::Sell, cents(1_010))));
    let ids = rig.ids(&[limit(Side::Buy, 990, 10), limit(Side::Sell, 1_010, 10)]);
    rig.accept(ids[1]);
    rig.rejected(ids[0]);
    assert_eq!(rig.taken(), [cancel(Side::Sell, 1_010)]);
    rig.canceled(ids[1]);
    assert_eq!(rig.over(), Some(Reason::Venue));
}

/// Buys 100 at 10.00; out at 10.10, stop at 9.90.
fn bracket() -> Ask {
    Ask::bracket(STOCK, Side::Buy, shares(100), cents(1_000), cents(1_010), cents(990))
}

/// Goal: the exit grows with the fills of the entry, and the first fill of the exit ends the entry.
#[test]
fn the_exit_is_as_large_as_what_the_entry_has_filled() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(bracket());
    let entry = rig.accepted(limit(Side::Buy, 1_000, 100));
    rig.top(985, 986);
    assert_eq!(rig.taken(), [], "no stop without a position");
    rig.top(1_000, 1_001);
    rig.fill(entry, 30);
    let exit = rig.accepted(limit(Side::Sell, 1_010, 30));
    rig.fill(entry, 20);
    let ids = rig.ids(&[replace(Side::Sell, 1_010, 50)]);
    rig.replaced(ids[0]);
    rig.fill(ids[0], 10);
    assert_eq!(rig.taken(), [cancel(Side::Buy, 1_000)]);
    rig.canceled(entry);
    rig.fill(exit, 40);
    assert_eq!(rig.over(), Some(Reason::None));
    assert_eq!(rig.events.last().unwrap().filled, [shares(50), shares(50), Qty::ZERO]);
}

/// Goal: the stop takes the profit order back first, then sells what is left of the position,
/// fills in the race counted, and takes the entry back as well.
#[test]
fn the_stop_of_a_bracket_sells_what_is_left() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(bracket());
    let entry = rig.accepted(limit(Side::Buy, 1_000, 100));
    rig.fill(entry, 60);
    let exit = rig.accepted(limit(Side::Sell, 1_010, 60));
    rig.top(989, 990);
    assert_eq!(rig.taken(), [cancel(Side::Buy, 1_000), cancel(Side::Sell, 1_010)]);
    rig.fill(entry, 10);
    rig.fill(exit, 5);
    assert_eq!(rig.taken(), [], "not while the profit order may still fill");
    rig.canceled(exit);
    let stop = rig.accepted(market(Side::Sell, 65));
    rig.canceled(entry);
    rig.fill(stop, 65);
    assert_eq!(rig.over(), Some(Reason::None));
    assert_eq!(rig.events.last().unwrap().filled, [shares(70), shares(5), shares(65)]);
    assert!(rig.refused.is_empty());
}

/// Goal: an entry that is refused leaves nothing behind and says why; one that is cancelled from
/// outside after a part keeps its exits.
#[test]
fn an_entry_that_ends_early_keeps_the_exits_of_its_part() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(bracket());
    let ids = rig.ids(&[limit(Side::Buy, 1_000, 100)]);
    rig.rejected(ids[0]);
    assert_eq!((rig.taken(), rig.over()), (vec![], Some(Reason::Venue)));
    rig.events.clear();
    rig.ask(bracket());
    let entry = rig.accepted(limit(Side::Buy, 1_000, 100));
    rig.fill(entry, 25);
    let exit = rig.accepted(limit(Side::Sell, 1_010, 25));
    rig.canceled(entry);
    assert_eq!((rig.taken(), rig.over()), (vec![], None));
    rig.fill(exit, 25);
    assert_eq!(rig.over(), Some(Reason::Venue));
}

/// Goal: a refused replace of an exit leaves the order as it was, and is tried again with what is
/// wanted then.
#[test]
fn a_refused_replace_is_tried_again() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(bracket());
    let entry = rig.accepted(limit(Side::Buy, 1_000, 100));
    rig.fill(entry, 30);
    rig.accepted(limit(Side::Sell, 1_010, 30));
    rig.fill(entry, 20);
    let ids = rig.ids(&[replace(Side::Sell, 1_010, 50)]);
    rig.rejected(ids[0]);
    rig.fill(entry, 50);
    rig.pass(100);
    let ids = rig.ids(&[replace(Side::Sell, 1_010, 100)]);
    rig.replaced(ids[0]);
    rig.fill(ids[0], 100);
    assert_eq!(rig.over(), Some(Reason::None));
}

/// Goal: a profit order that the collar refuses is tried less and less often, and what stops the
/// loss is not late for it. Method: a profit 15 % away for six seconds, then the stop's price.
#[test]
fn a_profit_beyond_the_collar_is_not_hammered() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    let (entry_px, profit_px, loss_px) = (cents(1_000), cents(1_150), cents(990));
    rig.ask(Ask::bracket(STOCK, Side::Buy, shares(100), entry_px, profit_px, loss_px));
    let entry = rig.accepted(limit(Side::Buy, 1_000, 100));
    rig.fill(entry, 100);
    assert_eq!(rig.refused, [Reason::Collar]);
    for _ in 0..60 {
        rig.pass(100);
        rig.top(1_000, 1_001);
    }
    assert_eq!(rig.refused, [Reason::Collar; 6], "after 0.1, 0.3, 0.7, 1.5 and 3.1 s again");
    rig.top(989, 990);
    rig.accepted(market(Side::Sell, 100));
}
