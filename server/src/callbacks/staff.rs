//! What the contact centre does with callbacks.

use super::model::{Disposition, Input};
use super::record::{apply, find, find_for_update, record, select_callback};
use crate::app::Effects;
use crate::centre::Centre;
use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use crate::words::{unword, word};
use ringback_core::protocol::{
    Callback, CallbackState, ContextValue, Journey, PersonName, PhoneNumber, Timestamp, WaitEstimate,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A callback as the contact centre sees it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StaffCallback {
    /// What its owner sees.
    #[serde(flatten)]
    pub callback: Callback,
    /// The number to call, E.164.
    pub number: PhoneNumber,
    /// How the person wishes to be addressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// What the app knew.
    pub context: HashMap<String, ContextValue>,
    /// The agent it is tied to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The way the person took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journey: Option<Journey>,
    /// How urgent it is.
    pub priority: u32,
    /// What the agent said of the talk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
    /// What the agent noted at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<ContextValue>,
    /// Every call so far.
    pub calls: Vec<Attempt>,
    /// The wait that was promised when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promise: Option<WaitEstimate>,
    /// When agent and customer began to talk.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub began_at: Option<Timestamp>,
}

/// A call to a customer.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attempt {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Timestamp,
    /// When its result was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// What came of it: a result of dialing, `wrong_person`, or `abandoned` by somebody who waited on the phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// One callback with everything that is known of it.
pub fn show(tx: &mut Tx<'_>, centre: &Centre, id: &str, now: Timestamp) -> Result<StaffCallback, Refusal> {
    let vault = &centre.vault;
    let record = find(tx, id)?;
    let (sealed, journey_and_note, words) = tx.query_one(
        "select c.number_sealed, c.name_sealed, c.context_sealed, c.journey_sealed, c.note_sealed, a.name, \
         c.disposition, c.promise from callbacks c left join agents a on a.id = c.agent_id where c.id = $1",
        &[&id],
        |row| {
            Ok((
                (row.get::<Vec<u8>>(0)?, row.get::<Option<Vec<u8>>>(1)?, row.get::<Option<Vec<u8>>>(2)?),
                (row.get::<Option<Vec<u8>>>(3)?, row.get::<Option<Vec<u8>>>(4)?),
                (row.get(5)?, row.get::<Option<String>>(6)?, row.get::<Option<String>>(7)?),
            ))
        },
    )?;
    let ((number, name, context), (journey, note), (agent, disposition, promise)) =
        (sealed, journey_and_note, words);
    let calls = tx.query(
        "select began_at, ended_at, result from attempts where callback_id = $1 order by attempt",
        &[&id],
        |row| Ok(Attempt { began_at: row.get(0)?, ended_at: row.get(1)?, result: row.get(2)? }),
    )?;
    let open = |sealed: Option<Vec<u8>>, sealed_as: &str| {
        sealed.map(|sealed| open_text(vault, &sealed, sealed_as)).transpose()
    };
    let damaged = |_| Refusal::Damaged("a sealed journey");
    Ok(StaffCallback {
        callback: record.view(tx, centre, now)?,
        number: PhoneNumber::new(open_text(vault, &number, "callbacks.number")?),
        name: open(name, "callbacks.name")?.map(PersonName::new),
        context: open_context(vault, context.as_deref(), "callbacks.context")?,
        journey: open(journey, "callbacks.journey")?
            .map(|json| serde_json::from_str(&json).map_err(damaged))
            .transpose()?,
        agent,
        priority: record.priority,
        disposition: disposition.as_deref().map(unword).transpose()?,
        note: open(note, "callbacks.note")?.map(ContextValue::new),
        calls,
        promise: promise
            .map(|json| serde_json::from_str(&json).map_err(|_| Refusal::Damaged("a promise")))
            .transpose()?,
        began_at: record.began_at,
    })
}

/// The same for whoever calls or runs the floor: with the code to be said first, while the call is due.
pub fn show_to_desk(
    tx: &mut Tx<'_>,
    centre: &Centre,
    id: &str,
    now: Timestamp,
) -> Result<StaffCallback, Refusal> {
    let mut shown = show(tx, centre, id, now)?;
    shown.callback.spoken_code = find(tx, id)?.spoken_code(&centre.vault);
    Ok(shown)
}

/// Callbacks in a state, oldest first, without what is private.
pub fn list(
    tx: &mut Tx<'_>,
    centre: &Centre,
    state: CallbackState,
    after: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Callback>, Refusal> {
    let rows = tx.query(
        select_callback!("where c.state = $1 and c.id > $2 order by c.id limit 100"),
        &[&word(state)?, &after.unwrap_or("")],
        record,
    )?;
    rows.iter().map(|row| row.view(tx, centre, now)).collect()
}

/// The contact centre takes it back.
pub fn cancel_by_staff(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    id: &str,
    actor: &str,
    now: Timestamp,
) -> Result<Callback, Refusal> {
    let mut record = find_for_update(tx, id)?;
    apply(tx, effects, &mut record, Input::Cancel { by_staff: true }, actor, now)?;
    record.view(tx, centre, now)
}

/// Opens a sealed text.
pub(crate) fn open_text(vault: &Vault, sealed: &[u8], sealed_as: &str) -> Result<String, Refusal> {
    String::from_utf8(vault.unseal(sealed, sealed_as)?).map_err(|_| Refusal::Damaged("a sealed text"))
}

/// Opens a sealed context.
pub(crate) fn open_context(
    vault: &Vault,
    sealed: Option<&[u8]>,
    sealed_as: &str,
) -> Result<HashMap<String, ContextValue>, Refusal> {
    match sealed {
        None => Ok(HashMap::new()),
        Some(sealed) => serde_json::from_slice(&vault.unseal(sealed, sealed_as)?)
            .map_err(|_| Refusal::Damaged("a sealed context")),
    }
}
