//! One push for APNs, and what must hold before it leaves.

use http::HeaderValue;
use http::uri::PathAndQuery;
use ringback_core::protocol::{PushToken, Timestamp};
use serde_json::Value;
use uuid::Uuid;

/// What a push is for, `apns-push-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApnsPushType {
    /// Shows something, makes a sound or sets the badge.
    Alert,
    /// Wakes the app, shows nothing.
    Background,
    /// Starts, updates or ends a Live Activity.
    LiveActivity,
}

impl ApnsPushType {
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Background => "background",
            Self::LiveActivity => "liveactivity",
        }
    }

    fn topic_suffix(self) -> &'static str {
        match self {
            Self::Alert | Self::Background => "",
            Self::LiveActivity => ".push-type.liveactivity",
        }
    }
}

/// How hard APNs tries, `apns-priority`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApnsPriority {
    /// 10: at once.
    Immediate,
    /// 5: when the device's battery allows.
    PowerSaving,
    /// 1: battery before everything, never wakes the device.
    Low,
}

impl ApnsPriority {
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Immediate => "10",
            Self::PowerSaving => "5",
            Self::Low => "1",
        }
    }
}

/// How long APNs keeps a push for a device it cannot reach, `apns-expiration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApnsExpiration {
    /// Tries once and keeps nothing.
    DoNotStore,
    /// Keeps it until then.
    At(Timestamp),
}

impl ApnsExpiration {
    fn header(self) -> HeaderValue {
        match self {
            Self::DoNotStore => HeaderValue::from_static("0"),
            // 0 means something else, so an instant before it becomes the first after it.
            Self::At(instant) => instant.as_second().max(1).into(),
        }
    }
}

/// What a push carries: an object with `aps` in it.
pub trait ApnsPayload {
    /// Whether it is that of a push of this type; if not, what it lacks.
    fn check(&self, push_type: ApnsPushType) -> Result<(), &'static str>;

    /// As JSON.
    fn to_json(&self) -> String;
}

impl ApnsPayload for Value {
    fn check(&self, push_type: ApnsPushType) -> Result<(), &'static str> {
        check_payload(push_type, self)
    }

    fn to_json(&self) -> String {
        self.to_string()
    }
}

/// One push to one device.
#[derive(Debug, Clone)]
pub struct ApnsPush<P = Value> {
    /// As the app received it.
    pub device_token: PushToken,
    /// The app's bundle id. What Apple adds to it for some push types is added here.
    pub topic: String,
    /// What it is for; the payload must be of that kind.
    pub push_type: ApnsPushType,
    /// `Immediate` and `Low` are refused with a background push.
    pub priority: ApnsPriority,
    /// How long Apple keeps it.
    pub expiration: ApnsExpiration,
    /// A later push with the same id replaces this one on the device; at most 64 bytes.
    pub collapse_id: Option<String>,
    /// The same on every try.
    pub apns_id: Uuid,
    /// At most 4096 bytes as JSON.
    pub payload: P,
}

/// Why a push was not sent at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApnsPush {
    /// Empty, or with characters that cannot stand in a path.
    #[error("the device token is empty or has characters that no token has")]
    DeviceToken,
    /// Empty, with characters no bundle id has, or with a suffix that the push type sets.
    #[error("the topic is not a plain bundle id")]
    Topic,
    /// A background push with another priority than 5.
    #[error("a background push must have priority 5")]
    BackgroundPriority,
    /// More than 64 bytes, none, or not printable ASCII.
    #[error("the collapse id must be 1 to 64 bytes of printable ASCII")]
    CollapseId,
    /// The payload does not fit the push type.
    #[error("the payload is not that of a push of this type: {0}")]
    Payload(&'static str),
    /// More than 4096 bytes.
    #[error("the payload has {bytes} bytes, more than the {MAX_PAYLOAD_BYTES} that Apple takes")]
    PayloadTooLarge {
        /// Its size as JSON.
        bytes: usize,
    },
}

/// What Apple takes of all but voice calls.
const MAX_PAYLOAD_BYTES: usize = 4096;
const MAX_COLLAPSE_ID_BYTES: usize = 64;

