//! Packets that arrived ahead of a gap: a fixed number, kept in sequence order.
#![forbid(unsafe_code)]

use super::packet::Packet;
use shm::units::Nanos;

/// A kept packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'a> {
    /// Sequence of its first message.
    pub(super) seq: u64,
    /// Its messages.
    pub(super) count: u16,
    /// When it arrived.
    pub(super) t0: Nanos,
    /// Its checked blocks.
    pub(super) blocks: &'a [u8],
}

/// What became of a packet that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Kept. With `evicted`, the packet furthest ahead gave way.
    Kept {
        /// Whether another packet was given up.
        evicted: bool,
    },
    /// A packet with the same first sequence and no fewer messages is kept already.
    Known,
    /// No room, and the packet is further ahead than all that are kept.
    Full,
    /// Longer than a place.
    TooLong,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    seq: u64,
    count: u16,
    bytes: u32,
    t0: Nanos,
}

/// The places, made once. `order[..used]` are the used places by rising sequence, the rest is free.
#[derive(Debug)]
pub(super) struct Reorder {
    places: Box<[Place]>,
    bytes: Box<[u8]>,
    order: Box<[u16]>,
    used: usize,
    packet_bytes_max: usize,
}

impl Reorder {
    /// Room for `packets` packets of at most `packet_bytes_max` bytes after the header.
    pub(super) fn new(packets: u16, packet_bytes_max: usize) -> Self {
        Self {
            places: vec![Place::default(); usize::from(packets)].into(),
            bytes: vec![0; usize::from(packets) * packet_bytes_max].into(),
            order: (0..packets).collect(),
            used: 0,
            packet_bytes_max,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.used
    }

    pub(super) const fn clear(&mut self) {
        self.used = 0;
    }

    fn place(&self, at: usize) -> Option<(&Place, usize)> {
        let index = usize::from(*self.order.get(..self.used)?.get(at)?);
        Some((self.places.get(index)?, index))
    }

    /// The kept packet with the lowest sequence.
    pub(super) fn first(&self) -> Option<Kept<'_>> {
        let (place, index) = self.place(0)?;
        let start = index * self.packet_bytes_max;
        let blocks = self.bytes.get(start..start + place.bytes as usize)?;
        Some(Kept { seq: place.seq, count: place.count, t0: place.t0, blocks })
    }

    /// The first message at or after `from` that no kept packet holds, and the first of the next
    /// kept packet, if any.
    pub(super) fn hole_from(&self, from: u64) -> (u64, Option<u64>) {
        let used = self.order.get(..self.used).unwrap_or_default();
        let of = |index: &u16| self.places.get(usize::from(*index)).copied().unwrap_or_default();
        let after = used.partition_point(|index| of(index).seq <= from);
        let mut from = from;
        // The packet before may reach over it; overlaps deeper than one only cost a request.
        for index in used.get(after.saturating_sub(1)..).unwrap_or_default() {
            let place = of(index);
            if place.seq > from {
                return (from, Some(place.seq));
            }
            from = from.max(place.seq.saturating_add(u64::from(place.count)));
        }
        (from, None)
    }

    /// Gives up the packet with the lowest sequence.
    pub(super) fn drop_first(&mut self) {
        if let Some(order) = self.order.get_mut(..self.used)
            && !order.is_empty()
        {
            order.rotate_left(1);
            self.used -= 1;
        }
    }

    /// Keeps a data packet.
    pub(super) fn keep(&mut self, packet: &Packet<'_>, t0: Nanos) -> Keep {
        let (seq, count, blocks) = (packet.seq(), packet.count(), packet.blocks());
        if blocks.len() > self.packet_bytes_max {
            return Keep::TooLong;
        }
        // Packets come nearly in order: look from the end.
        let mut at = self.used;
        while let Some((before, _)) = at.checked_sub(1).and_then(|before| self.place(before)) {
            if before.seq == seq && before.count >= count {
                return Keep::Known;
            }
            if before.seq <= seq {
                break;
            }
            at -= 1;
        }
        let evicted = self.used == self.places.len();
        if evicted {
            if at == self.used {
                return Keep::Full;
            }
            self.used -= 1;
        }
        let Some(order) = self.order.get_mut(at..=self.used) else { return Keep::Full };
        order.rotate_right(1);
        let Some(index) = order.first().map(|index| usize::from(*index)) else { return Keep::Full };
        self.used += 1;
        let start = index * self.packet_bytes_max;
        if let Some(bytes) = self.bytes.get_mut(start..start + blocks.len()) {
            bytes.copy_from_slice(blocks);
        }
        if let Some(place) = self.places.get_mut(index) {
            // In range of u32: a place is no longer than a datagram.
            *place = Place { seq, count, bytes: blocks.len() as u32, t0 };
        }
        Keep::Kept { evicted }
    }
}
