//! Stories of commands by hand, told record by record.

use super::*;
use crate::place::Place;
use crate::session::Session;
use shm::ids::{InstrumentId, StrategyId};
use shm::message::Side;
use shm::reason::{Reason, Unit};
use shm::record::Stage;
use shm::record::order::words_of;
use shm::units::{Nanos, Price, Qty};

const AT: u64 = 5_000;
const GIVEN: Given = Given { strategy: 1, number: 3, at: AT };

fn id(uses: u32) -> ClOrdId {
    let mut id = ClOrdId::new(7, StrategyId(1), 4, 0);
    for _ in 0..uses {
        id = id.successor().unwrap();
    }
    id
}

/// An id of another slot.
fn other() -> ClOrdId {
    ClOrdId::new(7, StrategyId(1), 9, 0)
}

/// What is told so far, and how it stands.
struct Telling {
    story: Story,
    dir: tempfile::TempDir,
}

impl Telling {
    fn new(op: CommandOp, outcome: HandOutcome, cl_ord_id: ClOrdId) -> Self {
        let mut telling = Self { story: Story::new(GIVEN), dir: tempfile::tempdir().unwrap() };
        telling.is_open("the strategy");
        let hand = HandOrder {
            number: 3,
            cl_ord_id,
            t0: Nanos(AT),
            op: op as u8,
            outcome: outcome as u8,
            ..HandOrder::default()
        };
        telling.take(Stage::Strategy, RecordKind::HandOrder, AT, hand.bytes());
        telling
    }

    fn take(&mut self, stage: Stage, kind: RecordKind, ts: u64, body: &[u8]) {
        let stage = StageId::new(stage, u8::from(stage == Stage::Strategy)).0;
        let header = RecordHeader { kind: kind as u16, stage, ts, ..RecordHeader::default() };
        self.story.take(&header, body);
    }

    fn approved(&mut self, cl_ord_id: ClOrdId, tif: Tif, parent: ClOrdId) {
        let order = Approved { cl_ord_id, tif: tif as u8, parent, ..Approved::default() };
        self.take(Stage::Risk, RecordKind::Approved, AT + 1, order.bytes());
    }

    fn denied(&mut self, cl_ord_id: ClOrdId, action: Kind, t0: u64) {
        let denied = Denied {
            measured: words_of(i128::from(5_000 * Qty::SCALE)),
            limit: words_of(i128::from(1_000 * Qty::SCALE)),
            unit: Unit::Qty as u8,
            reason: Reason::OrderQty as u8,
            cl_ord_id,
            t0: Nanos(t0),
            action: action as u8,
            ..Denied::default()
        };
        self.take(Stage::Risk, RecordKind::Denied, AT + 1, denied.bytes());
    }

    fn event(&mut self, cl_ord_id: ClOrdId, event: Kind, base: Base, cum: i64) {
        let event = OrderEvent {
            cl_ord_id,
            event: event as u8,
            base: base as u8,
            cum_qty: Qty(cum * Qty::SCALE),
            qty: Qty(100 * Qty::SCALE),
            leaves_qty: if base.is_terminal() { Qty::ZERO } else { Qty(Qty::SCALE) },
            px: Price(Price::SCALE),
            instrument: InstrumentId(0),
            ..OrderEvent::default()
        };
        self.take(Stage::Risk, RecordKind::OrderEvent, AT + 2, event.bytes());
    }

    /// A fill of `qty` at `px`, after which `cum` of 100 are filled.
    fn fill(&mut self, cl_ord_id: ClOrdId, qty: i64, px: i64, cum: i64) {
        let event = OrderEvent {
            cl_ord_id,
            event: Kind::Executed as u8,
            base: if cum == 100 { Base::Filled } else { Base::PartiallyFilled } as u8,
            last_qty: Qty(qty * Qty::SCALE),
            last_px: Price(px * Price::SCALE),
            cum_qty: Qty(cum * Qty::SCALE),
            qty: Qty(100 * Qty::SCALE),
            px: Price(200 * Price::SCALE),
            ..OrderEvent::default()
        };
        self.take(Stage::Risk, RecordKind::OrderEvent, AT + 2, event.bytes());
    }

