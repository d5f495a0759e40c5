//! What each answer of FCM means for the push, its token and its lane.
//! Source: Firebase, "FCM error codes" and `google.rpc.Status`.

use std::time::Duration;

use serde::Deserialize;

use crate::push::outcome::Outcome;

/// Google asks for a minute at least when a quota is used up and no `Retry-After` says more.
const QUOTA_BACKOFF: Duration = Duration::from_secs(60);
/// The first wait when Google is unwell.
const SERVER_BACKOFF: Duration = Duration::from_secs(1);

/// What a refusal says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FcmRefusal {
    /// `status` of `google.rpc.Status`, for example `NOT_FOUND`.
    pub status: String,
    /// `errorCode` of the `FcmError` detail, where there is one.
    pub error_code: Option<String>,
    /// The fields that a `BadRequest` detail complains about.
    pub violated_fields: Vec<String>,
    /// Whether there is a `BadRequest` detail at all.
    pub bad_request: bool,
}

#[derive(Deserialize)]
struct Body {
    error: Status,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
#[serde(tag = "@type")]
enum Detail {
    #[serde(rename = "type.googleapis.com/google.firebase.fcm.v1.FcmError")]
    FcmError {
        #[serde(rename = "errorCode")]
        error_code: String,
    },
    #[serde(rename = "type.googleapis.com/google.rpc.BadRequest")]
    BadRequest {
        #[serde(rename = "fieldViolations", default)]
        field_violations: Vec<FieldViolation>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct FieldViolation {
    #[serde(default)]
    field: String,
}

impl FcmRefusal {
    /// Reads the body of a refusal; one that is not Google's says nothing.
    pub fn parse(body: &[u8]) -> Self {
        let Ok(Body { error }) = serde_json::from_slice::<Body>(body) else { return Self::default() };
        let mut refusal = Self { status: error.status, ..Self::default() };
        for detail in error.details {
            match detail {
                Detail::FcmError { error_code } => refusal.error_code = Some(error_code),
                Detail::BadRequest { field_violations } => {
                    refusal.bad_request = true;
                    refusal.violated_fields =
                        field_violations.into_iter().map(|violation| violation.field).collect();
                }
                Detail::Other => {}
            }
        }
        refusal
    }

    /// Google names the target's field when the token itself is malformed.
    fn is_about_the_token(&self) -> bool {
        let of_target = |field: &String| matches!(field.as_str(), "message.token" | "message.fid");
        !self.violated_fields.is_empty() && self.violated_fields.iter().all(of_target)
    }
}

/// Decides from the status, the body and `Retry-After`. A 200 is not asked about here.
pub fn classify(status: u16, refusal: &FcmRefusal, retry_after: Option<Duration>) -> Outcome {
    let code = refusal.error_code.as_deref();
    let word = || match code {
        Some(code) => code.to_owned(),
        None if refusal.status.is_empty() => format!("http_{status}"),
        None => refusal.status.clone(),
    };
    match (status, code) {
        // A complaint about our payload says nothing about the token, whatever else is said.
        (400, _) if refusal.bad_request && !refusal.is_about_the_token() => {
            Outcome::Permanent { reason: word() }
        }
        (400, Some(_)) => Outcome::TokenRejected { reason: word() },
        (400, None) if refusal.is_about_the_token() => Outcome::TokenRejected { reason: word() },
        (401, None) => Outcome::RenewCredential,
        // Google could not log in to Apple or a browser's push service: the operator's to mend in Firebase.
        (401, Some(_)) => Outcome::LaneBlocked { reason: word() },
        (403, Some("SENDER_ID_MISMATCH")) => Outcome::TokenRejected { reason: word() },
        (403, _) => Outcome::LaneBlocked { reason: word() },
        (404, Some("UNREGISTERED")) => Outcome::TokenGone { invalid_since: None, reason: word() },
        // No such project: the next push would fare no better.
        (404, _) => Outcome::LaneBlocked { reason: word() },
        (429, _) => Outcome::RetryAt { after: retry_after.unwrap_or(QUOTA_BACKOFF), reason: word() },
        (500..=599, _) => Outcome::RetryAt { after: retry_after.unwrap_or(SERVER_BACKOFF), reason: word() },
        _ => Outcome::Permanent { reason: word() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn body(status: &str, details: &Value) -> FcmRefusal {
        FcmRefusal::parse(json!({"error": {"status": status, "details": details}}).to_string().as_bytes())
    }

    fn fcm_error(code: &str) -> Value {
        json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
    }

    fn bad_request(field: &str) -> Value {
        json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field}]})
    }

