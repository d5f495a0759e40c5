//! Callbacks: what a person asked for, from the request to its end.

mod create;
mod customer;
pub mod deadlines;
pub mod http;
pub mod model;
mod record;
mod staff;
pub mod staff_http;

pub use create::{NewCallback, create};
pub(crate) use create::{check_context, seal_context};
pub use customer::{answer, cancel_own, list_own, show_own};
pub use record::{Record, apply, find, find_for_update, find_of_agent, later};
pub use staff::{StaffCallback, cancel_by_staff, dialed, finish, list, show};
pub(crate) use staff::{open_context, open_text};
