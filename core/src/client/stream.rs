//! A stream of server-sent events that is opened again whenever it is lost.

use super::ClientError;
use super::exchange::{Credential, Failed, Outgoing, judge, random_fraction};
use super::installation::Session;
use crate::host::LogLevel;
use crate::protocol::Installation;
use crate::transport::sse::{SseEvent, SseParser};
use crate::transport::{HttpHeader, HttpResponse, Streaming, TransportError, header};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

const LOG_TARGET: &str = "ringback::stream";
/// The longest problem document that is read from a stream that was refused.
const MAX_PROBLEM_BYTES: usize = 64 * 1024;

/// Where a stream begins when it is opened.
pub(super) trait Start: Send {
    /// The last event that this installation needs no more; `None` where streams begin with what is so now.
    fn after(
        &mut self,
        installation: &Installation,
    ) -> impl Future<Output = Result<Option<u64>, ClientError>> + Send;
}

/// An open stream.
struct Connection {
    stream: Streaming,
    parser: SseParser,
    /// Read and not yet handed over.
    events: VecDeque<SseEvent>,
}

/// What a path of the server streams. Moves only while [`next`](Self::next) is being called.
pub(super) struct EventStream {
    session: Arc<Session>,
    path: String,
    /// The longest silence before it is opened anew.
    silence_ms: u32,
    connection: Option<Connection>,
    /// Connections since the last that brought something.
    failures: u32,
    not_before: Option<Instant>,
}

impl EventStream {
    pub(super) fn new(session: Arc<Session>, path: String, silence_ms: u32) -> Self {
        Self { session, path, silence_ms, connection: None, failures: 0, not_before: None }
    }

    /// Waits for the next event, over lost connections too. An error only for what waiting does not mend. Dropping the
    /// future loses nothing.
    pub(super) async fn next(&mut self, start: &mut impl Start) -> Result<SseEvent, ClientError> {
        loop {
            let Some(connection) = &mut self.connection else {
                self.reconnect(start).await?;
                continue;
            };
            if let Some(event) = connection.events.pop_front() {
                return Ok(event);
            }
            let silence = Duration::from_millis(self.silence_ms.into());
            let chunk = match tokio::time::timeout(silence, connection.stream.chunk()).await {
                Ok(chunk) => chunk,
                Err(_) => Err(TransportError::TimedOut),
            };
            let read = match chunk {
                Ok(Some(chunk)) => {
                    connection.parser.feed(&chunk).map_err(|_| "an event is too long".to_owned())
                }
                Ok(None) => Err("the server ended it".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            match read {
                Ok(events) => {
                    self.failures = 0;
                    connection.events.extend(events);
                }
                Err(reason) => {
                    self.connection = None;
                    self.back_off(None, &reason);
                }
            }
        }
    }

    /// Reports an event that this version does not understand.
    pub(super) fn passed_over(&self) {
        let line = format!("{}: an event that this version does not understand was passed over", self.path);
        self.session.exchange.log.log(LogLevel::Warn, LOG_TARGET, line);
    }

    /// Closes the connection, if there is one.
    pub(super) fn close(&mut self) {
        self.connection = None;
    }

    /// Waits for its turn and connects.
    async fn reconnect(&mut self, start: &mut impl Start) -> Result<(), ClientError> {
        if let Some(not_before) = self.not_before {
            tokio::time::sleep_until(not_before).await;
            self.not_before = None;
        }
        match self.connect(start).await {
            Ok(connection) => {
                self.connection = Some(connection);
                Ok(())
            }
            Err(failed) => {
                self.back_off(failed.retry_after_s, failed.error.code());
                if failed.error.is_retryable() { Ok(()) } else { Err(failed.error) }
            }
        }
    }

    fn back_off(&mut self, retry_after_s: Option<u32>, reason: &str) {
        self.failures = self.failures.saturating_add(1);
        let exchange = &self.session.exchange;
        let wait_ms = exchange.retry.endless_wait_ms(self.failures, retry_after_s, random_fraction());
        self.not_before = Some(Instant::now() + Duration::from_millis(wait_ms));
        let line = format!("{}: closed ({reason}); again in {wait_ms} ms", self.path);
        exchange.log.log(LogLevel::Info, LOG_TARGET, line);
    }

    // `&mut` here and below, for a shared reference to a stream cannot wait on another thread.
    async fn connect(&mut self, start: &mut impl Start) -> Result<Connection, Failed> {
        let installation = self.session.installation(None).await?;
        match self.open(start, &installation).await {
            Err(failed) if failed.is_credential_refused() => {
                let installation = self.session.installation(Some(&installation.token)).await?;
                self.open(start, &installation).await
            }
            opened => opened,
        }
    }

    async fn open(
        &mut self,
        start: &mut impl Start,
        installation: &Installation,
    ) -> Result<Connection, Failed> {
        let after = start.after(installation).await?;
        let exchange = &self.session.exchange;
        let mut request =
            exchange.request(&Outgoing::get(&self.path), &Credential::Bearer(&installation.token));
        request.timeout_ms = self.silence_ms;
        request.headers.retain(|header| header.name != "accept");
        let header_of = |name: &str, value: String| HttpHeader { name: name.to_owned(), value };
        request.headers.push(header_of("accept", "text/event-stream, application/problem+json".to_owned()));
        request.headers.extend(after.map(|seq| header_of("last-event-id", seq.to_string())));
        let mut stream = Streaming::begin(exchange.transport.clone(), request);
        let opening = async {
            let head = stream.head().await?;
            let is_events = header(&head.headers, "content-type")
                .is_some_and(|media_type| media_type.starts_with("text/event-stream"));
            if head.status == 200 && is_events {
                return Ok(());
            }
            let mut body = Vec::new();
            while let Some(chunk) = stream.chunk().await? {
                if body.len() + chunk.len() > MAX_PROBLEM_BYTES {
                    break;
                }
                body.extend(chunk);
            }
            let answer = HttpResponse { status: head.status, headers: head.headers, body };
            match judge(answer, exchange.clock.now()) {
                Err(failed) => Err(*failed),
                Ok(_) => Err(ClientError::unreadable(head.status, "it is not a stream of events").into()),
            }
        };
        match tokio::time::timeout(exchange.timeout(), opening).await {
            Ok(opened) => opened?,
            Err(_) => return Err(TransportError::TimedOut.into()),
        }
        exchange.log.log(LogLevel::Debug, LOG_TARGET, format!("{}: open", self.path));
        Ok(Connection { stream, parser: SseParser::default(), events: VecDeque::new() })
    }
}

/// Says "stop" to whoever waits, and to whoever comes later.
#[derive(Default)]
pub(super) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(super) fn stop(&self) {
        self.0.send_replace(true);
    }

    /// The outcome of `work`; `None` once stopped.
    pub(super) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut stopped = self.0.subscribe();
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => None,
            done = work => Some(done),
        }
    }
}
