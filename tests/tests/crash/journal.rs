//! What the journal of a directory says, over all its epochs: orders approved and written for the
//! wire, what is still unanswered, positions and how far the venue had been heard.

use gateway::codec::ouch50::Inbound;
use shm::ids::ClOrdId;
use shm::journal::Journal;
use shm::message::Kind;
use shm::record::market::{Tx, TxVoid};
use shm::record::order::{Approved, Base, OrderEvent, PositionEvent};
use shm::record::status::SessionOpen;
use shm::record::{RecordKind, Stage, StageId};
use shm::units::Nanos;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Bytes before the message in a SoupBinTCP packet: length and type.
const SOUP_HEAD: usize = 3;

/// An order or replace as it was written for the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The venue's number.
    pub(crate) urn: u32,
    /// Shares.
    pub(crate) qty: u32,
    /// Price in ten-thousandths.
    pub(crate) px: u64,
    bytes: Vec<u8>,
}

/// A record that counts, out of any lane.
struct Row {
    kind: RecordKind,
    stage: Option<Stage>,
    ts: Nanos,
    body: Vec<u8>,
}

/// The journal, read epoch by epoch as engines die.
#[derive(Debug)]
pub(crate) struct Ledger {
    dir: PathBuf,
    read_to: Option<u16>,
    approved: HashSet<ClOrdId>,
    sent: HashMap<ClOrdId, Sent>,
    /// Unanswered ids by epoch and slot of their chain.
    unanswered: HashMap<(u16, u32), HashSet<ClOrdId>>,
    /// Chains with a cancel on its way.
    canceling: HashSet<(u16, u32)>,
    /// Signed units of 1e-8 by strategy and instrument.
    positions: BTreeMap<(u8, u32), i64>,
    /// Last message of the venue's stream that risk has applied.
    pub(crate) venue_seq: u64,
    /// Every message of that stream that risk has applied, in its order.
    pub(crate) applied: Vec<u64>,
    /// Ids approved or sent twice with different content.
    pub(crate) reused: Vec<String>,
    /// Messages sent again.
    pub(crate) resent: u64,
    /// Orders and replaces of the last epoch read: how many, and from when to when.
    pub(crate) pace: Option<(u64, Nanos)>,
}

