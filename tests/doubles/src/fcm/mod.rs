//! The FCM double: the token endpoint and `messages:send`.

mod message;
mod status;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::message::Push;
pub use self::message::TargetKind;
use self::status::{FieldViolation, json_response, refuse};
use crate::fault::Script;
use crate::oauth::TokenIssuer;
use crate::record::header_map;
use crate::server::{Handled, Handler, Identities, Reply, Server, Speaks};
use crate::token_log::{self, TokenLog};
use crate::{Authority, Clock, Fault, Provider, Received, Record, ServiceAccount, StartError, UnknownReason};

/// What an [`FcmDouble`] is told at its start.
#[derive(Debug, Clone)]
pub struct FcmDoubleSettings {
    /// The Firebase project.
    pub project_id: String,
    /// Takes tokens and installation ids that nobody registered.
    pub accept_any_device: bool,
    /// `expires_in` of the access tokens.
    pub token_lifetime_s: i64,
    /// Appends the body of every accepted push to this file, a line each; by default the file that the variable
    /// `RINGBACK_FCM_RECORD` names, so that `check_fcm_requests.py` can look at a whole run.
    pub record_to: Option<PathBuf>,
    /// Appends each assertion that was believed to this file; by default the one that the variable
    /// `RINGBACK_TOKEN_RECORD` names, so that `check_tokens.py` can look at a whole run.
    pub record_tokens_to: Option<PathBuf>,
}

impl Default for FcmDoubleSettings {
    fn default() -> Self {
        Self {
            project_id: "ringback-test".to_owned(),
            accept_any_device: false,
            token_lifetime_s: 3599,
            record_to: std::env::var_os("RINGBACK_FCM_RECORD").map(PathBuf::from),
            record_tokens_to: token_log::from_environment(),
        }
    }
}

/// An FCM that listens on loopback until it is dropped.
pub struct FcmDouble {
    state: Arc<State>,
    server: Server,
    service_account: ServiceAccount,
    ca_pem: String,
}

struct State {
    settings: FcmDoubleSettings,
    send_path: String,
    issuer: TokenIssuer,
    devices: Mutex<HashMap<String, Option<TargetKind>>>,
    collapse_keys: Mutex<HashMap<String, BTreeSet<String>>>,
    script: Script,
    token_script: Script,
    record: Record,
    dry_run_record: Record,
    token_record: Record,
    clock: Clock,
    record_to: Option<Mutex<File>>,
}

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

/// What FCM keeps of a device that is away.
const MAX_COLLAPSE_KEYS: usize = 4;

/// What the token endpoint can refuse with, on script.
const TOKEN_REFUSALS: &[(&str, u16)] = &[
    ("invalid_grant", 400),
    ("invalid_client", 401),
    ("invalid_scope", 400),
    ("internal_failure", 500),
    ("temporarily_unavailable", 503),
];

fn token_status_of(reason: &str) -> Option<u16> {
    TOKEN_REFUSALS.iter().find(|(known, _)| *known == reason).map(|(_, status)| *status)
}

impl FcmDouble {
    /// Listens with a certificate of `authority` for `localhost`, 127.0.0.1 and Google's two hosts.
    pub async fn start(settings: FcmDoubleSettings, authority: &Authority) -> Result<Self, StartError> {
        let names = ["localhost", "127.0.0.1", "fcm.googleapis.com", "oauth2.googleapis.com"];
        let identities = Identities::new(authority, &names, Speaks::Either)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let token_uri = format!("https://localhost:{}/token", listener.local_addr()?.port());
        let service_account = ServiceAccount::generate(&settings.project_id, &token_uri)?;
        let record_to = match &settings.record_to {
            Some(path) => Some(Mutex::new(File::options().append(true).create(true).open(path)?)),
            None => None,
        };
        let token_log = TokenLog::open(settings.record_tokens_to.as_deref())?;
        let state = Arc::new(State {
            send_path: format!("/v1/projects/{}/messages:send", settings.project_id),
            issuer: TokenIssuer::new(service_account.clone(), SCOPE, settings.token_lifetime_s, token_log)?,
            settings,
            devices: Mutex::default(),
            collapse_keys: Mutex::default(),
            script: Script::new(status::is_documented),
            token_script: Script::new(|reason| token_status_of(reason).is_some()),
            record: Record::new(),
            dry_run_record: Record::new(),
            token_record: Record::new(),
            clock: Clock::default(),
            record_to,
        });
        let server = Server::start(listener, Some(identities), state.clone())?;
        Ok(Self { state, server, service_account, ca_pem: authority.pem() })
    }

