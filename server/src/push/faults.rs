//! Every way in which a push can fail, and what is to follow: the table that `docs/push-faults.md` is made from and that
//! tests provoke row by row.

use super::apns;
use super::fcm::{self, FcmRefusal};
use super::outcome::Outcome;
use super::web_push;
use std::time::Duration;

/// What a provider, or the network, does with a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Apple's status with the reason in its body.
    Apple,
    /// Google's status with this `status` of `google.rpc.Status`, and the fault's reason as `errorCode` of an `FcmError`.
    Google(&'static str),
    /// The same without an `FcmError`.
    GoogleAlone(&'static str),
    /// The same with a `BadRequest` that names this field.
    GoogleField(&'static str, &'static str),
    /// A browser's push service answers with this status.
    Browsers,
    /// No connection is made.
    NoConnection,
    /// No answer comes.
    Silence,
    /// The connection breaks before the answer.
    Break,
}

/// A fault and what follows while it lasts, for a push that has time left.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// `apns`, `fcm` or `web_push`.
    pub provider: &'static str,
    /// The HTTP status; 0 where there is no answer.
    pub status: u16,
    /// The reason as a double has it on script: Apple's reason, Google's `errorCode` or code.
    pub reason: &'static str,
    /// What exactly happens.
    pub answer: Answer,
    /// The state of the delivery after a try: `failed`, or `pending` to be tried again.
    pub state: &'static str,
    /// The reason in the delivery after a try.
    pub word: &'static str,
}

impl Fault {
    /// What the real reading of the answer makes of it.
    pub fn outcome(&self) -> Outcome {
        let google = |status: &str, error_code: Option<&str>, field: Option<&str>| {
            let refusal = FcmRefusal {
                status: status.to_owned(),
                error_code: error_code.map(str::to_owned),
                violated_fields: field.map(str::to_owned).into_iter().collect(),
                bad_request: field.is_some(),
            };
            fcm::classify(self.status, &refusal, None)
        };
        let no_answer = || Outcome::RetryAt { after: Duration::from_secs(1), reason: self.reason.to_owned() };
        match self.answer {
            Answer::Apple => apns::classify(self.status, self.reason, None, None),
            Answer::Google(status) => google(status, Some(self.reason), None),
            Answer::GoogleAlone(status) => google(status, None, None),
            Answer::GoogleField(status, field) => google(status, None, Some(field)),
            Answer::Browsers => web_push::classify(self.status, None),
            Answer::NoConnection | Answer::Silence | Answer::Break => no_answer(),
        }
    }
}

const fn apple(status: u16, reason: &'static str, state: &'static str) -> Fault {
    Fault { provider: "apns", status, reason, answer: Answer::Apple, state, word: reason }
}

const fn google(status: u16, reason: &'static str, answer: Answer, state: &'static str) -> Fault {
    Fault { provider: "fcm", status, reason, answer, state, word: reason }
}

const fn browsers(status: u16, word: &'static str, state: &'static str) -> Fault {
    Fault { provider: "web_push", status, reason: word, answer: Answer::Browsers, state, word }
}

const fn broken(provider: &'static str, reason: &'static str, answer: Answer) -> Fault {
    Fault { provider, status: 0, reason, answer, state: "pending", word: reason }
}

/// All of them.
pub const FAULTS: &[Fault] = &[
    apple(400, "BadCollapseId", "failed"),
    apple(400, "BadDeviceToken", "failed"),
    apple(400, "BadExpirationDate", "failed"),
    apple(400, "BadMessageId", "failed"),
    apple(400, "BadPriority", "failed"),
    apple(400, "BadTopic", "failed"),
    apple(400, "DeviceTokenNotForTopic", "failed"),
    apple(400, "DuplicateHeaders", "failed"),
    apple(400, "IdleTimeout", "pending"),
    apple(400, "InvalidPushType", "failed"),
    apple(400, "MissingDeviceToken", "failed"),
    apple(400, "MissingTopic", "failed"),
    apple(400, "PayloadEmpty", "failed"),
    apple(400, "TopicDisallowed", "failed"),
    apple(403, "BadCertificate", "pending"),
    apple(403, "BadCertificateEnvironment", "pending"),
    apple(403, "BadEnvironmentKeyIdInToken", "pending"),
    // A new provider token is made and the push sent once more; this is when that is refused too.
    Fault { word: "credential_expired", ..apple(403, "ExpiredProviderToken", "pending") },
    apple(403, "Forbidden", "pending"),
    apple(403, "InvalidProviderToken", "pending"),
    apple(403, "MissingProviderToken", "pending"),
    apple(403, "UnrelatedKeyIdInToken", "pending"),
    apple(404, "BadPath", "failed"),
    apple(405, "MethodNotAllowed", "failed"),
    apple(410, "ExpiredToken", "failed"),
    apple(410, "Unregistered", "failed"),
    apple(413, "PayloadTooLarge", "failed"),
    apple(429, "TooManyProviderTokenUpdates", "pending"),
    apple(429, "TooManyRequests", "pending"),
    apple(500, "InternalServerError", "pending"),
    apple(503, "ServiceUnavailable", "pending"),
    apple(503, "Shutdown", "pending"),
    broken("apns", "connect_failed", Answer::NoConnection),
    broken("apns", "timed_out", Answer::Silence),
    broken("apns", "connection_lost", Answer::Break),
    Fault {
        word: "INVALID_ARGUMENT",
        ..google(400, "BAD_REQUEST", Answer::GoogleField("INVALID_ARGUMENT", "message"), "failed")
    },
    google(400, "INVALID_ARGUMENT", Answer::Google("INVALID_ARGUMENT"), "failed"),
    // An access token is asked for and the push sent once more; this is when that is refused too.
    Fault {
        word: "credential_expired",
        ..google(401, "UNAUTHENTICATED", Answer::GoogleAlone("UNAUTHENTICATED"), "pending")
    },
    google(401, "THIRD_PARTY_AUTH_ERROR", Answer::Google("UNAUTHENTICATED"), "pending"),
    google(403, "PERMISSION_DENIED", Answer::GoogleAlone("PERMISSION_DENIED"), "pending"),
    google(403, "SENDER_ID_MISMATCH", Answer::Google("PERMISSION_DENIED"), "failed"),
    google(404, "NOT_FOUND", Answer::GoogleAlone("NOT_FOUND"), "pending"),
    google(404, "UNREGISTERED", Answer::Google("NOT_FOUND"), "failed"),
    google(429, "QUOTA_EXCEEDED", Answer::Google("RESOURCE_EXHAUSTED"), "pending"),
    google(500, "INTERNAL", Answer::Google("INTERNAL"), "pending"),
    google(503, "UNAVAILABLE", Answer::Google("UNAVAILABLE"), "pending"),
    broken("fcm", "connect_failed", Answer::NoConnection),
    broken("fcm", "timed_out", Answer::Silence),
    broken("fcm", "connection_lost", Answer::Break),
    browsers(400, "http_400", "failed"),
    browsers(401, "http_401", "failed"),
    browsers(403, "http_403", "failed"),
    browsers(404, "http_404", "failed"),
    browsers(406, "http_406", "pending"),
    browsers(410, "http_410", "failed"),
    browsers(413, "http_413", "failed"),
    browsers(429, "http_429", "pending"),
    browsers(500, "http_500", "pending"),
    browsers(503, "http_503", "pending"),
    broken("web_push", "connect_failed", Answer::NoConnection),
    broken("web_push", "timed_out", Answer::Silence),
    broken("web_push", "connection_lost", Answer::Break),
];
