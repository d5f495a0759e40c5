//! Push credentials: entered once, sealed, never shown again.

use super::connection::PushSettingsError;
use super::lane::{Endpoints, Lane};
use super::web_push::InvalidVapid;
use crate::refusal::Refusal;
use crate::routing::resources::check_name;
use crate::storage::{Tx, Vault};
use ringback_core::protocol::{ProblemCode, PushToken, Timestamp};
use serde::{Deserialize, Serialize};

const SEALED_AS: &str = "push_credentials.settings";

/// A credential to be entered.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPushCredential {
    /// What it is called in lists.
    pub name: String,
    /// What the provider handed out.
    pub credential: PushCredential,
}

/// What a provider handed out.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PushCredential {
    /// A signing key of an Apple developer team.
    Apns {
        /// The text of the `.p8` file.
        #[schema(value_type = String)]
        key_p8: PushToken,
        /// Ten characters, from the key's page.
        key_id: String,
        /// Ten characters, from the membership page.
        team_id: String,
        /// The bundle ids of the apps this key is for.
        topics: Vec<String>,
    },
    /// A service account of a Firebase project.
    Fcm {
        /// The text of the JSON file.
        #[schema(value_type = String)]
        service_account: PushToken,
    },
    /// A VAPID key, by which the push services of browsers know who sends.
    WebPush {
        /// PKCS#8 PEM, or the 32 bytes in base64url.
        #[schema(value_type = String)]
        private_key: PushToken,
        /// Whom a push service writes to when something is wrong: `mailto:` or `https:`.
        subject: String,
    },
}

/// A credential in a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ListedCredential {
    /// What it is called.
    pub name: String,
    /// `apns`, `fcm` or `web_push`.
    pub provider: String,
    /// When it was entered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl PushCredential {
    pub(super) fn provider(&self) -> &'static str {
        match self {
            Self::Apns { .. } => "apns",
            Self::Fcm { .. } => "fcm",
            Self::WebPush { .. } => "web_push",
        }
    }

    /// Refuses what no client can be made of.
    fn check(&self) -> Result<(), Refusal> {
        if matches!(self, Self::Apns { topics, .. } if topics.is_empty()) {
            return Err(Refusal::of_field(
                ProblemCode::FieldInvalid,
                "credential.apns.topics",
                "Name at least one bundle id.",
            ));
        }
        let field = match self {
            Self::Apns { .. } => "credential.apns.key_p8",
            Self::Fcm { .. } => "credential.fcm.service_account",
            Self::WebPush { .. } => "credential.web_push.private_key",
        };
        match Lane::open(self, &Endpoints::default()) {
            Ok(_) => Ok(()),
            Err(PushSettingsError::Vapid(error @ InvalidVapid::Subject)) => Err(Refusal::of_field(
                ProblemCode::FieldInvalid,
                "credential.web_push.subject",
                format!("It cannot be used: {error}."),
            )),
            Err(error) => Err(Refusal::of_field(
                ProblemCode::FieldInvalid,
                field,
                format!(
                    "It cannot be used: {error}. Send the text of the file as the provider handed it out."
                ),
            )),
        }
    }
}

/// Enters a credential, in place of one of the same name.
pub fn put(tx: &mut Tx<'_>, vault: &Vault, new: &NewPushCredential, now: Timestamp) -> Result<(), Refusal> {
    check_name(&new.name)?;
    new.credential.check()?;
    let json = serde_json::to_vec(&new.credential)
        .map_err(|_| Refusal::Damaged("a credential that cannot be written"))?;
    // A new id each time: workers make a new client for it and let the old one finish.
    tx.execute(
        "insert into push_credentials (id, provider, name, settings_sealed, created_at) values ($1, $2, $3, $4, $5) \
         on conflict (name) do update set id = excluded.id, provider = excluded.provider, \
         settings_sealed = excluded.settings_sealed, created_at = excluded.created_at",
        &[
            &format!("pc_{}", uuid::Uuid::now_v7().simple()), &new.credential.provider(), &new.name,
            &vault.seal(&json, SEALED_AS)?, &now,
        ],
    )?;
    Ok(())
}

/// All credentials by name.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<ListedCredential>, Refusal> {
    Ok(tx.query("select name, provider, created_at from push_credentials order by name", &[], |row| {
        Ok(ListedCredential { name: row.get(0)?, provider: row.get(1)?, created_at: row.get(2)? })
    })?)
}

/// The ids of all credentials. One that is entered anew has another.
pub(super) fn ids(tx: &mut Tx<'_>) -> Result<Vec<String>, Refusal> {
    Ok(tx.query("select id from push_credentials", &[], |row| row.get(0))?)
}

/// All credentials, opened, for the worker.
pub(super) fn open_all(tx: &mut Tx<'_>, vault: &Vault) -> Result<Vec<(String, PushCredential)>, Refusal> {
    let rows =
        tx.query("select id, settings_sealed from push_credentials order by created_at desc", &[], |row| {
            Ok((row.get::<String>(0)?, row.get::<Vec<u8>>(1)?))
        })?;
    rows.into_iter().map(|(id, sealed)| Ok((id, unsealed(vault, &sealed)?))).collect()
}

/// One credential by name, or all, opened, for a check.
pub fn open_named(
    tx: &mut Tx<'_>,
    vault: &Vault,
    name: Option<&str>,
) -> Result<Vec<(String, PushCredential)>, Refusal> {
    let rows = tx.query("select name, settings_sealed from push_credentials order by name", &[], |row| {
        Ok((row.get::<String>(0)?, row.get::<Vec<u8>>(1)?))
    })?;
    let wanted = rows.into_iter().filter(|(known, _)| name.is_none_or(|name| name == known));
    let opened = wanted
        .map(|(name, sealed)| Ok((name, unsealed(vault, &sealed)?)))
        .collect::<Result<Vec<_>, Refusal>>()?;
    if opened.is_empty() && name.is_some() {
        let detail = "There is no push credential of this name.";
        return Err(Refusal::of_field(ProblemCode::ReferenceUnknown, "name", detail));
    }
    Ok(opened)
}

fn unsealed(vault: &Vault, sealed: &[u8]) -> Result<PushCredential, Refusal> {
    serde_json::from_slice(&vault.unseal(sealed, SEALED_AS)?)
        .map_err(|_| Refusal::Damaged("a push credential"))
}
