//! The journal as a person and a program read it.

pub(crate) mod codes;
pub(crate) mod merge;
pub(crate) mod row;
pub(crate) mod stream;
pub(crate) mod trip;
pub(crate) mod words;
