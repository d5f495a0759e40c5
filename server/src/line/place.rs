//! Where a callback stands, and how long that takes.

use super::{ahead_of, waiting_in};
use crate::callbacks::Record;
use crate::centre::Centre;
use crate::refusal::Refusal;
use crate::services::Service;
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
    let setup = centre.setup(tx)?;
    let service = setup.service_of_id(&record.service_id)?;
    let ahead = ahead_of(tx, record)?;
    let wait = centre.board.wait(service, &record.requirement_id, ahead, now);
    Ok(Place { position: ahead + 1, wait })
}

/// How long somebody waits who asks now.
pub fn wait_of_next(
    tx: &mut Tx<'_>,
    centre: &Centre,
    service: &Service,
    now: Timestamp,
) -> Result<WaitEstimate, Refusal> {
    let ahead = u32::try_from(waiting_in(tx, &service.queue_id)?).unwrap_or(u32::MAX);
    Ok(centre.board.wait(service, &service.requirement_id, ahead, now))
}
