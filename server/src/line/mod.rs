//! The line as people see it: who waits where, how long it takes, and what happened in it that tells.

mod board;
mod counts;
mod place;

pub use board::Board;
pub(crate) use counts::{agent_moved, counted_in, follow};
pub use counts::{ahead_of, forget_before, open_of_service, waiting_in};
pub use place::{Place, place_of, wait_of_next};
