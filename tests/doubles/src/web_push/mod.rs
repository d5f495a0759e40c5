//! The double of a browser's push service: RFC 8030, with VAPID (RFC 8292) and encrypted messages (RFC 8291).

mod encryption;
mod vapid;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::encryption::Keys;
use crate::fault::Script;
use crate::record::header_map;
use crate::server::{Handled, Handler, Identities, Reply, Server};
use crate::token_log::{self, TokenLog};
use crate::{Authority, Clock, Fault, Provider, Received, Record, StartError, UnknownReason};

/// What a [`WebPushDouble`] is told at its start.
#[derive(Debug, Clone)]
pub struct WebPushDoubleSettings {
    /// Appends each VAPID token that was believed to this file; by default the one that the variable
    /// `RINGBACK_TOKEN_RECORD` names, so that `check_tokens.py` can look at a whole run.
    pub record_tokens_to: Option<PathBuf>,
}

impl Default for WebPushDoubleSettings {
    fn default() -> Self {
        Self { record_tokens_to: token_log::from_environment() }
    }
}

/// A push service that listens on loopback until it is dropped.
pub struct WebPushDouble {
    state: Arc<State>,
    server: Server,
    ca_pem: String,
}

/// What a browser gives its web app for the server: `PushSubscription`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Where to send.
    pub endpoint: String,
    /// The browser's public key, base64url.
    pub p256dh: String,
    /// The browser's authentication secret, base64url.
    pub auth: String,
}

impl Subscription {
    /// What the record calls it: the end of its endpoint.
    pub fn device(&self) -> &str {
        device_of(&self.endpoint)
    }
}

/// A message as a browser would find it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    topic: Option<String>,
    message: Value,
}

struct Subscribed {
    keys: Keys,
    application_server_key: Option<Vec<u8>>,
    gone: bool,
    stored: Vec<Stored>,
}

struct State {
    origin: String,
    subscriptions: Mutex<HashMap<String, Subscribed>>,
    script: Script,
    record: Record,
    clock: Clock,
    token_log: TokenLog,
}

/// What a push service can refuse with: the names of the statuses in RFC 9110 and RFC 6585.
const REFUSALS: &[(&str, u16)] = &[
    ("BadRequest", 400),
    ("Unauthorized", 401),
    ("Forbidden", 403),
    ("NotFound", 404),
    ("MethodNotAllowed", 405),
    ("Gone", 410),
    ("ContentTooLarge", 413),
    ("TooManyRequests", 429),
    ("InternalServerError", 500),
    ("BadGateway", 502),
    ("ServiceUnavailable", 503),
    ("GatewayTimeout", 504),
];

const MAX_BODY_BYTES: usize = 4096;
const MAX_TOPIC_CHARS: usize = 32;

fn status_of(name: &str) -> Option<u16> {
    REFUSALS.iter().find(|(known, _)| *known == name).map(|(_, status)| *status)
}

fn device_of(url: &str) -> &str {
    url.rsplit_once("/push/").map_or("", |(_, device)| device)
}

impl WebPushDouble {
    /// Listens with a certificate of `authority` for `localhost` and 127.0.0.1.
    pub async fn start(settings: WebPushDoubleSettings, authority: &Authority) -> Result<Self, StartError> {
        let identities = Identities::new(authority, &["localhost", "127.0.0.1"], false)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let state = Arc::new(State {
            origin: format!("https://localhost:{}", listener.local_addr()?.port()),
            subscriptions: Mutex::default(),
            script: Script::new(|name| status_of(name).is_some()),
            record: Record::new(),
            clock: Clock::default(),
            token_log: TokenLog::open(settings.record_tokens_to.as_deref())?,
        });
        let server = Server::start(listener, Some(identities), state.clone())?;
        Ok(Self { state, server, ca_pem: authority.pem() })
    }

    /// `https://localhost:port`.
    pub fn endpoint(&self) -> String {
        self.state.origin.clone()
    }

