//! Reaching a device while its app sleeps: the registry of devices, what is said and when, the outbox and its worker, the
//! clients for APNs, FCM and browsers, and the one vocabulary for what became of a push.

pub mod action;
pub mod advice;
pub mod announce;
pub mod apns;
mod apple;
pub mod breaker;
pub mod check;
pub mod connection;
pub mod content;
pub mod credentials;
pub mod devices;
mod dispatch;
pub mod faults;
pub mod fcm;
pub mod history;
pub mod http;
mod http2;
pub mod lane;
pub mod ledger;
pub mod message;
pub mod outbox;
pub mod outcome;
pub mod policy;
pub mod receipts;
pub mod replay;
mod report;
mod sending;
pub mod standing;
pub mod summary;
pub mod texts;
pub mod verdict;
pub mod watch;
pub mod web_push;
pub mod worker;
