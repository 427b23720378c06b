//! Generations: what an entry is compared with, and since when that comparison counts.

use shm::units::Nanos;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Slots that keys and tags are hashed to. A collision costs a fill.
pub const SLOTS: u16 = 4_096;

/// The slot of a key or a tag, the same in every process: FNV-1a, folded.
pub(super) fn slot_of(family: u8, name: &str) -> u16 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in std::iter::once(family).chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    ((hash ^ (hash >> 32)) % u64::from(SLOTS)) as u16
}

/// A number that nobody else has; it guards nothing.
pub(super) fn chance() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The generations of some slots, in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Which table: another one has other generations under the same numbers.
    pub(super) table: u64,
    /// By slot.
    pub(super) slots: Vec<(u16, u64)>,
}

/// A generation of this process alone, until a comparison brings the shared one.
#[derive(Clone, Copy, Debug)]
struct Own {
    /// Unlike any generation of a shared table: its highest bit is set.
    value: u64,
    /// Which drop of this process the shared table does not have yet.
    owed: Option<u64>,
}

#[derive(Debug)]
struct Table {
    id: u64,
    shared: Vec<u64>,
    own: BTreeMap<u16, Own>,
    next: u64,
    /// When the comparison that counts was asked for.
    compared: Option<Nanos>,
    /// First comparison after `grace` without.
    returns: Option<Nanos>,
    comparisons: u64,
}

/// How long a comparison counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// What was not compared for longer is filled again.
    pub(super) stale_max: Nanos,
    /// After this long without, comparisons count only this long after the first: by then whoever
    /// dropped something meanwhile has delivered it. At most half of `stale_max`.
    pub(super) grace: Nanos,
}

/// The table of one process.
#[derive(Debug)]
pub(super) struct Generations {
    table: RwLock<Table>,
    /// `None`: nobody shares it, it is always right.
    bounds: Option<Bounds>,
}

/// What a comparison began with.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    asked: Nanos,
    delivered: Vec<(u16, u64)>,
}

