//! Whom a service calls, and how often anybody may ask: number rules and limits.

pub mod http;
pub mod limits;
pub mod number;
pub mod rule_set;
mod service_uses;
pub mod store;
pub mod uses;
pub mod verdict;

pub use limits::{Limits, Window};
pub use number::{Classified, Country, Kind, classify};
pub use rule_set::{RuleSet, RuleSetSetup, countries};
pub use service_uses::purge;
pub use uses::{Outdated, Spending, Subjects, announce_busy, announce_spend, peek, spend};
pub use verdict::{NumberVerdict, check_number};
