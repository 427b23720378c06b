//! One packet: length, type, payload.

/// Bytes before the payload: length (2) and type (1).
pub const FRAME_HEADER_BYTES: usize = 3;
/// Greatest payload: the length field counts the type byte too.
pub const PAYLOAD_BYTES_MAX: usize = u16::MAX as usize - 1;
/// Greatest packet with its length field.
pub const PACKET_BYTES_MAX: usize = u16::MAX as usize + 2;

/// A packet in the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The type byte.
    pub kind: u8,
    /// What follows the type byte.
    pub payload: &'a [u8],
}

/// Frames in place: the payload already lies at `out[FRAME_HEADER_BYTES..]`. Returns the length of
/// the packet; `None`, with nothing written, when the payload is too long or not within `out`.
#[must_use]
pub fn frame(kind: u8, payload_bytes: usize, out: &mut [u8]) -> Option<usize> {
    let len = u16::try_from(payload_bytes.checked_add(1)?).ok()?.to_be_bytes();
    let end = payload_bytes.checked_add(FRAME_HEADER_BYTES)?;
    let [first, second, letter, ..] = out.get_mut(..end)? else { return None };
    [*first, *second] = len;
    *letter = kind;
    Some(end)
}

/// Writes a whole packet. Returns its length; `None` when it does not fit.
#[must_use]
pub fn packet(kind: u8, payload: &[u8], out: &mut [u8]) -> Option<usize> {
    let len = frame(kind, payload.len(), out)?;
    out.get_mut(FRAME_HEADER_BYTES..len)?.copy_from_slice(payload);
    Some(len)
}
