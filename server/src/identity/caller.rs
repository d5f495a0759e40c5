//! Callers as handlers take them: no handler runs for a caller who is not known and allowed.

use super::keys::{AppKey, SecretKey};
use super::role::{Permission, Role};
use crate::app::App;
use crate::refusal::Refusal;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ringback_core::protocol::{APP_KEY_HEADER, ProblemCode};

/// An app, known by its publishable key.
#[derive(Debug, Clone)]
pub struct AppCaller {
    /// The key's id.
    pub key_id: String,
}

/// One installation of an app.
#[derive(Debug, Clone)]
pub struct InstallationCaller {
    /// `in_…`
    pub id: String,
}

/// A member of staff or a program of theirs.
#[derive(Debug, Clone)]
pub struct StaffCaller {
    /// The key's id, for the event log.
    pub key_id: String,
    /// What the key may do.
    pub role: Role,
    /// Whose desk the key belongs to.
    pub agent_id: Option<String>,
}

impl StaffCaller {
    /// Refuses what the role does not allow.
    pub fn require(&self, permission: Permission) -> Result<(), Refusal> {
        if self.role.allows(permission) { Ok(()) } else { Err(Refusal::plain(ProblemCode::RoleForbidden)) }
    }

    /// Refuses to act for an agent other than one's own, except for those who run the floor.
    pub fn require_desk_of(&self, agent_id: &str) -> Result<(), Refusal> {
        let own = self.role.allows(Permission::OwnDesk) && self.agent_id.as_deref() == Some(agent_id);
        if own { Ok(()) } else { self.require(Permission::RunFloor) }
    }

    /// Who acted, as the event log keeps it.
    pub fn actor(&self) -> String {
        format!("staff:{}", self.key_id)
    }
}

impl FromRequestParts<App> for AppCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let header = parts.headers.get(APP_KEY_HEADER).ok_or_else(missing)?;
        let key = header.to_str().ok().and_then(AppKey::parse).ok_or_else(invalid)?;
        let known = app
            .storage
            .read(move |tx| {
                let found = tx.query_opt(
                    "select id from api_keys where id = $1 and kind = 'app' and revoked_at is null",
                    &[&key.id],
                    |row| row.get::<String>(0),
                )?;
                Ok::<_, Refusal>(found)
            })
            .await?;
        Ok(Self { key_id: known.ok_or_else(invalid)? })
    }
}

impl FromRequestParts<App> for InstallationCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let key = SecretKey::parse_installation(bearer(parts)?).ok_or_else(invalid)?;
        let id = format!("in_{}", key.id);
        let lookup = id.clone();
        let stored = app
            .storage
            .read(move |tx| {
                let hash =
                    tx.query_opt("select token_hash from installations where id = $1", &[&lookup], |row| {
                        row.get::<Vec<u8>>(0)
                    })?;
                Ok::<_, Refusal>(hash)
            })
            .await?;
        if stored.is_some_and(|hash| key.matches(&hash)) { Ok(Self { id }) } else { Err(invalid()) }
    }
}

impl FromRequestParts<App> for StaffCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let key = SecretKey::parse_staff(bearer(parts)?).ok_or_else(invalid)?;
        let key_id = key.id.clone();
        let stored = app
            .storage
            .read(move |tx| {
                let row = tx.query_opt(
                    "select secret_hash, role, agent_id from api_keys \
                     where id = $1 and kind = 'staff' and revoked_at is null",
                    &[&key_id],
                    |row| Ok((row.get::<Vec<u8>>(0)?, row.get::<String>(1)?, row.get::<Option<String>>(2)?)),
                )?;
                Ok::<_, Refusal>(row)
            })
            .await?;
        let (hash, role, agent_id) = stored.ok_or_else(invalid)?;
        let role = Role::parse(&role).ok_or(Refusal::Damaged("a key's role"))?;
        if key.matches(&hash) { Ok(Self { key_id: key.id, role, agent_id }) } else { Err(invalid()) }
    }
}

fn bearer(parts: &Parts) -> Result<&str, Refusal> {
    let header = parts.headers.get(axum::http::header::AUTHORIZATION).ok_or_else(missing)?;
    header.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(invalid)
}

fn missing() -> Refusal {
    Refusal::plain(ProblemCode::CredentialsMissing)
}

fn invalid() -> Refusal {
    Refusal::plain(ProblemCode::CredentialsInvalid)
}
