//! Telling other systems of events over HTTP, as Standard Webhooks wants it: endpoints, the outbox and its worker, and
//! what became of each delivery.

pub mod client;
pub mod endpoints;
pub mod history;
pub mod http;
pub mod message;
pub mod outbox;
pub mod replay;
pub mod retry;
pub mod secret;
pub mod worker;
