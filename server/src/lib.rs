//! The Ringback server. `docs/ARCHITECTURE.md` is the map.

pub mod app;
pub mod attestation;
pub mod call_in;
pub mod callbacks;
pub mod captcha;
pub mod centre;
pub mod clock;
pub mod config;
pub mod events;
pub mod http;
pub mod identity;
pub mod line;
pub mod public_net;
pub mod push;
pub mod refusal;
pub mod routing;
pub mod rules;
pub mod schedule;
pub mod serve;
pub mod services;
pub mod storage;
pub mod tally;
pub mod telephony;
pub mod wait;
pub mod webhooks;
pub mod words;
