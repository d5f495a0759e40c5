//! A stream of server-sent events that is opened again whenever it is lost.

use super::exchange::{Credential, Failed, Outgoing, judge, random_fraction};
use super::installation::Session;
use super::{Boxed, ClientError};
use crate::host::LogLevel;
use crate::protocol::Installation;
use crate::transport::sse::{SseEvent, SseParser};
use crate::transport::{HttpHeader, HttpResponse, Streaming, TransportError, header};
use async_trait::async_trait;
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
#[async_trait]
pub(super) trait Start: Send {
    /// The last event that this installation needs no more; `None` where streams begin with what is so now.
    async fn after(&mut self, installation: &Installation) -> Result<Option<u64>, ClientError>;
}

/// What a path of the server streams.
pub(super) struct Source {
    session: Arc<Session>,
    path: String,
    /// The longest silence before a connection counts as lost.
    silence_ms: u32,
}

/// An open stream.
pub(super) struct Connection {
    stream: Streaming,
    parser: SseParser,
}

impl Connection {
    /// Waits for the next piece of the stream, and gives the events that it completes: often none. Cancel-safe.
    pub(super) async fn read(&mut self, silence_ms: u32) -> Result<Vec<SseEvent>, ClientError> {
        let silence = Duration::from_millis(silence_ms.into());
        match tokio::time::timeout(silence, self.stream.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                self.parser.feed(&chunk).map_err(|_| ClientError::unreadable(200, "an event is too long"))
            }
            Ok(Ok(None)) => Err(TransportError::ConnectionLost.into()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(TransportError::TimedOut.into()),
        }
    }
}

impl Source {
    pub(super) fn new(session: Arc<Session>, path: String, silence_ms: u32) -> Self {
        Self { session, path, silence_ms }
    }

    /// Reports an event that this version does not understand.
    pub(super) fn passed_over(&self) {
        let line = format!("{}: an event that this version does not understand was passed over", self.path);
        self.session.exchange.log.log(LogLevel::Warn, LOG_TARGET, line);
    }

    /// Opens the stream, once.
    pub(super) fn connect<'a>(&'a self, start: &'a mut dyn Start) -> Boxed<'a, Result<Connection, Failed>> {
        Box::pin(async move {
            let installation = self.session.installation(None).await?;
            match self.open(start, &installation).await {
                Err(failed) if failed.is_credential_refused() => {
                    let installation = self.session.installation(Some(&installation.token)).await?;
                    self.open(start, &installation).await
                }
                opened => opened,
            }
        })
    }

    async fn open(&self, start: &mut dyn Start, installation: &Installation) -> Result<Connection, Failed> {
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
        Ok(Connection { stream, parser: SseParser::default() })
    }
}

/// A stream that is opened again whenever it is lost. Moves only while [`next`](Self::next) is being called.
pub(super) struct EventStream {
    source: Source,
    connection: Option<Connection>,
    /// Read and not yet handed over.
    events: VecDeque<SseEvent>,
    /// Connections since the last that brought something.
    failures: u32,
    not_before: Option<Instant>,
}

impl EventStream {
    pub(super) fn new(session: Arc<Session>, path: String, silence_ms: u32) -> Self {
        let source = Source::new(session, path, silence_ms);
        Self { source, connection: None, events: VecDeque::new(), failures: 0, not_before: None }
    }

    /// Waits for the next event, over lost connections too. An error only for what waiting does not mend. Dropping the
    /// future loses nothing.
    pub(super) fn next<'a>(
        &'a mut self,
        start: &'a mut dyn Start,
    ) -> Boxed<'a, Result<SseEvent, ClientError>> {
        Box::pin(self.next_event(start))
    }

    async fn next_event(&mut self, start: &mut dyn Start) -> Result<SseEvent, ClientError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let Some(connection) = &mut self.connection else {
                self.reconnect(start).await?;
                continue;
            };
            match connection.read(self.source.silence_ms).await {
                Ok(events) => {
                    self.failures = 0;
                    self.events.extend(events);
                }
                Err(error) => {
                    self.connection = None;
                    self.back_off(None, error.code());
                }
            }
        }
    }

    /// Reports an event that this version does not understand.
    pub(super) fn passed_over(&self) {
        self.source.passed_over();
    }

    /// Closes the connection, if there is one.
    pub(super) fn close(&mut self) {
        self.connection = None;
        self.events.clear();
    }

    /// Waits for its turn and connects.
    async fn reconnect(&mut self, start: &mut dyn Start) -> Result<(), ClientError> {
        if let Some(not_before) = self.not_before {
            tokio::time::sleep_until(not_before).await;
            self.not_before = None;
        }
        match self.source.connect(start).await {
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
        let exchange = &self.source.session.exchange;
        let wait_ms = exchange.retry.endless_wait_ms(self.failures, retry_after_s, random_fraction());
        self.not_before = Some(Instant::now() + Duration::from_millis(wait_ms));
        let line = format!("{}: closed ({reason}); again in {wait_ms} ms", self.source.path);
        exchange.log.log(LogLevel::Info, LOG_TARGET, line);
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
