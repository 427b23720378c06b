//! The adapter against its own codec in the venue's role.

use super::*;
use crate::codec::ouch50::{
    Accepted, AiqCanceled, Appendage, Broken, BrokenReasonCode, CancelPending, CancelReasonCode,
    CancelReject, Canceled, CapacityCode, CrossCode, DecodeError, DisableResponse, DisplayCode,
    EnableResponse, EventCode, Executed, Inbound, IsoCode, LiquidityCode, MassCancelResponse,
    Message, Modified, OrderStateCode, PriorityUpdate, QueryResponse, RejectReason, Rejected,
    Replaced, RestateReasonCode, Restated, SideCode, SystemEvent, Tag, TifCode, WirePx, encode,
};
use crate::session::soupbintcp::{ReadBuffer, kind};
use crate::wire_table::WireTableConfig;
use shm::ids::{ClOrdId, ExecId, InstrumentId, StrategyId, VenueOrdId};
use shm::message::{Approved, ExecReport, Kind, OrdType, OrderTerms, Side, Tif};
use shm::reason::Reason;
use shm::units::{Nanos, Price, Qty};

fn venue() -> Ouch {
    Ouch::new(OuchConfig {
        symbols: Box::new([Symbol(*b"AAPL    "), Symbol(*b"MSFT    ")]),
        firm: Some(*b"DEMO"),
        capacity: CapacityCode::PRINCIPAL,
        display: DisplayCode::VISIBLE,
        table: WireTableConfig { slots: 16, urns: 64 },
    })
}

fn id(slot: u32, uses: u32) -> ClOrdId {
    ClOrdId::new(3, StrategyId(2), slot, uses)
}

fn approved(kind: Kind, cl_ord_id: ClOrdId) -> Approved {
    Approved {
        kind: kind as u8,
        side: Side::Buy as u8,
        tif: Tif::Day as u8,
        ord_type: OrdType::Limit as u8,
        instrument: InstrumentId(1),
        px: "63.02".parse().unwrap(),
        qty: Qty::from_shares(225),
        cl_ord_id,
        ..Approved::default()
    }
}

/// Encodes what must be encodable; the packets.
fn send(ouch: &mut Ouch, order: &Approved) -> Vec<u8> {
    let mut out = [0; 128];
    let encoded = ouch.encode(order, &mut out).unwrap();
    out[..encoded.bytes].to_vec()
}

/// The payloads of whole packets.
fn payloads(packets: &[u8]) -> Vec<Vec<u8>> {
    let mut buffer = ReadBuffer::new(4096);
    assert_eq!(buffer.push(packets), packets.len());
    let mut payloads = Vec::new();
    while let Some(packet) = buffer.next_packet().unwrap() {
        assert_eq!(packet.kind, kind::UNSEQUENCED);
        payloads.push(packet.payload.to_vec());
    }
    assert!(buffer.is_empty());
    payloads
}

fn bytes_of<T: Message>(fields: &T) -> Vec<u8> {
    let mut out = [0; 128];
    let len = encode(fields, Appendage::ABSENT, &mut out).unwrap();
    out[..len].to_vec()
}

fn report<T: Message>(ouch: &mut Ouch, fields: &T) -> ExecReport {
    match ouch.on_message(&bytes_of(fields), 77, Nanos(123)) {
        Ok(VenueEvent::Report(report)) => {
            assert_eq!((report.venue_seq, report.t0), (77, Nanos(123)));
            report
        }
        other => panic!("{other:?}"),
    }
}

fn accepted(urn: u32, text: &[u8; 14], state: OrderStateCode) -> Accepted {
    Accepted {
        timestamp: 1.into(),
        user_ref_num: urn.into(),
        side: SideCode::BUY,
        qty: 225.into(),
        symbol: *b"MSFT    ",
        px: WirePx(630_100.into()),
        tif: TifCode::DAY,
        display: DisplayCode::VISIBLE,
        order_ref: 4_242.into(),
        capacity: CapacityCode::PRINCIPAL,
        iso: IsoCode::NO,
        cross_type: CrossCode::CONTINUOUS,
        state,
        cl_ord_id: *text,
    }
}

