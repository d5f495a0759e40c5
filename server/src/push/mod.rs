//! Reaching a device while its app sleeps: the registry of devices, the outbox and its worker, the clients for APNs,
//! FCM and Web Push, and the one vocabulary for what became of a push.

pub mod action;
pub mod apns;
pub mod check;
pub mod connection;
pub mod credentials;
pub mod devices;
pub mod fcm;
pub mod history;
pub mod http;
pub mod lane;
pub mod message;
pub mod outbox;
pub mod outcome;
pub mod web_push;
pub mod worker;
