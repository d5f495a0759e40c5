//! Callers as handlers take them: no handler runs for a caller who is not known and allowed.

use super::keys::{AppKey, SecretKey};
use super::role::{Permission, Role};
use super::signed::{Head, Nonce};
use crate::app::App;
use crate::attestation::Standing;
use crate::clock::now;
use crate::refusal::Refusal;
use crate::storage::{Row, StorageError, Tx};
use crate::words::unword;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringback_core::protocol::{APP_KEY_HEADER, ProblemCode, PublicKey};

/// An app, known by its publishable key.
#[derive(Debug, Clone)]
pub struct AppCaller {
    /// The key's id.
    pub key_id: String,
    /// Whether its installations need a key of their own.
    pub needs_installation_key: bool,
}

/// One installation of an app.
#[derive(Debug, Clone)]
pub struct InstallationCaller {
    /// `in_…`
    pub id: String,
    /// Of the signature that the request came with. To be used up where something is changed: an
    /// [`Intent`](crate::http::Intent) does, and [`spend_signature`](Self::spend_signature).
    pub nonce: Option<Nonce>,
    /// What is known of its app and device.
    pub standing: Standing,
}

impl InstallationCaller {
    /// Uses the request's signature up, in the transaction of what it asks.
    pub fn spend_signature(&self, tx: &mut Tx<'_>) -> Result<(), Refusal> {
        self.nonce.as_ref().map_or(Ok(()), |nonce| nonce.spend(tx, &self.id))
    }
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
                    "select id, needs_installation_key from api_keys \
                     where id = $1 and kind = 'app' and revoked_at is null",
                    &[&key.id],
                    |row| Ok(Self { key_id: row.get(0)?, needs_installation_key: row.get::<i64>(1)? != 0 }),
                )?;
                Ok::<_, Refusal>(found)
            })
            .await?;
        known.ok_or_else(invalid)
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
                let found = tx.query_opt(
                    "select i.token_hash, i.key_algorithm, i.public_key, k.needs_installation_key, a.verdict, \
                     a.expires_at from installations i join api_keys k on k.id = i.app_key_id \
                     left join attestations a on a.installation_id = i.id where i.id = $1",
                    &[&lookup],
                    |row| {
                        let standing = Standing::from_row(row, 4, now())?;
                        Ok((row.get::<Vec<u8>>(0)?, stored_key(row, 1)?, row.get::<i64>(3)? != 0, standing))
                    },
                )?;
                Ok::<_, Refusal>(found)
            })
            .await?;
        let (hash, public_key, needs_key, standing) = stored.ok_or_else(invalid)?;
        if !key.matches(&hash) {
            return Err(invalid());
        }
        let nonce = if parts.method.is_safe() {
            None
        } else if let Some((algorithm, bytes)) = public_key {
            let public_key = PublicKey { algorithm: unword(&algorithm)?, key: URL_SAFE_NO_PAD.encode(bytes) };
            let head = Head::from_request_parts(parts, app).await?;
            Some(head.verify(&public_key, now())?)
        } else if needs_key {
            return Err(Refusal::plain(ProblemCode::InstallationKeyRequired));
        } else {
            None
        };
        Ok(Self { id, nonce, standing })
    }
}

/// Algorithm and key from two columns; nothing for an installation that has none.
pub(super) fn stored_key(row: &Row<'_>, index: usize) -> Result<Option<(String, Vec<u8>)>, StorageError> {
    Ok(row.get::<Option<String>>(index)?.zip(row.get::<Option<Vec<u8>>>(index + 1)?))
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
