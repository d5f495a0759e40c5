//! A plain HTTP port for tests in other languages, and for tests that kill the server: what arrived, and faults to come.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, Request, Response, StatusCode};
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer, value};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::server::{Handler, Reply};
use crate::{
    CaptchaDouble, CaptchaPass, CaptchaService, Clock, ConnectionFault, DeviceTokenKind, Doubles, Fault,
    Provider, Received, Record, Server, StartError, TargetKind, UnknownReason, WaitTimedOut,
};

/// The control port; it ends when this is dropped.
///
/// `provider` is `apns`, `fcm` or `web_push`.
///
/// - `GET /received?provider=…` answers `{"received": […]}`; with `wait_for=<count>` it waits until so many were
///   accepted, at most `timeout_ms` (10 000), and answers 408 if they were not.
/// - `GET /counts?provider=…` answers `{"received", "accepted", "connections": {…}}`; with `wait_for` as above.
/// - `POST /keep_last {"provider", "count"}`: keeps only the last of what arrives.
/// - `POST /script {"provider", "faults": […], "device"?}`: what happens to the next pushes.
/// - `POST /every_push {"provider", "fault": {…} | null}`: what happens to all others.
/// - `POST /token_endpoint {"faults": […]}`: what happens to the next requests for access tokens (FCM).
/// - `POST /script_connections {"provider", "faults": […]}`: what happens to the next connections.
/// - `POST /every_connection {"provider", "fault": "…" | null}`: what happens to all others.
/// - `POST /go_down {"provider"}`, `POST /come_back {"provider"}`: an outage.
/// - `POST /close_idle {"provider"}`: closes the connections that have nothing to do.
/// - `POST /stream_limit {"provider", "limit"}`: how many HTTP/2 streams a connection may have open.
/// - `POST /clock {"provider", "offset_s"}`: puts the provider's clock off.
/// - `POST /limit_token_updates {"limited"}`: one provider token in twenty minutes (APNs).
/// - `POST /devices {"provider", "device", "topic"?, "kind"?}`: makes a device known.
/// - `POST /captcha_passes {"service", "place", "action"?, "score"?}`: somebody passes a CAPTCHA; answers `{"token"}`.
/// - `POST /subscriptions {"application_server_key"?}`: makes a Web Push subscription and answers with it.
pub struct Control {
    server: Server,
}