    fn parent(&mut self, record: RecordKind, kind: ParentKind, reason: Reason) {
        self.parent_of(record, kind, reason, id(0));
    }

    fn parent_of(&mut self, record: RecordKind, kind: ParentKind, reason: Reason, of: ClOrdId) {
        let parent = Parent {
            cl_ord_id: of,
            parent: kind as u8,
            side: Side::Buy as u8,
            reason: reason as u8,
            px: [Price::NONE; 3],
            stop_px: [Price::NONE; 2],
            ..Parent::default()
        };
        self.take(Stage::Risk, record, AT + 7, parent.bytes());
    }

    fn verdict(&self) -> Verdict {
        let place = Place::open(self.dir.path()).unwrap();
        let session = Session::default();
        self.story.verdict(&Words::new(&place, &session))
    }

    #[track_caller]
    fn is_open(&self, what: &str) {
        assert!(matches!(self.verdict(), Verdict::Open(told) if told.contains(what)));
    }

    #[track_caller]
    fn is_done(&self, part: &str) {
        let verdict = self.verdict();
        assert!(matches!(&verdict, Verdict::Done(text) if text.contains(part)), "{verdict:?}");
    }

    #[track_caller]
    fn is_refused(&self, part: &str) {
        let verdict = self.verdict();
        assert!(matches!(&verdict, Verdict::Refused(text) if text.contains(part)), "{verdict:?}");
    }
}

fn placed() -> Telling {
    Telling::new(CommandOp::OrderPlace, HandOutcome::Asked, id(0))
}

/// Goal: an order is done with the venue's first answer, and not before; what is told of others, or
/// from before the command, is not of it.
#[test]
fn an_order_waits_for_risk_and_venue() {
    let mut telling = placed();
    telling.event(other(), Kind::Accepted, Base::New, 0);
    telling.denied(other(), Kind::IntentNew, AT);
    let old = OrderEvent { cl_ord_id: id(0), base: Base::Filled as u8, ..OrderEvent::default() };
    telling.take(Stage::Risk, RecordKind::OrderEvent, AT - 1, old.bytes());
    telling.is_open("risk");
    telling.approved(id(0), Tif::Day, ClOrdId::NONE);
    telling.is_open("venue's answer");
    telling.event(id(0), Kind::Accepted, Base::New, 0);
    telling.is_done("order 3");
    telling.is_done("NEW, 0 of 100 filled, 1 works at 1");
}

/// Goal: what is filled is told with its average price, not with the limit, and with none where
/// fills are missing. Method: two fills at two prices; one of which the first was not read.
#[test]
fn fills_are_told_with_their_average_price() {
    let mut telling = placed();
    telling.approved(id(0), Tif::Ioc, ClOrdId::NONE);
    telling.fill(id(0), 25, 184, 25);
    telling.fill(id(0), 75, 188, 100);
    telling.is_done("100 of 100 filled at 187.00 on average");
    let mut telling = placed();
    telling.approved(id(0), Tif::Ioc, ClOrdId::NONE);
    telling.fill(id(0), 75, 188, 100);
    telling.is_done("100 of 100 filled");
    let verdict = telling.verdict();
    assert!(!matches!(&verdict, Verdict::Done(text) if text.contains("average")), "{verdict:?}");
}

/// Goal: an immediate order is told by its end.
#[test]
fn an_immediate_order_waits_for_its_end() {
    let mut telling = placed();
    telling.approved(id(0), Tif::Ioc, ClOrdId::NONE);
    telling.event(id(0), Kind::Accepted, Base::New, 0);
    telling.is_open("immediate");
    telling.event(id(0), Kind::Executed, Base::PartiallyFilled, 40);
    telling.is_open("immediate");
    telling.event(id(0), Kind::Canceled, Base::Canceled, 40);
    telling.is_done("CANCELED, 40 of 100 filled");
}

