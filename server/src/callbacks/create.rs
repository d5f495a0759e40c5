//! Asking for a callback.

use super::model::Position;
use super::record::{Record, later};
use crate::app::Effects;
use crate::events;
use crate::phone;
use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use crate::words::{unword, word};
use ringback_core::protocol::{
    self, CallbackRequest, ContextFault, ContextValue, Direction, EventKind, ProblemCode, Timestamp,
};
use std::collections::HashMap;

/// A request that has passed every check that needs no database.
#[derive(Debug, Clone)]
pub struct NewCallback {
    installation_id: String,
    request: CallbackRequest,
}

impl NewCallback {
    /// Checks a request.
    pub fn check(installation_id: String, request: CallbackRequest) -> Result<Self, Refusal> {
        phone::check(&request.number, "number")?;
        check_context(&request.context)?;
        if let Some(journey) = &request.journey {
            protocol::check_journey(journey).map_err(|fault| context_refused(&fault, "journey"))?;
        }
        Ok(Self { installation_id, request })
    }
}

/// Refuses a context that cannot be kept whole.
pub(crate) fn check_context(context: &HashMap<String, ContextValue>) -> Result<(), Refusal> {
    protocol::check_context(context).map_err(|fault| context_refused(&fault, "context"))
}

fn context_refused(fault: &ContextFault, field: &str) -> Refusal {
    let sentence = format!("{fault}.");
    match fault {
        ContextFault::KeyInvalid { key } => {
            Refusal::of_field(ProblemCode::ContextKeyInvalid, &format!("{field}.{key}"), sentence)
        }
        ContextFault::TooLarge { .. } | ContextFault::JourneyTooLarge { .. } => {
            Refusal::of_field(ProblemCode::ContextTooLarge, field, sentence)
        }
    }
}

/// Puts a callback in line. Everything is durable when the transaction is: the callback, its event (I1).
pub fn create(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    vault: &Vault,
    new: &NewCallback,
    now: Timestamp,
) -> Result<Record, Refusal> {
    let request = &new.request;
    let service = tx.query_opt(
        "select id, queue_id, requirement_id, direction, confirm_window_s, confirm_timeout, confirm_attempts, \
         ask_customer, call_in_group_id from services where name = $1",
        &[&request.service],
        |row| {
            Ok((
                (row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?, row.get::<String>(3)?),
                (row.get::<u32>(4)?, row.get::<String>(5)?, row.get::<u32>(6)?, row.get::<bool>(7)?),
                row.get::<Option<String>>(8)?,
            ))
        },
    )?;
    let ((service_id, queue_id, requirement_id, direction), confirm, call_in_group_id) =
        service.ok_or_else(|| {
            Refusal::of_field(ProblemCode::ServiceUnknown, "service", ProblemCode::ServiceUnknown.advice())
        })?;
    let (confirm_window_s, confirm_timeout, confirm_attempts, ask_customer) = confirm;
    let direction = match request.direction {
        Some(direction) => direction,
        None => unword(&direction)?,
    };
    if direction == Direction::CustomerOriginated && call_in_group_id.is_none() {
        let code = ProblemCode::CallInNotOffered;
        return Err(Refusal::of_field(code, "direction", code.advice()));
    }

    let id = format!("cb_{}", uuid::Uuid::now_v7().simple());
    let number_hash = vault.lookup("number", request.number.expose());
    let number = vault.seal(request.number.expose().as_bytes(), "callbacks.number")?;
    let name = request
        .name
        .as_ref()
        .map(|name| vault.seal(name.expose().as_bytes(), "callbacks.name"))
        .transpose()?;
    let context = seal_context(vault, &request.context, "callbacks.context")?;
    let inserted = tx.execute(
        "insert into callbacks (id, installation_id, service_id, queue_id, requirement_id, number_hash, number_sealed, \
         name_sealed, context_sealed, direction, state, waiting_since, rank_us, asked, created_at, changed_at, version) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', $11, $12, 0, $11, $11, 1) \
         on conflict (service_id, number_hash) where state <> 'completed' do nothing",
        &[
            &id, &new.installation_id, &service_id, &queue_id, &requirement_id, &number_hash, &number, &name, &context,
            &word(direction)?, &now, &now.as_microsecond(),
        ],
    )?;
    if inserted == 0 {
        return Err(already_open(tx, &service_id, &number_hash, &new.installation_id)?);
    }
    let record = Record {
        id,
        installation_id: new.installation_id.clone(),
        queue_id: queue_id.clone(),
        service: request.service.clone(),
        direction,
        at: Position::Queued,
        agent_id: None,
        rank_us: now.as_microsecond(),
        not_before: None,
        asked: 0,
        confirm_by: None,
        created_at: now,
        version: 1,
        confirm_window_s,
        confirm_timeout: unword(&confirm_timeout)?,
        confirm_attempts,
        ask_customer,
        call_in_group_id,
    };
    events::append(tx, effects, &record, EventKind::Requested, "customer", now)?;
    effects.queues.insert(queue_id);
    Ok(record)
}

/// Says that the number waits already; which callback it is, only to its owner.
pub(super) fn already_open(
    tx: &mut Tx<'_>,
    service_id: &str,
    number_hash: &str,
    installation_id: &str,
) -> Result<Refusal, Refusal> {
    let open = tx.query_opt(
        "select id from callbacks where service_id = $1 and number_hash = $2 and installation_id = $3 \
         and state <> 'completed'",
        &[&service_id, &number_hash, &installation_id],
        |row| row.get::<String>(0),
    )?;
    let code = ProblemCode::CallbackAlreadyOpen;
    let mut problem = ringback_core::protocol::Problem::new(code, code.advice());
    problem.field = Some("number".to_owned());
    problem.callback_id = open;
    Ok(Refusal::Problem(Box::new(problem)))
}

/// Seals a context; an empty one is none.
pub(crate) fn seal_context(
    vault: &Vault,
    context: &HashMap<String, ContextValue>,
    sealed_as: &str,
) -> Result<Option<Vec<u8>>, Refusal> {
    if context.is_empty() {
        return Ok(None);
    }
    let json =
        serde_json::to_vec(context).map_err(|_| Refusal::Damaged("a context that cannot be written"))?;
    Ok(Some(vault.seal(&json, sealed_as)?))
}

/// When a snooze of this length ends; refuses one that is too short or too long.
pub(super) fn snooze_until(now: Timestamp, delay_s: u32) -> Result<Timestamp, Refusal> {
    if (60..=86_400).contains(&delay_s) {
        later(now, delay_s)
    } else {
        Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "answer.snooze.delay_s",
            "A snooze lasts 60 to 86400 seconds. Choose a delay in that range.",
        ))
    }
}
