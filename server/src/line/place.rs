//! Where a callback stands, and how long that takes.

use super::ahead_of;
use crate::callbacks::Record;
use crate::centre::Centre;
use crate::refusal::Refusal;
use crate::storage::Tx;
use ringback_core::protocol::{Timestamp, WaitEstimate};

/// A place in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// 1 is next; 1000 is "1000 or later".
    pub position: u32,
    /// How long it will take from now.
    pub wait: WaitEstimate,
}

/// Where a callback that is in line stands.
pub fn place_of(tx: &mut Tx<'_>, centre: &Centre, record: &Record, now: Timestamp) -> Result<Place, Refusal> {
    let ahead = ahead_of(tx, record)?;
    let wait = centre.board.wait(record, ahead, now);
    Ok(Place { position: ahead + 1, wait })
}