/// Goal: what risk refuses is told with code, rule, measured value and limit; what the venue or the
/// gateway refuses as such.
#[test]
fn a_refusal_is_told_with_its_numbers() {
    let mut telling = placed();
    telling.denied(id(0), Kind::IntentNew, AT);
    telling.is_refused("ORDER_QTY (R20): quantity of one order: 5000, the limit is 1000");
    for (event, part) in [(Kind::Rejected, "the venue refused"), (Kind::GateReject, "not send")] {
        let mut telling = placed();
        telling.approved(id(0), Tif::Day, ClOrdId::NONE);
        telling.event(id(0), event, Base::Rejected, 0);
        telling.is_refused(part);
    }
}

/// Goal: a parent that waits for its price is done once risk has it; one that sends at once with
/// its first order's answer, or the refusal of that.
#[test]
fn a_parent_is_told_with_its_first_order() {
    let mut telling = placed();
    telling.parent(RecordKind::ParentApproved, ParentKind::Stop, Reason::None);
    telling.is_done("STOP taken; it waits");
    let mut telling = placed();
    telling.parent(RecordKind::ParentApproved, ParentKind::Bracket, Reason::None);
    telling.is_open("first order");
    telling.approved(other(), Tif::Day, id(0));
    telling.event(other(), Kind::Accepted, Base::New, 0);
    telling.is_done("BRACKET works; its first order: NEW");
    let mut telling = placed();
    telling.parent(RecordKind::ParentApproved, ParentKind::Twap, Reason::None);
    telling.denied(other(), Kind::IntentNew, AT + 7);
    let verdict = telling.verdict();
    let half = "TWAP works on, but its order was refused: risk refused it: ORDER_QTY";
    assert!(matches!(&verdict, Verdict::Half(text) if text.contains(half)), "{verdict:?}");
    telling.parent(RecordKind::ParentDone, ParentKind::Twap, Reason::OrderQty);
    telling.is_refused("TWAP is over");
}

/// Goal: a replace is told by its own id: the order's other reports do not answer it, its end does.
#[test]
fn a_replace_is_told_by_its_own_id() {
    let replace = || Telling::new(CommandOp::OrderReplace, HandOutcome::Asked, id(2));
    let mut telling = replace();
    telling.event(id(0), Kind::Executed, Base::PartiallyFilled, 1);
    telling.is_open("venue");
    telling.event(id(2), Kind::Replaced, Base::PartiallyFilled, 1);
    telling.is_done("replace of order 3");
    let mut telling = replace();
    telling.event(id(2), Kind::Rejected, Base::New, 0);
    telling.is_refused("stands as it was");
    let mut telling = replace();
    telling.event(id(0), Kind::Executed, Base::Filled, 100);
    telling.is_refused("ended before the replace");
    let mut telling = replace();
    telling.denied(id(2), Kind::IntentReplace, AT);
    telling.is_refused("ORDER_QTY");
}

/// Goal: a cancel is done once the order is cancelled, and not when it was filled first or the
/// venue will not.
#[test]
fn a_cancel_is_told_by_the_end() {
    let cancel = || Telling::new(CommandOp::OrderCancel, HandOutcome::Asked, id(1));
    let mut telling = cancel();
    telling.is_open("venue");
    telling.event(id(1), Kind::Canceled, Base::Canceled, 0);
    telling.is_done("cancel of order 3");
    let mut telling = cancel();
    telling.event(id(1), Kind::Executed, Base::Filled, 100);
    telling.is_refused("filled before the cancel");
    let mut telling = cancel();
    telling.event(id(1), Kind::CancelRejected, Base::New, 0);
    telling.is_refused("will not cancel");
    let mut telling = cancel();
    telling.denied(id(1), Kind::IntentCancel, AT);
    telling.is_refused("ORDER_QTY");
    for (kind, reason, words) in [
        (ParentKind::Stop, Reason::None, "STOP cancelled, filled 0"),
        (ParentKind::Twap, Reason::OrderQty, "TWAP is over, filled 0: ORDER_QTY"),
    ] {
        let mut telling = cancel();
        telling.parent_of(RecordKind::ParentDone, kind, reason, id(1));
        telling.is_done(words);
    }
    let nobody = Telling::new(CommandOp::OrderCancel, HandOutcome::Unknown, ClOrdId::NONE);
    assert!(matches!(nobody.verdict(), Verdict::NotAsked(_)));
}