fn replaced(orig: u32, urn: u32, leaves: u32, text: &[u8; 14]) -> Replaced {
    Replaced {
        timestamp: 1.into(),
        orig_user_ref_num: orig.into(),
        user_ref_num: urn.into(),
        side: SideCode::BUY,
        qty: leaves.into(),
        symbol: *b"MSFT    ",
        px: WirePx(640_000.into()),
        tif: TifCode::DAY,
        display: DisplayCode::VISIBLE,
        order_ref: 4_243.into(),
        capacity: CapacityCode::PRINCIPAL,
        iso: IsoCode::NO,
        cross_type: CrossCode::CONTINUOUS,
        state: OrderStateCode::LIVE,
        cl_ord_id: *text,
    }
}

fn executed(urn: u32, shares: u32, match_number: u64) -> Executed {
    Executed {
        timestamp: 2.into(),
        user_ref_num: urn.into(),
        qty: shares.into(),
        px: WirePx(630_050.into()),
        liquidity: LiquidityCode::REMOVED,
        match_number: match_number.into(),
    }
}

fn canceled(urn: u32, shares: u32) -> Canceled {
    Canceled {
        timestamp: 2.into(),
        user_ref_num: urn.into(),
        qty: shares.into(),
        reason: CancelReasonCode::IOC,
    }
}

fn text(cl_ord_id: ClOrdId) -> [u8; 14] {
    request::id_text(cl_ord_id)
}

/// An adapter with one live order, number 1, slot 5.
fn live() -> Ouch {
    let mut ouch = venue();
    let order = approved(Kind::ApprovedNew, id(5, 0));
    assert_eq!(ouch.encode(&order, &mut [0; 128]).map(|encoded| encoded.urn), Ok(1));
    report(&mut ouch, &accepted(1, &text(id(5, 0)), OrderStateCode::LIVE));
    ouch
}

/// Goal: every term of an approval reaches the venue. Method: decode what was encoded.
#[test]
fn a_new_order_carries_its_terms() {
    let mut ouch = venue();
    let mut out = [0; 128];
    let order = Approved {
        side: Side::Sell as u8,
        ord_type: OrdType::PostOnly as u8,
        ..approved(Kind::ApprovedNew, id(5, 9))
    };
    let encoded = ouch.encode(&order, &mut out).unwrap();
    assert_eq!(encoded.urn, 1);
    let messages = payloads(&out[..encoded.bytes]);
    let Ok(Inbound::Enter(view)) = Inbound::decode(&messages[0]) else { panic!("no order") };
    let fields = view.fields;
    assert_eq!(
        (fields.user_ref_num.get(), fields.side, fields.qty.get()),
        (1, SideCode::SELL, 225)
    );
    assert_eq!((&fields.symbol, fields.px.0.get()), (b"MSFT    ", 630_200));
    assert_eq!((fields.tif, fields.capacity), (TifCode::DAY, CapacityCode::PRINCIPAL));
    assert_eq!(&fields.cl_ord_id[..13], id(5, 9).to_text());
    assert_eq!(fields.cl_ord_id[13], b' ');
    let options: Vec<_> = view.appendage.options().collect();
    assert_eq!(options, [Tag::Firm(*b"DEMO"), Tag::PostOnly(b'P')]);

    let order = Approved { tif: Tif::Ioc as u8, ..approved(Kind::ApprovedNew, id(6, 0)) };
    let encoded = ouch.encode(&order, &mut out).unwrap();
    let messages = payloads(&out[..encoded.bytes]);
    let Ok(Inbound::Enter(view)) = Inbound::decode(&messages[0]) else { panic!("no order") };
    assert_eq!((view.fields.user_ref_num.get(), view.fields.tif), (2, TifCode::IOC));
    assert_eq!(view.appendage.options().collect::<Vec<_>>(), [Tag::Firm(*b"DEMO")]);
}

