//! Venue protocols: one folder or file each, wire structs, decode and encode. Endianness, text
//! symbols and implied decimals end here.

pub mod itch50;
