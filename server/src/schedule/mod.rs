//! When a centre calls: opening hours, capacity in slots, and the times people choose.

pub mod calendar;
mod hours;
mod offsets;
pub mod wall;
