//! Click-to-call: a number to dial, a code to type, and the context that waits for the call.

mod group;
pub mod http;
mod inbound;
mod issue;
mod matching;
mod records;

pub use group::{CallInGroup, CodeEntry, NewCallInGroup, NumberSelection, create_group, list_groups};
pub use inbound::{FoundCallback, InboundCaller, called_in};
pub use issue::{NewCallIn, issue, issue_for_callback};
pub use matching::{InboundCall, MatchedCallIn, expire, match_inbound};
pub use records::{CallInRecord, CallInState, GroupHealth, health, list_records};
