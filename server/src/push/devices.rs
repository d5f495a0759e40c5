//! The device registry: where an installation is reached.

use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use ringback_core::protocol::{
    ApnsEnvironment, Device, FcmTokenKind, ProblemCode, PushRegistration, PushTarget, PushToken, Timestamp,
};
use serde::{Deserialize, Serialize};

/// How many devices an installation has at most. One more, and the one not seen for longest goes.
pub const MAX_DEVICES: i64 = 20;

/// What kind of target a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// An app on an Apple device.
    Apns,
    /// What starts Live Activities there.
    ActivityStart,
    /// One Live Activity.
    Activity,
    /// One whose callback is over.
    ActivityEnded,
    /// An app that Firebase reaches.
    Fcm,
    /// A browser.
    WebPush,
}

/// A browser's subscription as it is sealed.
#[derive(Serialize, Deserialize)]
pub struct Subscription {
    /// Where to send.
    pub endpoint: PushToken,
    /// `p256dh`.
    pub p256dh: PushToken,
    /// `auth`.
    pub auth: PushToken,
}

/// A target in the words of the table.
struct Target<'a> {
    channel: &'static str,
    provider: &'static str,
    kind: &'static str,
    topic: Option<&'a str>,
    /// Which callback it shows.
    callback_id: Option<&'a str>,
    /// What is unique about it.
    token: &'a PushToken,
    /// All that is needed to reach it.
    secret: String,
}

impl Target<'_> {
    fn lane(&self) -> String {
        match self.topic {
            Some(topic) => format!("{}/{}/{topic}", self.provider, self.kind),
            None => self.provider.to_owned(),
        }
    }
}

fn bad(field: &str, detail: &str) -> Refusal {
    Refusal::of_field(ProblemCode::PushTokenInvalid, field, detail)
}

fn apple_target<'a>(
    field: &str,
    channel: &'static str,
    token: &'a PushToken,
    environment: ApnsEnvironment,
    topic: &'a str,
) -> Result<Target<'a>, Refusal> {
    let text = token.expose();
    let is_hex = !text.is_empty()
        && text.len() <= 512
        && text.len().is_multiple_of(2)
        && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return Err(bad(
            &format!("target.{field}.token"),
            "An APNs token is hexadecimal. Send the bytes the app received as hexadecimal text.",
        ));
    }
    let is_bundle_id = (1..=155).contains(&topic.len())
        && topic.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if !is_bundle_id {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            &format!("target.{field}.topic"),
            "The topic is the app's bundle id: letters, digits, `-` and `.`, for example com.example.app.",
        ));
    }
    let kind = match environment {
        ApnsEnvironment::Sandbox => "sandbox",
        ApnsEnvironment::Production => "production",
    };
    let secret = text.to_owned();
    Ok(Target { channel, provider: "apns", kind, topic: Some(topic), callback_id: None, token, secret })
}

fn target(target: &PushTarget) -> Result<Target<'_>, Refusal> {
    match target {
        PushTarget::Apns { token, environment, topic } => {
            apple_target("apns", "apns", token, *environment, topic)
        }
        PushTarget::LiveActivity { token, environment, topic, callback_id } => {
            let channel = if callback_id.is_some() { "activity" } else { "activity_start" };
            let target = apple_target("live_activity", channel, token, *environment, topic)?;
            Ok(Target { callback_id: callback_id.as_deref(), ..target })
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
            let secret = text.to_owned();
            Ok(Target {
                channel: "fcm",
                provider: "fcm",
                kind,
                topic: None,
                callback_id: None,
                token,
                secret,
            })
        }
        PushTarget::WebPush { endpoint, p256dh, auth } => {
            let subscription =
                Subscription { endpoint: endpoint.clone(), p256dh: p256dh.clone(), auth: auth.clone() };
            check_subscription(&subscription)?;
            let secret = serde_json::to_string(&subscription)
                .map_err(|_| Refusal::Damaged("a subscription that cannot be written"))?;
            Ok(Target {
                channel: "web_push",
                provider: "web_push",
                kind: "subscription",
                topic: None,
                callback_id: None,
                token: endpoint,
                secret,
            })
        }
    }
}

fn check_subscription(subscription: &Subscription) -> Result<(), Refusal> {
    let is_https = reqwest::Url::parse(subscription.endpoint.expose()).is_ok_and(|url| {
        url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none()
    });
    if !is_https || subscription.endpoint.expose().len() > 2048 {
        return Err(bad(
            "target.web_push.endpoint",
            "The endpoint is an https URL. Send the subscription as the browser made it.",
        ));
    }
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let decoded = |text: &PushToken| URL_SAFE_NO_PAD.decode(text.expose().trim_end_matches('='));
    if !decoded(&subscription.p256dh).is_ok_and(|key| key.len() == 65 && key[0] == 4) {
        return Err(bad(
            "target.web_push.p256dh",
            "The key is an uncompressed P-256 point in base64url. Send the subscription as the browser made it.",
        ));
    }
    if !decoded(&subscription.auth).is_ok_and(|secret| secret.len() == 16) {
        return Err(bad(
            "target.web_push.auth",
            "The secret is 16 bytes in base64url. Send the subscription as the browser made it.",
        ));
    }
    Ok(())
}