    /// `https://localhost:port`.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.server.address.port())
    }

    /// The authority to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The account whose assertions this double believes; its `token_uri` is here.
    pub fn service_account(&self) -> &ServiceAccount {
        &self.service_account
    }

    /// Makes a token or installation id known, whichever of them it is sent as.
    pub fn register(&self, device: &str) {
        self.state.devices().insert(device.to_owned(), None);
    }

    /// Makes it known as one of the two: sent as the other it is no valid token.
    pub fn register_as(&self, device: &str, kind: TargetKind) {
        self.state.devices().insert(device.to_owned(), Some(kind));
    }

    /// Forgets it: 404 `UNREGISTERED`.
    pub fn unregister(&self, device: &str) {
        self.state.devices().remove(device);
    }

    /// The devices that were sent more than four collapse keys: FCM would have lost messages of theirs.
    pub fn with_too_many_collapse_keys(&self) -> Vec<String> {
        let keys = self.state.collapse_keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter()
            .filter(|(_, keys)| keys.len() > MAX_COLLAPSE_KEYS)
            .map(|(device, _)| device.clone())
            .collect()
    }

    /// What happens to the next pushes, in this order.
    pub fn script(&self, faults: Vec<Fault>) -> Result<(), UnknownReason> {
        self.state.script.push(None, faults)
    }

    /// What happens to the next pushes to one device; this goes before [`Self::script`].
    pub fn script_device(&self, device: &str, faults: Vec<Fault>) -> Result<(), UnknownReason> {
        self.state.script.push(Some(device), faults)
    }

    /// What happens to every push that no script is about; `None` ends it.
    pub fn every_push(&self, fault: Option<Fault>) -> Result<(), UnknownReason> {
        self.state.script.set_always(fault)
    }

    /// What happens to the next requests for an access token.
    pub fn script_token_endpoint(&self, faults: Vec<Fault>) -> Result<(), UnknownReason> {
        self.state.token_script.push(None, faults)
    }

    /// Makes every access token worthless before its time: 401.
    pub fn revoke_tokens(&self) {
        self.state.issuer.revoke_all();
    }

    /// The pushes that arrived, and waiting for them.
    pub fn record(&self) -> &Record {
        &self.state.record
    }

    /// What was sent with `validate_only`: checked and not delivered.
    pub fn dry_run_record(&self) -> &Record {
        &self.state.dry_run_record
    }

    /// The requests for access tokens.
    pub fn token_record(&self) -> &Record {
        &self.state.token_record
    }

    /// The time at Google's.
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// Connections, and what goes wrong with them.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

/// A request that is not in order, and how it is refused.
struct Refused {
    name: &'static str,
    violation: Option<FieldViolation>,
}

impl From<&'static str> for Refused {
    fn from(name: &'static str) -> Self {
        Self { name, violation: None }
    }
}

