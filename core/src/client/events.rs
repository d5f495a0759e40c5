//! What happens to this installation's callbacks, as it happens.

use super::exchange::{Credential, Failed, Outgoing, random_fraction, read_answer};
use super::installation::Session;
use super::vault::Vault;
use super::{ClientError, RingbackClient};
use crate::host::LogLevel;
use crate::protocol::{CallbackEvent, Installation};
use crate::transport::sse::{SseEvent, SseParser};
use crate::transport::{HttpHeader, HttpResponse, Streaming, TransportError, header};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

const VAULT_KEY: &str = "ringback.events";
const LOG_TARGET: &str = "ringback::events";
/// The longest problem document that is read from a stream that was refused.
const MAX_PROBLEM_BYTES: usize = 64 * 1024;

/// How far an installation's events were handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    installation_id: String,
    seq: u64,
}

/// An open stream.
struct Connection {
    stream: Streaming,
    parser: SseParser,
    /// Read and not yet handed over.
    events: VecDeque<CallbackEvent>,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    /// The last event that was handed over; `None` before the first connection.
    cursor: Option<Cursor>,
    /// That it was handled is on disk as well.
    cursor_is_kept: bool,
    /// Connections since the last that brought something.
    failures: u32,
    not_before: Option<Instant>,
}

/// This installation's events in order, to be pulled one by one. Ends on [`stop`](Self::stop) or drop.
pub struct EventSubscription {
    session: Arc<Session>,
    vault: Vault,
    silence_ms: u32,
    state: Mutex<State>,
    stopped: watch::Sender<bool>,
}