/// Goal: each rare term has its venue-side form, in a replace as well. Method: decode what was
/// encoded.
#[test]
fn rare_terms_become_options() {
    let mut ouch = venue();
    let shares = Qty::from_shares;
    let good = approved(Kind::ApprovedNew, id(0, 0));
    let hidden = OrderTerms { flags: shm::message::terms_flags::HIDDEN, ..OrderTerms::NONE };
    let timed = OrderTerms { expiry: Nanos(90_900_000_000), ..OrderTerms::NONE };
    let reserve = OrderTerms { display_qty: shares(100), ..OrderTerms::NONE };
    let none = OrderTerms::NONE;
    let firm = Tag::Firm(*b"DEMO");
    let shown = DisplayCode::VISIBLE;
    let free = Tag::PostOnly(b'N');
    let gtd = Approved { tif: Tif::Gtd as u8, ..good };
    let fok = Approved { tif: Tif::Fok as u8, ..good };
    let market = Approved { ord_type: OrdType::Market as u8, ..good };
    let table = [
        (good, hidden, TifCode::DAY, DisplayCode::HIDDEN, vec![firm]),
        (gtd, timed, TifCode::GTT, shown, vec![firm, free, Tag::ExpireTime(80)]),
        (fok, none, TifCode::IOC, shown, vec![firm, free, Tag::MinQty(225)]),
        (good, reserve, TifCode::DAY, shown, vec![firm, free, Tag::MaxFloor(100)]),
        (market, none, TifCode::IOC, shown, vec![firm]),
    ];
    let mut out = [0; 128];
    let now = Nanos(10_500_000_000);
    for (slot, (order, rare, tif, display, options)) in table.into_iter().enumerate() {
        let order = Approved { cl_ord_id: id(slot as u32, 0), ..order };
        let encoded = ouch.encode_with(&order, &rare, now, &mut out).unwrap();
        let messages = payloads(&out[..encoded.bytes]);
        let Ok(Inbound::Enter(view)) = Inbound::decode(&messages[0]) else { panic!("no order") };
        assert_eq!((view.fields.tif, view.fields.display), (tif, display));
        assert_eq!(view.appendage.options().collect::<Vec<_>>(), options);
        if order.tif == Tif::Fok as u8 || order.ord_type == OrdType::Market as u8 {
            continue;
        }
        let again =
            Approved { kind: Kind::ApprovedReplace as u8, cl_ord_id: id(slot as u32, 1), ..order };
        let encoded = ouch.encode_with(&again, &rare, now, &mut out).unwrap();
        let messages = payloads(&out[..encoded.bytes]);
        let Ok(Inbound::Replace(view)) = Inbound::decode(&messages[0]) else {
            panic!("no replace")
        };
        assert_eq!((view.fields.tif, view.fields.display), (tif, display));
        let kept: Vec<_> = view.appendage.options().filter(|tag| *tag != free).collect();
        assert_eq!(
            kept,
            options.into_iter().filter(|tag| ![firm, free].contains(tag)).collect::<Vec<_>>()
        );
    }
    let late = Approved { cl_ord_id: id(15, 0), ..gtd };
    let expired = ouch.encode_with(&late, &timed, Nanos(89_900_000_001), &mut out);
    assert_eq!(expired, Err(Reason::Expired), "less than a second is left");
}

