//! Reaching a device while its app sleeps: the clients for APNs and FCM, and the one vocabulary for what became of a
//! push.

pub mod apns;
pub mod connection;
pub mod outcome;
