//! The journal in a database: SQLite, or PostgreSQL with the feature `postgres`.
//!
//! ```text
//!   Follower ─► record: rows of 17 tables ─► Batch: each key once ─► Store: one transaction:
//!                                                            rows and place in the journal
//! ```
//!
//! What holds:
//! - The place in the journal is committed with the rows before it: a process that is killed at any
//!   point goes on where the database stands, and each record is in it once.
//! - A row is a function of the journal's records in their order, so that a database that was
//!   rebuilt holds the same, whatever kind it is.
//! - Money, prices and quantities are integers; the scale stands in the column's name.
//! - Every row says whose it is: the engine beside the database, or one of a desk's engines.
//! - A second writer is found out by a generation that each commit raises.

mod batch;
mod chain;
mod connection;
mod database;
mod engine;
mod error;
mod files;
mod money;
mod opening;
#[cfg(feature = "postgres")]
mod postgres;
mod prune;
mod publish;
mod rebuild;
mod record;
mod schema;
mod service;
mod sqlite;
mod table;
mod target;
mod writer;

pub use batch::Batch;
pub use chain::ChainEnd;
pub use database::{Database, DatabaseError, Dialect, Insert, Value};
pub use engine::{Engine, EngineId, StreamPlace};
pub use error::StoreError;
#[cfg(feature = "nats")]
pub(crate) use files::Lock;
pub use files::{backup, restore, whole};
pub use money::amount;
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
pub use prune::{Pruned, today};
pub use rebuild::{Difference, behind, compare, rebuild};
pub use schema::{MIGRATIONS, Migration, Version, migrate, version, view_names};
pub use service::{Progress, Settings, StoreService};
pub use sqlite::Sqlite;
pub use target::{Password, Target};
pub use writer::{Fingerprint, Store};
