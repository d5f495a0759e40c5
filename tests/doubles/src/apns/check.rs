//! Is this request one that APNs takes? Source: Apple, "Sending notification requests to APNs".

use bytes::Bytes;
use hyper::{HeaderMap, Method, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A request that is in order.
pub(super) struct Checked {
    pub(super) device: String,
    /// The bundle id, without what the push type adds to it.
    pub(super) bundle_id: String,
    /// The kind of device token that this push is for.
    pub(super) kind: DeviceTokenKind,
}

/// An app has several device tokens, and each is for one kind of push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceTokenKind {
    /// For notifications, alert and background.
    App,
    /// For voice calls (`PushKit`).
    Voip,
    /// For updates of one Live Activity, and its end.
    LiveActivity,
    /// For starting Live Activities.
    PushToStart,
}

impl DeviceTokenKind {
    pub(super) fn shares_topic(self, other: Self) -> bool {
        let is_live = |kind| matches!(kind, Self::LiveActivity | Self::PushToStart);
        self == other || is_live(self) && is_live(other)
    }
}

/// What Apple takes of all but voice calls.
const MAX_PAYLOAD_BYTES: usize = 4096;
const MAX_VOIP_PAYLOAD_BYTES: usize = 5120;

/// The device token of a path, empty if there is none.
pub(super) fn device_of(path: &str) -> Option<&str> {
    path.strip_prefix("/3/device/")
}

/// Checks the path, then every header, then the body. The provider token is checked apart.
pub(super) fn check(request: &Request<Bytes>, topics: &[String]) -> Result<Checked, &'static str> {
    let device = device_of(request.uri().path()).ok_or("BadPath")?;
    if request.method() != Method::POST {
        return Err("MethodNotAllowed");
    }
    if device.is_empty() {
        return Err("MissingDeviceToken");
    }
    let headers = Headers(request.headers());
    let push_type = headers.one("apns-push-type")?.ok_or("InvalidPushType")?;
    let bundle_id = check_topic(headers.one("apns-topic")?.ok_or("MissingTopic")?, push_type, topics)?;
    match (headers.one("apns-priority")?, push_type) {
        (Some("5"), "background") => {}
        (_, "background") => return Err("BadPriority"),
        (None | Some("10" | "5" | "1"), _) => {}
        _ => return Err("BadPriority"),
    }
    if headers.one("apns-expiration")?.is_some_and(|expiration| expiration.parse::<u64>().is_err()) {
        return Err("BadExpirationDate");
    }
    if headers.one("apns-id")?.is_some_and(|id| id.len() != 36 || uuid::Uuid::parse_str(id).is_err()) {
        return Err("BadMessageId");
    }
    if headers.one("apns-collapse-id")?.is_some_and(|id| id.is_empty() || id.len() > 64) {
        return Err("BadCollapseId");
    }
    let kind = check_body(request.body(), push_type)?;
    Ok(Checked { device: device.to_owned(), bundle_id, kind })
}

struct Headers<'a>(&'a HeaderMap);

impl<'a> Headers<'a> {
    fn one(&self, name: &str) -> Result<Option<&'a str>, &'static str> {
        let mut values = self.0.get_all(name).iter();
        let value = values.next();
        if values.next().is_some() {
            return Err("DuplicateHeaders");
        }
        Ok(value.map(|value| value.to_str().unwrap_or("")))
    }
}

fn check_topic(topic: &str, push_type: &str, topics: &[String]) -> Result<String, &'static str> {
    let suffix = match push_type {
        "alert" | "background" => "",
        "liveactivity" => ".push-type.liveactivity",
        "voip" => ".voip",
        _ => return Err("InvalidPushType"),
    };
    let bundle_id = topic.strip_suffix(suffix).ok_or("BadTopic")?;
    if topics.iter().any(|known| known == bundle_id) {
        Ok(bundle_id.to_owned())
    } else {
        Err("TopicDisallowed")
    }
}

fn check_body(body: &[u8], push_type: &str) -> Result<DeviceTokenKind, &'static str> {
    let most = if push_type == "voip" { MAX_VOIP_PAYLOAD_BYTES } else { MAX_PAYLOAD_BYTES };
    if body.len() > most {
        return Err("PayloadTooLarge");
    }
    let payload: Map<String, Value> = serde_json::from_slice(body).map_err(|_| "PayloadEmpty")?;
    if push_type == "voip" {
        return Ok(DeviceTokenKind::Voip);
    }
    let aps = payload.get("aps").and_then(Value::as_object).ok_or("PayloadEmpty")?;
    let shows = ["alert", "sound", "badge"].iter().any(|key| aps.contains_key(*key));
    let fits = match push_type {
        "alert" => shows,
        "background" => !shows && aps.get("content-available") == Some(&Value::from(1)),
        _ => return live_activity(aps).ok_or("InvalidPushType"),
    };
    if fits { Ok(DeviceTokenKind::App) } else { Err("InvalidPushType") }
}

/// Source: Apple, "Starting and updating Live Activities with `ActivityKit` push notifications".
fn live_activity(aps: &Map<String, Value>) -> Option<DeviceTokenKind> {
    let is_object = |key: &str| aps.get(key).is_some_and(Value::is_object);
    let dates = aps.get("timestamp").is_some_and(Value::is_u64)
        && ["stale-date", "dismissal-date"].iter().all(|key| aps.get(*key).is_none_or(Value::is_u64));
    let content = is_object("content-state");
    match aps.get("event").and_then(Value::as_str) {
        Some("start") => {
            let attributes =
                aps.get("attributes-type").is_some_and(Value::is_string) && is_object("attributes");
            (dates && content && attributes).then_some(DeviceTokenKind::PushToStart)
        }
        Some("update") => (dates && content).then_some(DeviceTokenKind::LiveActivity),
        Some("end") => (dates && (content || !aps.contains_key("content-state")))
            .then_some(DeviceTokenKind::LiveActivity),
        _ => None,
    }
}
