//! Servers that answer as told and remember what they were asked, and a host that lives in memory.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringback_core::client::{ClientConfig, PendingRequest, RequestState, RingbackClient};
use ringback_core::host::{
    CaptchaPresenter, Clock, Host, HostError, LogLevel, LogSink, SecureStore, SystemClock,
};
use ringback_core::protocol::{CallbackRequest, ContextValue, Problem, ProblemCode, Timestamp};
use ringback_core::transport::ReqwestTransport;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Nothing here takes this long unless it is broken.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("done in time")
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn key(&self) -> &str {
        self.header("idempotency-key")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }
}

struct StopOnDrop(JoinHandle<()>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An HTTP server whose answers the test makes up.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _running: StopOnDrop,
}

impl Server {
    pub(crate) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(Seen) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let remembered = seen.clone();
        let app = axum::Router::new().fallback(move |request: Request| {
            let (answer, remembered) = (answer.clone(), remembered.clone());
            async move {
                let (head, body) = request.into_parts();
                let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a whole body");
                let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
                    (name.to_string(), value.to_str().expect("text").to_owned())
                };
                let seen = Seen {
                    at: Instant::now(),
                    method: head.method.to_string(),
                    path: head.uri.to_string(),
                    headers: head.headers.iter().map(header).collect(),
                    body: String::from_utf8(body.to_vec()).expect("text"),
                };
                remembered.lock().expect("not poisoned").push(seen.clone());
                answer(seen).await
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let running = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        Self { url, seen, _running: StopOnDrop(running) }
    }

    /// Registers installations, and answers the rest by `answer`.
    pub(crate) async fn registering(
        answer: impl Fn(Seen) -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |seen| {
            let answer =
                if seen.is("POST", "/v1/installations") { installation("token-1") } else { answer(seen) };
            async move { answer }
        })
        .await
    }

    /// All requests of this method and path so far.
    pub(crate) fn seen(&self, method: &str, path: &str) -> Vec<Seen> {
        self.all().into_iter().filter(|seen| seen.is(method, path)).collect()
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }
}

/// A server below HTTP: the test gets each connection with the head and body of its first request, and its number.
pub(crate) struct BareServer {
    pub(crate) url: String,
    pub(crate) connections: Arc<AtomicUsize>,
    _running: StopOnDrop,
}

impl BareServer {
    pub(crate) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(usize, String, TcpStream) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let running = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let (answer, number) = (answer.clone(), count.fetch_add(1, Ordering::SeqCst));
                tokio::spawn(async move {
                    let request = read_request(&mut stream).await;
                    answer(number, request, stream).await;
                });
            }
        });
        Self { url, connections, _running: StopOnDrop(running) }
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase().split_once("content-length: ").and_then(|(_, rest)| {
                rest.split("\r\n").next().and_then(|length| length.parse::<usize>().ok())
            });
            if body.len() >= length.unwrap_or(0) {
                return text.into_owned();
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&request).into_owned(),
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
}

/// A whole answer on a bare connection.
pub(crate) async fn say(stream: &mut TcpStream, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("written");
    stream.shutdown().await.expect("closed");
}

pub(crate) fn answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

pub(crate) fn problem(code: ProblemCode) -> Response {
    problem_with(&Problem { request_id: Some("rq_1".to_owned()), ..Problem::new(code, "what to do") })
}

pub(crate) fn problem_with(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).expect("a status");
    let body = serde_json::to_string(problem).expect("JSON");
    (status, [("content-type", "application/problem+json")], body).into_response()
}

pub(crate) fn installation(token: &str) -> Response {
    answer(201, &json!({"id": "in_1", "token": token}))
}

pub(crate) fn callback(id: &str, state: &str) -> Value {
    json!({"id": id, "service": "support", "state": state, "direction": "customer_terminated",
        "created_at": "2026-11-23T10:00:00Z", "version": 1})
}

pub(crate) fn event(seq: u64) -> Value {
    json!({"seq": seq, "at": "2026-11-23T10:00:00Z", "kind": "requested", "callback": callback("cb_1", "queued")})
}

pub(crate) fn request() -> CallbackRequest {
    CallbackRequest {
        context: HashMap::from([
            ("cart".to_owned(), ContextValue::from("a")),
            ("page".to_owned(), ContextValue::from("b")),
            ("screen".to_owned(), ContextValue::from("c")),
        ]),
        ..CallbackRequest::new("support", "+4930901820")
    }
}

/// A secure store in memory; outlives clients, as the real one outlives processes.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<HashMap<String, String>>);

impl MemoryStore {
    pub(crate) fn value(&self, key: &str) -> Value {
        let text = self.0.lock().expect("not poisoned").get(key).cloned();
        text.map_or(Value::Null, |text| serde_json::from_str(&text).expect("JSON"))
    }

    pub(crate) fn set(&self, key: &str, value: &str) {
        self.0.lock().expect("not poisoned").insert(key.to_owned(), value.to_owned());
    }
}

impl SecureStore for MemoryStore {
    fn get(&self, key: String) -> Result<Option<String>, HostError> {
        Ok(self.0.lock().expect("not poisoned").get(&key).cloned())
    }

