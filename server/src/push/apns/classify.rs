//! What each answer of APNs means for the push, its token and its lane.
//! Source: Apple, "Handling notification responses from APNs".

use std::time::Duration;

use ringback_core::protocol::Timestamp;

use crate::push::outcome::Outcome;

/// A decent wait after `TooManyRequests` to one device, where Apple names none.
const DEVICE_BACKOFF: Duration = Duration::from_secs(10);
/// The first wait when Apple is unwell.
const SERVER_BACKOFF: Duration = Duration::from_secs(1);

/// Decides from the status, the `reason` and `timestamp` of the body, and `Retry-After`. A 200 is not asked about here.
pub fn classify(
    status: u16,
    reason: &str,
    timestamp: Option<Timestamp>,
    retry_after: Option<Duration>,
) -> Outcome {
    let word = || if reason.is_empty() { format!("http_{status}") } else { reason.to_owned() };
    match (status, reason) {
        (400, "BadDeviceToken" | "DeviceTokenNotForTopic") => Outcome::TokenRejected { reason: word() },
        // Apple closes a connection that was idle; nothing is wrong with the push.
        (400, "IdleTimeout") => Outcome::RetryAt { after: retry_after.unwrap_or_default(), reason: word() },
        (403, "ExpiredProviderToken") => Outcome::RenewCredential,
        // Certificate, key, team or environment: the same answer awaits every push of the lane.
        (403, _) | (429, "TooManyProviderTokenUpdates") => Outcome::LaneBlocked { reason: word() },
        (410, _) => Outcome::TokenGone { invalid_since: timestamp, reason: word() },
        (429, _) => Outcome::RetryAt { after: retry_after.unwrap_or(DEVICE_BACKOFF), reason: word() },
        (500..=599, _) => Outcome::RetryAt { after: retry_after.unwrap_or(SERVER_BACKOFF), reason: word() },
        _ => Outcome::Permanent { reason: word() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(after_s: u64, reason: &str) -> Outcome {
        Outcome::RetryAt { after: Duration::from_secs(after_s), reason: reason.into() }
    }

    #[test]
    fn every_documented_refusal_has_its_outcome() {
        let rejected = |reason: &str| Outcome::TokenRejected { reason: reason.into() };
        let blocked = |reason: &str| Outcome::LaneBlocked { reason: reason.into() };
        let permanent = |reason: &str| Outcome::Permanent { reason: reason.into() };
        let gone = |reason: &str| Outcome::TokenGone { invalid_since: None, reason: reason.into() };
        for (status, reason, outcome) in [
            (400, "BadCollapseId", permanent("BadCollapseId")),
            (400, "BadDeviceToken", rejected("BadDeviceToken")),
            (400, "BadExpirationDate", permanent("BadExpirationDate")),
            (400, "BadMessageId", permanent("BadMessageId")),
            (400, "BadPriority", permanent("BadPriority")),
            (400, "BadTopic", permanent("BadTopic")),
            (400, "DeviceTokenNotForTopic", rejected("DeviceTokenNotForTopic")),
            (400, "DuplicateHeaders", permanent("DuplicateHeaders")),
            (400, "IdleTimeout", retry(0, "IdleTimeout")),
            (400, "InvalidPushType", permanent("InvalidPushType")),
            (400, "MissingDeviceToken", permanent("MissingDeviceToken")),
            (400, "MissingTopic", permanent("MissingTopic")),
            (400, "PayloadEmpty", permanent("PayloadEmpty")),
            (400, "TopicDisallowed", permanent("TopicDisallowed")),
            (403, "BadCertificate", blocked("BadCertificate")),
            (403, "BadCertificateEnvironment", blocked("BadCertificateEnvironment")),
            (403, "BadEnvironmentKeyIdInToken", blocked("BadEnvironmentKeyIdInToken")),
            (403, "ExpiredProviderToken", Outcome::RenewCredential),
            (403, "Forbidden", blocked("Forbidden")),
            (403, "InvalidProviderToken", blocked("InvalidProviderToken")),
            (403, "MissingProviderToken", blocked("MissingProviderToken")),
            (403, "UnrelatedKeyIdInToken", blocked("UnrelatedKeyIdInToken")),
            (404, "BadPath", permanent("BadPath")),
            (405, "MethodNotAllowed", permanent("MethodNotAllowed")),
            (410, "ExpiredToken", gone("ExpiredToken")),
            (410, "Unregistered", gone("Unregistered")),
            (413, "PayloadTooLarge", permanent("PayloadTooLarge")),
            (429, "TooManyProviderTokenUpdates", blocked("TooManyProviderTokenUpdates")),
            (429, "TooManyRequests", retry(10, "TooManyRequests")),
            (500, "InternalServerError", retry(1, "InternalServerError")),
            (503, "ServiceUnavailable", retry(1, "ServiceUnavailable")),
            (503, "Shutdown", retry(1, "Shutdown")),
            (418, "", permanent("http_418")),
            (502, "", retry(1, "http_502")),
        ] {
            assert_eq!(classify(status, reason, None, None), outcome, "{status} {reason}");
        }
    }

    #[test]
    fn apple_says_when_and_how_long() {
        let since: Timestamp = "2026-11-23T10:00:00.123Z".parse().unwrap();
        let gone = Outcome::TokenGone { invalid_since: Some(since), reason: "Unregistered".into() };
        assert_eq!(classify(410, "Unregistered", Some(since), None), gone);
        let wait = Some(Duration::from_secs(77));
        assert_eq!(classify(429, "TooManyRequests", None, wait), retry(77, "TooManyRequests"));
        assert_eq!(classify(503, "ServiceUnavailable", None, wait), retry(77, "ServiceUnavailable"));
    }
}