/// What goes over the wire for a valid push.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) path: PathAndQuery,
    pub(super) topic: HeaderValue,
    pub(super) expiration: HeaderValue,
    pub(super) apns_id: HeaderValue,
    pub(super) collapse_id: Option<HeaderValue>,
    pub(super) body: bytes::Bytes,
}

impl<P: ApnsPayload> ApnsPush<P> {
    pub(super) fn prepare(&self) -> Result<Prepared, InvalidApnsPush> {
        let token = self.device_token.expose();
        if token.is_empty()
            || !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        {
            return Err(InvalidApnsPush::DeviceToken);
        }
        let path =
            PathAndQuery::try_from(format!("/3/device/{token}")).map_err(|_| InvalidApnsPush::DeviceToken)?;
        if !is_bundle_id(&self.topic) {
            return Err(InvalidApnsPush::Topic);
        }
        let topic = format!("{}{}", self.topic, self.push_type.topic_suffix());
        let topic = HeaderValue::try_from(topic).map_err(|_| InvalidApnsPush::Topic)?;
        if self.push_type == ApnsPushType::Background && self.priority != ApnsPriority::PowerSaving {
            return Err(InvalidApnsPush::BackgroundPriority);
        }
        let collapse_id = self.collapse_id.as_deref().map(checked_collapse_id).transpose()?;
        self.payload.check(self.push_type).map_err(InvalidApnsPush::Payload)?;
        let body = self.payload.to_json();
        if body.len() > MAX_PAYLOAD_BYTES {
            return Err(InvalidApnsPush::PayloadTooLarge { bytes: body.len() });
        }
        let mut apns_id = [0; uuid::fmt::Hyphenated::LENGTH];
        let apns_id = self.apns_id.hyphenated().encode_lower(&mut apns_id);
        Ok(Prepared {
            path,
            topic,
            expiration: self.expiration.header(),
            // What a UUID consists of is a header value.
            apns_id: never_indexed(apns_id).unwrap_or(HeaderValue::from_static("")),
            collapse_id,
            body: body.into(),
        })
    }
}

fn checked_collapse_id(id: &str) -> Result<HeaderValue, InvalidApnsPush> {
    let fits = (1..=MAX_COLLAPSE_ID_BYTES).contains(&id.len());
    if !fits || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(InvalidApnsPush::CollapseId);
    }
    never_indexed(id).ok_or(InvalidApnsPush::CollapseId)
}

/// A value that is another one with each push: in HPACK's table it would only push out those that come again.
fn never_indexed(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn is_bundle_id(topic: &str) -> bool {
    let plain = topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let has_suffix = topic.ends_with(".voip") || topic.contains(".push-type.");
    !topic.is_empty() && plain && !has_suffix
}

fn check_payload(push_type: ApnsPushType, payload: &Value) -> Result<(), &'static str> {
    let aps = payload.get("aps").and_then(Value::as_object).ok_or("it has no `aps` object")?;
    let shows = ["alert", "sound", "badge"].iter().any(|key| aps.contains_key(*key));
    match push_type {
        ApnsPushType::Alert if !shows => Err("an alert needs `alert`, `sound` or `badge`"),
        ApnsPushType::Background if shows || aps.get("content-available") != Some(&Value::from(1)) => {
            Err("a background push has `content-available` 1 and shows nothing")
        }
        ApnsPushType::LiveActivity => check_live_activity(aps),
        _ => Ok(()),
    }
}