struct State {
    doubles: Arc<Doubles>,
    captcha: Option<CaptchaDouble>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    provider: Provider,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeepLast {
    provider: Provider,
    count: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    provider: Provider,
    faults: Vec<Fault>,
    device: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EveryPush {
    provider: Provider,
    fault: Option<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenEndpoint {
    faults: Vec<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptConnections {
    provider: Provider,
    faults: Vec<ConnectionFault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EveryConnection {
    provider: Provider,
    fault: Option<ConnectionFault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamLimit {
    provider: Provider,
    limit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockOffset {
    provider: Provider,
    offset_s: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitTokenUpdates {
    limited: bool,
}

#[derive(Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case", deny_unknown_fields)]
enum Device {
    Apns { device: String, topic: String, kind: Option<DeviceTokenKind> },
    Fcm { device: String, kind: Option<TargetKind> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Passed {
    service: CaptchaService,
    place: String,
    action: Option<String>,
    score: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    application_server_key: Option<String>,
}

/// Why an order was not followed.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("no such order")]
    Unknown,
    #[error("not understood: {0}")]
    Json(#[from] serde_json::Error),
    #[error("not understood: {0}")]
    Query(&'static str),
    #[error(transparent)]
    Reason(#[from] UnknownReason),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    TimedOut(#[from] WaitTimedOut),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::TimedOut(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Json(_) | Self::Query(_) | Self::Reason(_) | Self::Start(_) => StatusCode::BAD_REQUEST,
            Self::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Control {
    /// Listens on loopback, on `port` or, if that is 0, on a port of its own.
    pub async fn start(doubles: Arc<Doubles>, port: u16) -> std::io::Result<Self> {
        Self::start_with(doubles, None, port).await
    }

    /// The same, with a double of CAPTCHA providers.
    pub async fn start_with(
        doubles: Arc<Doubles>,
        captcha: Option<CaptchaDouble>,
        port: u16,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        Ok(Self { server: Server::start(listener, None, Arc::new(State { doubles, captcha }))? })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }
}

/// A query of `received` or `counts`.
struct Query {
    provider: Provider,
    wanted: usize,
    timeout: Duration,
}

impl Query {
    fn read(query: &str) -> Result<Self, Refused> {
        let query: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
        let provider = query.get("provider").map_or("", AsRef::as_ref);
        let provider: Result<_, value::Error> = Provider::deserialize(provider.into_deserializer());
        let number = |name: &str, default: u64| match query.get(name) {
            Some(value) => value.parse().map_err(|_| Refused::Query("wait_for and timeout_ms are numbers")),
            None => Ok(default),
        };
        Ok(Self {
            provider: provider.map_err(|_| Refused::Query("provider is apns, fcm or web_push"))?,
            wanted: usize::try_from(number("wait_for", 0)?).unwrap_or(usize::MAX),
            timeout: Duration::from_millis(number("timeout_ms", 10_000)?),
        })
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    Ok(serde_json::from_slice(body)?)
}

impl State {
    fn parts(&self, provider: Provider) -> (&Record, &Server, &Clock) {
        let Doubles { apns, fcm, web_push, .. } = &*self.doubles;
        match provider {
            Provider::Apns => (apns.record(), apns.server(), apns.clock()),
            Provider::Fcm => (fcm.record(), fcm.server(), fcm.clock()),
            Provider::WebPush => (web_push.record(), web_push.server(), web_push.clock()),
        }
    }

    fn server(&self, provider: Provider) -> &Server {
        self.parts(provider).1
    }

    async fn received(&self, query: &str) -> Result<Value, Refused> {
        let query = Query::read(query)?;
        let (record, ..) = self.parts(query.provider);
        record.wait_for_accepted(query.timeout, query.wanted).await?;
        let received: Vec<Received> = record.received();
        Ok(json!({ "received": received }))
    }

    async fn counts(&self, query: &str) -> Result<Value, Refused> {
        let query = Query::read(query)?;
        let (record, server, _) = self.parts(query.provider);
        record.wait_for_accepted(query.timeout, query.wanted).await?;
        let mut counts = json!(record.counts());
        counts["connections"] = json!(server.counts());
        Ok(counts)
    }

    fn script(&self, body: &[u8]) -> Result<(), Refused> {
        let Script { provider, faults, device } = read(body)?;
        let Doubles { apns, fcm, web_push, .. } = &*self.doubles;
        match (provider, device) {
            (Provider::Apns, None) => apns.script(faults)?,
            (Provider::Apns, Some(device)) => apns.script_device(&device, faults)?,
            (Provider::Fcm, None) => fcm.script(faults)?,
            (Provider::Fcm, Some(device)) => fcm.script_device(&device, faults)?,
            (Provider::WebPush, None) => web_push.script(faults)?,
            (Provider::WebPush, Some(device)) => web_push.script_device(&device, faults)?,
        }
        Ok(())
    }

    fn every_push(&self, body: &[u8]) -> Result<(), Refused> {
        let EveryPush { provider, fault } = read(body)?;
        match provider {
            Provider::Apns => self.doubles.apns.every_push(fault)?,
            Provider::Fcm => self.doubles.fcm.every_push(fault)?,
            Provider::WebPush => self.doubles.web_push.every_push(fault)?,
        }
        Ok(())
    }

    fn device(&self, body: &[u8]) -> Result<(), Refused> {
        let Doubles { apns, fcm, .. } = &*self.doubles;
        match read(body)? {
            Device::Apns { device, topic, kind: Some(kind) } => apns.register_as(&device, &topic, kind),
            Device::Apns { device, topic, kind: None } => apns.register(&device, &topic),
            Device::Fcm { device, kind: Some(kind) } => fcm.register_as(&device, kind),
            Device::Fcm { device, kind: None } => fcm.register(&device),
        }
        Ok(())
    }

    fn pass(&self, body: &[u8]) -> Result<Value, Refused> {
        let Passed { service, place, action, score } = read(body)?;
        let captcha = self.captcha.as_ref().ok_or(Refused::Unknown)?;
        Ok(json!({ "token": captcha.pass(service, CaptchaPass { action, place, score }) }))
    }

    fn subscribe(&self, body: &[u8]) -> Result<Value, Refused> {
        let Subscribe { application_server_key } = read(body)?;
        Ok(json!(self.doubles.web_push.subscribe(application_server_key.as_deref())?))
    }

    async fn order(&self, path: &str, body: &[u8]) -> Result<(), Refused> {
        match path {
            "/script" => self.script(body)?,
            "/every_push" => self.every_push(body)?,
            "/devices" => self.device(body)?,
            "/token_endpoint" => {
                self.doubles.fcm.script_token_endpoint(read::<TokenEndpoint>(body)?.faults)?;
            }
            "/keep_last" => {
                let KeepLast { provider, count } = read(body)?;
                self.parts(provider).0.keep_last(count);
            }
            "/script_connections" => {
                let ScriptConnections { provider, faults } = read(body)?;
                self.server(provider).script(faults);
            }
            "/every_connection" => {
                let EveryConnection { provider, fault } = read(body)?;
                self.server(provider).every_connection(fault);
            }
            "/go_down" => self.server(read::<Of>(body)?.provider).go_down().await?,
            "/come_back" => self.server(read::<Of>(body)?.provider).come_back().await?,
            "/close_idle" => self.server(read::<Of>(body)?.provider).close_idle(),
            "/stream_limit" => {
                let StreamLimit { provider, limit } = read(body)?;
                self.server(provider).set_stream_limit(limit);
            }
            "/clock" => {
                let ClockOffset { provider, offset_s } = read(body)?;
                self.parts(provider).2.set_offset(SignedDuration::from_secs(offset_s));
            }
            "/limit_token_updates" => {
                self.doubles.apns.limit_token_updates(read::<LimitTokenUpdates>(body)?.limited);
            }
            _ => return Err(Refused::Unknown),
        }
        Ok(())
    }

    async fn follow(&self, request: &Request<Bytes>) -> Result<Value, Refused> {
        let query = request.uri().query().unwrap_or("");
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/received") => self.received(query).await,
            (&Method::GET, "/counts") => self.counts(query).await,
            (&Method::POST, "/subscriptions") => self.subscribe(request.body()),
            (&Method::POST, "/captcha_passes") => self.pass(request.body()),
            (&Method::POST, path) => self.order(path, request.body()).await.map(|()| json!({})),
            _ => Err(Refused::Unknown),
        }
    }
}

impl Handler for State {
    async fn handle(&self, _: u64, request: Request<Bytes>) -> Reply {
        let (status, body) = match self.follow(&request).await {
            Ok(body) => (StatusCode::OK, body),
            Err(refused) => (refused.status(), json!({ "error": refused.to_string() })),
        };
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status;
        Reply::Answer(response)
    }
}