impl EventSubscription {
    /// Waits for the next event, over lost connections too; `None` once stopped. An event counts as handled when the
    /// next one is asked for: one that was not comes again after a restart. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the server refuses for good, for example a revoked app key. The next call tries again, not at once.
    pub async fn next(&self) -> Result<Option<CallbackEvent>, ClientError> {
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => {}
            event = self.pull() => return event.map(Some),
        }
        self.state.lock().await.connection = None;
        Ok(None)
    }

    /// Ends the subscription, also a `next` that is waiting.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
        // Whoever holds the state is in `next` and drops the connection there.
        if let Ok(mut state) = self.state.try_lock() {
            state.connection = None;
        }
    }

    async fn pull(&self) -> Result<CallbackEvent, ClientError> {
        let mut state = self.state.lock().await;
        let state = &mut *state;
        self.keep_cursor(state).await;
        loop {
            if let Some(event) = state.next_read() {
                return Ok(event);
            }
            let Some(connection) = &mut state.connection else {
                self.reconnect(state).await?;
                continue;
            };
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
                    state.failures = 0;
                    connection.events.extend(events.iter().filter_map(|event| self.understand(event)));
                }
                Err(reason) => {
                    state.connection = None;
                    self.back_off(state, None, &reason);
                }
            }
        }
    }

    /// What the host asks past is handled. If that cannot be kept, it is kept with the next one.
    async fn keep_cursor(&self, state: &mut State) {
        let Some(cursor) = state.cursor.as_ref().filter(|_| !state.cursor_is_kept) else { return };
        match self.vault.write(VAULT_KEY, cursor).await {
            Ok(()) => state.cursor_is_kept = true,
            Err(error) => {
                let line = format!("event {} may come up again after a restart: {error}", cursor.seq);
                self.session.exchange.log.log(LogLevel::Warn, LOG_TARGET, line);
            }
        }
    }

    fn understand(&self, event: &SseEvent) -> Option<CallbackEvent> {
        let understood = serde_json::from_str(&event.data).ok().filter(|_| event.name == "callback");
        if understood.is_none() {
            let line = "an event that this version does not understand was passed over".to_owned();
            self.session.exchange.log.log(LogLevel::Warn, LOG_TARGET, line);
        }
        understood
    }

    /// Waits for its turn and connects. An error only for what waiting does not mend.
    async fn reconnect(&self, state: &mut State) -> Result<(), ClientError> {
        if let Some(not_before) = state.not_before {
            tokio::time::sleep_until(not_before).await;
            state.not_before = None;
        }
        match self.connect(state).await {
            Ok(connection) => {
                state.connection = Some(connection);
                Ok(())
            }
            Err(failed) => {
                self.back_off(state, failed.retry_after_s, failed.error.code());
                if failed.error.is_retryable() { Ok(()) } else { Err(failed.error) }
            }
        }
    }

    fn back_off(&self, state: &mut State, retry_after_s: Option<u32>, reason: &str) {
        state.failures = state.failures.saturating_add(1);
        let wait_ms =
            self.session.exchange.retry.endless_wait_ms(state.failures, retry_after_s, random_fraction());
        state.not_before = Some(Instant::now() + Duration::from_millis(wait_ms));
        let line = format!("the event stream is closed ({reason}); again in {wait_ms} ms");
        self.session.exchange.log.log(LogLevel::Info, LOG_TARGET, line);
    }

    async fn connect(&self, state: &mut State) -> Result<Connection, Failed> {
        let installation = self.session.installation(None).await?;
        match self.open(state, &installation).await {
            Err(failed) if failed.is_credential_refused() => {
                let installation = self.session.installation(Some(&installation.token)).await?;
                self.open(state, &installation).await
            }
            opened => opened,
        }
    }

    async fn open(&self, state: &mut State, installation: &Installation) -> Result<Connection, Failed> {
        let seq = self.cursor_of(state, installation).await?;
        let exchange = &self.session.exchange;
        let mut request =
            exchange.request(&Outgoing::get("/v1/events"), &Credential::Bearer(&installation.token));
        request.timeout_ms = self.silence_ms;
        request.headers.retain(|header| header.name != "accept");
        let header_of = |name: &str, value: String| HttpHeader { name: name.to_owned(), value };
        request.headers.push(header_of("accept", "text/event-stream, application/problem+json".to_owned()));
        request.headers.push(header_of("last-event-id", seq.to_string()));
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
            match read_answer::<serde_json::Value>(&answer, exchange.clock.now()) {
                Err(failed) => Err(failed),
                Ok(_) => Err(ClientError::unreadable(head.status, "it is not a stream of events").into()),
            }
        };
        match tokio::time::timeout(exchange.timeout(), opening).await {
            Ok(opened) => opened?,
            Err(_) => return Err(TransportError::TimedOut.into()),
        }
        exchange.log.log(LogLevel::Debug, LOG_TARGET, format!("the event stream is open, after event {seq}"));
        Ok(Connection { stream, parser: SseParser::default(), events: VecDeque::new() })
    }

    /// The last event of this installation that was handled; 0 before the first.
    async fn cursor_of(&self, state: &mut State, installation: &Installation) -> Result<u64, ClientError> {
        let is_ours = |cursor: &Cursor| cursor.installation_id == installation.id;
        if !state.cursor.as_ref().is_some_and(is_ours) {
            let kept = self.vault.read::<Cursor>(VAULT_KEY).await?.filter(is_ours);
            let start = || Cursor { installation_id: installation.id.clone(), seq: 0 };
            state.cursor = Some(kept.unwrap_or_else(start));
            state.cursor_is_kept = true;
        }
        Ok(state.cursor.as_ref().map_or(0, |cursor| cursor.seq))
    }
}

impl State {
    /// The next event that was read already. One that was handed over before is passed over.
    fn next_read(&mut self) -> Option<CallbackEvent> {
        let (connection, cursor) = (self.connection.as_mut()?, self.cursor.as_mut()?);
        while let Some(event) = connection.events.pop_front() {
            if event.seq > cursor.seq {
                cursor.seq = event.seq;
                self.cursor_is_kept = false;
                return Some(event);
            }
        }
        None
    }
}

impl RingbackClient {
    /// Subscribes to what happens to this installation's callbacks, from the first event not yet handled. Nothing is
    /// sent until [`EventSubscription::next`] is called, and the stream moves only while it is being called. One
    /// subscription at a time: two would share how far events were handled.
    ///
    /// # Errors
    /// None so far.
    pub fn events(&self) -> Result<EventSubscription, ClientError> {
        Ok(EventSubscription {
            session: self.session.clone(),
            vault: self.vault.clone(),
            silence_ms: self.event_silence_ms,
            state: Mutex::default(),
            stopped: watch::Sender::new(false),
        })
    }
}
