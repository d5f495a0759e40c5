//! Where a callback stands, and how long that takes.

use super::ahead_of;
use super::board::Question;
use super::counts::COUNTED_TO;
use crate::callbacks::Record;
use crate::centre::Centre;
use crate::refusal::Refusal;
use crate::services::Service;
use crate::storage::Tx;
use crate::wait::{Wait, Window};
use ringback_core::protocol::{Timestamp, WaitEstimate, WaitStatus};

/// A place in line.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// 1 is next; 1000 is "1000 or later".
    pub position: u32,
    /// How long it will take from now.
    pub wait: WaitEstimate,
    window: Option<Window>,
}

/// What is kept of a wait that was told at request time.
#[derive(Debug, Default)]
pub struct StoredPromise {
    /// As it was told.
    pub promise: Option<String>,
    /// What it was reckoned from, to learn from what comes.
    pub model: Option<String>,
}

impl Place {
    /// What to keep of it.
    pub fn promise(&self) -> Result<StoredPromise, Refusal> {
        let unwritable = |_| Refusal::Damaged("a wait that cannot be written");
        let promise = Some(serde_json::to_string(&self.wait).map_err(unwritable)?);
        let model = self.window.and_then(|window| window.promise());
        let model = model.map(|model| serde_json::to_string(&model)).transpose().map_err(unwritable)?;
        Ok(StoredPromise { promise, model })
    }
}

/// Where a callback that is in line stands.
pub fn place_of(tx: &mut Tx<'_>, centre: &Centre, record: &Record, now: Timestamp) -> Result<Place, Refusal> {
    let setup = centre.setup(tx)?;
    let service = setup.service_of_id(&record.service_id)?;
    let ahead = ahead_of(tx, record)?;
    Ok(place(centre, service, record, ahead, now))
}

/// Where a new callback will stand in the queue in which so many wait. Without a head start it is behind everybody, and nobody need be counted one by one.
pub fn place_at_end(
    tx: &mut Tx<'_>,
    centre: &Centre,
    service: &Service,
    (record, waiting): (&Record, u64),
    now: Timestamp,
) -> Result<Place, Refusal> {
    let ahead = if record.rank_us == now.as_microsecond() {
        u32::try_from(waiting).unwrap_or(u32::MAX)
    } else {
        ahead_of(tx, record)?
    };
    Ok(place(centre, service, record, ahead, now))
}

fn place(centre: &Centre, service: &Service, record: &Record, ahead: u32, now: Timestamp) -> Place {
    let lead_us = now.as_microsecond().saturating_sub(record.rank_us);
    let (wait, window) = wait(centre, service, &record.requirement_id, (ahead, lead_us as f64 / 1e6), now);
    Place { position: ahead.saturating_add(1).min(COUNTED_TO), wait, window }
}

/// How long somebody waits who asks now, when so many wait in the queue.
pub fn wait_of_next(centre: &Centre, service: &Service, waiting: u64, now: Timestamp) -> WaitEstimate {
    let ahead = u32::try_from(waiting).unwrap_or(u32::MAX);
    let lead_s = service.policy.ageing.head_start_us(service.policy.priority) as f64 / 1e6;
    wait(centre, service, &service.requirement_id, (ahead, lead_s), now).0
}

fn wait(
    centre: &Centre,
    service: &Service,
    requirement_id: &str,
    (ahead, lead_s): (u32, f64),
    now: Timestamp,
) -> (WaitEstimate, Option<Window>) {
    let status = |status| WaitEstimate {
        status,
        p10_s: None,
        p50_s: None,
        p90_s: None,
        confidence: None,
        opens_at: None,
    };
    if let Some(calendar) = service.calendar.as_ref().filter(|calendar| !calendar.is_open(now)) {
        return (WaitEstimate { opens_at: calendar.opens_at(now), ..status(WaitStatus::Closed) }, None);
    }
    let question = Question { queue_id: &service.queue_id, requirement_id, ahead, lead_s, now };
    match centre.board.wait(&question) {
        Wait::Estimated(window) => {
            let estimate = WaitEstimate {
                p10_s: Some(window.p10_s),
                p50_s: Some(window.p50_s),
                p90_s: Some(window.p90_s),
                confidence: Some(window.confidence),
                ..status(WaitStatus::Estimated)
            };
            (estimate, Some(window))
        }
        Wait::NoAgents => (status(WaitStatus::NoAgents), None),
        Wait::NoData => (status(WaitStatus::NoData), None),
    }
}
