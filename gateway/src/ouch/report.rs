//! Venue messages to execution reports.

use super::Ouch;
use crate::codec::ouch50::{
    Accepted, AiqCanceled, Broken, CL_ORD_ID_BYTES, Canceled, DecodeError, EventCode, Executed,
    Modified, OrderStateCode, Outbound, PriorityUpdate, Rejected, Replaced, WirePx,
};
use shm::ids::{ClOrdId, ExecId, VenueOrdId};
use shm::message::{ExecReport, Kind};
use shm::units::{Nanos, Price, Qty};

/// `reason` of the cancel that a modify amounts to: the user asked for it.
const MODIFIED: u8 = b'U';

/// What one venue message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VenueEvent {
    /// Of an order, ours or not: goes to risk, never dropped (E23).
    Report(ExecReport),
    /// Of the day.
    System(EventCode),
    /// The number that the venue expects next.
    NextUrn(u32),
    /// A mass cancel was taken; the cancels follow as reports.
    MassCancelTaken {
        /// Number of the request.
        urn: u32,
    },
    /// Order entry of a firm was switched.
    EntrySwitched {
        /// Number of the request.
        urn: u32,
        /// Whether orders are taken now.
        is_enabled: bool,
    },
}

/// Whom a report is about.
struct Subject {
    urn: u32,
    /// A [`ClOrdId::external`] or [`ClOrdId::NONE`]: not ours.
    id: ClOrdId,
    venue_ord_id: VenueOrdId,
    /// Shares exposed, as far as the table knows.
    leaves: u32,
}

impl Ouch {
    /// Reads one venue message (the payload of a sequenced packet) and moves the table with it.
    /// `venue_seq` is its number in the venue's stream, `t0` when its bytes arrived.
    ///
    /// A price that does not fit is reported as [`Price::NONE`]. Reports of an order that is not
    /// ours have a [`ClOrdId::external`] where its acceptance was seen, else [`ClOrdId::NONE`], and
    /// the venue's order number, else the user reference number, in `venue_ord_id`.
    ///
    /// # Errors
    /// [`DecodeError`]: count it; the stream holds something this codec does not know.
    #[inline]
    pub fn on_message(
        &mut self,
        bytes: &[u8],
        venue_seq: u64,
        t0: Nanos,
    ) -> Result<VenueEvent, DecodeError> {
        let mut report = match Outbound::decode(bytes)? {
            Outbound::Accepted(view) => self.on_accepted(view.fields),
            Outbound::Replaced(view) => self.on_replaced(view.fields),
            Outbound::Executed(view) => self.on_executed(view.fields),
            Outbound::Canceled(view) => self.on_canceled(view.fields),
            Outbound::AiqCanceled(view) => self.on_aiq_canceled(view.fields),
            Outbound::Rejected(view) => self.on_rejected(view.fields),
            Outbound::Broken(view) => self.on_broken(view.fields),
            Outbound::CancelPending(view) => {
                self.plain(Kind::CancelPending, view.fields.user_ref_num.get())
            }
            Outbound::CancelReject(view) => {
                self.plain(Kind::CancelRejected, view.fields.user_ref_num.get())
            }
            Outbound::PriorityUpdate(view) => self.on_priority(view.fields),
            Outbound::Modified(view) => self.on_modified(view.fields),
            Outbound::Restated(view) => ExecReport {
                reason: view.fields.reason.0.into(),
                ..self.restated(view.fields.user_ref_num.get())
            },
            Outbound::SystemEvent(view) => return Ok(VenueEvent::System(view.fields.event)),
            Outbound::QueryResponse(view) => {
                let urn = view.fields.next_user_ref_num.get();
                self.table.raise_next_urn(urn);
                return Ok(VenueEvent::NextUrn(urn));
            }
            Outbound::MassCancelResponse(view) => {
                let urn = view.fields.user_ref_num.get();
                return Ok(VenueEvent::MassCancelTaken { urn });
            }
            Outbound::DisableResponse(view) => {
                let urn = view.fields.user_ref_num.get();
                return Ok(VenueEvent::EntrySwitched { urn, is_enabled: false });
            }
            Outbound::EnableResponse(view) => {
                let urn = view.fields.user_ref_num.get();
                return Ok(VenueEvent::EntrySwitched { urn, is_enabled: true });
            }
        };
        report.venue_seq = venue_seq as u32;
        report.t0 = t0;
        Ok(VenueEvent::Report(report))
    }

