//! The fields of order events, and of those that carry an order into the next session.

use super::{Fields, Names, id, px, qty};
use crate::journal::codes;
use engine::order::event::Phase;
use engine::order::facts::Fact;
use serde_json::Value;
use shm::ids::ClOrdId;
use shm::message::{CancelRefusal, Kind, pending};
use shm::record::order::OrderEvent;

/// Bits of an order event.
fn flags(raw: u8) -> Value {
    let names = [
        (u64::from(pending::CANCEL), "CANCEL_PENDING"),
        (u64::from(pending::REPLACE), "REPLACE_PENDING"),
        (u64::from(OrderEvent::LATE), "LATE"),
        (u64::from(OrderEvent::OVERFILL), "OVERFILL"),
        (u64::from(OrderEvent::INFERRED), "INFERRED"),
        (u64::from(OrderEvent::CONTRADICTS), "CONTRADICTS"),
        (u64::from(OrderEvent::EXPOSES), "EXPOSES"),
    ];
    codes::bits(raw.into(), &names)
}

/// Bits of a carried order.
fn carried_flags(raw: u8) -> Value {
    let names = [
        (u64::from(pending::CANCEL), "CANCEL_PENDING"),
        (u64::from(pending::REPLACE), "REPLACE_PENDING"),
        (1 << 6, "UNKNOWN_TO_VENUE"),
    ];
    codes::bits((raw & !PHASE_BITS).into(), &names)
}

/// Where a carried order has its phase.
const PHASE_BITS: u8 = 3 << 4;

const fn phase(raw: u8) -> &'static str {
    match Phase::from_bits((raw & PHASE_BITS) >> 4) {
        Phase::Working => "WORKING",
        Phase::Suspended => "SUSPENDED",
        Phase::Stopped => "STOPPED",
        Phase::DoneForDay => "DONE_FOR_DAY",
    }
}

fn marks(raw: u8) -> Value {
    let names = [
        (u64::from(Fact::SAID), "SAID"),
        (u64::from(Fact::BROKEN), "BROKEN"),
        (u64::from(Fact::RETURNS), "RETURNS"),
        (u64::from(Fact::LIVE), "LIVE"),
        (u64::from(Fact::UNDONE), "UNDONE"),
    ];
    codes::bits(raw.into(), &names)
}

impl Names<'_> {
    pub(super) fn order_event(&self, event: &OrderEvent) -> Fields {
        let said = Kind::from_u8(event.event);
        if matches!(said, Some(Kind::SessionUp | Kind::SessionDown)) {
            return self.session_event(event);
        }
        // Of a refused cancel the byte says why.
        let refused = said == Some(Kind::CancelRejected);
        let refusal = CancelRefusal::from_u8(event.liquidity).filter(|_| refused);
        vec![
            ("cl_ord_id", id(event.cl_ord_id)),
            ("event", codes::kind(event.event)),
            ("state", codes::base(event.base)),
            ("symbol", self.symbol(event.instrument)),
            ("side", codes::side(event.side)),
            ("last_qty", qty(event.last_qty)),
            ("last_px", px(event.last_px)),
            ("cum_qty", qty(event.cum_qty)),
            ("leaves_qty", qty(event.leaves_qty)),
            ("qty", qty(event.qty)),
            ("px", px(event.px)),
            ("position", qty(event.position)),
            ("venue_ord_id", event.venue_ord_id.0.into()),
            ("exec_id", event.exec_id.0.into()),
            ("venue_seq", event.venue_seq.into()),
            ("liquidity", codes::liquidity(if refused { 0 } else { event.liquidity })),
            ("refusal", refusal.map_or(Value::Null, |refusal| refusal.name().into())),
            ("reason", codes::order_reason(event.event, event.reason)),
            ("flags", flags(event.flags)),
            ("gateway", self.gateway(event.gateway)),
        ]
    }

    /// A session came or went: there is no order. Up, it tells the session apart by a tag.
    fn session_event(&self, event: &OrderEvent) -> Fields {
        vec![
            ("event", codes::kind(event.event)),
            ("gateway", self.gateway(event.gateway)),
            ("session_tag", format!("{:016x}", event.venue_ord_id.0).into()),
            ("reason", codes::order_reason(event.event, event.reason)),
        ]
    }

    /// An order of the session before: its fields mean other things, as `engine::risk` lists them.
    pub(super) fn carried(&self, event: &OrderEvent) -> Fields {
        match Kind::from_u8(event.event) {
            Some(Kind::IntentParent) => vec![
                ("cl_ord_id", id(event.cl_ord_id)),
                ("event", codes::kind(event.event)),
                ("parent", id(ClOrdId(event.exec_id.0))),
                ("leg", event.liquidity.into()),
            ],
            Some(Kind::Accepted | Kind::ApprovedReplace) => self.carried_order(event),
            _ => self.carried_fact(event),
        }
    }

    fn carried_order(&self, event: &OrderEvent) -> Fields {
        vec![
            ("cl_ord_id", id(event.cl_ord_id)),
            ("event", codes::kind(event.event)),
            ("state", codes::base(event.base)),
            ("phase", phase(event.flags).into()),
            ("symbol", self.symbol(event.instrument)),
            ("side", codes::side(event.side)),
            ("cum_qty", qty(event.cum_qty)),
            ("leaves_qty", qty(event.leaves_qty)),
            ("qty", qty(event.qty)),
            ("px", px(event.px)),
            ("canceled_qty", qty(event.last_qty)),
            ("busted_qty", qty(event.position)),
            ("tif", codes::tif(event.liquidity & 15)),
            ("ord_type", codes::ord_type(event.liquidity >> 4)),
            ("venue_ord_id", event.venue_ord_id.0.into()),
            ("last_cl_ord_id", id(ClOrdId(event.exec_id.0))),
            ("first_use", event.venue_seq.into()),
            ("facts", codes::facts(event.reason)),
            ("flags", carried_flags(event.flags)),
            ("gateway", self.gateway(event.gateway)),
        ]
    }

    /// An execution, a cancel, or what a status told.
    fn carried_fact(&self, event: &OrderEvent) -> Fields {
        let [own, applied] = event.reason.to_le_bytes();
        let sequences = event.leaves_qty.0 as u64;
        vec![
            ("cl_ord_id", id(event.cl_ord_id)),
            ("event", codes::kind(event.event)),
            ("symbol", self.symbol(event.instrument)),
            ("side", codes::side(event.side)),
            ("last_qty", qty(event.last_qty)),
            ("last_px", px(event.last_px)),
            ("liquidity", codes::liquidity(event.liquidity)),
            ("applied_qty", qty(event.qty)),
            ("applied_px", px(event.px)),
            ("applied_liquidity", codes::liquidity(applied)),
            ("exec_id", event.exec_id.0.into()),
            ("corrects_exec_id", event.venue_ord_id.0.into()),
            ("corrected_by_exec_id", event.cum_qty.0.into()),
            ("venue_seq", event.venue_seq.into()),
            ("broken_seq", (sequences & u64::from(u32::MAX)).into()),
            ("corrected_seq", (sequences >> 32).into()),
            ("marks", marks(own)),
            ("gateway", self.gateway(event.gateway)),
        ]
    }
}
