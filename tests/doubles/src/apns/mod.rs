//! The APNs double.

mod check;
mod provider_token;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, RETRY_AFTER};
use hyper::{HeaderMap, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use self::check::DeviceTokenKind;
pub use self::provider_token::TokenCheck;
use self::provider_token::Verifier;
use crate::fault::Script;
use crate::record::header_map;
use crate::server::{Handled, Handler, Identities, Reply, Server};
use crate::token_log::{self, TokenLog};
use crate::{
    ApnsCredentials, Authority, Clock, Fault, Provider, Received, Record, StartError, UnknownReason,
};

/// What an [`ApnsDouble`] is told at its start.
#[derive(Debug, Clone)]
pub struct ApnsDoubleSettings {
    /// The bundle ids that the team may push to.
    pub topics: Vec<String>,
    /// Takes device tokens that nobody registered, for any topic.
    pub accept_any_device: bool,
    /// How closely provider tokens are looked at.
    pub token_check: TokenCheck,
    /// Appends each provider token that was believed to this file; by default the one that the variable
    /// `RINGBACK_TOKEN_RECORD` names, so that `check_tokens.py` can look at a whole run.
    pub record_tokens_to: Option<PathBuf>,
}

impl Default for ApnsDoubleSettings {
    fn default() -> Self {
        Self {
            topics: vec!["com.example.ringback".to_owned()],
            accept_any_device: false,
            token_check: TokenCheck::Strict,
            record_tokens_to: token_log::from_environment(),
        }
    }
}

/// An APNs that listens on loopback until it is dropped.
pub struct ApnsDouble {
    state: Arc<State>,
    server: Server,
    credentials: ApnsCredentials,
    ca_pem: String,
}

enum Device {
    /// `kind` is `None` for a token that takes every kind of push.
    Known {
        topic: String,
        kind: Option<DeviceTokenKind>,
    },
    Gone {
        reason: &'static str,
        since: Timestamp,
    },
}

struct State {
    settings: ApnsDoubleSettings,
    verifier: Verifier,
    devices: Mutex<HashMap<String, Device>>,
    script: Script,
    record: Record,
    clock: Clock,
}

/// The documented reasons and their statuses. Source: Apple, "Handling notification responses from APNs".
const REASONS: &[(&str, u16)] = &[
    ("BadCollapseId", 400),
    ("BadDeviceToken", 400),
    ("BadExpirationDate", 400),
    ("BadMessageId", 400),
    ("BadPriority", 400),
    ("BadTopic", 400),
    ("DeviceTokenNotForTopic", 400),
    ("DuplicateHeaders", 400),
    ("IdleTimeout", 400),
    ("InvalidPushType", 400),
    ("MissingDeviceToken", 400),
    ("MissingTopic", 400),
    ("PayloadEmpty", 400),
    ("TopicDisallowed", 400),
    ("BadCertificate", 403),
    ("BadCertificateEnvironment", 403),
    ("BadEnvironmentKeyIdInToken", 403),
    ("ExpiredProviderToken", 403),
    ("Forbidden", 403),
    ("InvalidProviderToken", 403),
    ("MissingProviderToken", 403),
    ("UnrelatedKeyIdInToken", 403),
    ("BadPath", 404),
    ("MethodNotAllowed", 405),
    ("ExpiredToken", 410),
    ("Unregistered", 410),
    ("PayloadTooLarge", 413),
    ("TooManyProviderTokenUpdates", 429),
    ("TooManyRequests", 429),
    ("InternalServerError", 500),
    ("ServiceUnavailable", 503),
    ("Shutdown", 503),
];

fn status_of(reason: &str) -> Option<u16> {
    REASONS.iter().find(|(known, _)| *known == reason).map(|(_, status)| *status)
}

impl ApnsDouble {
    /// Listens with a certificate of `authority` for `localhost`, 127.0.0.1 and Apple's two hosts.
    pub async fn start(settings: ApnsDoubleSettings, authority: &Authority) -> Result<Self, StartError> {
        let credentials = ApnsCredentials::generate()?;
        let token_log = TokenLog::open(settings.record_tokens_to.as_deref())?;
        let state = Arc::new(State {
            verifier: Verifier::new(&credentials, settings.token_check, token_log)?,
            settings,
            devices: Mutex::default(),
            script: Script::new(|reason| status_of(reason).is_some()),
            record: Record::new(),
            clock: Clock::default(),
        });
        let names = ["localhost", "127.0.0.1", "api.push.apple.com", "api.sandbox.push.apple.com"];
        let identities = Identities::new(authority, &names, true)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let server = Server::start(listener, Some(identities), state.clone())?;
        Ok(Self { state, server, credentials, ca_pem: authority.pem() })
    }

    /// `https://localhost:port`.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.server.address.port())
    }

    /// The authority to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The key that signs provider tokens this double believes.
    pub fn credentials(&self) -> &ApnsCredentials {
        &self.credentials
    }

    /// The bundle ids that are known.
    pub fn topics(&self) -> &[String] {
        &self.state.settings.topics
    }

    /// Makes a device token known, for one topic and every kind of push. Again after [`Self::unregister`]: the app was
    /// installed again.
    pub fn register(&self, device: &str, topic: &str) {
        self.make_known(device, topic, None);
    }

    /// Makes a device token of one kind known, for the app of that bundle id.
    pub fn register_as(&self, device: &str, topic: &str, kind: DeviceTokenKind) {
        self.make_known(device, topic, Some(kind));
    }

    fn make_known(&self, device: &str, topic: &str, kind: Option<DeviceTokenKind>) {
        self.state.devices().insert(device.to_owned(), Device::Known { topic: topic.to_owned(), kind });
    }

    /// The app is gone from the device since then: 410 `Unregistered`.
    pub fn unregister(&self, device: &str, since: Timestamp) {
        self.state.devices().insert(device.to_owned(), Device::Gone { reason: "Unregistered", since });
    }

    /// The token has run out, as those of Live Activities do: 410 `ExpiredToken`.
    pub fn expire(&self, device: &str, since: Timestamp) {
        self.state.devices().insert(device.to_owned(), Device::Gone { reason: "ExpiredToken", since });
    }

    /// From now on refuses a provider token that comes within twenty minutes of another, with 429
    /// `TooManyProviderTokenUpdates`.
    pub fn limit_token_updates(&self, limited: bool) {
        self.state.verifier.limit_updates(limited);
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

    /// What arrived, and waiting for it.
    pub fn record(&self) -> &Record {
        &self.state.record
    }

    /// The time at Apple's.
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// Connections, and what goes wrong with them.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

impl State {
    fn devices(&self) -> MutexGuard<'_, HashMap<String, Device>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, request: &Request<Bytes>, now: Timestamp) -> Result<(), Fault> {
        let authorization = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap_or(""));
        self.verifier.check(authorization, now).map_err(Fault::refuse)?;
        let checked = check::check(request, &self.settings.topics).map_err(Fault::refuse)?;
        match self.devices().get(&checked.device) {
            Some(Device::Known { topic, kind }) if *topic == checked.bundle_id => match kind {
                Some(kind) if *kind == checked.kind => Ok(()),
                // Both kinds for Live Activities have the same topic.
                Some(kind) if kind.shares_topic(checked.kind) => Err(Fault::refuse("BadDeviceToken")),
                Some(_) => Err(Fault::refuse("DeviceTokenNotForTopic")),
                None => Ok(()),
            },
            Some(Device::Known { .. }) => Err(Fault::refuse("DeviceTokenNotForTopic")),
            Some(Device::Gone { reason, since }) => Err(Fault::Refuse {
                reason: (*reason).to_owned(),
                retry_after_s: None,
                timestamp: Some(*since),
            }),
            None if self.settings.accept_any_device => Ok(()),
            None => Err(Fault::refuse("BadDeviceToken")),
        }
    }
}

