//! Is this body one that `messages:send` takes? Source: Firebase, REST resource `projects.messages`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::status::FieldViolation;

/// The part of the schema that a sender of data messages to Android can use; as with Google, a name that is not in it
/// is refused, not ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendMessageRequest {
    #[serde(default)]
    validate_only: bool,
    message: Message,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    fid: Option<String>,
    token: Option<String>,
    topic: Option<String>,
    condition: Option<String>,
    #[serde(default)]
    data: BTreeMap<String, String>,
    #[allow(dead_code, reason = "only its type is checked")]
    notification: Option<Notification>,
    android: Option<AndroidConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its type is checked")]
struct Notification {
    title: Option<String>,
    body: Option<String>,
    image: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only the types of some are checked")]
struct AndroidConfig {
    collapse_key: Option<String>,
    priority: Option<Priority>,
    ttl: Option<String>,
    restricted_package_name: Option<String>,
    #[serde(default)]
    data: BTreeMap<String, String>,
    notification: Option<AndroidNotification>,
    direct_boot_ok: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Priority {
    Normal,
    High,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its type is checked")]
struct AndroidNotification {
    title: Option<String>,
    body: Option<String>,
    icon: Option<String>,
    color: Option<String>,
    sound: Option<String>,
    tag: Option<String>,
    click_action: Option<String>,
    title_loc_key: Option<String>,
    #[serde(default)]
    title_loc_args: Vec<String>,
    body_loc_key: Option<String>,
    #[serde(default)]
    body_loc_args: Vec<String>,
    channel_id: Option<String>,
    ticker: Option<String>,
    local_only: Option<bool>,
    image: Option<String>,
}

/// The two ways to name a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A Firebase installation id, in `message.fid`.
    Fid,
    /// A registration token, in `message.token`.
    Token,
}

/// A push that is in order.
pub(super) struct Push {
    pub(super) validate_only: bool,
    /// Empty if it is not for one device.
    pub(super) device: String,
    pub(super) kind: Option<TargetKind>,
    pub(super) collapse_key: Option<String>,
}

const MAX_DATA_BYTES: usize = 4096;
const MAX_TTL_S: f64 = 2_419_200.0;

/// The device that the body is for, if it names one.
pub(super) fn device_of(body: &Value) -> String {
    let message = &body["message"];
    message["fid"].as_str().or_else(|| message["token"].as_str()).unwrap_or("").to_owned()
}

/// Checks the whole body.
pub(super) fn check(body: &[u8]) -> Result<Push, FieldViolation> {
    // serde's sentence names the unknown field or the wrong type and where it stands.
    let SendMessageRequest { message, validate_only } =
        serde_json::from_slice(body).map_err(|error| violation("message", &error.to_string()))?;
    let targets = [&message.fid, &message.token, &message.topic, &message.condition];
    if targets.iter().filter(|target| target.as_ref().is_some_and(|target| !target.is_empty())).count() != 1 {
        return Err(violation("message", "exactly one of fid, token, topic and condition is required"));
    }
    let android = message.android.as_ref();
    for (field, data) in [
        ("message.data", Some(&message.data)),
        ("message.android.data", android.map(|android| &android.data)),
    ] {
        check_data(field, data.unwrap_or(&BTreeMap::new()))?;
    }
    if let Some(ttl) = android.and_then(|android| android.ttl.as_deref())
        && !is_ttl(ttl)
    {
        return Err(violation("message.android.ttl", "not seconds with an `s`, four weeks at most"));
    }
    let (device, kind) = match (message.fid, message.token) {
        (Some(fid), _) => (fid, Some(TargetKind::Fid)),
        (None, Some(token)) => (token, Some(TargetKind::Token)),
        (None, None) => (String::new(), None),
    };
    Ok(Push {
        validate_only,
        device,
        kind,
        collapse_key: message.android.and_then(|android| android.collapse_key),
    })
}

fn check_data(field: &str, data: &BTreeMap<String, String>) -> Result<(), FieldViolation> {
    let reserved = |key: &&String| {
        matches!(key.as_str(), "" | "from" | "message_type")
            || key.starts_with("google.")
            || key.starts_with("gcm.")
    };
    if let Some(key) = data.keys().find(reserved) {
        return Err(violation(field, &format!("the key {key:?} is reserved")));
    }
    let bytes: usize = data.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > MAX_DATA_BYTES {
        return Err(violation(field, "the message is too big"));
    }
    Ok(())
}

/// The JSON form of `google.protobuf.Duration`.
fn is_ttl(ttl: &str) -> bool {
    let Some(number) = ttl.strip_suffix('s') else { return false };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && fraction.len() <= 9
        && number.parse::<f64>().is_ok_and(|seconds| seconds <= MAX_TTL_S)
}

fn violation(field: &str, description: &str) -> FieldViolation {
    FieldViolation { field: field.to_owned(), description: description.to_owned() }
}
