//! The time, as fine as it is stored.

use ringback_core::protocol::Timestamp;

/// Now, in whole microseconds: what is answered at once and what is read back later are the same instant.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}
