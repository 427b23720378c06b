//! The tagged options after the fixed fields.
//!
//! `len:1 tag:1 value`, where `len` = 1 + value bytes and excludes itself; any order of tags.
//! Unknown tags are kept in the bytes and skipped by the iterator; a known tag of another size is a
//! fault.

use super::message::{DecodeError, EncodeError};

/// Bytes an [`AppendageBuf`] holds: every known tag once (124 bytes) fits.
pub const APPENDAGE_BYTES_MAX: usize = 128;

/// The options of a message: absent (short form), or well-formed bytes without the length field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appendage<'a> {
    bytes: Option<&'a [u8]>,
}

impl<'a> Appendage<'a> {
    /// Not there at all: the short form.
    pub const ABSENT: Self = Self { bytes: None };
    /// There, with no options.
    pub const EMPTY: Self = Self { bytes: Some(&[]) };

    /// Takes the bytes after the length field, if every option in them is well formed.
    ///
    /// # Errors
    /// [`DecodeError::BadOption`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut rest = bytes;
        while let Some((tag, value, tail)) = split_option(rest)? {
            if let Some(size) = Tag::value_bytes(tag)
                && size != value.len()
            {
                return Err(DecodeError::BadOption);
            }
            rest = tail;
        }
        Ok(Self { bytes: Some(bytes) })
    }

    /// The bytes, without the length field; `None` when absent.
    #[must_use]
    pub const fn bytes(self) -> Option<&'a [u8]> {
        self.bytes
    }

    /// The known options in wire order.
    #[must_use]
    pub const fn options(self) -> Options<'a> {
        Options {
            rest: match self.bytes {
                Some(bytes) => bytes,
                None => &[],
            },
        }
    }
}

/// Iterates the known options; unknown tags are skipped.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    rest: &'a [u8],
}

impl Iterator for Options<'_> {
    type Item = Tag;

    fn next(&mut self) -> Option<Tag> {
        // Every turn takes at least two bytes, so the loop ends with the appendage.
        while let Ok(Some((tag, value, tail))) = split_option(self.rest) {
            self.rest = tail;
            if let Some(option) = Tag::read(tag, value) {
                return Some(option);
            }
        }
        None
    }
}

/// Tag, value and what follows.
type Split<'a> = (u8, &'a [u8], &'a [u8]);

/// The first option; `None` at the end.
fn split_option(bytes: &[u8]) -> Result<Option<Split<'_>>, DecodeError> {
    let Some((&len, rest)) = bytes.split_first() else { return Ok(None) };
    let (option, tail) = rest.split_at_checked(len.into()).ok_or(DecodeError::BadOption)?;
    let (&tag, value) = option.split_first().ok_or(DecodeError::BadOption)?;
    Ok(Some((tag, value, tail)))
}

/// Builds an appendage in place.
#[derive(Clone, Copy, Debug)]
pub struct AppendageBuf {
    bytes: [u8; APPENDAGE_BYTES_MAX],
    /// In `0..=APPENDAGE_BYTES_MAX`.
    len: usize,
}

impl Default for AppendageBuf {
    fn default() -> Self {
        Self::new()
    }
}

impl AppendageBuf {
    /// No options yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; APPENDAGE_BYTES_MAX], len: 0 }
    }

    /// Adds an option.
    ///
    /// # Errors
    /// [`EncodeError::NoRoom`]: [`APPENDAGE_BYTES_MAX`] reached; nothing was added.
    pub fn push(&mut self, option: Tag) -> Result<(), EncodeError> {
        let room = self.bytes.get_mut(self.len..).ok_or(EncodeError::NoRoom)?;
        self.len += option.write(room).ok_or(EncodeError::NoRoom)?;
        Ok(())
    }

    /// The appendage built so far.
    #[must_use]
    pub fn view(&self) -> Appendage<'_> {
        Appendage { bytes: Some(self.bytes.get(..self.len).unwrap_or(&[])) }
    }
}

