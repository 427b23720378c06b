//! One file a command: its arguments, and what it calls.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod cache;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod control;
pub(crate) mod demo;
pub(crate) mod desk;
pub(crate) mod doctor;
pub(crate) mod engine;
pub(crate) mod exchange;
pub(crate) mod journal;
pub(crate) mod latency;
pub(crate) mod limits;
pub(crate) mod order;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod services;
pub(crate) mod store;
pub(crate) mod top;
pub(crate) mod trace;
