//! Who is asking: apps and their installations, staff and their roles. Unknown is denied.

pub mod admin;
mod caller;
pub mod http;
mod installations;
mod keys;
mod role;
mod signature;
mod signed;

pub use caller::{AppCaller, InstallationCaller, StaffCaller};
pub use role::{Permission, Role};
pub use signed::{Nonce, purge};
