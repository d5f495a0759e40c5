//! CAPTCHA: when a request must be worth somebody's effort, and how that is shown. `policy.rs` is what a service asks
//! for, `risk.rs` how suspicious a request is, `altcha.rs` the proof of work, `gate.rs` the one place where a token is
//! demanded and used up. For the CAPTCHAs of others
//! `credentials.rs` has what their providers handed out, `client.rs` asks them and `verdict.rs` says what an answer means.

mod altcha;
mod client;
pub mod credentials;
mod gate;
pub mod http;
mod policy;
mod presented;
mod risk;
mod verdict;

pub use client::Client;
pub use credentials::{CaptchaCredential, ListedCaptchaCredential};
pub use gate::{Bound, Evidence, demand, purge, weigh};
pub use http::with_challenge;
pub use policy::{CaptchaPolicy, CaptchaProvider, CaptchaRequired};
pub use presented::Presented;
pub use risk::{Risk, Watch};
