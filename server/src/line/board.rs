//! What a node knows of its lines.

use crate::services::Service;
use ringback_core::protocol::{Timestamp, WaitEstimate, WaitStatus};

/// What a node knows of its lines.
#[derive(Debug, Default)]
pub struct Board {}

impl Board {
    /// How long a callback waits that has so many before it.
    pub fn wait(
        &self,
        _service: &Service,
        _requirement_id: &str,
        _ahead: u32,
        _now: Timestamp,
    ) -> WaitEstimate {
        WaitEstimate {
            status: WaitStatus::NoData,
            p10_s: None,
            p50_s: None,
            p90_s: None,
            confidence: None,
            opens_at: None,
        }
    }

    /// The median wait of whoever asks now.
    pub fn median_wait_s(&self, _requirement_id: &str) -> Option<u32> {
        None
    }
}