    #[test]
    fn every_documented_refusal_has_its_outcome() {
        let rejected = |reason: &str| Outcome::TokenRejected { reason: reason.into() };
        let blocked = |reason: &str| Outcome::LaneBlocked { reason: reason.into() };
        let permanent = |reason: &str| Outcome::Permanent { reason: reason.into() };
        let retry = |after_s, reason: &str| Outcome::RetryAt {
            after: Duration::from_secs(after_s),
            reason: reason.into(),
        };
        let none = json!([]);
        let error = |code| json!([fcm_error(code)]);
        let field = |field| json!([bad_request(field)]);
        let both = |field| json!([fcm_error("INVALID_ARGUMENT"), bad_request(field)]);
        for (status, name, details, outcome) in [
            (
                404,
                "NOT_FOUND",
                error("UNREGISTERED"),
                Outcome::TokenGone { invalid_since: None, reason: "UNREGISTERED".into() },
            ),
            (404, "NOT_FOUND", none.clone(), blocked("NOT_FOUND")),
            (400, "INVALID_ARGUMENT", error("INVALID_ARGUMENT"), rejected("INVALID_ARGUMENT")),
            (400, "INVALID_ARGUMENT", both("message.token"), rejected("INVALID_ARGUMENT")),
            (400, "INVALID_ARGUMENT", field("message.fid"), rejected("INVALID_ARGUMENT")),
            (400, "INVALID_ARGUMENT", field("message.android.ttl"), permanent("INVALID_ARGUMENT")),
            (400, "INVALID_ARGUMENT", both("message.data"), permanent("INVALID_ARGUMENT")),
            (400, "INVALID_ARGUMENT", none.clone(), permanent("INVALID_ARGUMENT")),
            (401, "UNAUTHENTICATED", none.clone(), Outcome::RenewCredential),
            (401, "UNAUTHENTICATED", error("THIRD_PARTY_AUTH_ERROR"), blocked("THIRD_PARTY_AUTH_ERROR")),
            (403, "PERMISSION_DENIED", error("SENDER_ID_MISMATCH"), rejected("SENDER_ID_MISMATCH")),
            (403, "PERMISSION_DENIED", none.clone(), blocked("PERMISSION_DENIED")),
            (429, "RESOURCE_EXHAUSTED", error("QUOTA_EXCEEDED"), retry(60, "QUOTA_EXCEEDED")),
            (500, "INTERNAL", error("INTERNAL"), retry(1, "INTERNAL")),
            (503, "UNAVAILABLE", error("UNAVAILABLE"), retry(1, "UNAVAILABLE")),
            (413, "", none.clone(), permanent("http_413")),
        ] {
            assert_eq!(classify(status, &body(name, &details), None), outcome, "{status} {name} {details}");
        }
        let wait = Some(Duration::from_secs(77));
        assert_eq!(classify(429, &body("RESOURCE_EXHAUSTED", &none), wait), retry(77, "RESOURCE_EXHAUSTED"));
        assert_eq!(classify(503, &body("UNAVAILABLE", &none), wait), retry(77, "UNAVAILABLE"));
    }

    #[test]
    fn a_body_that_is_not_googles_says_nothing() {
        for strange in ["", "<html>", "{}", r#"{"error": "no"}"#] {
            assert_eq!(FcmRefusal::parse(strange.as_bytes()), FcmRefusal::default(), "{strange}");
        }
        let other = body("INTERNAL", &json!([{"@type": "type.googleapis.com/google.rpc.Help", "links": []}]));
        assert_eq!(other.error_code, None);
    }
}
