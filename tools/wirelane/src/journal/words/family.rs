//! The fields of parents and of rare terms.

use super::{Fields, Names, id, px, qty};
use crate::journal::codes;
use serde_json::Value;
use shm::message::parent_flags;
use shm::record::order::OrderTerms;
use shm::record::parent::{Parent, ParentState};
use shm::units::{Nanos, Price, Qty};

fn time(at: Nanos) -> Value {
    if at.0 == 0 { Value::Null } else { at.0.into() }
}

fn flags(raw: u8) -> Value {
    let names = [
        (u64::from(parent_flags::LAST_TRADE), "LAST_TRADE"),
        (u64::from(parent_flags::OFFSET_BPS), "OFFSET_BPS"),
        (u64::from(parent_flags::SHARED), "SHARED"),
        (u64::from(parent_flags::VENUE_RESERVE), "VENUE_RESERVE"),
        (u64::from(parent_flags::SWEPT), "SWEPT"),
    ];
    codes::bits(raw.into(), &names)
}

/// A list as one text: a line has one word a field.
fn list<T: Copy>(of: &[T], word: impl Fn(T) -> Value) -> Value {
    let words = of.iter().map(|value| match word(*value) {
        Value::String(text) => text,
        _ => "-".to_owned(),
    });
    words.collect::<Vec<_>>().join("|").into()
}

fn prices(of: &[Price]) -> Value {
    list(of, px)
}

fn quantities(of: &[Qty]) -> Value {
    list(of, qty)
}

pub(super) fn order_terms(terms: &OrderTerms) -> Fields {
    vec![
        ("cl_ord_id", id(terms.cl_ord_id)),
        ("expiry", time(terms.expiry)),
        ("display_qty", qty(terms.display_qty)),
        ("hidden", (terms.flags & shm::message::terms_flags::HIDDEN != 0).into()),
    ]
}

pub(super) fn parent_state(body: &[u8]) -> Option<Fields> {
    let state = ParentState::read(body)?;
    Some(vec![
        ("cl_ord_id", id(state.cl_ord_id)),
        ("anchor", px(state.anchor)),
        ("step", state.step.into()),
        ("latches", format!("{:08b}", state.latches).into()),
    ])
}

impl Names<'_> {
    pub(super) fn parent(&self, parent: &Parent) -> Fields {
        vec![
            ("cl_ord_id", id(parent.cl_ord_id)),
            ("parent", codes::parent(parent.parent)),
            ("strategy", self.session.strategy(parent.cl_ord_id.strategy()).into()),
            ("symbol", self.symbol(parent.instrument)),
            ("side", codes::side(parent.side)),
            ("side_other", codes::side(parent.side_other)),
            ("qty", qty(parent.qty)),
            ("px", prices(&parent.px)),
            ("stop_px", prices(&parent.stop_px)),
            ("offset", parent.offset.into()),
            ("clip_qty", qty(parent.clip_qty)),
            ("start", time(parent.start)),
            ("end", time(parent.end)),
            ("slices", parent.slices.into()),
            ("used", quantities(&parent.used)),
            ("filled", quantities(&parent.filled)),
            ("flags", flags(parent.flags)),
            ("reason", codes::reason(parent.reason)),
            ("account", self.account(parent.account)),
            ("gateway", self.gateway(parent.gateway)),
            ("t0", parent.t0.0.into()),
            ("limit_version", parent.limit_version.into()),
        ]
    }
}