fn check_words(registration: &PushRegistration) -> Result<(), Refusal> {
    let refused = |field: &str, detail: &str| Refusal::of_field(ProblemCode::FieldInvalid, field, detail);
    let is_name = |name: &String| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if !registration.name.as_ref().is_none_or(is_name) {
        return Err(refused("name", "A name has 1 to 64 of `a-z`, `0-9` and `-`, for example `tablet`."));
    }
    let is_locale = |locale: &String| {
        (1..=35).contains(&locale.len())
            && locale.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if !registration.locale.as_ref().is_none_or(is_locale) {
        return Err(refused("locale", "A locale is a BCP 47 tag, for example `de-AT`."));
    }
    let is_version = |version: &String| {
        (1..=64).contains(&version.len())
            && version.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    };
    if !registration.app_version.as_ref().is_none_or(is_version) {
        return Err(refused("app_version", "A version has 1 to 64 visible ASCII characters."));
    }
    Ok(())
}

/// Registers a device, in place of what the installation had of this kind and name. A token that another installation had
/// is that of an app that was installed anew: it moves.
pub fn register(
    tx: &mut Tx<'_>,
    vault: &Vault,
    installation_id: &str,
    registration: &PushRegistration,
    now: Timestamp,
) -> Result<Device, Refusal> {
    let target = target(&registration.target)?;
    check_words(registration)?;
    if let Some(callback_id) = target.callback_id {
        let callback = crate::callbacks::find_own(tx, installation_id, callback_id)?;
        if callback.at.reason().is_some() {
            let code = ProblemCode::CallbackMovedOn;
            return Err(Refusal::of_field(code, "target.live_activity.callback_id", "The callback is over."));
        }
    }
    let name = target.callback_id.or(registration.name.as_deref()).unwrap_or_default();
    let token_hash = vault.lookup("push_token", target.token.expose());
    let sealed = vault.seal(target.secret.as_bytes(), "devices.token")?;
    let part = token_hash.get(..2).unwrap_or_default();
    tx.execute(
        "insert into device_locks (part, taken) values ($1, 1) \
         on conflict (part) do update set taken = device_locks.taken + 1",
        &[&part],
    )?;
    // The same token seen again keeps its first day.
    let device = tx.query_one(
        "insert into devices (id, installation_id, channel, name, provider, kind, topic, lane, token_hash, token_sealed, \
         locale, app_version, has_texts, state, registered_at, seen_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'active', $14, $14) \
         on conflict (installation_id, channel, name) do update set kind = excluded.kind, topic = excluded.topic, \
         lane = excluded.lane, token_hash = excluded.token_hash, token_sealed = excluded.token_sealed, \
         locale = excluded.locale, app_version = excluded.app_version, has_texts = excluded.has_texts, \
         state = 'active', state_reason = null, seen_at = excluded.seen_at, \
         registered_at = case when devices.token_hash = excluded.token_hash and devices.state = 'active' \
         then devices.registered_at else excluded.registered_at end \
         returning id, registered_at",
        &[
            &format!("dv_{}", uuid::Uuid::now_v7().simple()), &installation_id, &target.channel, &name,
            &target.provider, &target.kind, &target.topic, &target.lane(), &token_hash, &sealed,
            &registration.locale, &registration.app_version, &i64::from(registration.has_texts), &now,
        ],
        |row| Ok(Device { id: row.get(0)?, registered_at: row.get(1)? }),
    )?;
    tx.execute(
        "update devices set state = 'gone', state_reason = 'moved' where token_hash = $1 and id <> $2 \
         and state <> 'gone'",
        &[&token_hash, &device.id],
    )?;
    tx.execute(
        "update devices set state = 'gone', state_reason = 'too_many' where state <> 'gone' and id in \
         (select id from devices where installation_id = $1 and state <> 'gone' and channel <> 'activity_ended' \
         order by seen_at desc, id desc limit 1000 offset $2)",
        &[&installation_id, &MAX_DEVICES],
    )?;
    Ok(device)
}

/// The app is no longer to be reached there. What is on its way to the device is not sent.
pub fn unregister(tx: &mut Tx<'_>, installation_id: &str, device_id: &str) -> Result<(), Refusal> {
    let gone = tx.execute(
        "update devices set state = 'gone', state_reason = 'unregistered' where id = $1 and installation_id = $2",
        &[&device_id, &installation_id],
    )?;
    if gone == 1 { Ok(()) } else { Err(Refusal::plain(ProblemCode::DeviceNotFound)) }
}

/// The devices an installation is reached by.
pub fn list(tx: &mut Tx<'_>, installation_id: &str) -> Result<Vec<Device>, Refusal> {
    Ok(tx.query(
        "select id, registered_at from devices where installation_id = $1 and state = 'active' \
         and channel <> 'activity_ended' order by id",
        &[&installation_id],
        |row| Ok(Device { id: row.get(0)?, registered_at: row.get(1)? }),
    )?)
}

/// A provider says that this device's token is no more, or wrong here; believed unless the app has shown since then that
/// it is its token.
pub(super) fn retire(
    tx: &mut Tx<'_>,
    device_id: &str,
    (state, reason): (&str, &str),
    gone_since: Option<Timestamp>,
    sent_to: Timestamp,
) -> Result<(), Refusal> {
    // `sent_to` is the registration the push went to: if it changed meanwhile, the answer is about the old token.
    tx.execute(
        "update devices set state = $1, state_reason = $2 where id = $3 and registered_at = $4 \
         and seen_at <= coalesce($5, seen_at)",
        &[&state, &reason, &device_id, &sent_to, &gone_since],
    )?;
    Ok(())
}
