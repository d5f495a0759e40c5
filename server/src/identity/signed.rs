//! Requests that come with a signature: what of their head it covers, whether it is good, and its nonce, which is used up in
//! the transaction that does what was asked.

use super::signature::{Fault, Needs, Sent};
use crate::app::App;
use crate::http::public_urls;
use crate::refusal::Refusal;
use crate::storage::Tx;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use jiff::SignedDuration;
use ringback_core::protocol::{
    IDEMPOTENCY_KEY_HEADER, Problem, ProblemCode, PublicKey, SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER,
    SIGNATURE_TAG, SIGNATURE_WINDOW_S, Timestamp, target_uri,
};

/// What a signature may cover of a request.
#[derive(Debug, Clone)]
pub struct Head {
    method: Method,
    /// The addresses that the request may have been sent to.
    targets: Vec<String>,
    headers: HeaderMap,
}

impl FromRequestParts<App> for Head {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let bases = public_urls(parts, &app.settings.http);
        Ok(Self {
            method: parts.method.clone(),
            targets: bases.iter().map(|base| target_uri(base, path)).collect(),
            headers: parts.headers.clone(),
        })
    }
}

/// A nonce that is yet to be used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce {
    text: String,
    /// Until then the signature could come again.
    expires_at: Timestamp,
}

impl Head {
    /// Checks the signature of the request with this key.
    pub(super) fn verify(&self, key: &PublicKey, now: Timestamp) -> Result<Nonce, Refusal> {
        let (Some(input), Some(signature)) =
            (self.field(SIGNATURE_INPUT_HEADER), self.field(SIGNATURE_HEADER))
        else {
            return Err(Refusal::plain(ProblemCode::SignatureMissing));
        };
        let nonce = Sent::read(&input, &signature, Some(SIGNATURE_TAG)).and_then(|sent| {
            let nonce = sent.nonce(self.needs(), now)?.to_owned();
            // Only which address it was sent to is not known for sure.
            let verified = self
                .targets
                .iter()
                .map(|target| sent.verify(key, &sent.base(|name| self.value(name, target))?));
            verified.reduce(Result::or).unwrap_or(Err(Fault::DoesNotVerify)).map(|()| nonce)
        });
        match nonce {
            Ok(text) => Ok(Nonce { text, expires_at: until(now) }),
            Err(Fault::Outdated) => {
                let mut problem =
                    Problem::new(ProblemCode::SignatureOutdated, ProblemCode::SignatureOutdated.advice());
                problem.server_time = Some(now);
                Err(Refusal::Problem(Box::new(problem)))
            }
            Err(fault) => Err(Refusal::new(ProblemCode::SignatureInvalid, fault.to_string())),
        }
    }

    /// A body is what declares itself as one: a handler takes none that has no content type.
    fn needs(&self) -> Needs {
        let has = |name: &str| self.headers.contains_key(name);
        let length = self.headers.get(header::CONTENT_LENGTH);
        Needs {
            body: has("content-type")
                || has("transfer-encoding")
                || length.is_some_and(|length| length != "0"),
            idempotency_key: has(IDEMPOTENCY_KEY_HEADER),
        }
    }

    fn value(&self, name: &str, target: &str) -> Option<String> {
        match name {
            "@method" => Some(self.method.as_str().to_owned()),
            "@target-uri" => Some(target.to_owned()),
            name if name.starts_with('@') => None,
            name => self.field(name),
        }
    }

    /// All lines of a header as one (RFC 9421, 2.1).
    fn field(&self, name: &str) -> Option<String> {
        let lines: Option<Vec<_>> =
            self.headers.get_all(name).iter().map(|line| line.to_str().ok().map(str::trim)).collect();
        lines.filter(|lines| !lines.is_empty()).map(|lines| lines.join(", "))
    }
}

/// A signature may be from ahead by the window, and counts for the window after that; a minute more for nodes whose clocks
/// differ.
fn until(now: Timestamp) -> Timestamp {
    let longest_s = 2 * i64::from(SIGNATURE_WINDOW_S) + 60;
    now.saturating_add(SignedDuration::from_secs(longest_s)).unwrap_or(now)
}

impl Nonce {
    /// Uses the nonce up, in the transaction of what was asked: what comes to nothing costs no nonce, and a signature brings
    /// about one thing.
    pub fn spend(&self, tx: &mut Tx<'_>, installation_id: &str) -> Result<(), Refusal> {
        let spent = tx.execute(
            "insert into signature_nonces (installation_id, nonce, expires_at) values ($1, $2, $3) \
             on conflict (installation_id, nonce) do nothing",
            &[&installation_id, &self.text, &self.expires_at],
        )?;
        if spent == 1 { Ok(()) } else { Err(Refusal::plain(ProblemCode::SignatureReplayed)) }
    }
}

/// Forgets nonces of signatures that count for nothing any more.
pub fn purge(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Refusal> {
    tx.execute("delete from signature_nonces where expires_at < $1", &[&now])?;
    Ok(())
}
