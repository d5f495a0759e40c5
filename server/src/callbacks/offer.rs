//! What a service offers at this moment.

use super::admission::{below_ceiling, not_paused, offered};
use crate::captcha::Risk;
use crate::centre::Centre;
use crate::line;
use crate::refusal::Refusal;
use crate::rules;
use crate::storage::Tx;
use ringback_core::protocol::{AvailabilityRequest, Offer, OfferedKind, ProblemCode, Timestamp};

/// How far ahead a free slot is looked for, in days.
const SEARCHED_DAYS: u32 = 62;

/// What a service offers: the same checks that a request meets, as far as they need no request.
pub fn offer(
    tx: &mut Tx<'_>,
    centre: &Centre,
    service_name: &str,
    risk: Risk,
    now: Timestamp,
) -> Result<Offer, Refusal> {
    let setup = centre.setup(tx)?;
    let service = setup.service(service_name)?;
    let counted = line::counted(tx, service)?;
    let open = not_paused(service, now).and_then(|()| below_ceiling(service, counted));
    let immediate = match &open {
        Ok(()) => kind(offered(service, false, now), now)?,
        Err(_) => kind(open, now)?,
    };
    let scheduled = not_paused(service, now)
        .and_then(|()| below_ceiling(service, counted))
        .and_then(|()| offered(service, true, now));
    let scheduled = match (kind(scheduled, now)?, &service.timetable) {
        (offered, Some(timetable)) if offered.offered => {
            let anything = AvailabilityRequest {
                service: service_name.to_owned(),
                zone: "UTC".to_owned(),
                from: None,
                to: super::later(now, service.policy.horizon_days.min(SEARCHED_DAYS) * 86_400).ok(),
                include_full: false,
                limit: Some(1),
            };
            let is_free = !timetable.availability(tx, &anything, now)?.slots.is_empty();
            let full = || Err(Refusal::plain(ProblemCode::SlotFull));
            if is_free { offered } else { kind(full(), now)? }
        }
        (offered, _) => offered,
    };
    let hours = service.calendar.as_ref();
    let closes_at = hours.and_then(|calendar| calendar.closes_at(now));
    let closes_in_s = closes_at.and_then(|at| u32::try_from(at.duration_since(now).as_secs()).ok());
    let is_open = hours.is_none_or(|calendar| calendar.is_open(now));
    Ok(Offer {
        service: service_name.to_owned(),
        immediate,
        scheduled,
        closes_in_s,
        opens_at: hours.filter(|_| !is_open).and_then(|calendar| calendar.opens_at(now)),
        wait: line::wait_of_next(centre, service, counted.waiting, now),
        countries: rules::countries(&service.rule_sets),
        default_country: service.default_country.map(|country| country.to_string()),
        captcha: service.policy.captcha.asked(risk),
        fallback_number: service.policy.fallback_number.clone(),
    })
}

fn kind(outcome: Result<(), Refusal>, now: Timestamp) -> Result<OfferedKind, Refusal> {
    match outcome {
        Ok(()) => Ok(OfferedKind { offered: true, code: None, retry_at: None }),
        Err(Refusal::Problem(problem)) => Ok(OfferedKind {
            offered: false,
            code: Some(problem.code.clone()),
            retry_at: problem.retry_after_s.map(|seconds| super::later(now, seconds)).transpose()?,
        }),
        Err(fault) => Err(fault),
    }
}
