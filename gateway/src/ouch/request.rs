//! Approved orders to packets.

use super::Ouch;
use super::external::Externals;
use super::template::Template;
use crate::codec::ouch50::{
    AccountQuery, Appendage, AppendageBuf, CL_ORD_ID_BYTES, CancelOrder, CapacityCode, CrossCode,
    DisplayCode, EnterOrder, IsoCode, MassCancel, Message, QTY_MAX, ReplaceOrder, SideCode, Tag,
    TifCode, WirePx, encode,
};
use crate::session::soupbintcp::{FRAME_HEADER_BYTES, frame, kind};
use crate::wire_table::{WireFault, WireTable, WireTableConfig};
use shm::ids::{ClOrdId, Symbol};
use shm::message::{Approved, Kind, OrdType, OrderTerms, Side, Tif};
use shm::reason::Reason;
use shm::units::{Nanos, Qty};

/// Greatest value of the option ExpireTime.
const EXPIRE_SECONDS_MAX: u32 = 86_399;

/// What an OUCH venue is made from.
#[derive(Clone, Debug)]
pub struct OuchConfig {
    /// Wire names by instrument id.
    pub symbols: Box<[Symbol]>,
    /// Firm named in each order, if the port wants one.
    pub firm: Option<[u8; 4]>,
    /// On whose account.
    pub capacity: CapacityCode,
    /// How orders show.
    pub display: DisplayCode,
    /// Sizes of the table of numbers.
    pub table: WireTableConfig,
}

/// What was written.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Length of the packets, framing included.
    pub bytes: usize,
    /// Number of the order (of a cancel: the one cancelled).
    pub urn: u32,
}

impl Ouch {
    /// Makes a venue. Cold: allocates.
    ///
    /// # Panics
    /// When the table's sizes are not as [`WireTableConfig`] says.
    #[must_use]
    pub fn new(config: OuchConfig) -> Self {
        let firm = config.firm.map(Tag::Firm);
        let post_only = Tag::PostOnly(b'P');
        let enter = EnterOrder {
            user_ref_num: 0.into(),
            side: SideCode::BUY,
            qty: 0.into(),
            symbol: [b' '; 8],
            px: WirePx(0.into()),
            tif: TifCode::DAY,
            display: config.display,
            capacity: config.capacity,
            iso: IsoCode::NO,
            cross_type: CrossCode::CONTINUOUS,
            cl_ord_id: [b' '; CL_ORD_ID_BYTES],
        };
        let replace = ReplaceOrder {
            orig_user_ref_num: 0.into(),
            user_ref_num: 0.into(),
            qty: 0.into(),
            px: WirePx(0.into()),
            tif: TifCode::DAY,
            display: config.display,
            iso: IsoCode::NO,
            cl_ord_id: [b' '; CL_ORD_ID_BYTES],
        };
        let of_firm = options(&[firm]);
        Self {
            table: WireTable::new(config.table),
            externals: Externals::new(),
            firm: config.firm.unwrap_or([b' '; 4]),
            symbols: config.symbols,
            display: config.display,
            enter_limit: Template::new(&enter, &of_firm),
            enter_post_only: Template::new(&enter, &options(&[firm, Some(post_only)])),
            replace_limit: Template::new(&replace, &options(&[Some(Tag::PostOnly(b'N'))])),
            replace_post_only: Template::new(&replace, &options(&[Some(post_only)])),
            of_firm,
        }
    }

    /// Writes an approval of any kind as whole packets; 128 bytes of `out` hold each.
    ///
    /// # Errors
    /// The [`Reason`] for a gate reject; nothing is to be sent and no number stays in use.
    pub fn encode(&mut self, approved: &Approved, out: &mut [u8]) -> Result<Encoded, Reason> {
        self.encode_with(approved, &OrderTerms::NONE, Nanos(0), out)
    }

