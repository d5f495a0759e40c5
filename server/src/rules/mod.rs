//! Whom a service calls, and how often anybody may ask: number rules and limits.

pub mod number;
pub mod rule_set;
pub mod verdict;

pub use number::{Classified, Country, Kind, classify};
pub use rule_set::{RuleSet, RuleSetSetup};
pub use verdict::{NumberVerdict, check_number};
