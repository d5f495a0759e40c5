//! The call arrives: who is it, and why do they call?

use crate::app::Effects;
use crate::callbacks::model::{DialResult, Input, Phase, Position, next};
use crate::callbacks::{apply, dialed, find_for_update, open_context, open_text};
use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use ringback_core::protocol::{AccessCode, ContextValue, PersonName, PhoneNumber, ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// An inbound call as the phone system sees it.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboundCall {
    /// The number that was called, E.164.
    pub called_number: PhoneNumber,
    /// What the caller typed, digits.
    #[serde(default)]
    pub access_code: Option<AccessCode>,
    /// The caller's number, E.164, when the network shows it. Used when no code was typed.
    #[serde(default)]
    pub caller_number: Option<PhoneNumber>,
}

/// Who it is.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MatchedCallIn {
    /// `ci_…`
    pub id: String,
    /// The service that was asked for.
    pub service: String,
    /// The callback this call belongs to, when it is one that the customer dials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_id: Option<String>,
    /// How the person wishes to be addressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// What the app knew.
    pub context: HashMap<String, ContextValue>,
}

/// Finds the waiting call-in for a call and closes it. A code counts more than a caller's number, which can be forged
/// or hidden; each code works once.
pub fn match_inbound(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    vault: &Vault,
    call: &InboundCall,
    actor: &str,
    now: Timestamp,
) -> Result<MatchedCallIn, Refusal> {
    let called = call.called_number.expose();
    let id = match (&call.access_code, &call.caller_number) {
        (Some(code), _) => tx.query_opt(
            "select id from call_ins where number = $1 and access_code_hash = $2 and state = 'waiting' \
             and expires_at > $3 for update",
            &[&called, &vault.lookup("access_code", code.expose()), &now],
            |row| row.get::<String>(0),
        )?,
        (None, Some(caller)) => tx.query_opt(
            "select id from call_ins where number = $1 and caller_hash = $2 and state = 'waiting' \
             and expires_at > $3 order by created_at desc limit 1 for update",
            &[&called, &vault.lookup("number", caller.expose()), &now],
            |row| row.get::<String>(0),
        )?,
        (None, None) => None,
    };
    let id = id.ok_or_else(|| Refusal::plain(ProblemCode::CallInNotFound))?;
    let (service, callback_id, name, context) = tx.query_one(
        "update call_ins set state = 'matched', matched_at = $1 where id = $2 \
         returning (select name from services where id = service_id), callback_id, name_sealed, context_sealed",
        &[&now, &id],
        |row| {
            Ok((
                row.get::<String>(0)?,
                row.get::<Option<String>>(1)?,
                row.get::<Option<Vec<u8>>>(2)?,
                row.get::<Option<Vec<u8>>>(3)?,
            ))
        },
    )?;
    if let Some(callback_id) = &callback_id {
        let mut record = find_for_update(tx, callback_id)?;
        // A customer who took the callback back and calls all the same is known all the same.
        if record.at == Position::Routing(Phase::Connecting) {
            dialed(tx, effects, &mut record, DialResult::Connected, actor, now)?;
        }
    }
    Ok(MatchedCallIn {
        id,
        service,
        callback_id,
        name: name.map(|name| open_text(vault, &name, "call_ins.name")).transpose()?.map(PersonName::new),
        context: open_context(vault, context.as_deref(), "call_ins.context")?,
    })
}

/// Ends a call-in that nobody dialed in time, and the callback that waited for it.
pub fn expire(tx: &mut Tx<'_>, effects: &mut Effects, id: &str, now: Timestamp) -> Result<(), Refusal> {
    let expired = tx.query_opt(
        "update call_ins set state = 'expired' where id = $1 and state = 'waiting' and expires_at <= $2 \
         returning callback_id",
        &[&id, &now],
        |row| row.get::<Option<String>>(0),
    )?;
    if let Some(callback_id) = expired.flatten() {
        let mut record = find_for_update(tx, &callback_id)?;
        // A callback that ended otherwise meanwhile needs nothing more.
        if next(record.at, Input::CallInExpired, record.direction).is_some() {
            apply(tx, effects, &mut record, Input::CallInExpired, "system", now)?;
        }
    }
    Ok(())
}
