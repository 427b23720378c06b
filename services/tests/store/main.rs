//! The store as a whole: one suite for every database, kills, copies, migrations.

mod exactly_once;
mod files;
mod journal;
mod place;
mod suite;