    /// [`Ouch::encode`] of an approval with rare terms, at `now`, from which its expiry counts.
    ///
    /// # Errors
    /// As [`Ouch::encode`]; [`Reason::Expired`] for an order with less than a second to live.
    #[inline]
    pub fn encode_with(
        &mut self,
        approved: &Approved,
        terms: &OrderTerms,
        now: Nanos,
        out: &mut [u8],
    ) -> Result<Encoded, Reason> {
        match Kind::from_u8(approved.kind) {
            Some(Kind::ApprovedNew) => self.encode_new(approved, terms, now, out),
            Some(Kind::ApprovedReplace) => self.encode_replace(approved, terms, now, out),
            Some(Kind::ApprovedCancel) => self.encode_cancel(approved.cl_ord_id, out),
            _ => Err(Reason::Unapproved),
        }
    }

    /// Writes a new order.
    ///
    /// # Errors
    /// Unsupported type or time in force, a price or quantity that the venue does not take, an
    /// unknown instrument, a slot in use, no number left, no room.
    #[inline]
    fn encode_new(
        &mut self,
        approved: &Approved,
        rare: &OrderTerms,
        now: Nanos,
        out: &mut [u8],
    ) -> Result<Encoded, Reason> {
        let symbol = self.symbols.get(approved.instrument.index()).ok_or(Reason::Instrument)?.0;
        let (tif, is_post_only) = terms(approved)?;
        let (px, qty) = (wire_px(approved)?, shares(approved.qty)?);
        let options = if is_plain(tif, approved, rare) {
            None
        } else {
            let mut built = self.of_firm;
            add_options(&mut built, is_post_only, approved, rare, now, qty)?;
            Some(built)
        };
        let side = match Side::from_u8(approved.side) {
            Some(Side::Buy) => SideCode::BUY,
            Some(Side::Sell) => SideCode::SELL,
            None => return Err(Reason::Unsupported),
        };
        let urn = self.table.assign_new(approved.cl_ord_id).map_err(reason_of)?;
        let template = if is_post_only { &self.enter_post_only } else { &self.enter_limit };
        let display = if rare.is_hidden() { DisplayCode::HIDDEN } else { self.display };
        let bytes = template.write(options.as_ref(), out, |fields| {
            fields.user_ref_num = urn.into();
            fields.side = side;
            fields.qty = qty.into();
            fields.symbol = symbol;
            fields.px = px;
            (fields.tif, fields.display) = (tif, display);
            fields.cl_ord_id = id_text(approved.cl_ord_id);
        });
        let Some(bytes) = bytes else {
            self.table.void(urn);
            return Err(Reason::Busy);
        };
        Ok(Encoded { bytes, urn })
    }

    /// Writes a replace: of the number last accepted, or of the order still unanswered. The
    /// quantity is the total of the whole chain, as approved.
    ///
    /// # Errors
    /// As [`Ouch::encode_new`]; and an order that is not open, or already being replaced.
    #[inline]
    fn encode_replace(
        &mut self,
        approved: &Approved,
        rare: &OrderTerms,
        now: Nanos,
        out: &mut [u8],
    ) -> Result<Encoded, Reason> {
        let (tif, is_post_only) = terms(approved)?;
        let (px, qty) = (wire_px(approved)?, shares(approved.qty)?);
        // An option not named keeps the original's value, so both are named; Firm cannot change.
        let options = if is_plain(tif, approved, rare) {
            None
        } else {
            let mut built = AppendageBuf::new();
            add_options(&mut built, is_post_only, approved, rare, now, qty)?;
            Some(built)
        };
        let (orig, urn) = self.table.assign_replace(approved.cl_ord_id).map_err(reason_of)?;
        let template = if is_post_only { &self.replace_post_only } else { &self.replace_limit };
        let display = if rare.is_hidden() { DisplayCode::HIDDEN } else { self.display };
        let bytes = template.write(options.as_ref(), out, |fields| {
            fields.orig_user_ref_num = orig.into();
            fields.user_ref_num = urn.into();
            fields.qty = qty.into();
            fields.px = px;
            (fields.tif, fields.display) = (tif, display);
            fields.cl_ord_id = id_text(approved.cl_ord_id);
        });
        let Some(bytes) = bytes else {
            self.table.void(urn);
            return Err(Reason::Busy);
        };
        Ok(Encoded { bytes, urn })
    }

