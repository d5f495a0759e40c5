//! Click-to-call: a number to dial, a code to type, and the context that waits for the call.

mod group;
pub mod http;
mod issue;
mod matching;

pub use group::{CallInGroup, NewCallInGroup, NumberSelection, create_group, list_groups};
pub use issue::{NewCallIn, issue, issue_for_callback};
pub use matching::{InboundCall, MatchedCallIn, expire, match_inbound};
