//! Whether the messages of a recording are whole: lengths are those of their types, times do not
//! fall, types are known. A file that is damaged in the middle shows there, and is not read on:
//! what follows the first wrong length is read out of step.

use crate::codec::itch50::length_of;

/// Messages of types that are not known, in a row, beyond which it is damage and not a new type.
const UNKNOWN_MAX: u32 = 8;
/// Most that a time may be before the latest one, ns: sources of a tape differ by less.
const FALL_MAX: u64 = 1_000_000_000;
/// Times are of a day.
const DAY: u64 = 86_400_000_000_000;

/// What was seen of the messages so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sound {
    latest: u64,
    unknown: u32,
}

impl Sound {
    /// Looks at one message, whose time is `at`; what is wrong with it, if anything.
    ///
    /// Source: TotalView-ITCH 5.0, section 4: the length of each type, and its time of day.
    pub(super) fn judge(&mut self, message: &[u8], at: u64) -> Result<(), String> {
        let kind = message.first().copied().unwrap_or_default();
        let bytes = message.len();
        let Some(length) = length_of(kind) else {
            self.unknown += 1;
            if self.unknown > UNKNOWN_MAX {
                return Err(format!("{} messages in a row are of no known type", self.unknown));
            }
            return Ok(());
        };
        self.unknown = 0;
        if bytes != length {
            let kind = char::from(kind);
            return Err(format!("a message of type {kind} has {bytes} bytes and not {length}"));
        }
        if at >= DAY {
            return Err("a time is beyond the end of its day".to_owned());
        }
        if at.saturating_add(FALL_MAX) < self.latest {
            let ms = (self.latest - at) / 1_000_000;
            return Err(format!("the times of its messages fall by {ms} ms"));
        }
        self.latest = self.latest.max(at);
        Ok(())
    }

    /// Another session begins: its day is its own.
    pub(super) fn begin(&mut self) {
        *self = Self::default();
    }
}
