//! Making and listing keys.

use super::keys::{AppKey, SecretKey};
use super::role::Role;
use crate::refusal::Refusal;
use crate::routing::agents;
use crate::routing::resources::{check_name, name_taken};
use crate::storage::Tx;
use ringback_core::protocol::{BearerToken, ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};

/// A key of an app to be made.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAppKey {
    /// What it is called in lists.
    pub name: String,
    /// Whether the app's installations need a key of their own, with which they sign what they change. Apps in browsers may
    /// have none.
    #[serde(default)]
    pub needs_installation_key: bool,
}

/// What is to be asked of an app's installations from now on.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppKeyChange {
    /// Whether they need a key of their own. Those that have one keep it either way.
    pub needs_installation_key: bool,
}

/// A key of staff to be made.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStaffKey {
    /// What it is called in lists.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose desk it opens; needed for the role `agent`.
    #[serde(default)]
    pub agent: Option<String>,
}

/// A key that was just made. It is shown here and never again.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MadeKey {
    /// What it is called.
    pub name: String,
    /// The key.
    pub key: BearerToken,
}

/// A key in a list, without what is secret of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ListedKey {
    /// What it is called.
    pub name: String,
    /// `app` or `staff`.
    pub kind: String,
    /// What it may do, for keys of staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

/// Makes the publishable key of an app.
pub fn create_app_key(tx: &mut Tx<'_>, name: &str, now: Timestamp) -> Result<MadeKey, Refusal> {
    check_name(name)?;
    let key = AppKey::generate();
    let made = tx.execute(
        "insert into api_keys (id, kind, name, created_at) values ($1, 'app', $2, $3) on conflict (name) do nothing",
        &[&key.id, &name, &now],
    )?;
    if made == 0 {
        return Err(name_taken());
    }
    Ok(MadeKey { name: name.to_owned(), key: BearerToken::new(key.to_string()) })
}

/// Makes the key of an app as it is asked for.
pub fn create_app(tx: &mut Tx<'_>, new: &NewAppKey, now: Timestamp) -> Result<MadeKey, Refusal> {
    let made = create_app_key(tx, &new.name, now)?;
    let change = AppKeyChange { needs_installation_key: new.needs_installation_key };
    update_app_key(tx, &new.name, &change)?;
    Ok(made)
}

/// Changes what is asked of an app's installations.
pub fn update_app_key(tx: &mut Tx<'_>, name: &str, change: &AppKeyChange) -> Result<(), Refusal> {
    let updated = tx.execute(
        "update api_keys set needs_installation_key = $1 where name = $2 and kind = 'app'",
        &[&change.needs_installation_key, &name],
    )?;
    if updated == 1 { Ok(()) } else { Err(unknown_key(name)) }
}

/// Makes a key of staff.
pub fn create_staff_key(tx: &mut Tx<'_>, new: &NewStaffKey, now: Timestamp) -> Result<MadeKey, Refusal> {
    check_name(&new.name)?;
    if new.role == Role::Agent && new.agent.is_none() {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "agent",
            "A key of the role `agent` opens one agent's desk. Name the agent.",
        ));
    }
    let agent_id = new.agent.as_deref().map(|name| agents::id_of(tx, name)).transpose()?;
    let key = SecretKey::generate_staff().map_err(|_| Refusal::Damaged("no randomness"))?;
    let made = tx.execute(
        "insert into api_keys (id, kind, name, role, agent_id, secret_hash, created_at) \
         values ($1, 'staff', $2, $3, $4, $5, $6) on conflict (name) do nothing",
        &[&key.id, &new.name, &new.role.as_str(), &agent_id, &key.hash(), &now],
    )?;
    if made == 0 {
        return Err(name_taken());
    }
    Ok(MadeKey { name: new.name.clone(), key: key.reveal() })
}

/// All keys by name.
pub fn list_keys(tx: &mut Tx<'_>) -> Result<Vec<ListedKey>, Refusal> {
    Ok(tx.query(
        "select name, kind, role, created_at, revoked_at from api_keys order by name",
        &[],
        |row| {
            Ok(ListedKey {
                name: row.get(0)?,
                kind: row.get(1)?,
                role: row.get(2)?,
                created_at: row.get(3)?,
                revoked_at: row.get(4)?,
            })
        },
    )?)
}

/// Takes a key back; from now on it opens nothing.
pub fn revoke_key(tx: &mut Tx<'_>, name: &str, now: Timestamp) -> Result<(), Refusal> {
    let revoked = tx.execute(
        "update api_keys set revoked_at = coalesce(revoked_at, $1) where name = $2",
        &[&now, &name],
    )?;
    if revoked == 1 { Ok(()) } else { Err(unknown_key(name)) }
}

fn unknown_key(name: &str) -> Refusal {
    let sentence = format!("There is no key {name:?}. See `ringback admin key list`.");
    Refusal::of_field(ProblemCode::ReferenceUnknown, "name", sentence)
}
