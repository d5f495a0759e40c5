//! When a centre calls: opening hours, capacity in slots, and the times people choose.

pub mod bookings;
pub mod calendar;
pub mod capacity;
mod hours;
pub mod http;
mod offsets;
mod slots;
pub mod store;
mod timetable;
pub mod wall;

pub use timetable::{Promise, Timetable};
