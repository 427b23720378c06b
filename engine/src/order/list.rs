//! A list of slots in the order in which they joined it: joining and leaving anywhere in constant
//! time, in memory made once.

const NIL: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    previous: u32,
    next: u32,
    linked: bool,
}

/// Slots in the order in which they joined.
#[derive(Clone, Debug)]
pub struct SlotList {
    links: Box<[Link]>,
    first: u32,
    last: u32,
    count: u32,
}

impl SlotList {
    /// An empty list over slots `0..slots`.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        let link = Link { previous: NIL, next: NIL, linked: false };
        Self { links: vec![link; slots].into(), first: NIL, last: NIL, count: 0 }
    }

    /// Makes a slot be in the list, or not: a new one joins at the end, one that is there keeps its
    /// place.
    #[inline]
    pub fn set(&mut self, slot: u32, joins: bool) {
        let Some(link) = self.links.get_mut(slot as usize) else { return };
        if joins == link.linked {
            return;
        }
        let Link { previous, next, .. } = *link;
        if joins {
            *link = Link { previous: self.last, next: NIL, linked: true };
            match self.links.get_mut(self.last as usize) {
                Some(tail) => tail.next = slot,
                None => self.first = slot,
            }
            self.last = slot;
            self.count += 1;
        } else {
            *link = Link { previous: NIL, next: NIL, linked: false };
            match self.links.get_mut(previous as usize) {
                Some(before) => before.next = next,
                None => self.first = next,
            }
            match self.links.get_mut(next as usize) {
                Some(after) => after.previous = previous,
                None => self.last = previous,
            }
            self.count -= 1;
        }
    }

    /// Whether a slot is in the list.
    #[must_use]
    #[inline]
    pub fn has(&self, slot: u32) -> bool {
        self.links.get(slot as usize).is_some_and(|link| link.linked)
    }

    /// The first slot.
    #[must_use]
    pub const fn first(&self) -> Option<u32> {
        if self.first == NIL { None } else { Some(self.first) }
    }

    /// The slot behind another, which is in the list.
    #[must_use]
    pub fn after(&self, slot: u32) -> Option<u32> {
        let next = self.links.get(slot as usize)?.next;
        (next != NIL).then_some(next)
    }

    /// Slots in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        core::iter::successors(self.first(), |slot| self.after(*slot))
    }

    /// How many slots are in it.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }
}
