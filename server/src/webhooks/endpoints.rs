//! Endpoints: who is told of which events, and with which secret it is signed.

use super::message::check_event_type;
use super::secret::Secret;
use crate::config::WebhookSettings;
use crate::public_net::PublicNet;
use crate::refusal::Refusal;
use crate::routing::resources::{check_name, name_taken, unknown};

use crate::services::changed;
use crate::storage::{Row, StorageError, Tx, Vault};
use ringback_core::protocol::{ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};

const URL_SEALED_AS: &str = "webhook_endpoints.url";
const URL_MAX_LEN: usize = 2048;
const DESCRIPTION_MAX_LEN: usize = 500;
/// The longest that a replaced secret may still sign, in seconds.
const GRACE_MAX_S: u32 = 7 * 24 * 3600;

/// An endpoint to be told of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSetup {
    /// 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Where events are sent, by POST.
    pub url: String,
    /// The events it is told of, such as `callback.completed`; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_types: Option<Vec<String>>,
    /// For people; up to 500 characters.
    #[serde(default)]
    pub description: String,
    /// Whether it is told of anything.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// An endpoint in a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Webhook {
    /// As it was set up.
    #[serde(flatten)]
    pub setup: WebhookSetup,
    /// Why it was disabled without anybody's doing: `gone` (it answered 410) or `failing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<Timestamp>,
    /// Since when every attempt has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
    /// Until when the secret before signs as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub old_secret_until: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A secret that was just made. It is shown here and never again.
#[derive(Serialize, utoipa::ToSchema)]
pub struct MadeSecret {
    /// The endpoint's name.
    pub name: String,
    /// `whsec_…`, as libraries for Standard Webhooks take it.
    pub secret: String,
}

/// How a secret is replaced.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long the secret before signs as well, in seconds; a day when absent.
    #[serde(default)]
    pub grace_s: Option<u32>,
}

/// An endpoint as it is sent to.
pub struct Target {
    /// `we_…`
    pub id: String,
    /// Where.
    pub url: String,
    /// The secrets that are valid, the newest first.
    pub secrets: Vec<Secret>,
}

/// What URLs may lead to.
pub fn net(settings: &WebhookSettings) -> PublicNet {
    let net = PublicNet::new(&settings.allow_networks);
    if settings.allow_http { net.with_http() } else { net }
}

impl WebhookSetup {
    /// Refuses what cannot be sent to.
    pub fn check(&self, net: &PublicNet) -> Result<(), Refusal> {
        check_name(&self.name)?;
        let invalid =
            |field: &str, detail: String| Refusal::of_field(ProblemCode::FieldInvalid, field, detail);
        if self.url.len() > URL_MAX_LEN {
            return Err(invalid("url", format!("A URL has up to {URL_MAX_LEN} characters.")));
        }
        net.check_url(&self.url)
            .map_err(|wrong| invalid("url", format!("This URL is not sent to: {wrong}. Give another.")))?;
        if self.description.chars().count() > DESCRIPTION_MAX_LEN {
            let detail = format!("A description has up to {DESCRIPTION_MAX_LEN} characters. Shorten it.");
            return Err(invalid("description", detail));
        }
        match &self.event_types {
            Some(types) if types.is_empty() => {
                Err(invalid("event_types", "Name an event, or leave the field out for all.".to_owned()))
            }
            types => types.iter().flatten().try_for_each(|name| check_event_type(name)),
        }
    }

    fn stored_types(&self) -> Option<String> {
        self.event_types.as_ref().map(|types| format!(" {} ", types.join(" ")))
    }
}

/// Makes an endpoint and its secret.
pub fn create(
    tx: &mut Tx<'_>,
    vault: &Vault,
    net: &PublicNet,
    new: &WebhookSetup,
    now: Timestamp,
) -> Result<MadeSecret, Refusal> {
    new.check(net)?;
    let secret = Secret::generate()?;
    let made = tx.execute(
        "insert into webhook_endpoints (id, name, url_sealed, event_types, description, enabled, secret_sealed, \
         created_at) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (name) do nothing",
        &[
            &format!("we_{}", uuid::Uuid::now_v7().simple()),
            &new.name,
            &vault.seal(new.url.as_bytes(), URL_SEALED_AS)?,
            &new.stored_types(),
            &new.description,
            &new.enabled,
            &secret.seal(vault)?,
            &now,
        ],
    )?;
    if made == 0 {
        return Err(name_taken());
    }
    changed(tx)?;
    Ok(MadeSecret { name: new.name.clone(), secret: secret.reveal() })
}