/// Goal: what the venue does not take is refused by name, and uses no slot. Method: one wrong term
/// each.
#[test]
fn what_the_venue_does_not_take_is_refused_by_name() {
    let good = approved(Kind::ApprovedNew, id(0, 0));
    let bad = [
        (Approved { ord_type: 0, ..good }, Reason::Unsupported),
        (Approved { tif: Tif::Gtd as u8, ..good }, Reason::Expired),
        (
            Approved { tif: Tif::Ioc as u8, ord_type: OrdType::PostOnly as u8, ..good },
            Reason::Unsupported,
        ),
        (Approved { side: 0, ..good }, Reason::Unsupported),
        (Approved { px: Price(1), ..good }, Reason::BadPrice),
        (Approved { px: Price(0), ..good }, Reason::BadPrice),
        (Approved { px: Price::NONE, ..good }, Reason::BadPrice),
        (Approved { px: "200000".parse().unwrap(), ..good }, Reason::BadPrice),
        (Approved { qty: Qty(0), ..good }, Reason::BadQty),
        (Approved { qty: Qty(Qty::SCALE / 2), ..good }, Reason::BadQty),
        (Approved { qty: Qty::from_shares(1_000_000), ..good }, Reason::BadQty),
        (Approved { instrument: InstrumentId(2), ..good }, Reason::Instrument),
        (Approved { cl_ord_id: id(16, 0), ..good }, Reason::TableFull),
        (Approved { kind: Kind::Accepted as u8, ..good }, Reason::Unapproved),
        (approved(Kind::ApprovedReplace, id(0, 0)), Reason::UnknownOrder),
        (approved(Kind::ApprovedCancel, id(0, 0)), Reason::UnknownOrder),
    ];
    let mut ouch = venue();
    for (order, reason) in bad {
        assert_eq!(ouch.encode(&order, &mut [0; 128]), Err(reason), "{order:?}");
        assert_eq!(ouch.table().open_count(), 0);
    }
    for room in 0..56 {
        assert_eq!(ouch.encode(&good, &mut vec![0; room]), Err(Reason::Busy));
        assert_eq!(ouch.table().open_count(), 0);
    }
    assert!(ouch.encode(&good, &mut [0; 56]).is_ok());
}

/// Goal: a replace names the number last accepted, carries the whole chain's quantity, and takes
/// over.
#[test]
fn a_replace_names_the_last_accepted_number() {
    let mut ouch = live();
    let mut out = [0; 128];
    let replace = approved(Kind::ApprovedReplace, id(5, 1));
    let encoded = ouch.encode(&replace, &mut out).unwrap();
    let messages = payloads(&out[..encoded.bytes]);
    let Ok(Inbound::Replace(view)) = Inbound::decode(&messages[0]) else { panic!("no replace") };
    let fields = view.fields;
    assert_eq!((fields.orig_user_ref_num.get(), fields.user_ref_num.get()), (1, 2));
    assert_eq!((fields.qty.get(), fields.px.0.get()), (225, 630_200));
    assert_eq!(fields.cl_ord_id, text(id(5, 1)));
    assert_eq!(view.appendage.options().collect::<Vec<_>>(), [Tag::PostOnly(b'N')]);

    let said = report(&mut ouch, &replaced(1, 2, 200, &text(id(5, 1))));
    assert_eq!((said.kind, said.cl_ord_id), (Kind::Replaced as u8, id(5, 1)));
    assert_eq!((said.last_px.to_string(), said.last_qty), ("64.00".into(), Qty::from_shares(200)));
    assert_eq!(said.venue_ord_id, VenueOrdId(4_243));
    let again = send(&mut ouch, &approved(Kind::ApprovedReplace, id(5, 2)));
    let messages = payloads(&again);
    let Ok(Inbound::Replace(view)) = Inbound::decode(&messages[0]) else { panic!("no replace") };
    assert_eq!(view.fields.orig_user_ref_num.get(), 2);
}

