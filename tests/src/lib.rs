//! Tests of the whole: each file under `tests/` asks one question of the built program through its
//! public face. This library holds what several of them share.
//!
//! ```text
//! layers   who may know whom                    abi      every size, offset and the layout hash
//! sim      real stages, virtual clock, seeds    crash    kill -9 at any moment
//! fuzz     decoders under mutated bytes
//! ```
#![forbid(unsafe_code)]

pub mod decoder;
pub mod effort;
pub mod memory;
pub mod mutation;
pub mod random;
