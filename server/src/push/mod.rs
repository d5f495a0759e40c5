//! Reaching a device while its app sleeps: the registry of devices, the outbox and its worker, the clients for APNs and
//! FCM, and the one vocabulary for what became of a push.

pub mod action;
pub mod apns;
pub mod connection;
pub mod credentials;
pub mod devices;
pub mod fcm;
pub mod history;
pub mod http;
mod http2;
pub mod lane;
pub mod message;
pub mod outbox;
pub mod outcome;
pub mod worker;
