//! The Play Integrity double: Google's token endpoint and `decodeIntegrityToken`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::fault::Script;
use crate::oauth::TokenIssuer;
use crate::server::{Handled, Handler, Identities, Reply, Server, Speaks};
use crate::token_log::{self, TokenLog};
use crate::{Authority, Clock, Fault, ServiceAccount, StartError, UnknownReason};

const SCOPE: &str = "https://www.googleapis.com/auth/playintegrity";
const TOKEN_LIFETIME_S: i64 = 3599;

/// What Google documents as refusals of `decodeIntegrityToken`.
const REFUSALS: &[(&str, u16)] = &[
    ("INVALID_ARGUMENT", 400),
    ("UNAUTHENTICATED", 401),
    ("PERMISSION_DENIED", 403),
    ("NOT_FOUND", 404),
    ("RESOURCE_EXHAUSTED", 429),
    ("INTERNAL", 500),
    ("UNAVAILABLE", 503),
];

/// A Play Integrity that listens on loopback until it is dropped.
pub struct PlayIntegrityDouble {
    state: Arc<State>,
    server: Server,
    account: ServiceAccount,
}

struct State {
    issuer: TokenIssuer,
    /// Package and payload of each token that was handed out.
    tokens: Mutex<HashMap<String, (String, Value)>>,
    script: Script,
    clock: Clock,
}

impl PlayIntegrityDouble {
    /// Listens with a certificate of `authority` for `localhost`.
    pub async fn start(authority: &Authority) -> Result<Self, StartError> {
        let identities = Identities::new(authority, &["localhost", "127.0.0.1"], Speaks::Either)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let token_uri = format!("https://localhost:{}/token", listener.local_addr()?.port());
        let account = ServiceAccount::generate("ringback-play", &token_uri)?;
        let token_log = TokenLog::open(token_log::from_environment().as_deref())?;
        let state = Arc::new(State {
            issuer: TokenIssuer::new(account.clone(), SCOPE, TOKEN_LIFETIME_S, token_log)?,
            tokens: Mutex::default(),
            script: Script::new(|reason| REFUSALS.iter().any(|(known, _)| *known == reason)),
            clock: Clock::default(),
        });
        let server = Server::start(listener, Some(identities), state.clone())?;
        Ok(Self { state, server, account })
    }

    /// `https://localhost:port`.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.server.address.port())
    }

    /// The account whose assertions this double believes; its `token_uri` is here.
    pub fn service_account(&self) -> &ServiceAccount {
        &self.account
    }

    /// The token that an app of this package gets; it holds this `tokenPayloadExternal`.
    pub fn token(&self, package: &str, payload: Value) -> String {
        let token = format!("it-{}", uuid::Uuid::new_v4().simple());
        self.state.tokens().insert(token.clone(), (package.to_owned(), payload));
        token
    }

    /// What happens to the next tokens that are in order.
    pub fn script(&self, faults: Vec<Fault>) -> Result<(), UnknownReason> {
        self.state.script.push(None, faults)
    }

    /// Makes every access token worthless before its time: 401.
    pub fn revoke_tokens(&self) {
        self.state.issuer.revoke_all();
    }
}

impl State {
    fn tokens(&self) -> MutexGuard<'_, HashMap<String, (String, Value)>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issue(&self, request: &Request<Bytes>) -> Handled {
        match self.issuer.issue(request.body(), self.clock.now()) {
            Ok(token) => {
                let granted = json!({
                    "access_token": token, "expires_in": self.issuer.lifetime_s(), "token_type": "Bearer",
                });
                Handled::of(Fault::Accept, || answer(200, &granted), |reason, _, _| refused(reason))
            }
            Err((error, description)) => {
                let body = json!({ "error": error, "error_description": description });
                Handled::refused(answer(400, &body), error)
            }
        }
    }

    fn decode(&self, request: &Request<Bytes>) -> Handled {
        match self.check(request) {
            Ok(payload) => {
                let decoded = json!({ "tokenPayloadExternal": payload });
                Handled::of(self.script.take(""), || answer(200, &decoded), |reason, _, _| refused(reason))
            }
            Err(reason) => Handled::refused(refused(reason), reason),
        }
    }

    fn check(&self, request: &Request<Bytes>) -> Result<Value, &'static str> {
        let path = request.uri().path();
        let package = path.strip_prefix("/v1/").and_then(|path| path.strip_suffix(":decodeIntegrityToken"));
        let package = package.filter(|_| request.method() == Method::POST).ok_or("NOT_FOUND")?;
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        if !self.issuer.knows(header(AUTHORIZATION), self.clock.now().as_second()) {
            return Err("UNAUTHENTICATED");
        }
        if header(CONTENT_TYPE).is_none_or(|kind| !kind.starts_with("application/json")) {
            return Err("INVALID_ARGUMENT");
        }
        let body: HashMap<String, String> =
            serde_json::from_slice(request.body()).map_err(|_| "INVALID_ARGUMENT")?;
        let token = body.get("integrity_token").filter(|_| body.len() == 1).ok_or("INVALID_ARGUMENT")?;
        match self.tokens().get(token) {
            Some((of, payload)) if of == package => Ok(payload.clone()),
            _ => Err("INVALID_ARGUMENT"),
        }
    }
}

fn refused(reason: &str) -> Response<Bytes> {
    let status = REFUSALS.iter().find(|(known, _)| *known == reason).map_or(500, |(_, status)| *status);
    answer(status, &json!({ "error": { "code": status, "message": "on script", "status": reason } }))
}

fn answer(status: u16, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Handler for State {
    async fn handle(&self, _: u64, request: Request<Bytes>) -> Reply {
        let is_for_tokens = request.uri().path() == "/token" && request.method() == Method::POST;
        let handled = if is_for_tokens { self.issue(&request) } else { self.decode(&request) };
        handled.reply_in_time().await
    }
}
