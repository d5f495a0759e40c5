//! The device registry: where an installation is reached.

use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use ringback_core::protocol::{
    ApnsEnvironment, Device, FcmTokenKind, ProblemCode, PushRegistration, PushTarget, PushToken, Timestamp,
};

/// A target in the words of the table.
struct Target<'a> {
    provider: &'static str,
    kind: &'static str,
    topic: Option<&'a str>,
    token: &'a PushToken,
}

fn target(target: &PushTarget) -> Result<Target<'_>, Refusal> {
    let bad = |field: &str, detail: &str| Refusal::of_field(ProblemCode::PushTokenInvalid, field, detail);
    match target {
        PushTarget::Apns { token, environment, topic } => {
            let text = token.expose();
            if text.is_empty()
                || text.len() > 512
                || text.len() % 2 == 1
                || !text.bytes().all(|b| b.is_ascii_hexdigit())
            {
                return Err(bad(
                    "target.apns.token",
                    "An APNs token is hexadecimal. Send the bytes the app received as hexadecimal text.",
                ));
            }
            let is_bundle_id = (1..=155).contains(&topic.len())
                && topic.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
            if !is_bundle_id {
                return Err(Refusal::of_field(
                    ProblemCode::FieldInvalid,
                    "target.apns.topic",
                    "The topic is the app's bundle id: letters, digits, `-` and `.`, for example com.example.app.",
                ));
            }
            let kind = match environment {
                ApnsEnvironment::Sandbox => "sandbox",
                ApnsEnvironment::Production => "production",
            };
            Ok(Target { provider: "apns", kind, topic: Some(topic), token })
        }
        PushTarget::Fcm { token, kind } => {
            let text = token.expose();
            if text.is_empty() || text.len() > 4096 || !text.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(bad(
                    "target.fcm.token",
                    "An FCM token is visible ASCII without spaces. Send it as Firebase gave it to the app.",
                ));
            }
            let kind = match kind {
                FcmTokenKind::Token => "token",
                FcmTokenKind::Fid => "fid",
            };
            Ok(Target { provider: "fcm", kind, topic: None, token })
        }
    }
}

/// Registers a device, in place of what the installation had with the same provider.
pub fn register(
    tx: &mut Tx<'_>,
    vault: &Vault,
    installation_id: &str,
    registration: &PushRegistration,
    now: Timestamp,
) -> Result<Device, Refusal> {
    let target = target(&registration.target)?;
    let token_hash = vault.lookup("push_token", target.token.expose());
    let sealed = vault.seal(target.token.expose().as_bytes(), "devices.token")?;
    // The same token seen again keeps its first day: a provider's "gone since" is compared with it.
    tx.query_one(
        "insert into devices (id, installation_id, provider, kind, topic, token_hash, token_sealed, state, registered_at) \
         values ($1, $2, $3, $4, $5, $6, $7, 'active', $8) \
         on conflict (installation_id, provider) do update set kind = excluded.kind, topic = excluded.topic, \
         token_hash = excluded.token_hash, token_sealed = excluded.token_sealed, state = 'active', state_reason = null, \
         registered_at = case when devices.token_hash = excluded.token_hash and devices.state = 'active' \
         then devices.registered_at else excluded.registered_at end \
         returning id, registered_at",
        &[
            &format!("dv_{}", uuid::Uuid::now_v7().simple()), &installation_id, &target.provider, &target.kind,
            &target.topic, &token_hash, &sealed, &now,
        ],
        |row| Ok(Device { id: row.get(0)?, registered_at: row.get(1)? }),
    )
    .map_err(Refusal::from)
}

/// A provider says that this device's token is no more; believed unless the token was registered after that.
pub fn retire(
    tx: &mut Tx<'_>,
    device_id: &str,
    (state, reason): (&str, &str),
    gone_since: Option<Timestamp>,
    sent_to: Timestamp,
) -> Result<(), Refusal> {
    // `sent_to` is the registration the push went to: if it changed meanwhile, the answer is about the old token.
    tx.execute(
        "update devices set state = $1, state_reason = $2 where id = $3 and registered_at = $4 and registered_at <= $5",
        &[&state, &reason, &device_id, &sent_to, &gone_since.unwrap_or(sent_to)],
    )?;
    Ok(())
}
