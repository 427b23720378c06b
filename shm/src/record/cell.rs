//! Which records live in cells of the shared region, and under what number and layout.

use super::order::PositionEvent;
use crate::message::BookTop;
use crate::seqlock::CellRecord;

impl CellRecord for BookTop {
    const KIND: u32 = 1;
    const LAYOUT: &'static str = "kind:u8,flags:u8,_reserved:u16,instrument:u32,bid_px:i64,bid_qty:i64,\
        ask_px:i64,ask_qty:i64,t0:u64,cause:u64,tail:u64";
}

impl CellRecord for PositionEvent {
    const KIND: u32 = 2;
    const LAYOUT: &'static str = "cost:i128,realised:i128,fees:i128,position:i64,last_px:i64,\
        last_qty:i64,cl_ord_id:u64,exec_id:u64,instrument:u32,account:u16,strategy:u8,_reserved:u8";
}
