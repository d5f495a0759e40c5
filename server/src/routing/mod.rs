//! Who serves whom: queues, skills and agents, and the reservation that is never doubled.

pub mod agents;
pub mod http;
pub mod matcher;
pub mod matching;
pub mod pacing;
pub mod requirements;
pub mod resources;
pub mod resources_http;
