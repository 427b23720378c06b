//! Every size, offset and number that another process or a file on disk depends on.
//!
//! `abi/layout.txt` is the layout as published. A difference means that a reader built yesterday
//! would misread: bump `shm::journal::LAYOUT_VERSION` or `shm::region::LAYOUT_VERSION`, then the
//! file, the hash below and CHANGELOG.md.
#![forbid(unsafe_code)]

use std::fmt::Write;
use std::mem::offset_of;

use shm::journal::{self, RecordHeader, SegmentHeader};
use shm::message::{self, Kind};
use shm::reason::{Reason, Unit};
use shm::record::{RecordKind, StageId, market, order, parent, status};
use shm::region;

/// The published layout.
const PUBLISHED: &str = include_str!("abi/layout.txt");

/// FNV-1a of it, for the versions it belongs to.
const HASH: u64 = 0x2976_6c54_2e92_9a97;

/// Size of what a field holds.
fn bytes_of<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// One line: the type, its size, each field's offset and size. Fields must follow each other
/// without a gap from the first byte to the last, so that none can be left out of the list.
macro_rules! layout {
    ($text:ident, $($path:ident)::+: $($field:ident)+) => {{
        type Listed = $($path)::+;
        let name = stringify!($($path)::+).replace(' ', "");
        let mut end = 0;
        write!($text, "{name} {}:", size_of::<Listed>()).unwrap();
        $(
            let bytes = bytes_of(|listed: &Listed| &listed.$field);
            assert_eq!(offset_of!(Listed, $field), end, "the layout changed: {name}: {} elsewhere", stringify!($field));
            write!($text, " {} {end}+{bytes}", stringify!($field)).unwrap();
            end += bytes;
        )+
        assert_eq!(size_of::<Listed>(), end, "the layout changed: {name}: unlisted bytes");
        writeln!($text).unwrap();
    }};
}

fn messages() -> String {
    let mut text = String::new();
    layout!(text, message::BookTop:
        kind flags _reserved instrument bid_px bid_qty ask_px ask_qty t0 cause tail);
    layout!(text, message::Trade:
        kind flags side _reserved instrument px qty match_no venue_ts t0 cause tail);
    layout!(text, message::FeedStatus:
        kind flags state feed instrument packet_at feed_seq t0 cause _reserved tail);
    layout!(text, message::Intent:
        kind side tif ord_type instrument px qty cl_ord_id t0 cause d_publish d_begin tail);
    layout!(text, message::Approved:
        kind side tif ord_type instrument px qty cl_ord_id t0 lane_seq d_decided account flags
        tail);
    layout!(text, message::ExecReport:
        kind liquidity reason venue_seq cl_ord_id venue_ord_id exec_id last_px last_qty t0 tail);
    layout!(text, message::OrderUpdate:
        kind flags base reason instrument cl_ord_id last_px last_qty cum_qty leaves_qty t0 tail);
    layout!(text, message::RiskReject:
        kind flags intent reason instrument cl_ord_id measured limit t0 _reserved tail);
    layout!(text, message::OrderTerms:
        kind flags leg _reserved instrument cl_ord_id parent expiry display_qty _reserved_words
        tail);
    layout!(text, message::ParentPrices:
        kind side_other flags _reserved instrument px stop_px clip_qty tail);
    layout!(text, message::ParentIntent:
        kind parent side _reserved instrument cl_ord_id qty start end slices offset t0 tail);
    layout!(text, message::ParentUpdate:
        kind status reason _reserved instrument cl_ord_id filled t0 _reserved_words tail);
    layout!(text, message::Command:
        kind op strategy param instrument value lane_seq t0 _reserved tail);
    text
}

fn market_records() -> String {
    let mut text = String::new();
    layout!(text, market::RxFeed: t0 feed_seq d_read len feed line _reserved);
    layout!(text, market::RxVenue: t0 venue_seq len gateway event _reserved);
    layout!(text, market::Tx: cl_ord_id t0 venue_no d_gateway d_encoded len gateway action);
    layout!(text, market::Sent: cl_ord_id t0 tx_seq result d_sent gateway _reserved);
    layout!(text, market::TxVoid: cl_ord_id t0 tx_seq reason gateway action _reserved);
    layout!(text, market::CaptureGap: feed _reserved feed_seq _reserved_words);
    layout!(text, market::VenueSession: session gateway queries venue_no venue_seq t0);
    text
}

