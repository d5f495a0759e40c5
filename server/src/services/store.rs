//! Services as they are kept: as they were set up, with what they name looked up.

use super::policy::{ConnectOrder, ServiceSetup};
use super::setup::changed;
use crate::refusal::Refusal;
use crate::routing::requirements;
use crate::routing::resources::{check_name, name_taken, queue_id, unknown};
use crate::rules;
use crate::schedule;
use crate::schedule::calendar::CalendarSetup;
use crate::schedule::capacity::CapacitySetup;
use crate::storage::Tx;
use ringback_core::protocol::{Direction, ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};

/// Makes a service.
pub fn create_service(tx: &mut Tx<'_>, service: &ServiceSetup, now: Timestamp) -> Result<(), Refusal> {
    let kept = look_up(tx, service)?;
    let made = tx.execute(
        "insert into services (id, name, queue_id, requirement_id, call_in_group_id, policy, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) do nothing",
        &[
            &format!("se_{}", uuid::Uuid::now_v7().simple()),
            &service.name,
            &kept.queue_id,
            &kept.requirement_id,
            &kept.call_in_group_id,
            &kept.policy,
            &now,
        ],
    )?;
    if made == 1 { Ok(()) } else { Err(name_taken()) }
}

/// Sets every setting of a service anew. Callbacks that are open go by the new settings from their next step; they stay
/// in the queue and with the skills they were accepted for.
pub fn update_service(tx: &mut Tx<'_>, service: &ServiceSetup) -> Result<(), Refusal> {
    let kept = look_up(tx, service)?;
    let set = tx.execute(
        "update services set queue_id = $1, requirement_id = $2, call_in_group_id = $3, policy = $4 where name = $5",
        &[&kept.queue_id, &kept.requirement_id, &kept.call_in_group_id, &kept.policy, &service.name],
    )?;
    if set == 1 { Ok(()) } else { Err(unknown("service", &service.name)) }
}

/// Sets every setting of a service, and makes it if it is not there.
pub fn put_service(tx: &mut Tx<'_>, service: &ServiceSetup, now: Timestamp) -> Result<(), Refusal> {
    let known =
        tx.query_opt("select 1 from services where name = $1", &[&service.name], |_| Ok(()))?.is_some();
    if known { update_service(tx, service) } else { create_service(tx, service, now) }
}

/// What a service names, by id.
struct Kept {
    queue_id: String,
    requirement_id: String,
    call_in_group_id: Option<String>,
    policy: String,
}

fn look_up(tx: &mut Tx<'_>, service: &ServiceSetup) -> Result<Kept, Refusal> {
    check_name(&service.name)?;
    service.check()?;
    let call_in_group_id = match &service.call_in_group {
        None => None,
        Some(name) => Some(
            tx.query_opt("select id from call_in_groups where name = $1", &[name], |row| {
                row.get::<String>(0)
            })?
            .ok_or_else(|| unknown("call_in_group", name))?,
        ),
    };
    let customer_dials = service.direction == Direction::CustomerOriginated;
    if customer_dials && call_in_group_id.is_none() {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "call_in_group",
            "Customers can only dial when the service has a click-to-call group. Name one.",
        ));
    }
    if customer_dials && service.connect_order == ConnectOrder::CustomerFirst {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "connect_order",
            "A customer who dials cannot be called first. Choose `agent_first`, or have the contact centre call.",
        ));
    }
    // First, so that nothing that is named here goes away meanwhile.
    changed(tx)?;
    if let Some(name) = &service.calendar {
        schedule::store::find::<CalendarSetup>(tx, name).map_err(named("calendar", name))?;
    }
    if let Some(name) = &service.capacity {
        schedule::store::find::<CapacitySetup>(tx, name).map_err(named("capacity", name))?;
    }
    for name in &service.rule_sets {
        if !rules::store::exists(tx, name)? {
            return Err(unknown("rule_set", name));
        }
    }
    let queue_id = queue_id(tx, &service.queue)?;
    let requirement_id = requirements::find_or_create(tx, &queue_id, &service.skills)?;
    let policy =
        serde_json::to_string(service).map_err(|_| Refusal::Damaged("a service that cannot be written"))?;
    Ok(Kept { queue_id, requirement_id, call_in_group_id, policy })
}

/// A refusal because something is not there, in the words of the service that names it.
fn named(field: &str, name: &str) -> impl FnOnce(Refusal) -> Refusal {
    move |refusal| match refusal {
        Refusal::Problem(_) => unknown(field, name),
        fault => fault,
    }
}

/// All services by name.
pub fn list_services(tx: &mut Tx<'_>) -> Result<Vec<ServiceSetup>, Refusal> {
    let policies = tx.query("select policy from services order by name", &[], |row| row.get::<String>(0))?;
    policies
        .iter()
        .map(|policy| serde_json::from_str(policy).map_err(|_| Refusal::Damaged("a service's policy")))
        .collect()
}

/// Whether a service takes requests.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServicePause {
    /// Whether it takes none for now. What is in line is still called.
    pub paused: bool,
    /// Until then; until told otherwise when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// Pauses a service, or lets it go on.
pub fn pause_service(tx: &mut Tx<'_>, name: &str, pause: &ServicePause) -> Result<(), Refusal> {
    let until = pause.paused.then(|| pause.until.unwrap_or(Timestamp::UNIX_EPOCH));
    changed(tx)?;
    let set = tx.execute("update services set paused_until = $1 where name = $2", &[&until, &name])?;
    if set == 1 { Ok(()) } else { Err(unknown("service", name)) }
}

/// Whether a service names this calendar, capacity rule or rule set: what is in use cannot be taken away.
pub fn names(tx: &mut Tx<'_>, names: impl Fn(&ServiceSetup) -> bool) -> Result<Option<String>, Refusal> {
    Ok(list_services(tx)?.into_iter().find(|service| names(service)).map(|service| service.name))
}