    fn on_accepted(&mut self, fields: &Accepted) -> ExecReport {
        let mut subject = self.subject(fields.user_ref_num.get(), Some(&fields.cl_ord_id));
        if subject.id == ClOrdId::NONE {
            let Self { externals, symbols, .. } = self;
            subject.id = externals.accept(subject.urn, fields.symbol, fields.side, symbols);
        }
        let venue_ord_id = VenueOrdId(fields.order_ref.get());
        let is_live = fields.state == OrderStateCode::LIVE;
        if is_live {
            self.table.on_live(subject.urn, venue_ord_id, fields.qty.get());
        } else {
            self.table.on_dead(subject.urn);
        }
        ExecReport {
            kind: if is_live { Kind::Accepted } else { Kind::AcceptedDead } as u8,
            cl_ord_id: subject.id,
            venue_ord_id,
            last_px: price(fields.px),
            last_qty: Qty::from_shares(fields.qty.get()),
            ..ExecReport::default()
        }
    }

    fn on_replaced(&mut self, fields: &Replaced) -> ExecReport {
        let subject = self.subject(fields.user_ref_num.get(), Some(&fields.cl_ord_id));
        let venue_ord_id = VenueOrdId(fields.order_ref.get());
        let is_live = fields.state == OrderStateCode::LIVE;
        if is_live {
            self.table.on_live(subject.urn, venue_ord_id, fields.qty.get());
        } else {
            self.table.on_dead(subject.urn);
        }
        ExecReport {
            kind: if is_live { Kind::Replaced } else { Kind::ReplacedDead } as u8,
            cl_ord_id: subject.id,
            venue_ord_id,
            last_px: price(fields.px),
            last_qty: Qty::from_shares(fields.qty.get()),
            ..ExecReport::default()
        }
    }

    fn on_executed(&mut self, fields: &Executed) -> ExecReport {
        let subject = self.subject(fields.user_ref_num.get(), None);
        self.table.on_reduced(subject.urn, fields.qty.get());
        ExecReport {
            kind: Kind::Executed as u8,
            liquidity: fields.liquidity.0,
            cl_ord_id: subject.id,
            venue_ord_id: subject.venue_ord_id,
            exec_id: ExecId(fields.match_number.get()),
            last_px: price(fields.px),
            last_qty: Qty::from_shares(fields.qty.get()),
            ..ExecReport::default()
        }
    }

    fn on_canceled(&mut self, fields: &Canceled) -> ExecReport {
        self.canceled(fields.user_ref_num.get(), fields.qty.get(), fields.reason.0)
    }

    fn on_aiq_canceled(&mut self, fields: &AiqCanceled) -> ExecReport {
        self.canceled(fields.user_ref_num.get(), fields.qty.get(), fields.reason.0)
    }

    fn canceled(&mut self, urn: u32, shares: u32, reason: u8) -> ExecReport {
        let subject = self.subject(urn, None);
        self.table.on_reduced(urn, shares);
        ExecReport {
            kind: Kind::Canceled as u8,
            reason: reason.into(),
            cl_ord_id: subject.id,
            venue_ord_id: subject.venue_ord_id,
            last_px: Price::NONE,
            last_qty: Qty::from_shares(shares),
            ..ExecReport::default()
        }
    }