impl Generations {
    /// An empty table of the number `id`.
    pub(super) fn new(id: u64, bounds: Option<Bounds>) -> Self {
        let table = Table {
            id,
            shared: vec![0; usize::from(SLOTS)],
            own: BTreeMap::new(),
            next: chance() | 1 << 63,
            compared: None,
            returns: None,
            comparisons: 0,
        };
        Self { table: RwLock::new(table), bounds }
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an entry that is filled from now on carries.
    pub(super) fn stamp(&self, slots: &[u16]) -> Stamp {
        let table = self.read();
        Stamp { table: table.id, slots: slots.iter().map(|&at| (at, table.of(at))).collect() }
    }

    /// Whether nothing of it was dropped since, as far as this process knows.
    pub(super) fn holds(&self, stamp: &Stamp) -> bool {
        let table = self.read();
        table.id == stamp.table && stamp.slots.iter().all(|&(at, was)| table.of(at) == was)
    }

    /// Whether what this process knows is young enough; `own_fill` is when this process began to
    /// fill the entry itself.
    pub(super) fn is_known(&self, now: Nanos, own_fill: Option<Nanos>) -> bool {
        let Some(bounds) = self.bounds else { return true };
        let within = |at: Nanos| within(at, now, bounds.stale_max);
        own_fill.is_some_and(within) || self.read().compared.is_some_and(within)
    }

    /// Drops what carries one of `slots`, here and now; which drops they are, for
    /// [`Self::delivered`].
    pub(super) fn drop_own(&self, slots: &[u16]) -> Vec<(u16, u64)> {
        let mut table = self.write();
        let mut own = |&at: &u16| {
            let value = table.fresh();
            table.own.insert(at, Own { value, owed: Some(value) });
            (at, value)
        };
        slots.iter().map(&mut own).collect()
    }

    /// Puts back what an earlier process dropped.
    pub(super) fn restore(&self, own: &[(u16, u64)]) {
        let mut table = self.write();
        for &(at, value) in own.iter().filter(|(at, _)| *at < SLOTS) {
            table.own.insert(at, Own { value, owed: Some(value) });
        }
    }

    /// Somebody else dropped something: what is kept here of it ends, and the next comparison
    /// brings the generation.
    pub(super) fn heard(&self, slots: &[u16]) {
        let mut table = self.write();
        for &at in slots.iter().filter(|at| **at < SLOTS) {
            let owed = table.own.get(&at).and_then(|own| own.owed);
            let value = table.fresh();
            table.own.insert(at, Own { value, owed });
        }
    }

    /// The shared table has these.
    pub(super) fn delivered(&self, sent: &[(u16, u64)]) {
        let mut table = self.write();
        for (at, which) in sent {
            if let Some(own) = table.own.get_mut(at).filter(|own| own.owed == Some(*which)) {
                own.owed = None;
            }
        }
    }

    /// What the shared table does not have yet.
    pub(super) fn undelivered(&self) -> Vec<(u16, u64)> {
        let table = self.read();
        table.own.iter().filter_map(|(&at, own)| Some((at, own.owed?))).collect()
    }

    /// All that was dropped here and that no comparison has brought.
    pub(super) fn all_own(&self) -> Vec<(u16, u64)> {
        self.read().own.iter().map(|(&at, own)| (at, own.value)).collect()
    }

    /// A comparison is about to be asked for.
    pub(super) fn begin(&self, asked: Nanos) -> Comparison {
        let table = self.read();
        let delivered = table.own.iter().filter(|(_, own)| own.owed.is_none());
        Comparison { asked, delivered: delivered.map(|(&at, own)| (at, own.value)).collect() }
    }

    /// It came: the table `id`, by slot, where a slot that is not named is at 0.
    pub(super) fn learn(&self, begun: &Comparison, id: u64, found: &[(u16, u64)]) {
        let Some(bounds) = self.bounds else { return };
        let mut table = self.write();
        table.comparisons += 1;
        let is_new = table.id != id;
        table.id = id;
        table.shared.fill(0);
        for &(at, generation) in found {
            if let Some(place) = table.shared.get_mut(usize::from(at)) {
                *place = generation;
            }
        }
        for (at, value) in &begun.delivered {
            if table.own.get(at).is_some_and(|own| own.value == *value) {
                table.own.remove(at);
            }
        }
        let asked = begun.asked;
        let counts = table.compared.is_some_and(|at| within(at, asked, bounds.grace));
        let returns = table.returns.filter(|at| *at <= asked);
        let first = *table.returns.insert(returns.unwrap_or(asked));
        // Of a new table nothing of before counts anyway.
        let waited = asked.0 - first.0 >= bounds.grace.0;
        let was_known = table.comparisons > 1;
        if counts || waited || is_new && was_known {
            (table.compared, table.returns) = (Some(asked), None);
        }
    }

    /// When the comparison that counts was asked for.
    pub(super) fn compared(&self) -> Option<Nanos> {
        self.read().compared
    }

    /// Comparisons so far.
    #[cfg(feature = "redis")]
    pub(super) fn comparisons(&self) -> u64 {
        self.read().comparisons
    }
}

impl Table {
    fn of(&self, at: u16) -> u64 {
        let own = self.own.get(&at).map(|own| own.value);
        own.or_else(|| self.shared.get(usize::from(at)).copied()).unwrap_or(0)
    }

    fn fresh(&mut self) -> u64 {
        let value = self.next;
        self.next = self.next.wrapping_add(1) | 1 << 63;
        value
    }
}

/// Whether `at` is not after `now`, and at most `bound` before.
fn within(at: Nanos, now: Nanos, bound: Nanos) -> bool {
    now.0.checked_sub(at.0).is_some_and(|age| age <= bound.0)
}
