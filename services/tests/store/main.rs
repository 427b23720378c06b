//! The store as a whole: one suite for every database, kills, copies, migrations.

mod audit;
mod exactly_once;
mod files;
mod journal;
mod place;
mod prune;
mod reads;
mod samples;
mod suite;