/// Sets every setting of an endpoint anew. One that is enabled again is sent what has waited for it.
pub fn update(
    tx: &mut Tx<'_>,
    vault: &Vault,
    net: &PublicNet,
    setup: &WebhookSetup,
    now: Timestamp,
) -> Result<(), Refusal> {
    setup.check(net)?;
    let id = id_of(tx, &setup.name)?;
    let was_enabled: bool =
        tx.query_one("select enabled from webhook_endpoints where id = $1 for update", &[&id], |row| {
            row.get(0)
        })?;
    tx.execute(
        "update webhook_endpoints set url_sealed = $1, event_types = $2, description = $3, enabled = $4 where id = $5",
        &[
            &vault.seal(setup.url.as_bytes(), URL_SEALED_AS)?,
            &setup.stored_types(),
            &setup.description,
            &setup.enabled,
            &id,
        ],
    )?;
    if setup.enabled && !was_enabled {
        tx.execute(
            "update webhook_endpoints set disabled_reason = null, disabled_at = null, failing_since = null where id = $1",
            &[&id],
        )?;
        tx.execute(
            "update webhook_deliveries set due_at = $1, attempts = 0 where endpoint_id = $2 and state = 'pending'",
            &[&now, &id],
        )?;
    }
    changed(tx)
}

/// Disables an endpoint without anybody's doing.
pub(super) fn disable(tx: &mut Tx<'_>, id: &str, reason: &str, now: Timestamp) -> Result<(), Refusal> {
    let disabled = tx.execute(
        "update webhook_endpoints set enabled = 0, disabled_reason = $1, disabled_at = $2 where id = $3 and enabled = 1",
        &[&reason, &now, &id],
    )?;
    if disabled == 1 {
        tracing::warn!(endpoint = id, reason, "a webhook is disabled");
    }
    Ok(())
}

/// Notes whether an endpoint takes anything; one that has not for `disable_after_days` is disabled.
pub(super) fn note_health(
    tx: &mut Tx<'_>,
    settings: &WebhookSettings,
    id: &str,
    is_well: bool,
    now: Timestamp,
) -> Result<(), Refusal> {
    if is_well {
        tx.execute(
            "update webhook_endpoints set failing_since = null where id = $1 and failing_since is not null",
            &[&id],
        )?;
        return Ok(());
    }
    tx.execute(
        "update webhook_endpoints set failing_since = $1 where id = $2 and failing_since is null",
        &[&now, &id],
    )?;
    let patience = jiff::SignedDuration::from_hours(24 * i64::from(settings.disable_after_days));
    let since: Option<Option<Timestamp>> =
        tx.query_opt("select failing_since from webhook_endpoints where id = $1", &[&id], |row| row.get(0))?;
    match since.flatten() {
        Some(since) if now.duration_since(since) >= patience => disable(tx, id, "failing", now),
        _ => Ok(()),
    }
}

/// Replaces the secret; the one before signs as well until its grace ends.
pub fn rotate(
    tx: &mut Tx<'_>,
    vault: &Vault,
    name: &str,
    rotation: &Rotation,
    now: Timestamp,
) -> Result<MadeSecret, Refusal> {
    let grace_s = rotation.grace_s.unwrap_or(24 * 3600);
    if grace_s > GRACE_MAX_S {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "grace_s",
            format!("A replaced secret signs for {GRACE_MAX_S} seconds at most. Choose a shorter grace."),
        ));
    }
    let secret = Secret::generate()?;
    let rotated = tx.execute(
        "update webhook_endpoints set old_secret_sealed = secret_sealed, old_secret_until = $1, secret_sealed = $2 \
         where name = $3",
        &[&crate::callbacks::later(now, grace_s)?, &secret.seal(vault)?, &name],
    )?;
    if rotated == 0 {
        return Err(unknown("webhook", name));
    }
    Ok(MadeSecret { name: name.to_owned(), secret: secret.reveal() })
}