impl Ledger {
    /// Of an empty directory.
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
            read_to: None,
            approved: HashSet::new(),
            sent: HashMap::new(),
            unanswered: HashMap::new(),
            canceling: HashSet::new(),
            positions: BTreeMap::new(),
            venue_seq: 0,
            applied: Vec::new(),
            reused: Vec::new(),
            resent: 0,
            pace: None,
        }
    }

    /// Reads the epochs that have ended since the last call. No engine may run.
    pub(crate) fn read_on(&mut self) {
        self.pace = None;
        let journal = Journal::open(&self.dir).unwrap();
        let mut epochs = journal.epochs().unwrap();
        epochs.sort_unstable();
        for epoch in epochs {
            let is_new = self.read_to.is_none_or(|known| epoch > known);
            if is_new && self.read_epoch(&journal, epoch) {
                self.read_to = Some(epoch);
            }
        }
    }

    /// Whether the epoch could be read: not when it died before its archive had a folder for each
    /// lane. No thread had begun then, and the next start makes up for it.
    fn read_epoch(&mut self, journal: &Journal, epoch: u16) -> bool {
        let (rows, is_whole) = rows_of(journal, epoch);
        if !is_whole {
            let sent = rows.iter().any(|row| row.kind == RecordKind::Tx);
            assert!(!sent, "epoch {epoch}: orders were sent before the opening was complete");
            return false;
        }
        self.positions.clear();
        // Causes before effects: an answer follows its message, whatever the lanes.
        let (risk, gateway): (Vec<&Row>, Vec<&Row>) =
            rows.iter().partition(|row| row.stage == Some(Stage::Risk));
        self.take_pace(&gateway);
        for row in gateway {
            self.take_gateway(row);
        }
        for row in risk {
            self.take_risk(row);
        }
        true
    }

    fn take_pace(&mut self, rows: &[&Row]) {
        let is_order = |row: &&&Row| {
            row.kind == RecordKind::Tx
                && Tx::read(&row.body).is_some_and(|tx| tx.action != Kind::ApprovedCancel as u8)
        };
        let times: Vec<Nanos> = rows.iter().filter(is_order).map(|row| row.ts).collect();
        if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
            self.pace = Some((times.len() as u64, last.saturating_since(*first)));
        }
    }

    fn take_gateway(&mut self, row: &Row) {
        match row.kind {
            RecordKind::Tx => {
                let (tx, bytes) = Tx::split(&row.body).unwrap();
                if tx.action == Kind::ApprovedCancel as u8 {
                    self.canceling.insert(chain(tx.cl_ord_id));
                } else {
                    self.take_sent(&tx, &bytes[..usize::from(tx.len)]);
                }
            }
            RecordKind::TxVoid => {
                let void = TxVoid::read(&row.body).unwrap();
                if void.action == Kind::ApprovedCancel as u8 {
                    self.canceling.remove(&chain(void.cl_ord_id));
                } else {
                    self.answer(void.cl_ord_id, false);
                }
            }
            _ => {}
        }
    }

    fn take_sent(&mut self, tx: &Tx, bytes: &[u8]) {
        let (qty, px) = match Inbound::decode(&bytes[SOUP_HEAD..]).unwrap() {
            Inbound::Enter(view) => (view.fields.qty.get(), view.fields.px.0.get()),
            Inbound::Replace(view) => (view.fields.qty.get(), view.fields.px.0.get()),
            other => panic!("an order that is none: {other:?}"),
        };
        let sent = Sent { urn: tx.venue_no, qty, px, bytes: bytes.to_vec() };
        let id = tx.cl_ord_id;
        match self.sent.get(&id) {
            None => {
                self.sent.insert(id, sent);
            }
            Some(known) if *known == sent => self.resent += 1,
            Some(known) => self.reused.push(format!("{id:?} was sent as {known:?} and {sent:?}")),
        }
        self.unanswered.entry(chain(id)).or_default().insert(id);
    }

    fn take_risk(&mut self, row: &Row) {
        match row.kind {
            RecordKind::Approved => {
                let id = Approved::read(&row.body).unwrap().cl_ord_id;
                if !self.approved.insert(id) {
                    self.reused.push(format!("{id:?} was approved twice"));
                }
            }
            RecordKind::OrderEvent => self.take_event(&OrderEvent::read(&row.body).unwrap()),
            RecordKind::PositionEvent | RecordKind::CarryPosition => {
                let event = PositionEvent::read(&row.body).unwrap();
                self.positions.insert((event.strategy, event.instrument.0), event.position.0);
            }
            _ => {}
        }
    }

    fn take_event(&mut self, event: &OrderEvent) {
        if event.venue_seq != 0 {
            let seq = u64::from(event.venue_seq);
            if seq <= self.venue_seq {
                let last = self.venue_seq;
                self.reused
                    .push(format!("message {seq} of the venue was taken again after {last}"));
            }
            self.venue_seq = seq;
            // A session is up with the answer to the engine's question: no report of an order.
            if event.event != Kind::SessionUp as u8 {
                self.applied.push(seq);
            }
        }
        let id = event.cl_ord_id;
        if id == ClOrdId::NONE {
            return;
        }
        self.answer(id, Base::from_u8(event.base).is_some_and(Base::is_terminal));
        self.positions.insert((id.strategy().0, event.instrument.0), event.position.0);
    }

    /// Something was heard of an id; with `ended`, its whole chain is over.
    fn answer(&mut self, id: ClOrdId, ended: bool) {
        let key = chain(id);
        if ended {
            self.canceling.remove(&key);
        }
        let Some(ids) = self.unanswered.get_mut(&key) else { return };
        ids.remove(&id);
        if ended {
            ids.clear();
        }
        if ids.is_empty() {
            self.unanswered.remove(&key);
        }
    }

    /// The exchange has begun another session: its messages are counted from 1.
    pub(crate) fn change_session(&mut self) {
        self.venue_seq = 0;
    }

    /// Orders and replaces, then cancels, that were written for the wire and of whose outcome
    /// nothing was heard.
    pub(crate) fn in_flight(&self) -> (usize, usize) {
        (self.unanswered.values().map(HashSet::len).sum(), self.canceling.len())
    }

    /// Those orders and replaces.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = ClOrdId> {
        self.unanswered.values().flatten().copied()
    }

    /// Whether risk had approved an id.
    pub(crate) fn is_approved(&self, id: ClOrdId) -> bool {
        self.approved.contains(&id)
    }

    /// An id as it was written for the wire.
    pub(crate) fn sent(&self, id: ClOrdId) -> Option<&Sent> {
        self.sent.get(&id)
    }

    /// Shares by instrument, over all strategies; without those that are flat.
    pub(crate) fn positions(&self) -> BTreeMap<u32, i64> {
        let mut sums = BTreeMap::new();
        for (&(_, instrument), units) in &self.positions {
            *sums.entry(instrument).or_insert(0) += units;
        }
        sums.retain(|_, units| *units != 0);
        sums
    }
}

/// The records of an epoch that count, lane by lane; and whether its opening is complete, and every
/// lane that the opening speaks of is there.
fn rows_of(journal: &Journal, epoch: u16) -> (Vec<Row>, bool) {
    let mut rows = Vec::new();
    let (mut is_open, mut threads) = (false, 0);
    let lanes = journal.lanes(epoch).unwrap();
    for &lane in &lanes {
        let mut reader = journal.reader(epoch, lane).unwrap();
        while let Some(record) = reader.next().unwrap() {
            let Some(kind) = RecordKind::from_u16(record.header.kind) else { continue };
            match kind {
                RecordKind::OpenComplete => is_open = true,
                RecordKind::SessionOpen => {
                    threads = usize::from(SessionOpen::read(record.body).unwrap().lanes);
                }
                RecordKind::Approved
                | RecordKind::OrderEvent
                | RecordKind::PositionEvent
                | RecordKind::CarryPosition
                | RecordKind::Tx
                | RecordKind::TxVoid => {
                    let stage = StageId(record.header.stage).kind();
                    let (ts, body) = (Nanos(record.header.ts), record.body.to_vec());
                    rows.push(Row { kind, stage, ts, body });
                }
                _ => {}
            }
        }
    }
    (rows, is_open && lanes.len() > threads)
}

/// What the ids of an order and its replaces share.
fn chain(id: ClOrdId) -> (u16, u32) {
    (id.epoch(), id.slot())
}
