//! Whether a request is taken: the checks a request meets in their order, one function each. The dry run meets the same.

use super::create::{NewCallback, already_open};
use super::prepared::Prepared;
use crate::centre::Centre;
use crate::line;
use crate::refusal::Refusal;
use crate::routing::matching::Levels;
use crate::routing::requirements;
use crate::routing::resources::skill_id;
use crate::rules::{self, Subjects, check_number};
use crate::services::policy::{AtClose, Unstaffed, levels_fit};
use crate::services::{Pause, Service};
use crate::storage::Tx;
use ringback_core::protocol::{CallbackRequest, Check, Direction, Problem, ProblemCode, Timestamp, WallTime};
use std::net::IpAddr;
use std::sync::Arc;

/// A request that is tried out, and who makes it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What is asked for.
    pub request: &'a CallbackRequest,
    /// The installation that asks; none when staff tries it out.
    pub installation_id: Option<&'a str>,
    /// Where the request comes from.
    pub address: Option<IpAddr>,
}

/// What the checks found out about a request that is taken.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) prepared: Arc<Prepared>,
    pub(super) requirement_id: String,
    pub(super) priority: u32,
    pub(super) direction: Direction,
    /// How many wait in the queue.
    pub(super) waiting: u64,
}

/// Checks a request. What is left to the caller are the seat and the place of a number that has callbacks open, which decide
/// themselves when they are taken, and at last the [limits](rules::spend).
pub(super) fn admit(
    tx: &mut Tx<'_>,
    centre: &Centre,
    service: &Arc<Service>,
    new: &NewCallback,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let request = &new.request;
    not_paused(service, now)?;
    offered(service, request.scheduled_for.is_some(), now)?;
    let counted = line::counted(tx, service)?;
    below_ceiling(service, counted)?;
    let prepared = new.prepared_for(&centre.vault, service)?;
    let direction = direction(service, request)?;
    let priority = priority(service, request)?;
    let skills = skills(tx, service, request)?;
    let requirement_id = if request.skills.is_empty() {
        service.requirement_id.clone()
    } else {
        requirements::find_or_create(tx, &service.queue_id, &skills)?
    };
    staffed(tx, service, &requirement_id)?;
    Ok(Admitted { prepared, requirement_id, priority, direction, waiting: counted.waiting })
}

/// Says what [`admit`] and [`rules::spend`] will read of a service.
pub(super) fn announce(tx: &mut Tx<'_>, service: &Service, now: Timestamp) -> Result<(), Refusal> {
    line::announce_counted(tx, service)?;
    rules::announce_busy(tx, &service.id, &service.policy.limits, now)
}

/// Every check of a request, without taking it and without counting it.
pub fn dry_run(
    tx: &mut Tx<'_>,
    centre: &Centre,
    asked: Asked<'_>,
    now: Timestamp,
) -> Result<Vec<Check>, Refusal> {
    let request = asked.request;
    let setup = centre.setup(tx)?;
    let mut checks = Vec::new();
    let service = match setup.service(&request.service) {
        Ok(service) => service,
        Err(refusal) => {
            checks.push(check::<()>("service", Err(refusal), now)?);
            return Ok(checks);
        }
    };
    checks.push(check("service.paused", not_paused(service, now), now)?);
    checks.push(check("service.offer", offered(service, request.scheduled_for.is_some(), now), now)?);
    let ceiling = below_ceiling(service, line::counted(tx, service)?);
    checks.push(check("service.open_callbacks", ceiling, now)?);
    let verdict = check_number(&service.rule_sets, service.default_country, request.number.expose());
    checks.extend(verdict.checks);
    checks.push(check("direction", direction(service, request), now)?);
    checks.push(check("priority", priority(service, request), now)?);
    let skills = skills(tx, service, request);
    if let Ok(skills) = &skills {
        let requirement = requirements::find(tx, &service.queue_id, skills)?;
        let staffed = match requirement {
            Some(requirement_id) => staffed(tx, service, &requirement_id),
            None => staffed_by_anybody(tx, service, skills),
        };
        checks.push(check("skills", staffed, now)?);
    } else {
        checks.push(check("skills", skills, now)?);
    }
    if let Some(number) = &verdict.number {
        let subjects = Subjects {
            service_id: &service.id,
            number: number.e164.expose(),
            installation_id: asked.installation_id,
            address: asked.address,
        };
        checks.extend(rules::peek(tx, &centre.vault, &service.policy.limits, &subjects, now)?);
        let hash = centre.vault.lookup("number", number.e164.expose());
        checks.push(check("number.open", room_for(tx, service, &hash, asked.installation_id), now)?);
    }
    if let Some(wall_time) = &request.scheduled_for {
        let time = time(tx, service, wall_time, now);
        checks.push(check("time", time, now)?);
    }
    Ok(checks)
}

/// A check's outcome; a fault of ours is not one.
fn check<T>(name: &str, outcome: Result<T, Refusal>, now: Timestamp) -> Result<Check, Refusal> {
    let mut check =
        Check { check: name.to_owned(), passed: true, code: None, detail: None, retry_at: None, rule: None };
    match outcome {
        Ok(_) => {}
        Err(Refusal::Problem(problem)) => {
            let after = problem.retry_after_s.map(|seconds| super::later(now, seconds)).transpose()?;
            check.passed = false;
            check.code = Some(problem.code.clone());
            check.detail = Some(problem.detail.clone());
            check.retry_at = after;
        }
        Err(fault) => return Err(fault),
    }
    Ok(check)
}