fn order_records() -> String {
    let mut text = String::new();
    layout!(text, order::Approved:
        px qty cl_ord_id orig_cl_ord_id t0 cause d_publish d_begin d_intent d_risk d_decided
        limit_version instrument account gateway side tif ord_type action leg _reserved parent);
    layout!(text, order::OrderTerms: cl_ord_id expiry display_qty flags _reserved);
    layout!(text, parent::Parent:
        cl_ord_id qty start end slices offset t0 px stop_px clip_qty used filled instrument account
        gateway parent side side_other flags reason limit_version);
    layout!(text, parent::ParentState:
        cl_ord_id anchor step latches _reserved _reserved_word);
    layout!(text, order::Denied:
        measured limit px qty cl_ord_id t0 cause d_decided limit_version instrument account gateway
        side tif ord_type action reason unit _reserved);
    layout!(text, order::CancelAsked: cl_ord_id t0 cause d_intent d_decided);
    layout!(text, order::OrderEvent:
        cl_ord_id venue_ord_id exec_id last_px last_qty cum_qty leaves_qty px qty position
        instrument venue_seq event base flags liquidity reason gateway side);
    layout!(text, order::PositionEvent:
        cost realised fees position last_px last_qty cl_ord_id exec_id instrument account strategy
        _reserved);
    layout!(text, order::Alarm:
        measured limit id scope reason unit set tripped closes_gate _reserved);
    layout!(text, order::ScopePeak: peak id scope _reserved);
    layout!(text, order::ScopeTotals:
        debits peak entered_value entered_qty traded_value traded_qty orders trades executions id
        scope set tripped _reserved);
    layout!(text, order::Recent: at px qty count id account what scope side _reserved);
    text
}

fn status_records() -> String {
    let mut text = String::new();
    layout!(text, status::Took: port index _reserved count _reserved_words);
    layout!(text, status::Saw: word _reserved value _reserved_words);
    layout!(text, status::Tick: what index _reserved _reserved_words);
    layout!(text, status::Busy: ordinal strategy _reserved _reserved_words);
    layout!(text, status::Link: link _reserved flushed ordinal _reserved_words);
    layout!(text, status::SessionOpen: wall layout date pid len epoch lanes _reserved);
    layout!(text, status::Text: len _reserved _reserved_words);
    layout!(text, status::Anchor: engine wall tsc uncertainty);
    layout!(text, status::Operator:
        op strategy param refused len value uid pid instrument stage _reserved);
    layout!(text, status::LimitSet:
        digest base wall version len reason_len uid pid source _reserved);
    layout!(text, status::HandOrder: number cl_ord_id t0 op outcome fault _reserved);
    layout!(text, status::StrategyDown: ordinal len strategy cause _reserved _reserved_words);
    text
}

fn headers() -> String {
    let mut text = String::new();
    layout!(text, RecordHeader: len crc kind stage version seq at ts);
    layout!(text, SegmentHeader:
        magic layout crc lane epoch segments number first_seq bytes layout_hash _reserved);
    text
}

/// Every number with a name, of the enums whose bytes are stored.
fn numbers() -> String {
    let mut text = String::new();
    for byte in 0..=u8::MAX {
        if let Some(kind) = RecordKind::from_u8(byte) {
            writeln!(text, "RecordKind {byte} {kind:?}").unwrap();
        }
        if let Some(kind) = Kind::from_u8(byte) {
            writeln!(text, "message::Kind {byte} {kind:?}").unwrap();
        }
        if let Some(reason) = Reason::from_u8(byte) {
            writeln!(text, "Reason {byte} {reason:?}").unwrap();
        }
        if let Some(unit) = Unit::from_u8(byte) {
            writeln!(text, "Unit {byte} {unit:?}").unwrap();
        }
        let stage = StageId(byte);
        if let Some(kind) = stage.kind().filter(|_| stage.index() == 0) {
            writeln!(text, "StageId {byte} {kind:?}").unwrap();
        }
    }
    text
}

fn found() -> String {
    let mut text = String::new();
    let (journal, record) = (journal::LAYOUT_VERSION, journal::RECORD_VERSION);
    writeln!(text, "journal layout {journal}, records {record}").unwrap();
    writeln!(text, "region layout {}: {}", region::LAYOUT_VERSION, region::LAYOUT).unwrap();
    text + &headers()
        + &messages()
        + &market_records()
        + &order_records()
        + &status_records()
        + &numbers()
}

// Goal: what is stored stays readable. Method: the layout the compiler chose against the published
// text, line by line.
#[test]
fn layout_is_the_published_one() {
    let found = found();
    for (found, published) in found.lines().zip(PUBLISHED.lines()) {
        assert_eq!(
            found, published,
            "the layout changed: bump its version (see the head of this file)"
        );
    }
    assert_eq!(found.lines().count(), PUBLISHED.lines().count(), "{found}");
}

// Goal: the published text is not edited by the way. Method: its hash, pinned here.
#[test]
fn published_layout_has_the_pinned_hash() {
    let hash = region::fnv1a(PUBLISHED.as_bytes());
    assert_eq!(hash, HASH, "found {hash:#018x}");
    assert_eq!(region::LAYOUT_HASH, region::fnv1a(region::LAYOUT.as_bytes()));
}
