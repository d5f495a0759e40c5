//! The double of Google's list of revoked attestation keys.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::fault::Script;
use crate::server::{Handled, Handler, Identities, Reply, Server, Speaks};
use crate::{Authority, Fault, StartError, UnknownReason};

const PATH: &str = "/attestation/status";

/// What a server of Google's may answer in place of the list.
const REFUSALS: &[(&str, u16)] = &[("NOT_FOUND", 404), ("INTERNAL", 500), ("UNAVAILABLE", 503)];

/// A list that is to be had on loopback until this is dropped.
pub struct AttestationStatusDouble {
    state: Arc<State>,
    server: Server,
}

struct State {
    entries: Mutex<Map<String, Value>>,
    script: Script,
}

impl AttestationStatusDouble {
    /// Listens with a certificate of `authority` for `localhost`; nobody is on the list.
    pub async fn start(authority: &Authority) -> Result<Self, StartError> {
        let identities = Identities::new(authority, &["localhost", "127.0.0.1"], Speaks::Either)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let script = Script::new(|reason| REFUSALS.iter().any(|(known, _)| *known == reason));
        let state = Arc::new(State { entries: Mutex::default(), script });
        let server = Server::start(listener, Some(identities), state.clone())?;
        Ok(Self { state, server })
    }

    /// Where the list is.
    pub fn url(&self) -> String {
        format!("https://localhost:{}{PATH}", self.server.address.port())
    }

    /// Puts a certificate on the list: its serial number in hexadecimal, and `REVOKED` or `SUSPENDED`.
    pub fn put(&self, serial: &str, status: &str) {
        let entry = json!({ "status": status, "reason": "KEY_COMPROMISE" });
        let mut entries = self.state.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(serial.to_owned(), entry);
    }

    /// What happens to the next requests that are in order.
    pub fn script(&self, faults: Vec<Fault>) -> Result<(), UnknownReason> {
        self.state.script.push(None, faults)
    }
}

impl Handler for State {
    async fn handle(&self, _: u64, request: Request<Bytes>) -> Reply {
        let list = || {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone();
            answer(200, &json!({ "entries": entries }))
        };
        let handled = if request.method() == Method::GET && request.uri().path() == PATH {
            Handled::of(self.script.take(""), list, |reason, _, _| refused(reason))
        } else {
            Handled::refused(refused("NOT_FOUND"), "NOT_FOUND")
        };
        handled.reply_in_time().await
    }
}

fn refused(reason: &str) -> Response<Bytes> {
    let status = REFUSALS.iter().find(|(known, _)| *known == reason).map_or(500, |(_, status)| *status);
    answer(status, &json!({ "error": { "code": status, "status": reason } }))
}

fn answer(status: u16, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