    /// The authority to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What a browser does for a web app: makes keys, and an endpoint that takes messages of this application server
    /// (its VAPID key, base64url) alone, or of any.
    pub fn subscribe(&self, application_server_key: Option<&str>) -> Result<Subscription, StartError> {
        let keys = Keys::generate().map_err(|_| StartError::Random)?;
        let application_server_key = match application_server_key {
            Some(key) => Some(URL_SAFE_NO_PAD.decode(key).map_err(|_| StartError::ApplicationServerKey)?),
            None => None,
        };
        let device = uuid::Uuid::new_v4().simple().to_string();
        let subscription = Subscription {
            endpoint: format!("{}/push/{device}", self.state.origin),
            p256dh: URL_SAFE_NO_PAD.encode(&keys.p256dh),
            auth: URL_SAFE_NO_PAD.encode(keys.auth),
        };
        let subscribed = Subscribed { keys, application_server_key, gone: false, stored: Vec::new() };
        self.state.subscriptions().insert(device, subscribed);
        Ok(subscription)
    }

    /// The browser has unsubscribed: 410.
    pub fn unsubscribe(&self, device: &str) {
        if let Some(subscribed) = self.state.subscriptions().get_mut(device) {
            subscribed.gone = true;
        }
    }

    /// The messages that a browser which has been away finds: a message replaces those of the same topic, and one with a
    /// TTL of 0 is not kept.
    pub fn stored(&self, device: &str) -> Vec<Value> {
        let subscriptions = self.state.subscriptions();
        let stored = subscriptions.get(device).map(|subscribed| &subscribed.stored);
        stored.into_iter().flatten().map(|stored| stored.message.clone()).collect()
    }

    /// What happens to the next pushes, in this order.
    pub fn script(&self, faults: Vec<Fault>) -> Result<(), UnknownReason> {
        self.state.script.push(None, faults)
    }

    /// What happens to the next pushes to one subscription; this goes before [`Self::script`].
    pub fn script_device(&self, device: &str, faults: Vec<Fault>) -> Result<(), UnknownReason> {
        self.state.script.push(Some(device), faults)
    }

    /// What happens to every push that no script is about; `None` ends it.
    pub fn every_push(&self, fault: Option<Fault>) -> Result<(), UnknownReason> {
        self.state.script.set_always(fault)
    }

    /// What arrived, decrypted, and waiting for it.
    pub fn record(&self) -> &Record {
        &self.state.record
    }

    /// The time at the push service's.
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// Connections, and what goes wrong with them.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

/// A push that is in order.
struct Checked {
    message: Value,
    topic: Option<String>,
    ttl_s: u64,
}

/// The name of a refusal, and what is not in order.
type Refused = (&'static str, &'static str);

struct Headers<'a>(&'a Request<Bytes>);

impl<'a> Headers<'a> {
    fn one(&self, name: &str) -> Result<Option<&'a str>, Refused> {
        let mut values = self.0.headers().get_all(name).iter();
        let value = values.next();
        if values.next().is_some() {
            return Err(("BadRequest", "a header is there twice"));
        }
        Ok(value.map(|value| value.to_str().unwrap_or("")))
    }
}

