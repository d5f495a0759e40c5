//! Refusals in Google's words: `google.rpc.Status` with details.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// A kind of refusal: its name on script, HTTP status, `status`, and whether an `FcmError` detail names it.
struct Refusal {
    name: &'static str,
    http: u16,
    status: &'static str,
    fcm_error: bool,
}

const fn refusal(name: &'static str, http: u16, status: &'static str, fcm_error: bool) -> Refusal {
    Refusal { name, http, status, fcm_error }
}

/// Source: Firebase, "FCM error codes". The names without an `FcmError` are `google.rpc` codes, `BAD_REQUEST` apart,
/// which is an `INVALID_ARGUMENT` with a `BadRequest` detail.
const REFUSALS: &[Refusal] = &[
    refusal("BAD_REQUEST", 400, "INVALID_ARGUMENT", false),
    refusal("INVALID_ARGUMENT", 400, "INVALID_ARGUMENT", true),
    refusal("UNAUTHENTICATED", 401, "UNAUTHENTICATED", false),
    refusal("THIRD_PARTY_AUTH_ERROR", 401, "UNAUTHENTICATED", true),
    refusal("PERMISSION_DENIED", 403, "PERMISSION_DENIED", false),
    refusal("SENDER_ID_MISMATCH", 403, "PERMISSION_DENIED", true),
    refusal("NOT_FOUND", 404, "NOT_FOUND", false),
    refusal("UNREGISTERED", 404, "NOT_FOUND", true),
    refusal("QUOTA_EXCEEDED", 429, "RESOURCE_EXHAUSTED", true),
    refusal("INTERNAL", 500, "INTERNAL", true),
    refusal("UNAVAILABLE", 503, "UNAVAILABLE", true),
];

pub(super) fn is_documented(name: &str) -> bool {
    REFUSALS.iter().any(|refusal| refusal.name == name)
}

/// A complaint about one field of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldViolation {
    pub(super) field: String,
    pub(super) description: String,
}

/// The refusal of that name.
pub(super) fn refuse(
    name: &str,
    violation: Option<&FieldViolation>,
    retry_after_s: Option<u64>,
) -> Response<Bytes> {
    const UNKNOWN: Refusal = refusal("INTERNAL", 500, "INTERNAL", true);
    let refusal = REFUSALS.iter().find(|refusal| refusal.name == name).unwrap_or(&UNKNOWN);
    let mut details = Vec::new();
    if refusal.fcm_error {
        details.push(json!({
            "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
            "errorCode": refusal.name,
        }));
    }
    if refusal.name == "BAD_REQUEST" {
        let (field, description) = violation
            .map_or(("message", "on script"), |violation| (&violation.field, &violation.description));
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": field, "description": description}],
        }));
    }
    let mut error = json!({"code": refusal.http, "message": refusal.status, "status": refusal.status});
    if !details.is_empty() {
        error["details"] = details.into();
    }
    let mut response = json_response(refusal.http, &json!({ "error": error }));
    if let Some(after_s) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, after_s.into());
    }
    response
}

pub(super) fn json_response(status: u16, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    response
}
