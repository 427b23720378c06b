//! The table against a model venue: what may be live is always named by a cancel of everything.

use super::*;
use proptest::prelude::*;
use shm::ids::StrategyId;
use std::collections::{BTreeSet, VecDeque};

const CONFIG: WireTableConfig = WireTableConfig { slots: 8, urns: 32 };

fn id(slot: u32, uses: u32) -> ClOrdId {
    ClOrdId::new(1, StrategyId(1), slot, uses)
}

/// Goal: numbers rise from 1, are found both ways, and the open bit follows the order's life.
#[test]
fn an_order_is_found_both_ways_until_it_ends() {
    let mut table = WireTable::new(CONFIG);
    assert_eq!(table.assign_new(id(3, 0)), Ok(1));
    assert_eq!(table.assign_new(id(3, 1)), Err(WireFault::SlotInUse));
    assert_eq!((table.id_of(1), table.urn_of(id(3, 0))), (Some(id(3, 0)), Some(1)));
    assert_eq!((table.id_of(0), table.id_of(2), table.urn_of(id(3, 1))), (None, None, None));
    assert_eq!(table.next_open(0), Some(3));
    table.on_live(1, VenueOrdId(900), 100);
    assert_eq!(table.terms_of(1), Some((VenueOrdId(900), 100)));

    assert_eq!(table.assign_replace(id(3, 1)), Ok((1, 2)));
    assert_eq!(table.assign_replace(id(3, 2)), Err(WireFault::ReplaceInFlight));
    assert_eq!(table.cancel_urns(3), [1, 2]);
    table.on_reduced(1, 30);
    table.on_live(2, VenueOrdId(901), 70);
    assert_eq!(table.cancel_urns(3), [2, 0]);
    assert_eq!((table.urn_of(id(3, 0)), table.urn_of(id(3, 1))), (None, Some(2)));
    assert_eq!(table.id_of(1), Some(id(3, 0)), "late reports still find it");
    table.on_reduced(1, 70);
    assert_eq!(table.open_count(), 1, "a late report of a replaced number ends nothing");
    table.on_reduced(2, 69);
    assert_eq!(table.open_count(), 1);
    table.on_reduced(2, 1);
    assert_eq!((table.open_count(), table.next_open(0)), (0, None));
    assert_eq!(table.assign_replace(id(3, 2)), Err(WireFault::UnknownOrder));
    assert_eq!(table.assign_new(id(3, 2)), Ok(3));
    assert_eq!(table.cancel_urns_of(id(3, 1)), [0, 0], "an older order of the slot");
    assert_eq!(table.cancel_urns_of(id(3, 2)), [0, 3]);
    let unsent = table.cancel_urns_of(id(3, 3));
    assert_eq!(unsent, [0, 3], "a replace that was taken back before its send");
    let other = ClOrdId::new(2, StrategyId(1), 3, 3);
    assert_eq!(table.cancel_urns_of(other), [0, 0], "an order of another start");

    table.start_over();
    assert_eq!((table.open_count(), table.id_of(3), table.next_open(0)), (0, None, None));
    assert_eq!(table.assign_new(id(3, 2)), Ok(1));
}

/// Goal: what cannot be numbered is refused by name, before and after the last number.
#[test]
fn numbers_end_with_the_integer() {
    let mut table = WireTable::new(CONFIG);
    assert_eq!(table.assign_new(id(8, 0)), Err(WireFault::SlotOutOfRange));
    assert_eq!(table.assign_replace(id(8, 0)), Err(WireFault::SlotOutOfRange));
    table.raise_next_urn(u32::MAX);
    table.raise_next_urn(5);
    assert_eq!(table.assign_new(id(0, 0)), Ok(u32::MAX));
    assert_eq!(table.assign_new(id(1, 0)), Err(WireFault::NumbersSpent));
    assert_eq!(table.assign_request(), Err(WireFault::NumbersSpent));
    table.raise_next_urn(7);
    assert_eq!(table.assign_new(id(1, 0)), Err(WireFault::NumbersSpent));
}

/// Goal: the ring never forgets an open order: its place is skipped, however long it lives.
#[test]
fn an_open_order_keeps_its_place_in_the_ring() {
    let mut table = WireTable::new(CONFIG);
    assert_eq!(table.assign_new(id(0, 0)), Ok(1));
    table.on_live(1, VenueOrdId(5), 10);
    let mut last = 1;
    for uses in 0..200 {
        let urn = table.assign_new(id(1, uses)).unwrap();
        assert!(urn > last && urn % 32 != 1, "{urn}");
        last = urn;
        table.on_live(urn, VenueOrdId(6), 1);
        table.on_reduced(urn, 1);
    }
    assert_eq!(table.id_of(1), Some(id(0, 0)));
    assert_eq!(table.id_of(2), None, "ended long ago");
}

/// Goal: slots are found in order over word borders.
#[test]
fn open_slots_are_found_in_order() {
    let mut table = WireTable::new(WireTableConfig { slots: 200, urns: 1024 });
    for slot in [0, 63, 64, 127, 130, 199] {
        table.assign_new(id(slot, 0)).unwrap();
    }
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(slot) = table.next_open(from) {
        found.push(slot);
        from = slot + 1;
    }
    assert_eq!(found, [0, 63, 64, 127, 130, 199]);
    assert_eq!(table.next_open(u32::MAX), None);
}

/// One request on its way to the model venue.
#[derive(Clone, Copy)]
enum Request {
    New { urn: u32 },
    Replace { orig: u32, urn: u32 },
}

/// A venue that answers in order, and the table that hears it.
struct Model {
    table: WireTable,
    uses: [u32; 8],
    requests: VecDeque<Request>,
    /// Live at the venue: number and shares exposed.
    live: Vec<(u32, u32)>,
}

