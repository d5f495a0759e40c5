//! A whole contact centre for tests and the demo: the real server as a process of its own, the push doubles, a seeded
//! centre, and phones that are the real SDK core.

mod android_device;
mod apple_device;
mod canaries;
mod centre;
mod look;
mod phone;
mod proof;
mod signing;
mod staff;
mod wire;

pub use android_device::{AndroidAuthority, AndroidKey, BATCH_SERIAL};
pub use apple_device::{AppleAuthority, AppleDevice, DeviceError};
pub use canaries::{context_values, names, number, numbers};
pub use centre::{Centre, CentreError, CentreSettings, TOPIC, binary};
pub use look::{LIMIT, metric, until};
pub use phone::{NotHeard, Phone, PhoneKind, push_data};
pub use proof::solve;
pub use signing::{Signing, SigningError};
pub use staff::{Staff, StaffError};
pub use wire::Wire;
