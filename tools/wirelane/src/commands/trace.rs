//! `wirelane trace`: where the time of one order went.

use crate::failure::{Failure, Outcome};
use crate::journal::trip::{PARTS, Trip, Trips};
use crate::number::grouped;
use crate::place::DirArg;
use crate::session::Session;
use crate::stdout::Out;
use shm::ids::{Cause, ClOrdId};
use shm::journal::Journal;
use shm::record::RecordKind;
use shm::record::market::RxFeed;
use shm::record::order::Approved;

/// Which order.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The order's id, 13 characters, as `journal cat` and the venue show it
    #[arg(value_name = "CLORDID")]
    id: String,
    #[command(flatten)]
    dir: DirArg,
}

impl Args {
    /// Prints cause, parts and whole.
    pub(crate) fn run(&self) -> Outcome {
        let Some(id) = ClOrdId::from_text(self.id.to_ascii_uppercase().as_bytes()) else {
            return Err(Failure::not_there(format!(
                "{} is no order id: it has 13 characters of 0-9 and A-V",
                self.id
            )));
        };
        let place = self.dir.place()?;
        let journal = place.journal()?;
        let epoch = place.epoch(&journal, Some(id.epoch()))?;
        let session = Session::read(&journal, epoch)?;
        let found = find(&journal, epoch, id)?;
        let Some(order) = found.approved else {
            return Err(Failure::not_there(format!(
                "order {id} was never approved in epoch {epoch}"
            ))
            .remedy("`wirelane journal cat --kind Denied` lists what was refused"));
        };
        let mut out = Out::stdout();
        out.line(&heading(&order, &session))?;
        out.line(&cause(&order, found.datagram.as_ref(), &session))?;
        let trips = Trips::read(&journal, epoch)?;
        match trips.trips.iter().find(|trip| trip.cl_ord_id == id) {
            Some(trip) => out.text(&table(trip))?,
            None => out.line("it was never sent: no message of it was given to the socket")?,
        }
        out.flush()?;
        match trips.trips.iter().find(|trip| trip.cl_ord_id == id) {
            Some(trip) if !trip.sums() => {
                Err(Failure::unsound("the parts do not sum to the whole within the clock's error"))
            }
            _ => Ok(()),
        }
    }
}

/// The records an order left besides its trip.
#[derive(Default)]
struct Found {
    approved: Option<Approved>,
    /// The datagram that held its cause.
    datagram: Option<RxFeed>,
}

fn find(journal: &Journal, epoch: u16, id: ClOrdId) -> Outcome<Found> {
    let mut found = Found::default();
    let mut datagrams: Vec<RxFeed> = Vec::new();
    for lane in journal.lanes(epoch).map_err(Failure::not_done)? {
        let mut reader = journal.reader(epoch, lane).map_err(Failure::not_done)?;
        while let Some(record) = reader.next().map_err(Failure::unsound)? {
            match RecordKind::from_u16(record.header.kind) {
                Some(RecordKind::Approved) => {
                    let own = Approved::read(record.body).filter(|order| order.cl_ord_id == id);
                    found.approved = found.approved.or(own);
                }
                Some(RecordKind::RxFeed) => datagrams.extend(RxFeed::read(record.body)),
                _ => {}
            }
        }
    }
    if let Some(order) = found.approved.filter(|order| is_market(order.cause)) {
        // The datagram of this arrival that begins nearest before the cause.
        let holds = |rx: &&RxFeed| {
            rx.feed == order.cause.feed().0
                && rx.t0 == order.t0
                && rx.feed_seq <= order.cause.feed_seq()
        };
        found.datagram = datagrams.iter().filter(holds).max_by_key(|rx| rx.feed_seq).copied();
    }
    Ok(found)
}

fn is_market(cause: Cause) -> bool {
    cause != Cause::NONE && cause != Cause::SWEEP
}

fn heading(order: &Approved, session: &Session) -> String {
    use shm::message::{Side, Tif};
    let side = Side::from_u8(order.side).map_or("?", Side::name);
    let tif = Tif::from_u8(order.tif).map_or("?", Tif::name);
    let replaces = if order.orig_cl_ord_id == ClOrdId::NONE {
        String::new()
    } else {
        format!(", replaces {}", order.orig_cl_ord_id)
    };
    format!(
        "order {}: {} {side} {} {} @ {} {tif}{replaces}",
        order.cl_ord_id,
        session.strategy(order.cl_ord_id.strategy()),
        order.qty,
        session.symbol(order.instrument),
        order.px
    )
}

fn cause(order: &Approved, datagram: Option<&RxFeed>, session: &Session) -> String {
    if order.cause == Cause::SWEEP {
        return "caused by a sweep".to_owned();
    }
    if order.cause == Cause::NONE {
        return "caused by no market event: a timer or the operator".to_owned();
    }
    use shm::record::{Stage, StageId};
    let feed = session.stage(StageId::new(Stage::Feed, order.cause.feed().0));
    let mut text = format!("caused by {feed} sequence {}", order.cause.feed_seq());
    if let Some(rx) = datagram {
        text.push_str(&format!(
            ", in the datagram from {} on line {}, read {} ns after its arrival",
            rx.feed_seq,
            char::from(b'A' + rx.line.min(2)),
            grouped(u64::from(rx.d_read))
        ));
    }
    text
}

/// Parts and their sum.
fn table(trip: &Trip) -> String {
    let mut text = format!("{:<30}{:>14}{:>14}\n", "part", "ns", "at ns");
    for ((name, part), at) in PARTS.iter().zip(trip.parts()).zip(trip.stamps) {
        let (part, at) = (grouped(u64::from(part)), grouped(u64::from(at)));
        text.push_str(&format!("{name:<30}{part:>14}{at:>14}\n"));
    }
    let sum: u64 = trip.parts().iter().map(|&part| u64::from(part)).sum();
    let whole = u64::from(trip.whole());
    text.push_str(&format!(
        "{:<30}{:>14}{:>14}\n",
        "sum of the parts | whole",
        grouped(sum),
        grouped(whole)
    ));
    text
}
