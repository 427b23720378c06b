//! Messages of a BinaryFILE that lies in memory.

/// Messages, each behind its length of 2 bytes, up to the first that is cut short.
#[derive(Clone, Debug)]
pub struct Messages<'a>(&'a [u8]);

/// The messages of `bytes`, in order.
#[must_use]
pub const fn messages(bytes: &[u8]) -> Messages<'_> {
    Messages(bytes)
}

impl<'a> Messages<'a> {
    /// What was not walked yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<2>()?;
        let (message, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.0 = rest;
        Some(message)
    }
}
