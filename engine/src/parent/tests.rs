//! Each type on a desk of its own, against the real risk and a venue that is told what to say.

mod kit;
mod pairs;
mod random;
mod restart;
mod slices;
mod stops;
