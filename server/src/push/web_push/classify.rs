//! What each answer of a push service means for the push and its subscription.
//! Source: RFC 8030, sections 5 and 7.3; the services of Mozilla, Google, Apple and Microsoft.

use std::time::Duration;

use crate::push::outcome::Outcome;

/// A decent wait after a refusal for too many, where the service names none.
const QUOTA_BACKOFF: Duration = Duration::from_secs(60);
/// The first wait when the service is unwell.
const SERVER_BACKOFF: Duration = Duration::from_secs(1);

/// Decides from the status and `Retry-After`. A success is not asked about here.
///
/// No answer stops the lane: the address of the push service came from a browser, and one that is a stranger's must not
/// hold up the pushes of others. Services do not say in a common way either whether it is the key or the subscription
/// that they refuse, so the subscription is set aside: the app makes a new one when it is opened.
pub fn classify(status: u16, retry_after: Option<Duration>) -> Outcome {
    let reason = format!("http_{status}");
    match status {
        404 | 410 => Outcome::TokenGone { invalid_since: None, reason },
        // The subscription was made for another VAPID key, or for none.
        401 | 403 => Outcome::TokenRejected { reason },
        // Microsoft's word for too many is 406.
        406 | 429 => Outcome::RetryAt { after: retry_after.unwrap_or(QUOTA_BACKOFF), reason },
        500..=599 => Outcome::RetryAt { after: retry_after.unwrap_or(SERVER_BACKOFF), reason },
        // Redirects among them: they are not followed.
        _ => Outcome::Permanent { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_refusal_has_its_outcome() {
        let gone = |reason: &str| Outcome::TokenGone { invalid_since: None, reason: reason.into() };
        let rejected = |reason: &str| Outcome::TokenRejected { reason: reason.into() };
        let permanent = |reason: &str| Outcome::Permanent { reason: reason.into() };
        let retry = |after_s, reason: &str| Outcome::RetryAt {
            after: Duration::from_secs(after_s),
            reason: reason.into(),
        };
        for (status, outcome) in [
            (301, permanent("http_301")),
            (307, permanent("http_307")),
            (400, permanent("http_400")),
            (401, rejected("http_401")),
            (403, rejected("http_403")),
            (404, gone("http_404")),
            (405, permanent("http_405")),
            (406, retry(60, "http_406")),
            (410, gone("http_410")),
            (413, permanent("http_413")),
            (429, retry(60, "http_429")),
            (500, retry(1, "http_500")),
            (502, retry(1, "http_502")),
            (503, retry(1, "http_503")),
            (504, retry(1, "http_504")),
        ] {
            assert_eq!(classify(status, None), outcome, "{status}");
        }
        let wait = Some(Duration::from_secs(77));
        for status in [406, 429, 503] {
            assert_eq!(classify(status, wait), retry(77, &format!("http_{status}")));
        }
    }

    proptest! {
        #[test]
        fn no_answer_of_a_stranger_stops_the_lane(status in 100u16..1000, wait in proptest::option::of(0u64..1_000_000)) {
            let outcome = classify(status, wait.map(Duration::from_secs));
            let stops = matches!(outcome, Outcome::LaneBlocked { .. } | Outcome::RenewCredential);
            prop_assert!(!stops);
        }
    }
}