    /// Writes a cancel of everything the order's chain may have at the venue: the number last
    /// accepted and, while a replace is not answered, that one too (E18); the venue ignores the
    /// superfluous.
    ///
    /// # Errors
    /// [`Reason::UnknownOrder`]: nothing of the chain is open. [`Reason::Busy`]: no room.
    #[inline]
    pub fn encode_cancel(&self, id: ClOrdId, out: &mut [u8]) -> Result<Encoded, Reason> {
        cancel(self.table.cancel_urns_of(id), out)
    }

    /// Writes cancels of open orders from slot `from` on, as many as fit and at most `orders_max`:
    /// the kill needs nothing but this table (K3). Returns the bytes and the slot to go on from,
    /// `None` when no open order is left.
    pub fn encode_cancels(
        &self,
        from: u32,
        orders_max: usize,
        out: &mut [u8],
    ) -> (usize, Option<u32>) {
        let (mut bytes, mut slot) = (0, from);
        for _ in 0..orders_max {
            let Some(open) = self.table.next_open(slot) else { return (bytes, None) };
            let room = out.get_mut(bytes..).unwrap_or(&mut []);
            match cancel(self.table.cancel_urns(open), room) {
                Ok(encoded) => bytes += encoded.bytes,
                Err(Reason::Busy) => return (bytes, Some(open)),
                Err(_) => {}
            }
            slot = open.saturating_add(1);
        }
        (bytes, self.table.next_open(slot))
    }

    /// Writes a mass cancel of a firm's orders, of one symbol or (`None`) of all.
    ///
    /// # Errors
    /// [`Reason::Busy`]: no room, or no number left.
    pub fn encode_mass_cancel(
        &mut self,
        firm: [u8; 4],
        symbol: Option<Symbol>,
        out: &mut [u8],
    ) -> Result<Encoded, Reason> {
        let urn = self.table.assign_request().map_err(reason_of)?;
        let fields = MassCancel {
            user_ref_num: urn.into(),
            firm,
            symbol: symbol.map_or([b' '; 8], |symbol| symbol.0),
        };
        let bytes = write(&fields, Appendage::EMPTY, out).ok_or(Reason::Busy)?;
        Ok(Encoded { bytes, urn })
    }

    /// Writes the question for the next number (after each logon). `None`: no room.
    #[must_use]
    pub fn encode_query(&self, out: &mut [u8]) -> Option<usize> {
        write(&AccountQuery {}, Appendage::ABSENT, out)
    }
}

/// One message as a whole packet.
#[inline]
pub(super) fn write<T: Message>(
    fields: &T,
    appendage: Appendage<'_>,
    out: &mut [u8],
) -> Option<usize> {
    let payload = out.get_mut(FRAME_HEADER_BYTES..)?;
    let payload_bytes = encode(fields, appendage, payload).ok()?;
    frame(kind::UNSEQUENCED, payload_bytes, out)
}

/// Options made before the start.
fn options(tags: &[Option<Tag>]) -> AppendageBuf {
    let mut built = AppendageBuf::new();
    for tag in tags.iter().flatten() {
        assert!(built.push(*tag).is_ok(), "a few options fit");
    }
    built
}

/// Time in force on the wire, and whether the order must not execute on arrival.
///
/// A market order of the continuous session is an immediate one at the price that risk has approved
/// for it, the far edge of its collar: OUCH has market orders in crosses only.
fn terms(approved: &Approved) -> Result<(TifCode, bool), Reason> {
    let ord_type = OrdType::from_u8(approved.ord_type).ok_or(Reason::Unsupported)?;
    let is_post_only = ord_type == OrdType::PostOnly;
    match Tif::from_u8(approved.tif) {
        Some(Tif::Day | Tif::Ioc) if ord_type == OrdType::Market => Ok((TifCode::IOC, false)),
        Some(Tif::Day) => Ok((TifCode::DAY, is_post_only)),
        Some(Tif::Gtd) if ord_type != OrdType::Market => Ok((TifCode::GTT, is_post_only)),
        // All or nothing is immediate, with the whole quantity as the least that may execute.
        Some(Tif::Ioc | Tif::Fok) if !is_post_only => Ok((TifCode::IOC, false)),
        Some(Tif::Ioc | Tif::Fok | Tif::Gtd) | None => Err(Reason::Unsupported),
    }
}

