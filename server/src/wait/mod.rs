//! How long a callback will wait. Pure: facts go in as they happen, a window of seconds comes out; no clock, no I/O.
//! `docs/simulation.md` says how well it does.
//!
//! [`Measures`] folds what happens in one line, [`AgentMeasures`] what one agent does with the time. [`estimate`] answers
//! for one place in line, and [`damp::tell`] decides which of many answers somebody who waits is told.

mod agents;
pub mod damp;
mod estimate;
mod measures;

pub use agents::{AgentMeasures, Occupation};
pub use estimate::{Inputs, Line, PlannedChange, Wait, Window, estimate};
pub use measures::{Fact, Measures, Promise};