/// A value of fixed size, big-endian or text.
trait Value: Copy {
    const BYTES: usize = size_of::<Self>();
    fn read(bytes: &[u8]) -> Option<Self>;
    fn write(self, out: &mut [u8]) -> Option<()>;
}

macro_rules! integer_values {
    ($($ty:ty)*) => {$(
        impl Value for $ty {
            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_be_bytes)
            }
            fn write(self, out: &mut [u8]) -> Option<()> {
                out.first_chunk_mut().map(|chunk| *chunk = self.to_be_bytes())
            }
        }
    )*};
}

integer_values!(u8 u16 u32 i32 u64);

impl Value for [u8; 4] {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
    fn write(self, out: &mut [u8]) -> Option<()> {
        out.first_chunk_mut().map(|chunk| *chunk = self)
    }
}

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident($ty:ty) = $tag:literal,)*) => {
        /// One option. Source: OUCH 5.0, option tags.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Tag {
            $($(#[$doc])* $name($ty),)*
        }

        impl Tag {
            /// Every tag number the document names.
            pub const KNOWN: &'static [u8] = &[$($tag),*];

            /// Bytes of a known tag's value; `None` for a tag the document does not name.
            #[must_use]
            pub const fn value_bytes(tag: u8) -> Option<usize> {
                match tag {
                    $($tag => Some(<$ty as Value>::BYTES),)*
                    _ => None,
                }
            }

            /// The tag number.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$name(_) => $tag,)*
                }
            }

            fn read(tag: u8, value: &[u8]) -> Option<Self> {
                match tag {
                    $($tag => <$ty as Value>::read(value).map(Self::$name),)*
                    _ => None,
                }
            }

            /// Writes length, tag and value; the bytes written, `None` when they do not fit.
            fn write(self, out: &mut [u8]) -> Option<usize> {
                let ([len, tag], value) = out.split_first_chunk_mut::<2>()?;
                match self {
                    $(Self::$name(field) => {
                        field.write(value)?;
                        *len = 1 + <$ty as Value>::BYTES as u8;
                        *tag = $tag;
                        Some(2 + <$ty as Value>::BYTES)
                    })*
                }
            }
        }
    };
}

tags! {
    /// Number of the hidden part.
    SecondaryOrdRefNum(u64) = 1,
    /// Firm.
    Firm([u8; 4]) = 2,
    /// Least shares of an execution.
    MinQty(u32) = 3,
    /// Retail `R` or not `N`.
    CustomerType(u8) = 4,
    /// Shares displayed of a reserve order.
    MaxFloor(u32) = 5,
    /// Limit `L`, pegs `P` `M` `R` `Q`, midpoint `m`.
    PriceType(u8) = 6,
    /// Peg offset, ten-thousandths, signed.
    PegOffset(i32) = 7,
    /// Discretion price, ten-thousandths.
    DiscretionPrice(u64) = 9,
    /// As `PriceType`.
    DiscretionPriceType(u8) = 10,
    /// Discretion peg offset, ten-thousandths, signed.
    DiscretionPegOffset(i32) = 11,
    /// Post only `P` or not `N`.
    PostOnly(u8) = 12,
    /// Range of random refreshes, shares.
    RandomReserves(u32) = 13,
    /// Route.
    Route([u8; 4]) = 14,
    /// Seconds, below 86,400.
    ExpireTime(u32) = 15,
    /// Trade now `Y` or not `N`.
    TradeNow(u8) = 16,
    /// Handling instruction.
    HandleInst(u8) = 17,
    /// Weight at the best price.
    BboWeight(u8) = 18,
    /// Shares now displayed.
    DisplayQty(u32) = 22,
    /// Price now displayed, ten-thousandths.
    DisplayPrice(u64) = 23,
    /// Group of orders for mass cancel.
    GroupId(u16) = 24,
    /// Shares located; must be repeated on a replace.
    SharesLocated(u8) = 25,
    /// Locate broker; must be repeated on a replace.
    LocateBroker([u8; 4]) = 26,
    /// Side, for mass cancel.
    Side(u8) = 27,
    /// Flow channel.
    UserRefIdx(u8) = 28,
}
