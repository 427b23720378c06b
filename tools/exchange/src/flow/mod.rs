//! Where the background orders come from: a seeded generator, or a recording.

mod generator;
mod symbols;
#[cfg(test)]
mod tests;

pub use generator::{Generator, GeneratorOptions};
pub use symbols::{SymbolSpec, TICK_CENT, built_in, name_of, parse_list};

/// Why a list of symbols was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolsError {
    /// A name is empty, over 8 characters or not printable ASCII.
    #[error("symbol {0:?}: a name has 1 to 8 printable characters")]
    Name(String),
    /// A prior close is missing or out of range.
    #[error("symbol {0:?}: give a prior close from 0.01 to 200000, as {0}=12.34")]
    Close(String),
}
