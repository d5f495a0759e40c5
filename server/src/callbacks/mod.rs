//! Callbacks: what a person asked for, from the request to its end.

mod admission;
mod attempts;
mod create;
mod customer;
pub mod deadlines;
mod desk;
pub mod http;
pub mod model;
mod offer;
mod prepared;
mod purge;
mod record;
pub(crate) mod spoken;
mod staff;
pub mod staff_http;
mod times;
mod view;

pub use admission::{Asked, dry_run};
pub use attempts::dialed;
pub(crate) use create::check_context;
pub use create::{NewCallback, create, request};
pub(crate) use customer::find_own;
pub use customer::{answer, cancel_own, change_number_own, list_own, reschedule_own, show_own, snooze_own};
pub use desk::{Completion, accept, finish, pass, report};
pub use offer::offer;
pub(crate) use prepared::seal_context;
pub use purge::archive;
pub use record::{Record, Seat, apply, find, find_for_update, find_of_agent, later};
pub use staff::{Attempt, StaffCallback, cancel_by_staff, list, show, show_to_desk};
pub(crate) use staff::{open_context, open_text};
pub use times::reschedule;
pub(crate) use times::sleep_while_closed;