fn refused_until(code: ProblemCode, until: Option<Timestamp>, now: Timestamp) -> Refusal {
    let mut problem = Problem::new(code, code.advice());
    let wait_s = until.map(|until| until.duration_since(now).as_secs().max(1));
    problem.retry_after_s = wait_s.and_then(|wait_s| u32::try_from(wait_s).ok());
    Refusal::Problem(Box::new(problem))
}

/// Refuses everything while the service is paused.
pub(super) fn not_paused(service: &Service, now: Timestamp) -> Result<(), Refusal> {
    match service.paused_until {
        Some(Pause::UntilToldOtherwise) => Err(refused_until(ProblemCode::ServicePaused, None, now)),
        Some(Pause::Until(until)) if until > now => {
            Err(refused_until(ProblemCode::ServicePaused, Some(until), now))
        }
        _ => Ok(()),
    }
}

/// Refuses a kind of callback that the service does not offer at this moment.
pub(super) fn offered(service: &Service, scheduled: bool, now: Timestamp) -> Result<(), Refusal> {
    if scheduled {
        return match service.timetable {
            Some(_) => Ok(()),
            None => Err(Refusal::plain(ProblemCode::ScheduledNotOffered)),
        };
    }
    if !service.policy.immediate {
        return Err(Refusal::plain(ProblemCode::ImmediateNotOffered));
    }
    match &service.calendar {
        Some(calendar) if !calendar.is_open(now) => {
            Err(refused_until(ProblemCode::ServiceClosed, calendar.opens_at(now), now))
        }
        _ => Ok(()),
    }
}

/// Refuses what would be more than the service keeps open.
pub(super) fn below_ceiling(service: &Service, counted: line::Counted) -> Result<(), Refusal> {
    match service.policy.limits.open_callbacks {
        Some(ceiling) if counted.open >= u64::from(ceiling) => {
            Err(Refusal::plain(ProblemCode::CallbacksFull))
        }
        _ => Ok(()),
    }
}

fn direction(service: &Service, request: &CallbackRequest) -> Result<Direction, Refusal> {
    let direction = request.direction.unwrap_or(service.policy.direction);
    if direction == Direction::CustomerOriginated && service.call_in_group_id.is_none() {
        let code = ProblemCode::CallInNotOffered;
        return Err(Refusal::of_field(code, "direction", code.advice()));
    }
    Ok(direction)
}

fn priority(service: &Service, request: &CallbackRequest) -> Result<u32, Refusal> {
    let most = service.policy.app_priority_max;
    match request.priority {
        None => Ok(service.policy.priority),
        Some(priority) if priority <= most => Ok(priority),
        Some(_) => Err(Refusal::of_field(
            ProblemCode::PriorityNotAllowed,
            "priority",
            format!("Apps may ask for a priority of at most {most} here. Ask for less, or leave it out."),
        )),
    }
}

/// What the service and the request ask for together: of each skill the higher level.
fn skills(tx: &mut Tx<'_>, service: &Service, request: &CallbackRequest) -> Result<Levels, Refusal> {
    let mut skills = service.policy.skills.clone();
    for (skill, level) in &request.skills {
        skill_id(tx, skill)?;
        let wanted = skills.entry(skill.clone()).or_insert(*level);
        *wanted = (*wanted).max(*level);
    }
    if levels_fit(&skills) {
        Ok(skills)
    } else {
        Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "skills",
            "Levels are 1 to 10, for at most 16 skills. Correct them.",
        ))
    }
}

fn staffed(tx: &mut Tx<'_>, service: &Service, requirement_id: &str) -> Result<(), Refusal> {
    let is_staffed = if service.policy.unstaffed == Unstaffed::Accept {
        true
    } else if requirement_id == service.requirement_id {
        service.is_staffed
    } else {
        requirements::is_staffed(tx, requirement_id)?
    };
    if is_staffed { Ok(()) } else { Err(unstaffed()) }
}

/// The same for skills that were never asked for together.
fn staffed_by_anybody(tx: &mut Tx<'_>, service: &Service, skills: &Levels) -> Result<(), Refusal> {
    let anybody = requirements::anybody_fits(tx, &service.queue_id, skills)?;
    if service.policy.unstaffed == Unstaffed::Accept || anybody { Ok(()) } else { Err(unstaffed()) }
}

fn unstaffed() -> Refusal {
    Refusal::of_field(ProblemCode::SkillUnstaffed, "skills", ProblemCode::SkillUnstaffed.advice())
}

fn time(tx: &mut Tx<'_>, service: &Service, wall_time: &WallTime, now: Timestamp) -> Result<(), Refusal> {
    match &service.timetable {
        Some(timetable) => timetable.check(tx, wall_time, now).map(drop),
        // Said already by the offer.
        None => Ok(()),
    }
}

/// Whether the number may have one more callback open.
fn room_for(
    tx: &mut Tx<'_>,
    service: &Service,
    number_hash: &str,
    installation_id: Option<&str>,
) -> Result<(), Refusal> {
    let open: u32 = tx.query_one(
        "select count(*) from callbacks where service_id = $1 and number_hash = $2 and state <> 'completed'",
        &[&service.id, &number_hash],
        |row| row.get(0),
    )?;
    if open < service.policy.limits.open_per_number {
        Ok(())
    } else {
        Err(already_open(tx, &service.id, number_hash, installation_id.unwrap_or(""))?)
    }
}

/// Whether callbacks in line are called at this moment.
pub(crate) fn may_call(service: &Service, now: Timestamp) -> bool {
    service.policy.at_close == AtClose::Finish
        || service.calendar.as_ref().is_none_or(|calendar| calendar.is_open(now))
}
