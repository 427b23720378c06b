//! Tests of the whole: each file under `tests/` asks one question of the built program through its
//! public face, and this library is empty on purpose.
//!
//! ```text
//! layers   who may know whom                    abi      every size, offset and the layout hash
//! sim      real stages, virtual clock, seeds    crash    kill -9 at any moment
//! ```
#![forbid(unsafe_code)]
