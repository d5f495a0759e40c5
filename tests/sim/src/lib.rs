//! A simulated contact centre that drives the server's own matching and wait estimate: how long people wait, and how
//! true what they are told is. `cargo xtask sim` runs it and writes `docs/simulation.md`.

pub mod centre;
pub mod chart;
mod draw;
pub mod gates;
pub mod lines;
mod outcome;
mod people;
mod quotes;
pub mod report;
mod rivals;
mod score;
mod world;

pub use outcome::{Day, Outcome, Stability, Unstaffed};
pub use quotes::{ESTIMATORS, LAST_32, RINGBACK, Said};
pub use score::{Accuracy, Score, Service};
pub use world::simulate;
