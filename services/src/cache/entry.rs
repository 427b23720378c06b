//! An entry as it lies on every level but memory: what it is, how long it is good, and a checksum.
//!
//! # Layout
//! Little endian: magic 4 bytes, CRC32C 4 (of all that follows), version of the kind 2, count of
//! generations 2, node 8, filled 8, fresh until 8, keep until 8, table 8, then by generation slot 2
//! and value 8, then length of the key 2, the key, and the value.

use super::generations::Stamp;
use shm::units::Nanos;
use std::sync::Arc;

/// Of this layout.
const MAGIC: [u8; 4] = *b"wlc1";
/// Magic and checksum.
const HEAD: usize = 8;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Of what the value is written in; see [`super::Ask::version`].
    pub(super) version: u16,
    /// The process that filled it.
    pub(super) node: u64,
    /// When its fill began.
    pub(super) filled: Nanos,
    /// Until when it is fresh.
    pub(super) fresh_until: Nanos,
    /// Until when it may stand in for a fill that failed.
    pub(super) keep_until: Nanos,
    /// The generations of before the fill.
    pub(super) stamp: Stamp,
    /// What was filled.
    pub(super) value: Arc<[u8]>,
}

/// Bytes that are no entry of this key and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

impl Entry {
    /// Its bytes.
    pub(super) fn encode(&self, key: &str) -> Vec<u8> {
        let slots = &self.stamp.slots;
        let mut out = Vec::with_capacity(64 + slots.len() * 10 + key.len() + self.value.len());
        out.extend(MAGIC);
        out.extend([0; 4]);
        out.extend(self.version.to_le_bytes());
        out.extend(u16::try_from(slots.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend(self.node.to_le_bytes());
        for at in [self.filled, self.fresh_until, self.keep_until] {
            out.extend(at.0.to_le_bytes());
        }
        out.extend(self.stamp.table.to_le_bytes());
        for (slot, generation) in slots {
            out.extend(slot.to_le_bytes());
            out.extend(generation.to_le_bytes());
        }
        out.extend(u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend(key.as_bytes());
        out.extend(&*self.value);
        let crc = crc32c::crc32c(out.get(HEAD..).unwrap_or_default());
        if let Some(place) = out.get_mut(4..HEAD) {
            place.copy_from_slice(&crc.to_le_bytes());
        }
        out
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`Damaged`]: another checksum, another key, another version.
    pub(super) fn decode(bytes: &[u8], key: &str, version: u16) -> Result<Self, Damaged> {
        let entry = Self::read(bytes, key).ok_or(Damaged)?;
        if entry.version == version { Ok(entry) } else { Err(Damaged) }
    }

    fn read(mut bytes: &[u8], key: &str) -> Option<Self> {
        let rest = &mut bytes;
        if take::<4>(rest)? != MAGIC {
            return None;
        }
        let crc = u32::from_le_bytes(take(rest)?);
        if crc32c::crc32c(rest) != crc {
            return None;
        }
        let version = u16::from_le_bytes(take(rest)?);
        let count = u16::from_le_bytes(take(rest)?);
        let node = u64::from_le_bytes(take(rest)?);
        let mut time = || Some(Nanos(u64::from_le_bytes(take(rest)?)));
        let (filled, fresh_until, keep_until) = (time()?, time()?, time()?);
        let table = u64::from_le_bytes(take(rest)?);
        let slots = (0..count)
            .map(|_| Some((u16::from_le_bytes(take(rest)?), u64::from_le_bytes(take(rest)?))))
            .collect::<Option<Vec<_>>>()?;
        let key_bytes = usize::from(u16::from_le_bytes(take(rest)?));
        let (named, value) = rest.split_at_checked(key_bytes)?;
        let stamp = Stamp { table, slots };
        let value = Arc::from(value);
        let entry = Self { version, node, filled, fresh_until, keep_until, stamp, value };
        (named == key.as_bytes()).then_some(entry)
    }
}

fn take<const COUNT: usize>(rest: &mut &[u8]) -> Option<[u8; COUNT]> {
    let (first, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            version: 3,
            node: 77,
            filled: Nanos(1),
            fresh_until: Nanos(2),
            keep_until: Nanos(u64::MAX),
            stamp: Stamp { table: 9, slots: vec![(4095, u64::MAX), (0, 1)] },
            value: Arc::from(&b"value"[..]),
        }
    }

    /// Goal: what is written is read, and nothing else is: not with a bit changed, not shortened,
    /// not under another key or version. Method: every bit, every length.
    #[test]
    fn only_what_was_written_is_read() {
        let bytes = entry().encode("a/b");
        assert_eq!(Entry::decode(&bytes, "a/b", 3), Ok(entry()));
        assert_eq!(Entry::decode(&bytes, "a/c", 3), Err(Damaged));
        assert_eq!(Entry::decode(&bytes, "a/b", 4), Err(Damaged));
        for len in 0..bytes.len() {
            assert_eq!(Entry::decode(&bytes[..len], "a/b", 3), Err(Damaged), "{len} bytes");
        }
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Entry::decode(&changed, "a/b", 3), Err(Damaged), "bit {bit}");
        }
    }
}
