//! The APNs double.

mod check;
mod provider_token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, RETRY_AFTER};
use hyper::{HeaderMap, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use self::provider_token::TokenCheck;
use self::provider_token::Verifier;
use crate::fault::Script;
use crate::record::header_map;
use crate::server::{Handled, Handler, Reply, Server};
use crate::{ApnsCredentials, Authority, Fault, Provider, Received, Record, StartError, UnknownReason};

/// What an [`ApnsDouble`] is told at its start.
#[derive(Debug, Clone)]
pub struct ApnsDoubleSettings {
    /// The bundle ids that the team may push to.
    pub topics: Vec<String>,
    /// Takes device tokens that nobody registered, for any topic.
    pub accept_any_device: bool,
    /// How closely provider tokens are looked at.
    pub token_check: TokenCheck,
}

impl Default for ApnsDoubleSettings {
    fn default() -> Self {
        Self {
            topics: vec!["com.example.ringback".to_owned()],
            accept_any_device: false,
            token_check: TokenCheck::Strict,
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
    Known { topic: String },
    Gone { since: Timestamp },
}

struct State {
    settings: ApnsDoubleSettings,
    verifier: Verifier,
    devices: Mutex<HashMap<String, Device>>,
    script: Script,
    record: Record,
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
        let state = Arc::new(State {
            verifier: Verifier::new(&credentials, settings.token_check)?,
            settings,
            devices: Mutex::default(),
            script: Script::new(|reason| status_of(reason).is_some()),
            record: Record::new(),
        });
        let names = ["localhost", "127.0.0.1", "api.push.apple.com", "api.sandbox.push.apple.com"];
        let tls = authority.acceptor(&names, &[b"h2"])?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        // Without this a client that does not negotiate by ALPN gets through too: pushy does not.
        let http2_only = state.settings.token_check == TokenCheck::Strict;
        let server = Server::start(listener, Some(tls), http2_only, state.clone())?;
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

    /// Makes a device token known, for one topic. Again after [`Self::unregister`]: the app was installed again.
    pub fn register(&self, device: &str, topic: &str) {
        self.state.devices().insert(device.to_owned(), Device::Known { topic: topic.to_owned() });
    }

    /// The app is gone from the device since then: 410 `Unregistered`.
    pub fn unregister(&self, device: &str, since: Timestamp) {
        self.state.devices().insert(device.to_owned(), Device::Gone { since });
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
}

impl State {
    fn devices(&self) -> MutexGuard<'_, HashMap<String, Device>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, request: &Request<Bytes>, now: Timestamp) -> Result<(), Fault> {
        let authorization = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap_or(""));
        self.verifier.check(authorization, now.as_second()).map_err(Fault::refuse)?;
        let checked = check::check(request, &self.settings.topics).map_err(Fault::refuse)?;
        match self.devices().get(&checked.device) {
            Some(Device::Known { topic }) if *topic == checked.bundle_id => Ok(()),
            Some(Device::Known { .. }) => Err(Fault::refuse("DeviceTokenNotForTopic")),
            Some(Device::Gone { since }) => Err(Fault::Refuse {
                reason: "Unregistered".to_owned(),
                retry_after_s: None,
                timestamp: Some(*since),
            }),
            None if self.settings.accept_any_device => Ok(()),
            None => Err(Fault::refuse("BadDeviceToken")),
        }
    }
}

impl Handler for State {
    async fn handle(&self, connection: u64, request: Request<Bytes>) -> Reply {
        let at = Timestamp::now();
        let device = check::device_of(request.uri().path()).unwrap_or("").to_owned();
        let fault = self.check(&request, at).err().unwrap_or_else(|| self.script.take(&device));
        let headers = request.headers();
        let handled = Handled::of(
            fault,
            || accepted(headers),
            |reason, retry_after_s, since| refused(headers, reason, since.unwrap_or(at), retry_after_s),
        );
        self.record.add(Received {
            at,
            provider: Provider::Apns,
            connection,
            device,
            headers: header_map(headers),
            payload: serde_json::from_slice(request.body()).unwrap_or(Value::Null),
            answer: handled.answer.clone(),
        });
        handled.reply_in_time().await
    }
}

fn accepted(headers: &HeaderMap) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    echo_id(headers, &mut response);
    response
}

fn refused(
    headers: &HeaderMap,
    reason: &str,
    since: Timestamp,
    retry_after_s: Option<u64>,
) -> Response<Full<Bytes>> {
    let status = status_of(reason).unwrap_or(500);
    let mut body = json!({ "reason": reason });
    if status == 410 {
        body["timestamp"] = since.as_millisecond().into();
    }
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(after_s) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, after_s.into());
    }
    echo_id(headers, &mut response);
    response
}

/// The sender's `apns-id`, or one made here.
fn echo_id(headers: &HeaderMap, response: &mut Response<Full<Bytes>>) {
    let made = || hyper::header::HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).ok();
    if let Some(id) = headers.get("apns-id").cloned().or_else(made) {
        response.headers_mut().insert("apns-id", id);
    }
}
