use super::*;
use crate::config::model::SelfTrade;

/// A sell of strategy 2 at 10.01 rests; both accounts are of one group.
fn resting(mode: SelfTrade) -> (Rig, ClOrdId, Price) {
    let px = Price(1_001 * DOLLAR / 100);
    let mut rig = Rig::new(setup(|setup| {
        setup.accounts.iter_mut().for_each(|account| account.self_trade = mode);
    }));
    let id = rig.order(2, 0, Side::Sell, px);
    rig.report(Kind::Accepted, id, px);
    assert_eq!(rig.sent(), [(Kind::ApprovedNew, id)]);
    (rig, id, px)
}

/// Goal: where resting orders give way, the order that would meet one is refused and the resting
/// one cancelled, once; only the venue's word lets the order pass, and not a refused cancel; a
/// replay does the same. Method: a buy of another strategy of the group, again and again.
#[test]
fn t01_r45_a_resting_order_gives_way_before_the_new_one_goes() {
    for mode in [SelfTrade::CancelResting, SelfTrade::Both] {
        let (mut rig, sell, px) = resting(mode);
        rig.order(1, 0, Side::Buy, px);
        assert_eq!(rig.refused(), Some(Reason::SelfTrade), "{mode:?}");
        assert_eq!(rig.sent(), [(Kind::ApprovedCancel, sell)], "{mode:?}");
        rig.order(1, 1, Side::Buy, px);
        assert_eq!(rig.refused(), Some(Reason::SelfTrade), "not confirmed yet");
        assert_eq!(rig.sent(), [], "it is being cancelled already");
        rig.report(Kind::CancelRejected, sell, px);
        rig.order(1, 2, Side::Buy, px);
        assert_eq!(rig.refused(), Some(Reason::SelfTrade), "it works on");
        assert_eq!(rig.sent(), [(Kind::ApprovedCancel, sell)], "asked again");
        rig.report(Kind::Canceled, sell, px);
        let buy = rig.order(1, 3, Side::Buy, px);
        assert_eq!(rig.refused(), None);
        assert_eq!(rig.sent(), [(Kind::ApprovedNew, buy)]);
        rig.assert_replays_alike();
    }
}

/// Goal: nothing is cancelled for an order that does not meet, that another rule refuses, or where
/// the account only refuses. Method: each in turn.
#[test]
fn t01_r45_a_resting_order_stays_otherwise() {
    let (mut rig, _, px) = resting(SelfTrade::CancelResting);
    rig.order(1, 0, Side::Buy, Price(px.0 - DOLLAR / 100));
    assert_eq!(rig.refused(), None);
    assert_eq!(rig.sent().len(), 1);
    rig.order(1, 1, Side::Buy, Price(px.0 + 1));
    assert_eq!(rig.refused(), Some(Reason::BadPrice));
    assert_eq!(rig.sent(), []);
    let (mut rig, _, px) = resting(SelfTrade::Reject);
    rig.order(1, 0, Side::Buy, px);
    assert_eq!(rig.refused(), Some(Reason::SelfTrade));
    assert_eq!(rig.sent(), []);
}
