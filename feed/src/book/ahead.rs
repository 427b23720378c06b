//! Memory asked for ahead: what a message will touch is on its way while those before it are
//! applied.
//!
//! In two steps, as the second reads what the first asked for: the order and the book of a message,
//! then, by the order's price, the cell of its level. Nothing is changed, and nothing depends on
//! what is found: a message that is not what it seems costs a line that nobody needs.
#![forbid(unsafe_code)]

use super::applied::Applied;
use super::itch::ItchBooks;
use shm::message::Side;

/// Messages between the first step and the application.
pub const FAR: usize = 16;
/// Messages between the second step and the application.
pub const NEAR: usize = 6;

/// Messages kept: a power of two above [`FAR`].
const KEPT: usize = 32;

const _: () = assert!(NEAR < FAR && FAR < KEPT);

/// Where orders change, their reference is at this offset.
const REF_AT: usize = 11;

fn be64(message: &[u8], at: usize) -> Option<u64> {
    message.get(at..)?.first_chunk().copied().map(u64::from_be_bytes)
}

fn be32(message: &[u8], at: usize) -> Option<u32> {
    message.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// What a message that changes orders is about, of any type: locate and reference.
#[inline]
fn about(message: &[u8]) -> Option<(u16, u64)> {
    let [_, high, low, ..] = *message.first_chunk::<{ REF_AT + 8 }>()?;
    Some((u16::from_be_bytes([high, low]), be64(message, REF_AT)?))
}

impl ItchBooks {
    /// The first step for a message that will be applied later: asks for its order and its book.
    #[inline]
    pub fn look_far(&self, message: &[u8]) {
        let Some((locate, order_ref)) = about(message) else { return };
        let Some(instrument) = self.instrument_of(locate) else { return };
        self.books().prefetch_order(instrument, order_ref);
        if message.first() == Some(&b'U')
            && let Some(new_ref) = be64(message, 19)
        {
            self.books().prefetch_order(instrument, new_ref);
        }
    }

    /// The second step, some messages after the first: asks for the level.
    #[inline]
    pub fn look_near(&self, message: &[u8]) {
        let Some((locate, order_ref)) = about(message) else { return };
        let Some(instrument) = self.instrument_of(locate) else { return };
        let kind = message.first().copied().unwrap_or_default();
        if matches!(kind, b'A' | b'F') {
            let side = if message.get(19) == Some(&b'B') { Side::Buy } else { Side::Sell };
            if let Some(px) = be32(message, 32) {
                self.books().prefetch_level(instrument, side, px);
            }
            return;
        }
        let Some(order) = self.books().order_at_home(order_ref) else { return };
        self.books().prefetch_level(instrument, order.side, order.px);
        if kind == b'U'
            && let Some(px) = be32(message, 31)
        {
            self.books().prefetch_level(instrument, order.side, px);
        }
    }

    /// Applies messages in order, looking ahead, and calls `each` after each of them.
    #[inline]
    pub fn apply_all<'m>(
        &mut self,
        messages: impl Iterator<Item = &'m [u8]>,
        mut each: impl FnMut(&Self, &'m [u8], &Applied),
    ) {
        let mut kept: [&[u8]; KEPT] = [&[]; KEPT];
        let mut messages = messages.fuse();
        let (mut read, mut looked, mut done) = (0_usize, 0_usize, 0_usize);
        loop {
            if let Some(message) = messages.next() {
                self.look_far(message);
                if let Some(place) = kept.get_mut(read % KEPT) {
                    *place = message;
                }
                read += 1;
                if read - done <= FAR {
                    continue;
                }
            }
            while looked < read && looked < done + NEAR + 1 {
                self.look_near(kept.get(looked % KEPT).copied().unwrap_or_default());
                looked += 1;
            }
            if done == read {
                return;
            }
            let message = kept.get(done % KEPT).copied().unwrap_or_default();
            let applied = self.apply(message);
            each(self, message, &applied);
            done += 1;
        }
    }
}
