//! Services: what people ask a call for, with every setting of it.

pub mod policy;
mod setup;

pub use policy::ServiceSetup;
pub use setup::{Pause, Service, Setup, SetupCache, changed};