/// Takes an endpoint away, with everything that was to be sent to it.
pub fn delete(tx: &mut Tx<'_>, name: &str) -> Result<(), Refusal> {
    let id = id_of(tx, name)?;
    tx.execute("delete from webhook_endpoints where id = $1", &[&id])?;
    tx.execute("delete from webhook_deliveries where endpoint_id = $1", &[&id])?;
    changed(tx)
}

/// The id of the endpoint of this name.
pub(super) fn id_of(tx: &mut Tx<'_>, name: &str) -> Result<String, Refusal> {
    tx.query_opt("select id from webhook_endpoints where name = $1", &[&name], |row| row.get(0))?
        .ok_or_else(|| unknown("webhook", name))
}

/// The id of the endpoint of this name, which has to be enabled.
pub(super) fn enabled_id_of(tx: &mut Tx<'_>, name: &str) -> Result<String, Refusal> {
    let id = id_of(tx, name)?;
    let enabled: bool =
        tx.query_one("select enabled from webhook_endpoints where id = $1", &[&id], |row| row.get(0))?;
    if enabled {
        Ok(id)
    } else {
        let detail = "This webhook is disabled: nothing is sent to it. Enable it first.";
        Err(Refusal::of_field(ProblemCode::FieldInvalid, "enabled", detail))
    }
}

/// An endpoint.
pub fn show(tx: &mut Tx<'_>, vault: &Vault, name: &str, now: Timestamp) -> Result<Webhook, Refusal> {
    let all = list(tx, vault, now)?;
    all.into_iter().find(|webhook| webhook.setup.name == name).ok_or_else(|| unknown("webhook", name))
}

/// All endpoints by name.
pub fn list(tx: &mut Tx<'_>, vault: &Vault, now: Timestamp) -> Result<Vec<Webhook>, Refusal> {
    let stored = tx.query(
        "select url_sealed, name, event_types, description, enabled, disabled_reason, disabled_at, failing_since, \
         old_secret_until, created_at from webhook_endpoints order by name",
        &[],
        |row| Ok((row.get::<Vec<u8>>(0)?, webhook(row)?)),
    )?;
    stored
        .into_iter()
        .map(|(url_sealed, mut webhook)| {
            webhook.setup.url = crate::callbacks::open_text(vault, &url_sealed, URL_SEALED_AS)?;
            webhook.old_secret_until = webhook.old_secret_until.filter(|until| *until > now);
            Ok(webhook)
        })
        .collect()
}

/// A row as [`list`] selects it, without what is sealed.
fn webhook(row: &Row<'_>) -> Result<Webhook, StorageError> {
    let event_types: Option<String> = row.get(2)?;
    let setup = WebhookSetup {
        name: row.get(1)?,
        url: String::new(),
        event_types: event_types.map(|types| types.split_whitespace().map(str::to_owned).collect()),
        description: row.get(3)?,
        enabled: row.get(4)?,
    };
    Ok(Webhook {
        setup,
        disabled_reason: row.get(5)?,
        disabled_at: row.get(6)?,
        failing_since: row.get(7)?,
        old_secret_until: row.get(8)?,
        created_at: row.get(9)?,
    })
}

/// The endpoints that are enabled, as they are sent to now.
pub fn targets(tx: &mut Tx<'_>, vault: &Vault, now: Timestamp) -> Result<Vec<Target>, Refusal> {
    let stored = tx.query(
        "select id, url_sealed, secret_sealed, case when old_secret_until > $1 then old_secret_sealed end \
         from webhook_endpoints where enabled = 1 order by id",
        &[&now],
        |row| {
            Ok((
                row.get::<String>(0)?,
                row.get::<Vec<u8>>(1)?,
                row.get::<Vec<u8>>(2)?,
                row.get::<Option<Vec<u8>>>(3)?,
            ))
        },
    )?;
    stored
        .into_iter()
        .map(|(id, url, newest, old)| {
            let url = crate::callbacks::open_text(vault, &url, URL_SEALED_AS)?;
            let secrets = std::iter::once(newest)
                .chain(old)
                .map(|sealed| Secret::unseal(vault, &sealed))
                .collect::<Result<_, _>>()?;
            Ok(Target { id, url, secrets })
        })
        .collect()
}
