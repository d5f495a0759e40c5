//! What the contact centre does with callbacks.

use super::model::{DialResult, Input};
use super::record::{Record, apply, find, find_for_update, raw, select_callback};
use crate::app::Effects;
use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use crate::words::word;
use ringback_core::protocol::{Callback, CallbackState, ContextValue, PersonName, PhoneNumber, Timestamp};
use serde::Serialize;
use std::collections::HashMap;

/// A callback as the contact centre sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
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
    /// What the agent noted at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
}

/// One callback with everything that is known of it.
pub fn show(tx: &mut Tx<'_>, vault: &Vault, id: &str) -> Result<StaffCallback, Refusal> {
    let callback = find(tx, id)?.view(tx)?;
    let (sealed, agent, disposition) = tx.query_one(
        "select c.number_sealed, c.name_sealed, c.context_sealed, a.name, c.disposition \
         from callbacks c left join agents a on a.id = c.agent_id where c.id = $1",
        &[&id],
        |row| {
            Ok((
                (row.get::<Vec<u8>>(0)?, row.get::<Option<Vec<u8>>>(1)?, row.get::<Option<Vec<u8>>>(2)?),
                row.get(3)?,
                row.get(4)?,
            ))
        },
    )?;
    let (number, name, context) = sealed;
    Ok(StaffCallback {
        callback,
        number: PhoneNumber::new(open_text(vault, &number, "callbacks.number")?),
        name: name.map(|name| open_text(vault, &name, "callbacks.name")).transpose()?.map(PersonName::new),
        context: open_context(vault, context.as_deref(), "callbacks.context")?,
        agent,
        disposition,
    })
}

/// Callbacks in a state, oldest first, without what is private.
pub fn list(tx: &mut Tx<'_>, state: CallbackState, after: Option<&str>) -> Result<Vec<Callback>, Refusal> {
    let rows = tx.query(
        select_callback!("where c.state = $1 and c.id > $2 order by c.id limit 100"),
        &[&word(state)?, &after.unwrap_or("")],
        raw,
    )?;
    rows.into_iter().map(|row| row.understand()?.view(tx)).collect()
}

/// The contact centre takes it back.
pub fn cancel_by_staff(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    id: &str,
    actor: &str,
    now: Timestamp,
) -> Result<Callback, Refusal> {
    let mut record = find_for_update(tx, id)?;
    apply(tx, effects, &mut record, Input::Cancel { by_staff: true }, actor, now)?;
    record.view(tx)
}

/// An agent or a phone engine reports what came of dialing.
pub fn dialed(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    result: DialResult,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    apply(tx, effects, record, Input::Dialed(result), actor, now)
}

/// The talk is over; the agent says what came of it.
pub fn finish(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    disposition: Option<&str>,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    apply(tx, effects, record, Input::Finish, actor, now)?;
    tx.execute("update callbacks set disposition = $1 where id = $2", &[&disposition, &record.id])?;
    Ok(())
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