impl State {
    fn devices(&self) -> MutexGuard<'_, HashMap<String, Option<TargetKind>>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, request: &Request<Bytes>, now: Timestamp) -> Result<Push, Refused> {
        if request.method() != Method::POST || request.uri().path() != self.send_path {
            return Err("NOT_FOUND".into());
        }
        if !self.issuer.knows(text(request, AUTHORIZATION), now.as_second()) {
            return Err("UNAUTHENTICATED".into());
        }
        if !text(request, CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json")) {
            let violation =
                FieldViolation { field: String::new(), description: "the body is not JSON".to_owned() };
            return Err(Refused { name: "BAD_REQUEST", violation: Some(violation) });
        }
        let push = message::check(request.body())
            .map_err(|violation| Refused { name: "BAD_REQUEST", violation: Some(violation) })?;
        match self.devices().get(&push.device) {
            Some(Some(kind)) if Some(*kind) != push.kind => Err("INVALID_ARGUMENT".into()),
            None if !self.settings.accept_any_device => Err("UNREGISTERED".into()),
            _ => Ok(push),
        }
    }

    fn send(&self, request: &Request<Bytes>, body: &Value, now: Timestamp) -> Handled {
        let push = match self.check(request, now) {
            Ok(push) => push,
            Err(refused) => {
                let response = refuse(refused.name, refused.violation.as_ref(), None);
                return Handled::refused(response, refused.name);
            }
        };
        let accepted = || {
            let id = if push.validate_only {
                "fake_message_id".to_owned()
            } else {
                format!("0:{}", uuid::Uuid::new_v4().simple())
            };
            let project = &self.settings.project_id;
            json_response(200, &json!({ "name": format!("projects/{project}/messages/{id}") }))
        };
        let handled = Handled::of(self.script.take(&push.device), accepted, |reason, retry_after_s, _| {
            refuse(reason, None, retry_after_s)
        });
        if handled.is_accepted() && !push.validate_only {
            self.keep(body);
            if let Some(key) = push.collapse_key {
                let mut keys = self.collapse_keys.lock().unwrap_or_else(PoisonError::into_inner);
                keys.entry(push.device).or_default().insert(key);
            }
        }
        handled
    }

    fn keep(&self, body: &Value) {
        let Some(file) = &self.record_to else { return };
        // One write a line: other processes may append to the same file.
        let line = format!("{body}\n");
        let written = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        if let Err(error) = written {
            eprintln!("a push could not be recorded: {error}");
        }
    }

    fn issue(&self, request: &Request<Bytes>, now: Timestamp) -> Handled {
        let refusal = |error: &str, description: &str, status: u16| {
            json_response(status, &json!({"error": error, "error_description": description}))
        };
        if request.method() != Method::POST
            || text(request, CONTENT_TYPE) != Some("application/x-www-form-urlencoded")
        {
            return Handled::refused(refusal("invalid_request", "not a form", 400), "invalid_request");
        }
        let token = match self.issuer.issue(request.body(), now) {
            Ok(token) => token,
            Err((error, description)) => return Handled::refused(refusal(error, &description, 400), error),
        };
        let expires_in = self.issuer.lifetime_s();
        let granted = || {
            json_response(
                200,
                &json!({"access_token": token, "expires_in": expires_in, "token_type": "Bearer"}),
            )
        };
        Handled::of(self.token_script.take(""), granted, |reason, _, _| {
            refusal(reason, "on script", token_status_of(reason).unwrap_or(500))
        })
    }
}

impl State {
    fn add(&self, connection: u64, request: &Request<Bytes>, body: Value, handled: Option<&Handled>) {
        let record = if is_for_tokens(request) {
            &self.token_record
        } else if body["validate_only"] == true {
            &self.dry_run_record
        } else {
            &self.record
        };
        record.add(handled.is_some_and(Handled::is_accepted), || Received {
            at: self.clock.now(),
            provider: Provider::Fcm,
            connection,
            device: message::device_of(&body),
            headers: header_map(request.headers()),
            payload: body,
            answer: handled.and_then(|handled| handled.answer.clone()),
            processed: handled.is_some_and(|handled| handled.processed),
        });
    }
}

fn is_for_tokens(request: &Request<Bytes>) -> bool {
    request.uri().path() == "/token"
}

fn json_body(request: &Request<Bytes>) -> Value {
    serde_json::from_slice(request.body()).unwrap_or(Value::Null)
}

impl Handler for State {
    async fn handle(&self, connection: u64, request: Request<Bytes>) -> Reply {
        let now = self.clock.now();
        let body = json_body(&request);
        let handled =
            if is_for_tokens(&request) { self.issue(&request, now) } else { self.send(&request, &body, now) };
        self.add(connection, &request, body, Some(&handled));
        handled.reply_in_time().await
    }

    fn leave(&self, connection: u64, request: &Request<Bytes>) {
        self.add(connection, request, json_body(request), None);
    }
}

fn text(request: &Request<Bytes>, name: hyper::header::HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}