/// Whether the options made before the start do.
fn is_plain(tif: TifCode, approved: &Approved, rare: &OrderTerms) -> bool {
    tif != TifCode::GTT && approved.tif != Tif::Fok as u8 && rare.display_qty == Qty::ZERO
}

/// Options of an order that has more than the usual ones.
///
/// Source: OUCH 5.0, option tags MinQty, MaxFloor, PostOnly, ExpireTime. The time is in seconds and
/// below a day; it is taken for a time to live, and rounded down, so that no order outlives its
/// expiry.
fn add_options(
    options: &mut AppendageBuf,
    is_post_only: bool,
    approved: &Approved,
    rare: &OrderTerms,
    now: Nanos,
    qty: u32,
) -> Result<(), Reason> {
    let mut add = |tag| options.push(tag).map_err(|_| Reason::Unsupported);
    add(Tag::PostOnly(if is_post_only { b'P' } else { b'N' }))?;
    if approved.tif == Tif::Fok as u8 {
        add(Tag::MinQty(qty))?;
    }
    if rare.display_qty != Qty::ZERO {
        add(Tag::MaxFloor(shares(rare.display_qty)?))?;
    }
    if approved.tif == Tif::Gtd as u8 {
        let seconds = rare.expiry.0.saturating_sub(now.0) / Nanos::SECOND.0;
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).min(EXPIRE_SECONDS_MAX);
        if seconds == 0 {
            return Err(Reason::Expired);
        }
        add(Tag::ExpireTime(seconds))?;
    }
    Ok(())
}

fn wire_px(approved: &Approved) -> Result<WirePx, Reason> {
    WirePx::from_price(approved.px).filter(|px| px.0.get() > 0).ok_or(Reason::BadPrice)
}

fn shares(qty: Qty) -> Result<u32, Reason> {
    qty.to_shares().filter(|shares| (1..=QTY_MAX).contains(shares)).ok_or(Reason::BadQty)
}

/// The id as the venue echoes it: 13 digits and a space.
pub(super) fn id_text(id: ClOrdId) -> [u8; CL_ORD_ID_BYTES] {
    let mut text = [b' '; CL_ORD_ID_BYTES];
    if let Some(digits) = text.first_chunk_mut() {
        *digits = id.to_text();
    }
    text
}

/// Writes cancels of an order known by its numbers alone, the last accepted and the one not yet
/// answered (0 for none), as whole packets; 32 bytes of `out` hold both. Their length.
///
/// # Errors
/// [`Reason::UnknownOrder`]: both are 0. [`Reason::Busy`]: no room.
pub fn write_cancels(urns: [u32; 2], out: &mut [u8]) -> Result<usize, Reason> {
    cancel(urns, out).map(|encoded| encoded.bytes)
}

/// One cancel packet for each number that is not 0.
fn cancel(urns: [u32; 2], out: &mut [u8]) -> Result<Encoded, Reason> {
    let mut bytes = 0;
    for urn in urns.into_iter().filter(|urn| *urn != 0) {
        let fields = CancelOrder { user_ref_num: urn.into(), qty: 0.into() };
        let room = out.get_mut(bytes..).unwrap_or(&mut []);
        bytes += write(&fields, Appendage::ABSENT, room).ok_or(Reason::Busy)?;
    }
    let [first, second] = urns;
    if bytes == 0 {
        return Err(Reason::UnknownOrder);
    }
    Ok(Encoded { bytes, urn: if first == 0 { second } else { first } })
}

const fn reason_of(fault: WireFault) -> Reason {
    match fault {
        WireFault::SlotOutOfRange | WireFault::SlotInUse => Reason::TableFull,
        WireFault::UnknownOrder | WireFault::ReplaceInFlight => Reason::UnknownOrder,
        WireFault::NumbersSpent => Reason::Busy,
    }
}
