//! A whole contact centre for tests and the demo: the real server as a process of its own, the push doubles, a seeded
//! centre, and phones that are the real SDK core.

mod canaries;
mod centre;
mod look;
mod phone;
mod proof;
mod staff;
mod wire;

pub use canaries::{context_values, names, number, numbers};
pub use centre::{Centre, CentreError, CentreSettings, TOPIC, binary};
pub use look::{LIMIT, metric, until};
pub use phone::{NotHeard, Phone, PhoneKind, push_data};
pub use proof::solve;
pub use staff::{Staff, StaffError};
pub use wire::Wire;