    /// A reject of a number already accepted refuses a cancel; of any other it ends that number.
    fn on_rejected(&mut self, fields: &Rejected) -> ExecReport {
        let subject = self.subject(fields.user_ref_num.get(), Some(&fields.cl_ord_id));
        let is_cancel = self.table.is_accepted(subject.urn);
        self.table.on_rejected(subject.urn);
        ExecReport {
            kind: if is_cancel { Kind::CancelRejected } else { Kind::Rejected } as u8,
            reason: fields.reason.0.get(),
            cl_ord_id: subject.id,
            venue_ord_id: subject.venue_ord_id,
            last_px: Price::NONE,
            last_qty: Qty::from_shares(subject.leaves),
            ..ExecReport::default()
        }
    }

    fn on_broken(&self, fields: &Broken) -> ExecReport {
        let subject = self.subject(fields.user_ref_num.get(), Some(&fields.cl_ord_id));
        ExecReport {
            kind: Kind::Broken as u8,
            reason: fields.reason.0.into(),
            cl_ord_id: subject.id,
            venue_ord_id: subject.venue_ord_id,
            exec_id: ExecId(fields.match_number.get()),
            last_px: Price::NONE,
            ..ExecReport::default()
        }
    }

    fn on_priority(&mut self, fields: &PriorityUpdate) -> ExecReport {
        let urn = fields.user_ref_num.get();
        let venue_ord_id = VenueOrdId(fields.order_ref.get());
        self.table.on_renumbered(urn, venue_ord_id);
        ExecReport { last_px: price(fields.px), venue_ord_id, ..self.restated(urn) }
    }

    /// A modify keeps the place and takes quantity away: that much is cancelled.
    fn on_modified(&mut self, fields: &Modified) -> ExecReport {
        let (urn, left) = (fields.user_ref_num.get(), fields.qty.get());
        let had = self.subject(urn, None).leaves;
        if had > left {
            return self.canceled(urn, had - left, MODIFIED);
        }
        self.table.on_leaves(urn, left);
        self.restated(urn)
    }

    /// Something of an order changed that is neither its price nor its quantity.
    fn restated(&self, urn: u32) -> ExecReport {
        ExecReport { last_qty: Qty::ZERO, ..self.plain(Kind::Restated, urn) }
    }

    /// A report without terms of its own: no price, and the shares exposed.
    fn plain(&self, kind: Kind, urn: u32) -> ExecReport {
        let subject = self.subject(urn, None);
        ExecReport {
            kind: kind as u8,
            cl_ord_id: subject.id,
            venue_ord_id: subject.venue_ord_id,
            last_px: Price::NONE,
            last_qty: Qty::from_shares(subject.leaves),
            ..ExecReport::default()
        }
    }

    /// Finds the order of a number, or of the text the venue echoes with it: a number from before a
    /// crash, or pushed out of the ring, is still ours.
    fn subject(&self, urn: u32, text: Option<&[u8; CL_ORD_ID_BYTES]>) -> Subject {
        let id =
            self.table.id_of(urn).or_else(|| text.and_then(id_of_text)).unwrap_or(ClOrdId::NONE);
        let is_ours = id != ClOrdId::NONE;
        let number = if is_ours { VenueOrdId(0) } else { VenueOrdId(urn.into()) };
        let id = if is_ours { id } else { self.externals.find(urn) };
        let (venue_ord_id, leaves) = self.table.terms_of(urn).unwrap_or((number, 0));
        Subject { urn, id, venue_ord_id, leaves }
    }
}

fn price(px: WirePx) -> Price {
    px.to_price().unwrap_or(Price::NONE)
}

/// Our id in the echoed text; `None` when the text is not one of ours.
fn id_of_text(text: &[u8; CL_ORD_ID_BYTES]) -> Option<ClOrdId> {
    let (digits, padding) = text.split_at_checked(ClOrdId::TEXT_BYTES)?;
    let id = ClOrdId::from_text(digits).filter(|_| padding == b" ")?;
    (id != ClOrdId::NONE && id.epoch() != 0).then_some(id)
}