/// Goal: a cancel while a replace is not answered names both numbers (E18).
#[test]
fn a_cancel_while_replacing_names_both_numbers() {
    let mut ouch = live();
    let mut out = [0; 128];
    send(&mut ouch, &approved(Kind::ApprovedReplace, id(5, 1)));
    send(&mut ouch, &approved(Kind::ApprovedNew, id(6, 0)));
    // The last is that of a replace that was taken back before its send.
    for named in [id(5, 0), id(5, 1), id(5, 2)] {
        let encoded = ouch.encode(&approved(Kind::ApprovedCancel, named), &mut out).unwrap();
        let cancels: Vec<u32> = payloads(&out[..encoded.bytes])
            .iter()
            .map(|message| match Inbound::decode(message) {
                Ok(Inbound::Cancel(view)) if view.fields.qty.get() == 0 => {
                    view.fields.user_ref_num.get()
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(cancels, [1, 2]);
    }
    let other = approved(Kind::ApprovedCancel, id(7, 0));
    assert_eq!(ouch.encode(&other, &mut out), Err(Reason::UnknownOrder));
}

/// Goal: everything is cancelled from the table alone, in rounds bounded by room and count (K3).
#[test]
fn everything_is_cancelled_in_bounded_rounds() {
    let mut ouch = venue();
    for slot in [1, 4, 9, 15] {
        send(&mut ouch, &approved(Kind::ApprovedNew, id(slot, 0)));
    }
    for (room, orders_max) in [(4096, 100), (12, 100), (30, 100), (4096, 1), (4096, 3)] {
        let mut cancelled = Vec::new();
        let mut next = Some(0);
        let mut rounds = 0;
        while let Some(from) = next {
            let mut out = vec![0; room];
            let (bytes, more) = ouch.encode_cancels(from, orders_max, &mut out);
            cancelled.extend(payloads(&out[..bytes]));
            next = more;
            rounds += 1;
            assert!(rounds < 10);
        }
        assert_eq!(cancelled.len(), 4, "room {room}, {orders_max} at a time");
    }
    let mut out = [0; 64];
    let encoded = ouch.encode_mass_cancel(*b"DEMO", None, &mut out).unwrap();
    assert_eq!(encoded.urn, 5);
    let messages = payloads(&out[..encoded.bytes]);
    assert!(matches!(Inbound::decode(&messages[0]), Ok(Inbound::MassCancel(_))));
}

/// Goal: each venue message becomes the report the engine knows, with its terms.
#[test]
fn venue_messages_become_reports() {
    let mut ouch = venue();
    send(&mut ouch, &approved(Kind::ApprovedNew, id(5, 0)));
    let said = report(&mut ouch, &accepted(1, &text(id(5, 0)), OrderStateCode::LIVE));
    assert_eq!((said.kind, said.cl_ord_id), (Kind::Accepted as u8, id(5, 0)));
    assert_eq!((said.venue_ord_id, said.last_qty), (VenueOrdId(4_242), Qty::from_shares(225)));
    assert_eq!(said.last_px.to_string(), "63.01");

    let said = report(&mut ouch, &executed(1, 25, 9_001));
    assert_eq!((said.kind, said.cl_ord_id), (Kind::Executed as u8, id(5, 0)));
    assert_eq!((said.exec_id, said.liquidity), (ExecId(9_001), b'R'));
    assert_eq!((said.last_px.to_string(), said.last_qty), ("63.005".into(), Qty::from_shares(25)));
    assert_eq!(said.venue_ord_id, VenueOrdId(4_242));

    let broken = Broken {
        timestamp: 1.into(),
        user_ref_num: 1.into(),
        match_number: 9_001.into(),
        reason: BrokenReasonCode::CONSENT,
        cl_ord_id: text(id(5, 0)),
    };
    let said = report(&mut ouch, &broken);
    assert_eq!((said.kind, said.exec_id), (Kind::Broken as u8, ExecId(9_001)));
    assert_eq!(said.reason, u16::from(b'C'));

    let said = report(&mut ouch, &canceled(1, 100));
    assert_eq!((said.kind, said.last_qty), (Kind::Canceled as u8, Qty::from_shares(100)));
    assert_eq!((said.reason, ouch.table().open_count()), (u16::from(b'I'), 1));
    let prevented = AiqCanceled {
        timestamp: 1.into(),
        user_ref_num: 1.into(),
        qty: 100.into(),
        reason: CancelReasonCode::SELF_MATCH,
        qty_prevented: 100.into(),
        px: WirePx(1.into()),
        liquidity: LiquidityCode::REMOVED,
        aiq_strategy: b'N',
    };
    let said = report(&mut ouch, &prevented);
    assert_eq!((said.kind, said.reason), (Kind::Canceled as u8, u16::from(b'Q')));
    assert_eq!(ouch.table().open_count(), 0);
}

/// Goal: what leaves an order live is told with the shares exposed, and a new number is kept.
#[test]
fn restatements_tell_what_changed() {
    let mut ouch = live();
    report(&mut ouch, &executed(1, 25, 9_001));
    let refused = CancelReject { timestamp: 1.into(), user_ref_num: 1.into() };
    let said = report(&mut ouch, &refused);
    assert_eq!((said.kind, said.last_qty), (Kind::CancelRejected as u8, Qty::from_shares(200)));
    let waiting = CancelPending { timestamp: 1.into(), user_ref_num: 1.into() };
    assert_eq!(report(&mut ouch, &waiting).kind, Kind::CancelPending as u8);

    let moved = PriorityUpdate {
        timestamp: 1.into(),
        user_ref_num: 1.into(),
        px: WirePx(630_000.into()),
        display: DisplayCode::VISIBLE,
        order_ref: 5_555.into(),
    };
    let said = report(&mut ouch, &moved);
    assert_eq!((said.kind, said.venue_ord_id), (Kind::Restated as u8, VenueOrdId(5_555)));
    assert_eq!((said.last_px.to_string(), said.last_qty), ("63.00".into(), Qty::ZERO));
    let modified = Modified {
        timestamp: 1.into(),
        user_ref_num: 1.into(),
        side: SideCode::SHORT,
        qty: 150.into(),
    };
    let said = report(&mut ouch, &modified);
    assert_eq!((said.kind, said.reason), (Kind::Canceled as u8, u16::from(b'U')));
    assert_eq!((said.last_qty, said.venue_ord_id), (Qty::from_shares(50), VenueOrdId(5_555)));
    let restated = Restated {
        timestamp: 1.into(),
        user_ref_num: 1.into(),
        reason: RestateReasonCode::REFRESH,
    };
    let said = report(&mut ouch, &restated);
    assert_eq!((said.kind, said.reason), (Kind::Restated as u8, u16::from(b'R')));
}

/// Goal: an order accepted dead, or refused, is not open; the number's reject keeps the venue's
/// code.
#[test]
fn dead_and_refused_orders_are_not_open() {
    let mut ouch = venue();
    for slot in 0..2 {
        send(&mut ouch, &approved(Kind::ApprovedNew, id(slot, 0)));
    }
    let said = report(&mut ouch, &accepted(1, &text(id(0, 0)), OrderStateCode::DEAD));
    assert_eq!((said.kind, said.cl_ord_id), (Kind::AcceptedDead as u8, id(0, 0)));
    let rejected = |urn: u32, cl_ord_id| Rejected {
        timestamp: 1.into(),
        user_ref_num: urn.into(),
        reason: RejectReason::HALTED,
        cl_ord_id: text(cl_ord_id),
    };
    let said = report(&mut ouch, &rejected(2, id(1, 0)));
    assert_eq!((said.kind, said.reason), (Kind::Rejected as u8, 7));
    assert_eq!(ouch.table().open_count(), 0);

    let mut ouch = live();
    send(&mut ouch, &approved(Kind::ApprovedReplace, id(5, 1)));
    let said = report(&mut ouch, &rejected(2, id(5, 1)));
    assert_eq!((said.kind, said.cl_ord_id), (Kind::Rejected as u8, id(5, 1)));
    assert_eq!(ouch.table().cancel_urns(5), [1, 0], "the original stays");
    let said = report(&mut ouch, &rejected(1, id(5, 0)));
    assert_eq!(said.kind, Kind::CancelRejected as u8, "the order lives: its cancel was refused");
    assert_eq!(ouch.table().open_count(), 1);
    let said = report(&mut ouch, &executed(1, 225, 1));
    assert_eq!((said.kind, ouch.table().open_count()), (Kind::Executed as u8, 0));
}

/// Goal: a report that is not ours is handed on as external, never dropped (E23).
#[test]
fn reports_of_unknown_orders_are_external() {
    let mut ouch = venue();
    let said = report(&mut ouch, &executed(900, 10, 5));
    assert_eq!((said.cl_ord_id, said.venue_ord_id), (ClOrdId::NONE, VenueOrdId(900)));
    assert_eq!((said.last_qty, said.exec_id), (Qty::from_shares(10), ExecId(5)));
    let said = report(&mut ouch, &accepted(901, b"H8FUB8IV      ", OrderStateCode::LIVE));
    let stands = said.cl_ord_id;
    assert!(stands.as_external().is_some(), "its acceptance says instrument and side");
    assert_eq!(said.venue_ord_id, VenueOrdId(4_242));
    let said = report(&mut ouch, &executed(901, 10, 6));
    assert_eq!((said.cl_ord_id, said.venue_ord_id), (stands, VenueOrdId(901)));
    let said = report(&mut ouch, &canceled(902, 3));
    assert_eq!((said.cl_ord_id, said.venue_ord_id), (ClOrdId::NONE, VenueOrdId(902)));
    assert_eq!(ouch.table().open_count(), 0);
    let said = report(&mut ouch, &accepted(903, &text(id(4, 0)), OrderStateCode::LIVE));
    assert_eq!(said.cl_ord_id, id(4, 0), "the echoed text is ours");
    let mut longer = text(id(4, 0));
    longer[13] = b'0';
    let said = report(&mut ouch, &accepted(904, &longer, OrderStateCode::LIVE));
    assert!(said.cl_ord_id.as_external().is_some(), "a text that only begins like ours");
}

/// Goal: what is not about an order is told apart; the venue's next number is kept to.
#[test]
fn messages_about_the_session_are_told_apart() {
    let mut ouch = venue();
    let mut say = |bytes: Vec<u8>| ouch.on_message(&bytes, 1, Nanos(0));
    let event = SystemEvent { timestamp: 1.into(), event: EventCode::END_OF_DAY };
    assert_eq!(say(bytes_of(&event)), Ok(VenueEvent::System(EventCode::END_OF_DAY)));
    let next = QueryResponse { timestamp: 1.into(), next_user_ref_num: 40.into() };
    assert_eq!(say(bytes_of(&next)), Ok(VenueEvent::NextUrn(40)));
    let mass = MassCancelResponse {
        timestamp: 1.into(),
        user_ref_num: 3.into(),
        firm: *b"DEMO",
        symbol: [b' '; 8],
    };
    assert_eq!(say(bytes_of(&mass)), Ok(VenueEvent::MassCancelTaken { urn: 3 }));
    let off = DisableResponse { timestamp: 1.into(), user_ref_num: 4.into(), firm: *b"DEMO" };
    let switched = VenueEvent::EntrySwitched { urn: 4, is_enabled: false };
    assert_eq!(say(bytes_of(&off)), Ok(switched));
    let on = EnableResponse { timestamp: 1.into(), user_ref_num: 5.into(), firm: *b"DEMO" };
    let switched = VenueEvent::EntrySwitched { urn: 5, is_enabled: true };
    assert_eq!(say(bytes_of(&on)), Ok(switched));
    assert_eq!(say(vec![b'?']), Err(DecodeError::UnknownType));
    assert_eq!(say(vec![]), Err(DecodeError::Empty));
    let order = approved(Kind::ApprovedNew, id(0, 0));
    assert_eq!(ouch.encode(&order, &mut [0; 128]).map(|encoded| encoded.urn), Ok(40));
    let mut out = [0; 8];
    assert_eq!(ouch.encode_query(&mut out), Some(4));
    assert_eq!(out[..4], [0, 2, b'U', b'Q']);
}