impl State {
    fn add(&self, at: Timestamp, connection: u64, request: &Request<Bytes>, handled: Option<&Handled>) {
        self.record.add(handled.is_some_and(Handled::is_accepted), || Received {
            at,
            provider: Provider::Apns,
            connection,
            device: check::device_of(request.uri().path()).unwrap_or("").to_owned(),
            headers: header_map(request.headers()),
            payload: serde_json::from_slice(request.body()).unwrap_or(Value::Null),
            answer: handled.and_then(|handled| handled.answer.clone()),
            processed: handled.is_some_and(|handled| handled.processed),
        });
    }
}

impl Handler for State {
    async fn handle(&self, connection: u64, request: Request<Bytes>) -> Reply {
        let at = self.clock.now();
        let device = check::device_of(request.uri().path()).unwrap_or("");
        let fault = self.check(&request, at).err().unwrap_or_else(|| self.script.take(device));
        let headers = request.headers();
        let handled = Handled::of(
            fault,
            || accepted(headers),
            |reason, retry_after_s, since| refused(headers, reason, since.unwrap_or(at), retry_after_s),
        );
        self.add(at, connection, &request, Some(&handled));
        handled.reply_in_time().await
    }

    fn leave(&self, connection: u64, request: &Request<Bytes>) {
        self.add(self.clock.now(), connection, request, None);
    }
}

fn accepted(headers: &HeaderMap) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    echo_id(headers, &mut response);
    response
}

fn refused(
    headers: &HeaderMap,
    reason: &str,
    since: Timestamp,
    retry_after_s: Option<u64>,
) -> Response<Bytes> {
    let status = status_of(reason).unwrap_or(500);
    let mut body = json!({ "reason": reason });
    if status == 410 {
        body["timestamp"] = since.as_millisecond().into();
    }
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(after_s) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, after_s.into());
    }
    echo_id(headers, &mut response);
    response
}

/// The sender's `apns-id`, or one made here.
fn echo_id(headers: &HeaderMap, response: &mut Response<Bytes>) {
    let made = || hyper::header::HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).ok();
    if let Some(id) = headers.get("apns-id").cloned().or_else(made) {
        response.headers_mut().insert("apns-id", id);
    }
}