impl Model {
    fn new() -> Self {
        let (requests, live) = (VecDeque::new(), Vec::new());
        Self { table: WireTable::new(CONFIG), uses: [0; 8], requests, live }
    }

    fn enter(&mut self, slot: u32) {
        if let Ok(urn) = self.table.assign_new(id(slot, self.uses[slot as usize])) {
            self.uses[slot as usize] += 1;
            self.requests.push_back(Request::New { urn });
        }
    }

    fn replace(&mut self, slot: u32, is_sent: bool) {
        let new = id(slot, self.uses[slot as usize]);
        if let Ok((orig, urn)) = self.table.assign_replace(new) {
            self.uses[slot as usize] += 1;
            if is_sent {
                self.requests.push_back(Request::Replace { orig, urn });
            } else {
                self.table.void(urn);
            }
        }
    }

    /// The venue answers the oldest request, in one of its ways.
    fn answer(&mut self, amount: u32) {
        match self.requests.pop_front() {
            None => {}
            Some(Request::New { urn }) => match amount % 4 {
                0 => self.table.on_dead(urn),
                1 => self.table.on_rejected(urn),
                _ => {
                    self.live.push((urn, amount));
                    self.table.on_live(urn, VenueOrdId(u64::from(urn)), amount);
                }
            },
            Some(Request::Replace { orig, urn }) => {
                let found = self.live.iter().position(|&(live, _)| live == orig);
                match (found, amount % 4) {
                    (None, _) => {}
                    (Some(at), 0) => {
                        let (_, leaves) = self.live.remove(at);
                        self.table.on_reduced(orig, leaves);
                    }
                    (Some(_), 1) => self.table.on_rejected(urn),
                    (Some(at), _) => {
                        self.live[at] = (urn, amount);
                        self.table.on_live(urn, VenueOrdId(u64::from(urn)), amount);
                    }
                }
            }
        }
    }

    /// The venue executes or cancels a part.
    fn reduce(&mut self, which: u32, amount: u32) {
        if let Some(at) = (which as usize).checked_rem(self.live.len()) {
            let (urn, leaves) = self.live[at];
            let taken = amount.min(leaves);
            self.live[at].1 -= taken;
            self.table.on_reduced(urn, taken);
            self.live.retain(|&(_, leaves)| leaves > 0);
        }
    }

    /// What a cancel of everything would name.
    fn named(&self) -> BTreeSet<u32> {
        let mut named = BTreeSet::new();
        let mut from = 0;
        while let Some(slot) = self.table.next_open(from) {
            named.extend(self.table.cancel_urns(slot).into_iter().filter(|urn| *urn != 0));
            from = slot + 1;
        }
        named
    }

    fn check(&self) {
        let named = self.named();
        let mut may_live: BTreeSet<u32> = self.live.iter().map(|(urn, _)| *urn).collect();
        for (urn, leaves) in &self.live {
            let terms = Some((VenueOrdId(u64::from(*urn)), *leaves));
            assert_eq!(self.table.terms_of(*urn), terms);
        }
        for request in &self.requests {
            match *request {
                Request::New { urn } => may_live.insert(urn),
                Request::Replace { orig, urn } => may_live.contains(&orig) && may_live.insert(urn),
            };
        }
        assert!(named.is_superset(&may_live), "{may_live:?} may live, {named:?} are named");
        if self.requests.is_empty() {
            assert_eq!(named, may_live);
            assert_eq!(self.table.open_count() as usize, may_live.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Goal: a cancel of everything names each number that is live or may become so; with nothing
    /// in flight it names exactly the live ones. Method: random orders and replaces against a venue
    /// that answers in order, in each of its ways (accepted, dead, rejected; replaced, original
    /// killed, rejected, silent).
    #[test]
    fn a_cancel_of_everything_misses_nothing(
        steps in proptest::collection::vec((0_u8..8, 0_u32..8, 1_u32..40), 1..250),
    ) {
        let mut model = Model::new();
        for (step, slot, amount) in steps {
            match step {
                0 | 1 => model.enter(slot),
                2 => model.replace(slot, amount != 1),
                3..6 => model.answer(amount),
                _ => model.reduce(slot, amount),
            }
            model.check();
        }
    }

    /// Goal: rebuilt from the journal's pairs and reports, the table is the one that was lost.
    #[test]
    fn a_rebuilt_table_equals_the_lost_one(
        steps in proptest::collection::vec((0_u8..4, 0_u32..8, 1_u32..9), 1..120),
    ) {
        let mut table = WireTable::new(CONFIG);
        let mut rebuilt = WireTable::new(CONFIG);
        let mut uses = [0_u32; 8];
        for (step, slot, amount) in steps {
            let new = id(slot, uses[slot as usize]);
            let urn = table.cancel_urns(slot)[0].max(table.cancel_urns(slot)[1]);
            match step {
                0 => if let Ok(urn) = table.assign_new(new) {
                    uses[slot as usize] += 1;
                    rebuilt.restore_new(urn, new).unwrap();
                },
                1 => if let Ok((_, urn)) = table.assign_replace(new) {
                    uses[slot as usize] += 1;
                    rebuilt.restore_replace(urn, new).unwrap();
                },
                2 => for table in [&mut table, &mut rebuilt] {
                    table.on_live(urn, VenueOrdId(7), amount);
                },
                _ => for table in [&mut table, &mut rebuilt] {
                    table.on_reduced(urn, amount);
                },
            }
            for slot in 0..8 {
                prop_assert_eq!(table.cancel_urns(slot), rebuilt.cancel_urns(slot));
            }
            prop_assert_eq!(table.open_count(), rebuilt.open_count());
            prop_assert_eq!(table.next_urn(), rebuilt.next_urn());
        }
    }
}
