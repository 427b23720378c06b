//! Benches, one question per file; what they share is empty so far. Instruction counts, which a
//! loaded machine does not move, are taken by the program `instructions`.
#![forbid(unsafe_code)]
