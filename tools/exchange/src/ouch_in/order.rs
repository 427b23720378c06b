//! A client's order that is live, as the desk keeps it.

use crate::matching::Special;
use gateway::codec::ouch50::{
    AppendageBuf, CL_ORD_ID_BYTES, CapacityCode, CrossCode, DisplayCode, IsoCode, SideCode,
    TifCode, WirePx,
};

/// A live order of a client. Fields that the venue only echoes are kept as they came.
#[derive(Clone, Copy, Debug)]
pub struct ClientOrder {
    /// The venue's number; 0 until it is accepted.
    pub order_ref: u64,
    /// ITCH locate of the symbol.
    pub locate: u16,
    /// Name of the symbol.
    pub symbol: [u8; 8],
    /// Shares still open.
    pub leaves_qty: u32,
    /// Shares executed under this number and those it replaced.
    pub chain_cum_qty: u32,
    /// As entered, or as modified.
    pub side: SideCode,
    /// As entered.
    pub px: WirePx,
    /// As entered.
    pub tif: TifCode,
    /// As entered.
    pub display: DisplayCode,
    /// As entered.
    pub capacity: CapacityCode,
    /// As entered.
    pub iso: IsoCode,
    /// As entered.
    pub cross_type: CrossCode,
    /// The client's text.
    pub cl_ord_id: [u8; CL_ORD_ID_BYTES],
    /// Firm, if one was given.
    pub firm: Option<[u8; 4]>,
    /// Group for mass cancels, if one was given.
    pub group_id: Option<u16>,
    /// Post only.
    pub post_only: bool,
    /// What it keeps from others.
    pub special: Special,
    /// When it ends by itself, on the exchange's clock.
    pub expires_ns: Option<u64>,
    /// Options that are echoed.
    pub options: AppendageBuf,
}
