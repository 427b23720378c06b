//! What every message shares: a type byte, fixed fields, and a rule for the appendage.

use super::appendage::Appendage;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Whether an appendage follows the fixed fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Never: the message ends with its fixed fields.
    Bare,
    /// The length field may be absent with the appendage (short form).
    Optional,
    /// The length field is always there, zero when there are no options.
    Required,
}

/// The fixed fields of one message type, without the type byte.
pub trait Message: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + Sized {
    /// The type byte.
    const KIND: u8;
    /// The appendage rule.
    const FORM: Form;
    /// Bytes of the shortest form: type byte, fixed fields, and a required appendage length.
    const BYTES_MIN: usize =
        1 + size_of::<Self>() + if matches!(Self::FORM, Form::Required) { 2 } else { 0 };
}

/// A decoded message: fixed fields and appendage, both in the decoded bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct View<'a, T> {
    /// The fixed fields, big-endian.
    pub fields: &'a T,
    /// The options after them; well formed.
    pub appendage: Appendage<'a>,
}

impl<T> Clone for View<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for View<'_, T> {}

impl<T: Message> View<'_, T> {
    /// Writes the message; the bytes are those it was decoded from.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        encode(self.fields, self.appendage, out)
    }
}

/// Why bytes are not a message. The message is dropped whole and counted (F10).
#[must_use]
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// No bytes at all.
    Empty,
    /// A type byte that this direction does not have.
    UnknownType,
    /// Fewer bytes than the type or the appendage length asks for.
    Short,
    /// More bytes than the type or the appendage length asks for.
    Trailing,
    /// An option that runs past the appendage, has no tag, or whose size is not its tag's.
    BadOption,
}

/// Why a message was not written. The buffer's content is then unspecified.
#[must_use]
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The buffer is too small for the message.
    NoRoom,
    /// Options for a type that has no appendage, or more than a `u16` length can name.
    BadAppendage,
}

/// Decodes one message whose type the caller already knows.
///
/// # Errors
/// [`DecodeError`]; the caller drops the message and counts it.
pub fn decode<T: Message>(bytes: &[u8]) -> Result<View<'_, T>, DecodeError> {
    let (&kind, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if kind != T::KIND {
        return Err(DecodeError::UnknownType);
    }
    let (fields, rest) = T::ref_from_prefix(rest).map_err(|_| DecodeError::Short)?;
    let appendage = match (T::FORM, rest) {
        (Form::Bare | Form::Optional, []) => Appendage::ABSENT,
        (Form::Bare, _) => return Err(DecodeError::Trailing),
        (_, [high, low, options @ ..]) => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            match options.len().cmp(&len) {
                core::cmp::Ordering::Less => return Err(DecodeError::Short),
                core::cmp::Ordering::Greater => return Err(DecodeError::Trailing),
                core::cmp::Ordering::Equal => {}
            }
            Appendage::parse(options)?
        }
        _ => return Err(DecodeError::Short),
    };
    Ok(View { fields, appendage })
}

/// Writes one message and returns its length in bytes. An absent appendage gives the short form
/// where the type has one, else a zero length field.
///
/// # Errors
/// [`EncodeError::NoRoom`]: give a larger buffer. [`EncodeError::BadAppendage`]: drop the options.
pub fn encode<T: Message>(
    fields: &T,
    appendage: Appendage<'_>,
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    let (kind, rest) = out.split_first_mut().ok_or(EncodeError::NoRoom)?;
    *kind = T::KIND;
    fields.write_to_prefix(rest).map_err(|_| EncodeError::NoRoom)?;
    let fixed = 1 + size_of::<T>();
    let options = match (T::FORM, appendage.bytes()) {
        (Form::Bare | Form::Optional, None) => return Ok(fixed),
        (Form::Bare, Some(_)) => return Err(EncodeError::BadAppendage),
        (Form::Required, None) => &[],
        (Form::Optional | Form::Required, Some(options)) => options,
    };
    let len = u16::try_from(options.len()).map_err(|_| EncodeError::BadAppendage)?;
    let tail = rest.get_mut(size_of::<T>()..).ok_or(EncodeError::NoRoom)?;
    let (len_field, tail) = tail.split_at_mut_checked(2).ok_or(EncodeError::NoRoom)?;
    len_field.copy_from_slice(&len.to_be_bytes());
    tail.get_mut(..options.len()).ok_or(EncodeError::NoRoom)?.copy_from_slice(options);
    Ok(fixed + 2 + options.len())
}

/// Declares the fixed fields of message types: a wire struct, its size proof and its [`Message`]
/// rule.
macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $name:ident = $kind:literal, $form:ident, $bytes:literal {
            $($(#[$field_doc:meta])* $field:ident: $ty:ty,)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, zerocopy::FromBytes, zerocopy::IntoBytes,
            zerocopy::Immutable, zerocopy::KnownLayout, zerocopy::Unaligned,
        )]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        const _: () = assert!(<$name as $crate::codec::ouch50::Message>::BYTES_MIN == $bytes);

        impl $crate::codec::ouch50::Message for $name {
            const KIND: u8 = $kind;
            const FORM: $crate::codec::ouch50::Form = $crate::codec::ouch50::Form::$form;
        }
    )*};
}

/// Declares one direction: an enum of views with decode by type byte and encode.
macro_rules! direction {
    (
        $(#[$doc:meta])*
        $direction:ident { $($(#[$variant_doc:meta])* $variant:ident($name:ident),)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $direction<'a> {
            $($(#[$variant_doc])* $variant($crate::codec::ouch50::View<'a, $name>),)*
        }

        impl<'a> $direction<'a> {
            /// Decodes one message, borrowing from `bytes`, which must hold exactly that message.
            ///
            /// # Errors
            /// [`DecodeError`](crate::codec::ouch50::DecodeError): drop the message and count it.
            pub fn decode(bytes: &'a [u8]) -> Result<Self, $crate::codec::ouch50::DecodeError> {
                use $crate::codec::ouch50::{DecodeError, Message, decode};
                match bytes.first().copied() {
                    None => Err(DecodeError::Empty),
                    $(Some($name::KIND) => decode(bytes).map(Self::$variant),)*
                    Some(_) => Err(DecodeError::UnknownType),
                }
            }

            /// Writes the message and returns its length: the bytes it was decoded from.
            ///
            /// # Errors
            /// [`EncodeError::NoRoom`](crate::codec::ouch50::EncodeError::NoRoom): `out` is too
            /// small.
            pub fn encode(
                &self,
                out: &mut [u8],
            ) -> Result<usize, $crate::codec::ouch50::EncodeError> {
                match self {
                    $(Self::$variant(view) => view.encode(out),)*
                }
            }

            /// The type byte.
            #[must_use]
            pub const fn kind(&self) -> u8 {
                use $crate::codec::ouch50::Message;
                match self {
                    $(Self::$variant(_) => $name::KIND,)*
                }
            }

            /// Every type byte of this direction.
            pub const KINDS: &'static [u8] =
                &[$(<$name as $crate::codec::ouch50::Message>::KIND),*];
        }
    };
}

pub(super) use {direction, messages};
