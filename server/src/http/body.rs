//! Bodies as handlers take them: JSON, of a bounded size, with no field that would be dropped unseen.

use crate::refusal::Refusal;
use aws_lc_rs::digest;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use ringback_core::protocol::{CONTENT_DIGEST_HEADER, ProblemCode};
use serde::de::DeserializeOwned;

/// The largest body that is read.
pub const BODY_MAX_BYTES: usize = 64 * 1024;

/// A JSON body, and what it was made of.
#[derive(Debug)]
pub struct JsonBody<T> {
    /// What was sent.
    pub value: T,
    /// SHA-256 of method, path and body: two requests with the same are the same request.
    pub request_hash: Vec<u8>,
}

impl<T, S> FromRequest<S> for JsonBody<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let is_json =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                value
                    .split(';')
                    .next()
                    .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
            });
        if !is_json {
            return Err(Refusal::plain(ProblemCode::MediaTypeUnsupported));
        }
        let declared = Declared::read(request.headers())?;
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(request.method().as_str().as_bytes());
        hash.update(request.uri().path().as_bytes());
        hash.update(&[0]);
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                Refusal::plain(ProblemCode::BodyTooLarge)
            } else {
                Refusal::new(
                    ProblemCode::BodyMalformed,
                    "The body ended before it was complete. Send it again.",
                )
            }
        })?;
        if !declared.fits(&bytes) {
            return Err(Refusal::plain(ProblemCode::ContentDigestMismatch));
        }
        hash.update(&bytes);
        Ok(Self { value: parse(&bytes)?, request_hash: hash.finish().as_ref().to_vec() })
    }
}

/// The digests that the body is declared to have (RFC 9530).
struct Declared(Vec<(&'static digest::Algorithm, Vec<u8>)>);

impl Declared {
    /// Of those that are declared one at least must be known here: a signature may cover nothing else of the body.
    fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let lines = headers.get_all(CONTENT_DIGEST_HEADER);
        let lines: Option<Vec<_>> = lines.iter().map(|line| line.to_str().ok()).collect();
        let lines = lines.ok_or_else(|| Refusal::plain(ProblemCode::ContentDigestMismatch))?;
        if lines.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let declared = sfv::Parser::new(&lines.join(", ")).parse::<sfv::Dictionary>().unwrap_or_default();
        let known = [("sha-256", &digest::SHA256), ("sha-512", &digest::SHA512)];
        let found = known.into_iter().filter_map(|(name, algorithm)| match declared.get(name)? {
            sfv::ListEntry::Item(item) => Some((algorithm, item.bare_item.as_byte_sequence()?.to_vec())),
            sfv::ListEntry::InnerList(_) => None,
        });
        let found: Vec<_> = found.collect();
        if found.is_empty() {
            Err(Refusal::plain(ProblemCode::ContentDigestMismatch))
        } else {
            Ok(Self(found))
        }
    }

    fn fits(&self, body: &[u8]) -> bool {
        self.0.iter().all(|(algorithm, digest)| digest::digest(algorithm, body).as_ref() == digest.as_slice())
    }
}

/// Reads JSON. A refusal names the place, never what stood there: it may be private.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            let (line, column) = (inner.line(), inner.column());
            return Refusal::new(
                ProblemCode::BodyMalformed,
                format!("The body is not JSON: it breaks off or goes wrong at line {line}, column {column}."),
            );
        }
        let words = inner.to_string();
        if let Some(name) = quoted_after(&words, "unknown field `") {
            let allowed = words.split_once("expected ").map_or("none", |(_, allowed)| allowed);
            let allowed = allowed.split(" at line").next().unwrap_or(allowed);
            return Refusal::of_field(
                ProblemCode::FieldUnknown,
                name,
                format!("There is no field {name:?} here. Known: {allowed}."),
            );
        }
        if let Some(name) = quoted_after(&words, "missing field `") {
            return Refusal::of_field(
                ProblemCode::FieldInvalid,
                name,
                format!("The field {name:?} is missing. Add it."),
            );
        }
        Refusal::of_field(
            ProblemCode::FieldInvalid,
            &path,
            format!("The field {path:?} has a type or a value that is not allowed there. Compare with the API reference."),
        )
    })?;
    reader.end().map_err(|_| {
        Refusal::new(ProblemCode::BodyMalformed, "Something follows after the JSON. Send one JSON object.")
    })?;
    Ok(value)
}

fn quoted_after<'a>(words: &'a str, start: &str) -> Option<&'a str> {
    words.strip_prefix(start)?.split('`').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringback_core::protocol::CallbackRequest;

    fn refusal(body: &str) -> (String, Option<String>, String) {
        let problem = parse::<CallbackRequest>(body.as_bytes()).unwrap_err().into_problem();
        (problem.code, problem.field, problem.detail)
    }

    #[test]
    fn the_place_is_named_and_never_the_value() {
        let (code, field, detail) = refusal(r#"{"service":"support","number":"+4930901820","numbr":1}"#);
        assert_eq!((code.as_str(), field.as_deref()), ("field_unknown", Some("numbr")));
        assert!(detail.contains("`context`"), "{detail}");

        let (code, field, _) = refusal(r#"{"service":"support"}"#);
        assert_eq!((code.as_str(), field.as_deref()), ("field_invalid", Some("number")));

        let (code, field, detail) = refusal(r#"{"service":"support","number":4930901820}"#);
        assert_eq!((code.as_str(), field.as_deref()), ("field_invalid", Some("number")));
        assert!(!detail.contains("4930901820"));

        let (code, field, detail) =
            refusal(r#"{"service":"s","number":"+4930901820","context":{"cart":{"x":77341}}}"#);
        assert_eq!((code.as_str(), field.as_deref()), ("field_invalid", Some("context.cart")));
        assert!(!detail.contains("77341"));
    }

    #[test]
    fn what_is_not_json_is_told_apart() {
        for body in ["", "{", "nonsense", r#"{"service":"support","number":"+4930901820"} trailing"#] {
            assert_eq!(refusal(body).0, "body_malformed", "{body}");
        }
    }

    /// RFC 9530, B.1 and RFC 9421, B.2: the same body under both digests.
    #[test]
    fn a_declared_digest_is_the_bodys() {
        let body = b"{\"hello\": \"world\"}";
        let sha_256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
        let sha_512 = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
        let fits = |lines: &[&str], body: &[u8]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CONTENT_DIGEST_HEADER, line.parse().unwrap());
            }
            Declared::read(&headers).map_or(None, |declared| Some(declared.fits(body)))
        };
        assert_eq!(fits(&[], body), Some(true));
        assert_eq!(fits(&[sha_256], body), Some(true));
        assert_eq!(fits(&[sha_512], body), Some(true));
        assert_eq!(fits(&[sha_256, sha_512], body), Some(true));
        assert_eq!(fits(&["md5=:AAAA:", sha_256], body), Some(true));
        assert_eq!(fits(&[sha_256], b"{\"hello\": \"World\"}"), Some(false));
        assert_eq!(fits(&[&sha_256.replace("X48E", "X48F"), sha_512], body), Some(false));
        for unknown in ["md5=:AAAA:", "sha-256=X48E", "", "sha-256=:X48E"] {
            assert_eq!(fits(&[unknown], body), None, "{unknown}");
        }
    }
}
