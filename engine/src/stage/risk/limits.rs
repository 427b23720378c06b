//! Limit sets on their way to the stage: compiled by a cold thread, switched here at the `Took` of
//! their command, the old one given back to be dropped where it was made.

use super::RiskStage;
use super::sweep::is_to_cancel;
use crate::config::limits::LimitSet;
use crate::link::Full;
use crate::risk::exposure::Exposure;
use crate::risk::limits::LimitTable;
use crate::risk::scope::ScopeMap;
use crate::risk::setup;
use crate::stage::Turn;
use shm::ids::{AccountId, Cause, ClOrdId};

/// Sets that wait for the stage, or to be dropped.
const SETS_MAX: usize = 2;
/// Orders over their limits that one poll cancels.
const OVER_BATCH: usize = 16;

/// A limit set ready for the stage. All that a switch needs is allocated here.
#[derive(Debug)]
pub struct Switch {
    version: u32,
    /// The new table; the old one after the switch.
    table: Option<LimitTable>,
    /// Room to hold working orders against it.
    sums: Exposure,
}

/// What a limit set is compiled for.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// By strategy.
    accounts: Vec<AccountId>,
    map: ScopeMap,
}

impl Compiler {
    /// For the strategies, accounts and instruments of a setup. Cold.
    #[must_use]
    pub fn of(setup: &setup::Setup) -> Self {
        let accounts: Vec<AccountId> = setup.strategies.iter().map(|row| row.account).collect();
        let map = ScopeMap::new(setup.accounts.len(), accounts.len(), setup.instruments.len());
        Self { accounts, map }
    }

    /// Where the rows of scopes lie.
    #[must_use]
    pub const fn map(&self) -> ScopeMap {
        self.map
    }

    /// Compiles a set. Cold.
    #[must_use]
    pub fn compile(&self, set: &LimitSet) -> Switch {
        let table = LimitTable::compile(set, &self.accounts, self.map);
        let (version, table) = (set.version, Some(table));
        Switch { version, table, sums: Exposure::new(self.map) }
    }
}

/// The cold end: gives sets, takes old ones back.
pub struct LimitDesk {
    to: rtrb::Producer<Box<Switch>>,
    back: rtrb::Consumer<Box<Switch>>,
}

/// The stage's end.
pub struct LimitDoor {
    from: rtrb::Consumer<Box<Switch>>,
    back: rtrb::Producer<Box<Switch>>,
}

impl Default for LimitDoor {
    /// One that nothing comes through.
    fn default() -> Self {
        Self::recorded(Vec::new())
    }
}

/// Both ends. Cold.
#[must_use]
pub fn exchange() -> (LimitDesk, LimitDoor) {
    ends(SETS_MAX)
}

fn ends(sets: usize) -> (LimitDesk, LimitDoor) {
    let (to, from) = rtrb::RingBuffer::new(sets);
    let (back_to, back) = rtrb::RingBuffer::new(sets);
    (LimitDesk { to, back }, LimitDoor { from, back: back_to })
}

impl LimitDesk {
    /// Whether a set can be given.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.to.slots() > 0
    }

    /// Gives a set, ahead of its command; drops those that came back.
    ///
    /// # Errors
    /// [`Full`], while two others wait for the stage.
    pub fn give(&mut self, switch: Switch) -> Result<(), Full> {
        while self.back.pop().is_ok() {}
        self.to.push(Box::new(switch)).map_err(|_| Full)
    }
}

impl LimitDoor {
    /// The sets of a recording, in the order of their commands. Cold.
    #[must_use]
    pub fn recorded(sets: Vec<Switch>) -> Self {
        let (mut desk, door) = ends(sets.len());
        for set in sets {
            let given = desk.give(set);
            debug_assert!(given.is_ok(), "it was made for as many");
        }
        door
    }
}

impl RiskStage {
    /// Takes the set of a command: the limits of the next order. Working orders that it would not
    /// let in are told of, and listed to be cancelled where the configuration says so.
    pub(super) fn switch_limits(&mut self, version: i64) {
        // Its set was given before the command; one whose command was not given is passed over.
        let Some(mut set) = self.next_set(version) else { return };
        let switched = set.table.take().map(|table| self.risk.switch_limits(table));
        let is_switched = switched.as_ref().is_some_and(Result::is_ok);
        set.table = switched.map(|switched| switched.unwrap_or_else(|same| same));
        if is_switched {
            self.over.clear();
            let Self { risk, over, cancel_over, board, .. } = self;
            let mut named = 0;
            let count = risk.find_over(&mut set.sums, &mut |id| {
                board.show_over(named, id);
                named += 1;
                // As long as there are slots: it never grows.
                if *cancel_over && over.len() < over.capacity() {
                    over.push_back(id);
                }
            });
            board.show_over(named, ClOrdId::NONE);
            self.meters.limits_over.set(count.into());
            self.meters.limits_version.set(self.risk.limit_version().into());
        }
        // Room for as many as can be given.
        let kept = self.limits.back.push(set);
        debug_assert!(kept.is_ok(), "the old sets are taken back before another is given");
    }

    fn next_set(&mut self, version: i64) -> Option<Box<Switch>> {
        let LimitDoor { from, back } = &mut self.limits;
        // Versions rise: a higher one waits for a command of its own.
        while from.peek().is_ok_and(|set| i64::from(set.version) <= version) {
            let set = from.pop().ok()?;
            if i64::from(set.version) == version {
                return Some(set);
            }
            let kept = back.push(set);
            debug_assert!(kept.is_ok(), "the old sets are taken back before another is given");
        }
        None
    }

    /// Cancels orders over the limits of the last switch. How many.
    pub(super) fn cancel_over(&mut self, turn: &mut Turn<'_>) -> usize {
        let mut work = 0;
        while work < OVER_BATCH
            && let Some(&id) = self.over.front()
        {
            let order = self.risk.order(id).filter(|order| is_to_cancel(order));
            let newest = order.map(|order| (order.newest(), order.gateway));
            if let Some((id, gateway)) = newest {
                let ring = self.ports.approved.get(gateway.index());
                if ring.is_none_or(|ring| !ring.has_room(1)) {
                    break;
                }
                self.sweep_one(id, gateway, Cause::OVER_LIMIT, turn.clock.now(), turn);
            }
            self.over.pop_front();
            work += 1;
        }
        work
    }
}
