//! What a push says. Nothing about a person: a lock screen is read by anybody.

use super::apns::{ApnsExpiration, ApnsPriority, ApnsPush, ApnsPushType};
use super::fcm::{FcmNotification, FcmPriority, FcmPush, FcmTarget};
use super::outbox::Claim;
use crate::refusal::Refusal;
use crate::words::unword;
use ringback_core::protocol::{ActionToken, PUSH_DATA_KEY, PushData, PushToken, Timestamp};
use serde_json::json;
use std::collections::BTreeMap;

const TITLE: &str = "Your agent is ready";
const BODY: &str = "Tap to say whether you are, too.";
/// The notification category under which an app registers its actions.
const CATEGORY: &str = "RINGBACK_AGENT_READY";
/// A device keeps at most four collapse keys, so the key is fixed and the notification's tag tells callbacks apart.
const COLLAPSE_KEY: &str = "ringback_agent_ready";

fn data(claim: &Claim, action_token: ActionToken) -> Result<String, Refusal> {
    let data = PushData {
        push_id: claim.push_id.clone(),
        event: unword(&claim.event)?,
        callback_id: claim.callback_id.clone(),
        expires_at: claim.expires_at,
        action_token,
    };
    serde_json::to_string(&data).map_err(|_| Refusal::Damaged("a push that cannot be written"))
}

/// The push for an Apple device.
pub fn for_apns(claim: &Claim, token: PushToken, action_token: ActionToken) -> Result<ApnsPush, Refusal> {
    Ok(ApnsPush {
        device_token: token,
        topic: claim.topic.clone().unwrap_or_default(),
        push_type: ApnsPushType::Alert,
        priority: ApnsPriority::Immediate,
        expiration: ApnsExpiration::At(claim.expires_at),
        collapse_id: Some(claim.callback_id.clone()),
        apns_id: claim.id.parse().map_err(|_| Refusal::Damaged("a delivery's id"))?,
        payload: json!({
            "aps": {
                "alert": { "title": TITLE, "body": BODY },
                "sound": "default",
                "category": CATEGORY,
                "interruption-level": "time-sensitive",
            },
            PUSH_DATA_KEY: data(claim, action_token)?,
        }),
    })
}

/// The push for a device that Firebase reaches.
pub fn for_fcm(
    claim: &Claim,
    token: PushToken,
    action_token: ActionToken,
    now: Timestamp,
) -> Result<FcmPush, Refusal> {
    Ok(FcmPush {
        target: if claim.kind == "fid" { FcmTarget::Fid(token) } else { FcmTarget::Token(token) },
        data: BTreeMap::from([(PUSH_DATA_KEY.to_owned(), data(claim, action_token)?)]),
        priority: FcmPriority::High,
        // Rounded down: better not at all than a moment too late.
        ttl_s: u32::try_from(claim.expires_at.duration_since(now).as_secs()).unwrap_or(0),
        collapse_key: Some(COLLAPSE_KEY.to_owned()),
        notification: Some(FcmNotification {
            title: TITLE.to_owned(),
            body: BODY.to_owned(),
            tag: claim.callback_id.clone(),
        }),
    })
}