fn check_live_activity(aps: &serde_json::Map<String, Value>) -> Result<(), &'static str> {
    if !aps.get("timestamp").is_some_and(Value::is_u64) {
        return Err("a Live Activity needs `timestamp` in seconds");
    }
    if !matches!(aps.get("event").and_then(Value::as_str), Some("start" | "update" | "end")) {
        return Err("a Live Activity needs `event` start, update or end");
    }
    let ends = aps.get("event") == Some(&Value::from("end"));
    if !ends && !aps.get("content-state").is_some_and(Value::is_object) {
        return Err("a Live Activity that goes on needs `content-state`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn alert() -> ApnsPush {
        ApnsPush {
            device_token: "0a1b2c".into(),
            topic: "com.example.app".into(),
            push_type: ApnsPushType::Alert,
            priority: ApnsPriority::Immediate,
            expiration: ApnsExpiration::DoNotStore,
            collapse_id: Some("cb_1".into()),
            apns_id: Uuid::nil(),
            payload: json!({"aps": {"alert": {"title-loc-key": "AGENT_READY"}}}),
        }
    }

    fn refusal(change: impl FnOnce(&mut ApnsPush)) -> InvalidApnsPush {
        let mut push = alert();
        change(&mut push);
        push.prepare().unwrap_err()
    }

    #[test]
    fn each_push_type_has_its_topic() {
        assert_eq!(alert().prepare().unwrap().topic, "com.example.app");
        let live = ApnsPush {
            push_type: ApnsPushType::LiveActivity,
            payload: json!({"aps": {"timestamp": 1, "event": "update", "content-state": {}}}),
            ..alert()
        };
        assert_eq!(live.prepare().unwrap().topic, "com.example.app.push-type.liveactivity");
    }

    #[test]
    fn what_apple_would_refuse_does_not_leave() {
        for token in ["", "../x", "a/b", "a?b", "a b", "ä"] {
            assert_eq!(refusal(|push| push.device_token = token.into()), InvalidApnsPush::DeviceToken);
        }
        for topic in ["", "com.example.app.voip", "com.example.app.push-type.liveactivity", "a b", "a\r\nb"] {
            assert_eq!(refusal(|push| push.topic = topic.into()), InvalidApnsPush::Topic);
        }
        for id in [String::new(), "x".repeat(65), "a b".into(), "a\n".into()] {
            assert_eq!(refusal(|push| push.collapse_id = Some(id)), InvalidApnsPush::CollapseId);
        }
        let background = |push: &mut ApnsPush| {
            push.push_type = ApnsPushType::Background;
            push.payload = json!({"aps": {"content-available": 1}});
        };
        assert_eq!(refusal(background), InvalidApnsPush::BackgroundPriority);
        assert_eq!(
            refusal(|push| push.payload = json!({"aps": {"alert": "x".repeat(4096)}})),
            InvalidApnsPush::PayloadTooLarge { bytes: 4096 + 20 }
        );
    }

    #[test]
    fn the_payload_fits_the_push_type() {
        let fits = |push_type, payload: Value| check_payload(push_type, &payload).is_ok();
        use ApnsPushType::{Alert, Background, LiveActivity};
        assert!(fits(Alert, json!({"aps": {"badge": 0}})));
        assert!(!fits(Alert, json!({"aps": {"content-available": 1}})));
        assert!(!fits(Alert, json!({"alert": "x"})));
        assert!(!fits(Alert, json!([])));
        assert!(fits(Background, json!({"aps": {"content-available": 1}})));
        assert!(!fits(Background, json!({"aps": {"content-available": 1, "sound": "x"}})));
        assert!(!fits(Background, json!({"aps": {}})));
        assert!(fits(LiveActivity, json!({"aps": {"timestamp": 1, "event": "end"}})));
        assert!(!fits(LiveActivity, json!({"aps": {"timestamp": 1, "event": "update"}})));
        assert!(!fits(LiveActivity, json!({"aps": {"timestamp": "1", "event": "end"}})));
        assert!(!fits(LiveActivity, json!({"aps": {"timestamp": 1, "event": "stop"}})));
    }

    #[test]
    fn expiration_is_epoch_seconds() {
        assert_eq!(ApnsExpiration::DoNotStore.header(), "0");
        assert_eq!(ApnsExpiration::At("2026-11-23T10:00:00Z".parse().unwrap()).header(), "1795428000");
        assert_eq!(ApnsExpiration::At(Timestamp::UNIX_EPOCH).header(), "1");
    }

    proptest! {
        #[test]
        fn whatever_is_prepared_is_within_apples_limits(token in ".{0,80}", topic in ".{0,40}", id in ".{0,80}", text in ".{0,5000}") {
            let push = ApnsPush {
                device_token: token.as_str().into(),
                topic,
                collapse_id: Some(id),
                payload: json!({"aps": {"alert": text}}),
                ..alert()
            };
            if let Ok(prepared) = push.prepare() {
                prop_assert!(prepared.body.len() <= 4096);
                let path = format!("https://localhost/3/device/{token}");
                let url = reqwest::Url::parse(&path).unwrap();
                prop_assert_eq!(url.path(), format!("/3/device/{token}"));
            }
        }
    }
}
