//! Filled in with the strategies' tests.
