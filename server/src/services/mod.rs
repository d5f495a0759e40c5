//! Services: what people ask a call for, with every setting of it.

pub mod http;
pub mod policy;
mod setup;
mod store;

pub use policy::ServiceSetup;
pub use setup::{Pause, Service, Setup, SetupCache, changed};
pub use store::{
    ServicePause, create_service, list_services, names, pause_service, put_service, update_service,
};
