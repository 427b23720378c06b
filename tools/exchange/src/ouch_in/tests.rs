//! Options of OUCH through the desk.

use super::{Desk, DeskOptions, Venue};
use crate::faults::Faults;
use crate::flow::TICK_CENT;
use crate::listing::Listing;
use crate::matching::{Market, Output, SelfMatch};
use gateway::codec::ouch50::{
    AppendageBuf, CapacityCode, CrossCode, DisplayCode, EnterOrder, IsoCode, RejectReason,
    SideCode, Tag, TifCode, WirePx, encode,
};
use gateway::session::soupbintcp::{Credentials, SequencedStore};
use shm::ids::Symbol;

const SECOND: u64 = 1_000_000_000;

struct Place {
    desk: Desk,
    market: Market,
    listing: Listing,
    out: Output,
    number: u32,
    now_ns: u64,
}

impl Place {
    fn new() -> Self {
        let symbol = Symbol(*b"WLNA    ");
        let mut listing = Listing::default();
        listing.list(1, symbol, TICK_CENT);
        listing.set_state(1, b'T');
        let users = vec![Credentials::new("DESK01", "loopback").unwrap()];
        let options = DeskOptions {
            users,
            faults: Faults::default(),
            seed: 1,
            cancel_on_disconnect: false,
            log: None,
        };
        let desk = Desk::new(options, 0);
        let market = Market::new(1, 1, SelfMatch::Allow);
        Self { desk, market, listing, out: Output::default(), number: 0, now_ns: 0 }
    }

    fn enter(&mut self, tif: TifCode, display: DisplayCode, options: &[Tag]) -> Vec<u8> {
        self.number += 1;
        let order = EnterOrder {
            user_ref_num: self.number.into(),
            side: SideCode::BUY,
            qty: 300.into(),
            symbol: *b"WLNA    ",
            px: WirePx(10_000.into()),
            tif,
            display,
            capacity: CapacityCode::PRINCIPAL,
            iso: IsoCode::NO,
            cross_type: CrossCode::CONTINUOUS,
            cl_ord_id: [b' '; 14],
        };
        let mut appendage = AppendageBuf::default();
        options.iter().for_each(|tag| appendage.push(*tag).unwrap());
        let mut bytes = [0; 256];
        let length = encode(&order, appendage.view(), &mut bytes).unwrap();
        let before = self.told();
        self.turn(|desk, venue| {
            desk.on_message(0, &bytes[..length], venue);
        });
        assert!(self.told() > before, "an answer");
        self.last()
    }

    fn turn(&mut self, act: impl FnOnce(&mut Desk, &mut Venue<'_>)) {
        let Self { desk, market, listing, out, now_ns, .. } = self;
        let mut venue = Venue { market, listing, out, itch_ns: *now_ns, now_ns: *now_ns };
        act(desk, &mut venue);
        let reports = core::mem::take(&mut out.reports);
        desk.on_reports(&reports, *now_ns, *now_ns);
    }

    fn told(&self) -> u64 {
        self.desk.accounts()[0].stream.next_seq()
    }

    fn last(&self) -> Vec<u8> {
        self.desk.accounts()[0].stream.message(self.told() - 1).unwrap().to_vec()
    }
}

/// Goal: an order that ends by itself does so when its seconds are over, not before, and says so.
/// Method: 80 seconds; the clock one ns before and at its end.
#[test]
fn an_order_ends_when_its_time_is_over() {
    let mut place = Place::new();
    let answer = place.enter(TifCode::GTT, DisplayCode::VISIBLE, &[Tag::ExpireTime(80)]);
    assert_eq!(answer[0], b'A');
    assert_eq!(place.desk.due_ns(), Some(80 * SECOND));
    for (now_ns, left) in [(80 * SECOND - 1, 1), (80 * SECOND, 0)] {
        place.now_ns = now_ns;
        place.turn(|desk, venue| desk.poll(venue));
        assert_eq!(place.market.book(1).unwrap().order_count(), left, "{now_ns}");
    }
    let canceled = place.last();
    assert_eq!((canceled[0], canceled.last()), (b'C', Some(&b'T')), "{canceled:?}");
    assert_eq!(place.desk.due_ns(), None);
}

/// Goal: what contradicts itself is refused with its own reason, what does not is taken. Method:
/// every option alone and with what it does not go with.
#[test]
fn options_that_contradict_are_refused_by_name() {
    let (shown, hidden) = (DisplayCode::VISIBLE, DisplayCode::HIDDEN);
    let (day, ioc, timed) = (TifCode::DAY, TifCode::IOC, TifCode::GTT);
    let cases = [
        (day, hidden, vec![], None),
        (day, shown, vec![Tag::MaxFloor(100)], None),
        (day, hidden, vec![Tag::MaxFloor(100)], Some(RejectReason::MAX_FLOOR)),
        (ioc, shown, vec![Tag::MinQty(300)], None),
        (ioc, shown, vec![Tag::MinQty(301)], Some(RejectReason::MIN_QTY)),
        (day, shown, vec![Tag::MinQty(100)], Some(RejectReason::MIN_QTY)),
        (day, hidden, vec![Tag::MinQty(100)], None),
        (timed, shown, vec![], Some(RejectReason::OTHER)),
        (day, shown, vec![Tag::ExpireTime(80)], Some(RejectReason::OTHER)),
        (timed, shown, vec![Tag::ExpireTime(86_400)], Some(RejectReason::OTHER)),
    ];
    for (tif, display, options, refused) in cases {
        let mut place = Place::new();
        let answer = place.enter(tif, display, &options);
        let expected = refused.map(|reason| reason.0.get().to_be_bytes());
        let found = (answer[0] == b'J').then(|| [answer[13], answer[14]]);
        assert_eq!(found, expected, "{options:?} {answer:?}");
    }
}
