//! The provider's own clock.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// What a double takes for the time. It goes with the machine's clock until it is put off.
#[derive(Debug, Default)]
pub struct Clock {
    offset_ms: AtomicI64,
}

impl Clock {
    /// Puts it ahead of the machine's clock, or behind it: what a sender whose own clock is off meets.
    pub fn set_offset(&self, offset: SignedDuration) {
        let offset_ms = i64::try_from(offset.as_millis()).unwrap_or(0);
        self.offset_ms.store(offset_ms, Ordering::SeqCst);
    }

    /// The time here.
    pub fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.offset_ms.load(Ordering::SeqCst));
        Timestamp::now().checked_add(offset).unwrap_or(Timestamp::MAX)
    }
}
