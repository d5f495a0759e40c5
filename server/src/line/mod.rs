//! The line as people see it: who waits where, how long it takes, and what happened in it that tells.

mod board;
mod counts;
mod facts;
pub mod http;
mod place;
mod staffing;
mod status;

pub use board::{Board, keep_up};
pub use counts::{Counted, ahead_of, announce_counted, counted, waiting_in};
pub(crate) use counts::{counted_in, follow};
pub(crate) use facts::agent_moved;
pub use facts::forget_before;
pub use place::{Place, StoredPromise, place_at_end, place_of, wait_of_next};
