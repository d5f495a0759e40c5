//! A plain HTTP port for tests in other languages, and for tests that kill the server: what arrived, and faults to come.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::server::{Handler, Reply, Server};
use crate::{Doubles, Fault, Provider, Received, Record, UnknownReason, WaitTimedOut};

/// The control port; it ends when this is dropped.
///
/// - `GET /received?provider=apns|fcm` answers `{"received": […]}`; with `wait_for=<count>` it waits until so many
///   were accepted, at most `timeout_ms` (10 000), and answers 408 if they were not.
/// - `POST /script {"provider", "faults": […], "device"?}`: what happens to the next pushes.
/// - `POST /every_push {"provider", "fault": {…} | null}`: what happens to all others.
/// - `POST /devices {"provider", "device", "topic"?}`: makes a device known.
pub struct Control {
    server: Server,
}

struct State {
    doubles: Arc<Doubles>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptOrder {
    provider: Provider,
    faults: Vec<Fault>,
    device: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EveryPushOrder {
    provider: Provider,
    fault: Option<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceOrder {
    provider: Provider,
    device: String,
    topic: Option<String>,
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
    TimedOut(#[from] WaitTimedOut),
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::TimedOut(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Json(_) | Self::Query(_) | Self::Reason(_) => StatusCode::BAD_REQUEST,
        }
    }
}

impl Control {
    /// Listens on loopback, on `port` or, if that is 0, on a port of its own.
    pub async fn start(doubles: Arc<Doubles>, port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        Ok(Self { server: Server::start(listener, None, false, Arc::new(State { doubles }))? })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }
}

impl State {
    fn record(&self, provider: Provider) -> &Record {
        match provider {
            Provider::Apns => self.doubles.apns.record(),
            Provider::Fcm => self.doubles.fcm.record(),
        }
    }

    async fn received(&self, query: &str) -> Result<Value, Refused> {
        let query: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
        let provider = match query.get("provider").map(AsRef::as_ref) {
            Some("apns") => Provider::Apns,
            Some("fcm") => Provider::Fcm,
            _ => return Err(Refused::Query("provider is apns or fcm")),
        };
        let number = |name: &str, default: u64| match query.get(name) {
            Some(value) => value.parse().map_err(|_| Refused::Query("wait_for and timeout_ms are numbers")),
            None => Ok(default),
        };
        let (wanted, timeout_ms) = (number("wait_for", 0)?, number("timeout_ms", 10_000)?);
        let enough = |all: &[Received]| {
            let accepted = all.iter().filter(|received| received.accepted()).count();
            (accepted as u64 >= wanted).then(|| all.to_vec())
        };
        let received = self.record(provider).wait_until(Duration::from_millis(timeout_ms), enough).await?;
        Ok(json!({ "received": received }))
    }

    fn script(&self, body: &[u8]) -> Result<Value, Refused> {
        let ScriptOrder { provider, faults, device } = serde_json::from_slice(body)?;
        match (provider, device) {
            (Provider::Apns, None) => self.doubles.apns.script(faults)?,
            (Provider::Apns, Some(device)) => self.doubles.apns.script_device(&device, faults)?,
            (Provider::Fcm, None) => self.doubles.fcm.script(faults)?,
            (Provider::Fcm, Some(device)) => self.doubles.fcm.script_device(&device, faults)?,
        }
        Ok(json!({}))
    }

    fn every_push(&self, body: &[u8]) -> Result<Value, Refused> {
        let EveryPushOrder { provider, fault } = serde_json::from_slice(body)?;
        match provider {
            Provider::Apns => self.doubles.apns.every_push(fault)?,
            Provider::Fcm => self.doubles.fcm.every_push(fault)?,
        }
        Ok(json!({}))
    }

    fn device(&self, body: &[u8]) -> Result<Value, Refused> {
        let DeviceOrder { provider, device, topic } = serde_json::from_slice(body)?;
        match (provider, topic) {
            (Provider::Apns, Some(topic)) => self.doubles.apns.register(&device, &topic),
            (Provider::Apns, None) => return Err(Refused::Query("a device of APNs has a topic")),
            (Provider::Fcm, _) => self.doubles.fcm.register(&device),
        }
        Ok(json!({}))
    }

    async fn follow(&self, request: &Request<Bytes>) -> Result<Value, Refused> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/received") => self.received(request.uri().query().unwrap_or("")).await,
            (&Method::POST, "/script") => self.script(request.body()),
            (&Method::POST, "/every_push") => self.every_push(request.body()),
            (&Method::POST, "/devices") => self.device(request.body()),
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
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = status;
        Reply::Answer(response)
    }
}
