//! APNs: a push to a device that cannot be tells how far a key gets.

use ringback_core::protocol::ApnsEnvironment;
use serde_json::json;
use uuid::Uuid;

use super::{Fault, Finding};
use crate::push::apns::{ApnsClient, ApnsExpiration, ApnsPriority, ApnsPush, ApnsPushType};
use crate::push::outcome::Outcome;

/// Well-formed, and nobody's: Apple checks the credential and the topic before it misses the device.
const NO_DEVICE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub(super) fn check_ids(key_id: &str, team_id: &str) -> Vec<Finding> {
    let is_id = |id: &str| {
        id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    [("key_id", key_id), ("team_id", team_id)]
        .into_iter()
        .filter(|(_, id)| !is_id(id))
        .map(|(field, id)| {
            let detail = format!("{} characters", id.chars().count());
            Finding::new(Fault::IdMalformed, field, Some(detail))
        })
        .collect()
}

pub(super) async fn try_topics(
    client: &ApnsClient,
    environment: ApnsEnvironment,
    topics: &[String],
) -> Vec<Finding> {
    let environment = match environment {
        ApnsEnvironment::Production => "production",
        ApnsEnvironment::Sandbox => "sandbox",
    };
    let mut findings = Vec::new();
    for topic in topics {
        let found = match client.send(&to_nobody(topic)).await {
            Ok(outcome) => fault_of(&outcome),
            Err(invalid) => Some((Fault::TopicRefused, Some(invalid.to_string()))),
        };
        let Some((fault, detail)) = found else { continue };
        if fault == Fault::TopicRefused {
            findings.push(Finding::new(fault, format!("{environment}, {topic}"), detail));
        } else {
            // It would be the same for every topic.
            findings.push(Finding::new(fault, environment, detail));
            break;
        }
    }
    findings
}

fn to_nobody(topic: &str) -> ApnsPush {
    ApnsPush {
        device_token: NO_DEVICE.into(),
        topic: topic.to_owned(),
        push_type: ApnsPushType::Background,
        priority: ApnsPriority::PowerSaving,
        expiration: ApnsExpiration::DoNotStore,
        collapse_id: None,
        apns_id: Uuid::new_v4(),
        payload: json!({"aps": {"content-available": 1}}),
    }
}

/// What an answer says of the credential; `None` if all is well with it.
fn fault_of(outcome: &Outcome) -> Option<(Fault, Option<String>)> {
    let (fault, reason) = match outcome {
        Outcome::Delivered { .. } | Outcome::TokenGone { .. } => return None,
        Outcome::TokenRejected { reason } if reason == "BadDeviceToken" => return None,
        Outcome::RenewCredential => return Some((Fault::ClockOff, Some("ExpiredProviderToken".to_owned()))),
        Outcome::TokenRejected { reason } => (Fault::TopicRefused, reason),
        Outcome::Permanent { reason } => match reason.as_str() {
            "TopicDisallowed" | "BadTopic" | "MissingTopic" => (Fault::TopicRefused, reason),
            _ => (Fault::AnswerUnexpected, reason),
        },
        Outcome::LaneBlocked { reason } => match reason.as_str() {
            "BadEnvironmentKeyIdInToken" => (Fault::WrongEnvironment, reason),
            // Tokens were made too often, by whatever else uses this key.
            "TooManyProviderTokenUpdates" => (Fault::ProviderUnwell, reason),
            "cannot_sign" => (Fault::KeyUnreadable, reason),
            _ => (Fault::KeyRefused, reason),
        },
        Outcome::RetryAt { reason, .. } => match reason.as_str() {
            "connect_failed" | "timed_out" | "connection_lost" => (Fault::Unreachable, reason),
            _ => (Fault::ProviderUnwell, reason),
        },
    };
    Some((fault, Some(reason.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_ten_capitals_and_digits() {
        assert_eq!(check_ids("ABC1234567", "TEAM123456"), []);
        for wrong in ["", "ABC", "abc1234567", "ABC12345678", "ABC-123456", "ÄBC123456"] {
            let fields =
                |findings: Vec<Finding>| findings.into_iter().map(|found| found.at).collect::<Vec<_>>();
            assert_eq!(fields(check_ids(wrong, "TEAM123456")), ["key_id"], "{wrong}");
            assert_eq!(fields(check_ids("ABC1234567", wrong)), ["team_id"], "{wrong}");
        }
    }
}
