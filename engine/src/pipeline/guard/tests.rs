//! What the guard takes for confirmed.

use super::*;
use gateway::codec::ouch50::{
    Appendage, CancelReasonCode, Canceled, RejectReason, Rejected, encode,
};
use shm::ids::{AccountId, ClOrdId, InstrumentId};

const fn order(id: u64, urns: [u32; 2]) -> OpenOrder {
    let (account, instrument) = (Some(AccountId(0)), InstrumentId(3));
    OpenOrder { id: ClOrdId(id), urns, account, instrument }
}

fn canceled(urn: u32) -> Vec<u8> {
    let reason = CancelReasonCode::USER;
    let (timestamp, user_ref_num) = (7.into(), urn.into());
    let fields = Canceled { timestamp, user_ref_num, qty: 10.into(), reason };
    let mut out = [0; 64];
    let len = encode(&fields, Appendage::ABSENT, &mut out).unwrap();
    out[..len].to_vec()
}

fn rejected(urn: u32) -> Vec<u8> {
    let (timestamp, user_ref_num) = (7.into(), urn.into());
    let reason = RejectReason::OTHER;
    let fields = Rejected { timestamp, user_ref_num, reason, cl_ord_id: [b' '; 14] };
    let mut out = [0; 64];
    let len = encode(&fields, Appendage::ABSENT, &mut out).unwrap();
    out[..len].to_vec()
}

/// Goal: an order counts as gone only when the venue says so of what may live of it. Method: a
/// plain order, one being replaced, one not answered; cancels and refusals of each number.
#[test]
fn k5_a_refused_replace_confirms_nothing() {
    let orders = [order(1, [11, 0]), order(2, [21, 22]), order(3, [0, 31])];
    let after = |said: &[Vec<u8>]| -> Vec<u64> {
        let mut left: Vec<&OpenOrder> = orders.iter().collect();
        said.iter().for_each(|payload| confirm(payload, &mut left));
        left.iter().map(|order| order.id.0).collect()
    };
    assert_eq!(after(&[canceled(11)]), [2, 3]);
    assert_eq!(after(&[canceled(21)]), [1, 3]);
    assert_eq!(after(&[canceled(22)]), [1, 3]);
    assert_eq!(after(&[rejected(22)]), [1, 2, 3], "the order that was to be replaced lives");
    assert_eq!(after(&[rejected(31)]), [1, 2], "a refused new order is none");
    assert_eq!(after(&[canceled(99), rejected(99), vec![b'C', 0]]), [1, 2, 3]);
}

/// Goal: what the guard had confirmed is not shown as open, and anything else is. Method: the same
/// order on another gateway, under another number, and after an arming.
#[test]
fn k5_what_was_confirmed_is_known_until_the_arming() {
    let words = Words::default();
    let (gateway, other) = (GatewayId(0), GatewayId(1));
    let known = order(1, [11, 0]);
    assert!(!words.is_confirmed(gateway, &known));
    words.say(Done {
        gateway,
        text: "done".to_owned(),
        asked: vec![known],
        confirmed: vec![known],
    });
    assert!(words.is_confirmed(gateway, &known));
    assert!(!words.is_confirmed(other, &known));
    assert!(!words.is_confirmed(gateway, &order(1, [11, 12])), "a replace went out after it");
    let waiting = order(2, [0, 21]);
    let both = vec![known, waiting];
    words.say(Done { gateway, text: "again".to_owned(), asked: both.clone(), confirmed: both });
    assert_eq!(words.asked(gateway), [known, waiting]);
    let answered = order(2, [21, 0]);
    assert!(
        words.is_confirmed(gateway, &answered),
        "its acceptance was read after the guard acted"
    );
    assert!(!words.is_confirmed(gateway, &order(3, [31, 0])));
    assert_eq!(words.all(), ["again"]);
    let mut heard = 1;
    assert_eq!(words.news(&mut heard), [(Speaker::Guard, "again".to_owned())]);
    assert_eq!((words.news(&mut heard).len(), heard), (0, 2));
    let third = order(3, [31, 0]);
    let text = "once more".to_owned();
    words.say(Done { gateway, text, asked: vec![known, third], confirmed: Vec::new() });
    assert_eq!(words.asked(gateway), [known, waiting, third], "each is counted once");
    assert!(words.is_confirmed(gateway, &known), "what was confirmed stays so");
    assert!(words.has_gone(known.id) && !words.has_gone(third.id));
    words.clear();
    assert!(!words.is_confirmed(gateway, &known) && words.all().is_empty());
}
