//! Orders of this session that are not ours: of which instrument and side they are. The venue says
//! it once, with the acceptance; their executions come with the number alone (E23).

use crate::codec::ouch50::SideCode;
use shm::ids::{ClOrdId, InstrumentId, Symbol};
use shm::message::Side;

/// Orders remembered. The session is ours: any at all is an event for an operator.
const ORDERS: usize = 1_024;

#[derive(Clone, Copy, Debug)]
struct Row {
    urn: u32,
    id: ClOrdId,
}

/// The latest of them.
#[derive(Debug)]
pub(super) struct Externals {
    rows: Box<[Row]>,
    /// Rows ever taken; the next goes to `taken % rows`.
    taken: usize,
}

impl Externals {
    pub(super) fn new() -> Self {
        Self { rows: vec![Row { urn: 0, id: ClOrdId::NONE }; ORDERS].into(), taken: 0 }
    }

    /// Notes an accepted order of another, and what stands for it from now on;
    /// [`ClOrdId::NONE`] where the symbol is none of ours.
    pub(super) fn accept(
        &mut self,
        urn: u32,
        symbol: [u8; 8],
        side: SideCode,
        symbols: &[Symbol],
    ) -> ClOrdId {
        let known = self.find(urn);
        let at = symbols.iter().position(|known| known.0 == symbol);
        let (ClOrdId::NONE, Some(at)) = (known, at) else { return known };
        let side = if side == SideCode::BUY { Side::Buy } else { Side::Sell };
        let id = ClOrdId::external(InstrumentId(at as u32), side as u8);
        let place = self.taken % ORDERS;
        if let Some(row) = self.rows.get_mut(place) {
            *row = Row { urn, id };
        }
        self.taken += 1;
        id
    }

    /// What stands for a number; [`ClOrdId::NONE`] for one that was never accepted here.
    pub(super) fn find(&self, urn: u32) -> ClOrdId {
        let known = self.rows.iter().take(self.taken).find(|row| row.urn == urn);
        known.map_or(ClOrdId::NONE, |row| row.id)
    }
}
