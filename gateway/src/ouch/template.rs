//! Packets made before the start: a message whose options are always the same is copied whole and
//! has its fields patched, where it lies.

use super::request::write;
use crate::codec::ouch50::{AppendageBuf, Message};
use crate::session::soupbintcp::FRAME_HEADER_BYTES;
use core::marker::PhantomData;

/// Bytes of a template: a cache line, copied whole whatever the length of the packet.
const BYTES: usize = 64;
/// Bytes of a packet before the fixed fields: frame and type.
const FIELDS_AT: usize = FRAME_HEADER_BYTES + 1;

/// A packet with everything in it that is the same for every message of its kind.
#[derive(Debug)]
pub(super) struct Template<T> {
    bytes: [u8; BYTES],
    /// Bytes of the packet, in `FIELDS_AT..=BYTES`.
    len: usize,
    _fields: PhantomData<T>,
}

impl<T: Message + Copy> Template<T> {
    /// The packet of these fields and options.
    ///
    /// # Panics
    /// When it is longer than a line: construction only.
    pub(super) fn new(fields: &T, options: &AppendageBuf) -> Self {
        let mut bytes = [0; BYTES];
        let len = write(fields, options.view(), &mut bytes);
        let len = len.unwrap_or(0);
        assert!(len >= FIELDS_AT, "the packets of orders fit a line");
        Self { bytes, len, _fields: PhantomData }
    }

    /// Writes the packet with its fields as `patch` leaves them; with other options, if there are
    /// some. Its length, `None` when it does not fit.
    #[inline(always)]
    pub(super) fn write(
        &self,
        options: Option<&AppendageBuf>,
        out: &mut [u8],
        patch: impl FnOnce(&mut T),
    ) -> Option<usize> {
        if options.is_none()
            && let Some(line) = out.first_chunk_mut::<BYTES>()
        {
            *line = self.bytes;
            let (fields, _) = T::mut_from_prefix(line.get_mut(FIELDS_AT..)?).ok()?;
            patch(fields);
            return Some(self.len);
        }
        self.write_long(options, out, patch)
    }

    /// The same of a message with options of its own, or into less room than a line.
    #[cold]
    #[inline(never)]
    fn write_long(
        &self,
        options: Option<&AppendageBuf>,
        out: &mut [u8],
        patch: impl FnOnce(&mut T),
    ) -> Option<usize> {
        let mut fields = T::read_from_prefix(self.bytes.get(FIELDS_AT..)?).ok()?.0;
        patch(&mut fields);
        if let Some(options) = options {
            return write(&fields, options.view(), out);
        }
        let (packet, end) = (self.bytes.get(..self.len)?, FIELDS_AT + size_of::<T>());
        let out = out.get_mut(..self.len)?;
        out.copy_from_slice(packet);
        out.get_mut(FIELDS_AT..end)?.copy_from_slice(fields.as_bytes());
        Some(self.len)
    }
}