    fn put(&self, key: String, value: String) -> Result<(), HostError> {
        self.0.lock().expect("not poisoned").insert(key, value);
        Ok(())
    }

    fn delete(&self, key: String) -> Result<(), HostError> {
        self.0.lock().expect("not poisoned").remove(&key);
        Ok(())
    }
}

/// Remembers every line.
#[derive(Default)]
pub(crate) struct Lines(watch::Sender<Vec<(LogLevel, String)>>);

impl Lines {
    /// All lines, once `enough` says so of them.
    pub(crate) async fn until(
        &self,
        enough: impl FnMut(&Vec<(LogLevel, String)>) -> bool,
    ) -> Vec<(LogLevel, String)> {
        let mut lines = self.0.subscribe();
        soon(lines.wait_for(enough)).await.expect("the phone lives").clone()
    }
}

impl LogSink for Lines {
    fn log(&self, level: LogLevel, target: String, message: String) -> Result<(), HostError> {
        self.0.send_modify(|lines| lines.push((level, format!("{target}: {message}"))));
        Ok(())
    }
}

/// A device's clocks, which the test can set. It has been running for a month and more.
pub(crate) struct Clocks {
    shown_s: AtomicI64,
    running_s: AtomicI64,
}

impl Default for Clocks {
    fn default() -> Self {
        Self { shown_s: AtomicI64::new(0), running_s: AtomicI64::new(30 * 86_400) }
    }
}

impl Clocks {
    /// The person, or the network, sets the clock.
    pub(crate) fn set_by(&self, seconds: i64) {
        self.shown_s.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Time passes.
    pub(crate) fn pass(&self, seconds: i64) {
        self.set_by(seconds);
        self.running_s.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The device starts anew, having been off for so many seconds.
    pub(crate) fn restart(&self, off_s: i64) {
        self.set_by(off_s);
        self.running_s
            .store(-i64::try_from(SystemClock.running_ms() / 1000).expect("small"), Ordering::SeqCst);
    }
}

impl Clock for Clocks {
    fn now(&self) -> Timestamp {
        let shown_s = SystemClock.now().as_second() + self.shown_s.load(Ordering::SeqCst);
        Timestamp::from_second(shown_s).expect("a time")
    }

    fn running_ms(&self) -> u64 {
        SystemClock.running_ms().saturating_add_signed(self.running_s.load(Ordering::SeqCst) * 1000)
    }
}

/// What is kept, once nothing is being sent.
pub(crate) async fn at_rest(client: &RingbackClient) -> Vec<PendingRequest> {
    soon(async {
        loop {
            let pending = client.pending().await.expect("a list");
            if pending.iter().all(|request| request.state != RequestState::Sending) {
                return pending;
            }
        }
    })
    .await
}

/// A phone: what outlives the app's process.
pub(crate) struct Phone {
    pub(crate) data: TempDir,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) lines: Arc<Lines>,
    pub(crate) clocks: Arc<Clocks>,
    pub(crate) config: ClientConfig,
}

impl Phone {
    pub(crate) fn new(url: &str) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let path = data.path().to_str().expect("text").to_owned();
        let config = ClientConfig {
            request_timeout_ms: 5_000,
            max_tries: 3,
            retry_base_ms: 1,
            retry_max_ms: 5_000,
            ..ClientConfig::new(url, "rb_pub_key", path)
        };
        Self { data, store: Arc::default(), lines: Arc::default(), clocks: Arc::default(), config }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// The app starts.
    pub(crate) fn start(&self) -> Arc<RingbackClient> {
        self.start_with(None)
    }

    /// The app starts, and shows CAPTCHAs by this presenter.
    pub(crate) fn start_with(&self, captcha: Option<Arc<dyn CaptchaPresenter>>) -> Arc<RingbackClient> {
        self.start_on(|host| Host { captcha, ..host })
    }

    /// The app starts on another host.
    pub(crate) fn start_on(&self, change: impl FnOnce(Host) -> Host) -> Arc<RingbackClient> {
        let transport = Arc::new(ReqwestTransport::new().expect("a transport"));
        let host = Host::new(self.store.clone(), transport).with_log(self.lines.clone());
        let host = change(Host { clock: self.clocks.clone(), ..host });
        Arc::new(RingbackClient::new(self.config.clone(), host).expect("a client"))
    }

    /// The keys of the requests that wait.
    pub(crate) fn outbox(&self) -> Vec<String> {
        let names = self.files();
        let key = |name: &String| {
            let (key, state) = name.split_once('.')?;
            matches!(state, "kept" | "tried" | "spare").then(|| key.to_owned())
        };
        names.iter().filter_map(key).collect()
    }

    /// The names of the outbox's files; one that only has room for the next request is none.
    pub(crate) fn files(&self) -> Vec<String> {
        let folder = self.data.path().join("outbox");
        let is_room = |name: &str| {
            name.ends_with(".spare")
                && std::fs::read(folder.join(name)).expect("readable").iter().all(|byte| *byte == 0)
        };
        names(&folder).into_iter().filter(|name| name != "damaged" && !is_room(name)).collect()
    }

    pub(crate) fn damaged(&self) -> Vec<String> {
        names(&self.data.path().join("outbox/damaged"))
    }
}

fn names(dir: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
}