impl State {
    fn subscriptions(&self) -> MutexGuard<'_, HashMap<String, Subscribed>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, request: &Request<Bytes>, now: Timestamp) -> Result<Checked, Refused> {
        let subscriptions = self.subscriptions();
        let subscribed = subscriptions
            .get(device_of(request.uri().path()))
            .ok_or(("NotFound", "there is no such subscription"))?;
        if request.method() != Method::POST {
            return Err(("MethodNotAllowed", "not a POST"));
        }
        let headers = Headers(request);
        let authorization =
            headers.one(AUTHORIZATION.as_str())?.ok_or(("Unauthorized", "no Authorization header"))?;
        let sender = vapid::check(authorization, &self.origin, now, &self.token_log)
            .map_err(|what| ("Forbidden", what))?;
        if subscribed.application_server_key.as_ref().is_some_and(|key| *key != sender) {
            return Err(("Forbidden", "the subscription is another application server's"));
        }
        let ttl = headers.one("ttl")?.ok_or(("BadRequest", "no TTL header"))?;
        let ttl_s = ttl.parse().map_err(|_| ("BadRequest", "TTL is no number of seconds"))?;
        if !matches!(headers.one("urgency")?, None | Some("very-low" | "low" | "normal" | "high")) {
            return Err(("BadRequest", "no such urgency"));
        }
        let topic = headers.one("topic")?;
        if !topic.is_none_or(is_topic) {
            return Err(("BadRequest", "a topic is up to 32 characters of base64url"));
        }
        if request.body().len() > MAX_BODY_BYTES {
            return Err(("ContentTooLarge", "more than 4096 bytes"));
        }
        if headers.one(CONTENT_ENCODING.as_str())? != Some("aes128gcm") {
            return Err(("BadRequest", "Content-Encoding is not aes128gcm"));
        }
        // A push service cannot read it, and a browser would drop it without a word: that must not go unnoticed here.
        let message = subscribed
            .keys
            .decrypt(request.body())
            .map_err(|_| ("BadRequest", "not encrypted for this subscription"))?;
        if subscribed.gone {
            return Err(("Gone", "the browser has unsubscribed"));
        }
        let message = serde_json::from_slice(&message).unwrap_or(Value::Null);
        Ok(Checked { message, topic: topic.map(str::to_owned), ttl_s })
    }

    fn accepted(&self, ttl_s: u64) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::CREATED;
        let location = format!("{}/message/{}", self.origin, uuid::Uuid::new_v4().simple());
        if let Ok(location) = HeaderValue::from_str(&location) {
            response.headers_mut().insert(LOCATION, location);
        }
        response.headers_mut().insert("ttl", ttl_s.into());
        response
    }

    fn store(&self, device: &str, checked: &Checked) {
        if checked.ttl_s == 0 {
            return;
        }
        if let Some(subscribed) = self.subscriptions().get_mut(device) {
            subscribed.stored.retain(|stored| stored.topic.is_none() || stored.topic != checked.topic);
            subscribed.stored.push(Stored { topic: checked.topic.clone(), message: checked.message.clone() });
        }
    }

    fn add(&self, connection: u64, request: &Request<Bytes>, message: Value, handled: Option<&Handled>) {
        self.record.add(handled.is_some_and(Handled::is_accepted), || Received {
            at: self.clock.now(),
            provider: Provider::WebPush,
            connection,
            device: device_of(request.uri().path()).to_owned(),
            headers: header_map(request.headers()),
            payload: message,
            answer: handled.and_then(|handled| handled.answer.clone()),
            processed: handled.is_some_and(|handled| handled.processed),
        });
    }
}

impl Handler for State {
    async fn handle(&self, connection: u64, request: Request<Bytes>) -> Reply {
        let (message, handled) = match self.check(&request, self.clock.now()) {
            Err((name, what)) => (Value::Null, Handled::refused(refused(name, what, None), what)),
            Ok(checked) => {
                let device = device_of(request.uri().path());
                let handled = Handled::of(
                    self.script.take(device),
                    || self.accepted(checked.ttl_s),
                    |name, retry_after_s, _| refused(name, "on script", retry_after_s),
                );
                if handled.is_accepted() {
                    self.store(device, &checked);
                }
                (checked.message, handled)
            }
        };
        self.add(connection, &request, message, Some(&handled));
        handled.reply_in_time().await
    }

    fn leave(&self, connection: u64, request: &Request<Bytes>) {
        self.add(connection, request, Value::Null, None);
    }
}

fn is_topic(topic: &str) -> bool {
    let of_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_TOPIC_CHARS).contains(&topic.len()) && topic.bytes().all(of_base64url)
}

fn refused(name: &str, what: &str, retry_after_s: Option<u64>) -> Response<Bytes> {
    let status = status_of(name).unwrap_or(500);
    let body = json!({ "code": status, "error": name, "message": what });
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(after_s) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, after_s.into());
    }
    response
}
