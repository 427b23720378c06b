//! The terminal that watches an engine: it maps shared memory and nothing else.

use crate::failure::Outcome;
use crate::place::Place;

pub(crate) fn print(_place: &Place) -> Outcome {
    Ok(())
}
pub(crate) fn watch(_place: &Place) -> Outcome {
    Ok(())
}
