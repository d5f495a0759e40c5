//! What happens to this installation's callbacks, as it happens.

use super::stream::{EventStream, Start, Stop};
use super::vault::Vault;
use super::{ClientError, RingbackClient, read_text};
use crate::host::LogLevel;
use crate::protocol::{CallbackEvent, Installation};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

const VAULT_KEY: &str = "ringback.events";
const LOG_TARGET: &str = "ringback::events";

/// How far an installation's events were handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    installation_id: String,
    seq: u64,
}

/// How far events were handled, in memory and on disk.
struct Progress {
    vault: Vault,
    /// The last event that was handed over; `None` before the first connection.
    cursor: Option<Cursor>,
    /// That it was handled is on disk as well.
    is_kept: bool,
}

#[async_trait::async_trait]
impl Start for Progress {
    /// The last event of this installation that was handled; 0 before the first.
    async fn after(&mut self, installation: &Installation) -> Result<Option<u64>, ClientError> {
        let is_ours = |cursor: &Cursor| cursor.installation_id == installation.id;
        if !self.cursor.as_ref().is_some_and(is_ours) {
            let kept = self.vault.read::<Cursor>(VAULT_KEY).await?.filter(is_ours);
            let start = || Cursor { installation_id: installation.id.clone(), seq: 0 };
            self.cursor = Some(kept.unwrap_or_else(start));
            self.is_kept = true;
        }
        Ok(self.cursor.as_ref().map(|cursor| cursor.seq))
    }
}

impl Progress {
    /// What the host asks past is handled. If that cannot be kept, it is kept with the next one.
    async fn keep(&mut self) {
        let Some(cursor) = self.cursor.as_ref().filter(|_| !self.is_kept) else { return };
        match self.vault.write(VAULT_KEY, cursor).await {
            Ok(()) => self.is_kept = true,
            Err(error) => {
                let line = format!("event {} may come up again after a restart: {error}", cursor.seq);
                self.vault.log.log(LogLevel::Warn, LOG_TARGET, line);
            }
        }
    }

    /// True for an event that was not handed over before; from now on it was.
    fn is_new(&mut self, event: &CallbackEvent) -> bool {
        let Some(cursor) = self.cursor.as_mut().filter(|cursor| event.seq > cursor.seq) else { return false };
        cursor.seq = event.seq;
        self.is_kept = false;
        true
    }
}

struct State {
    stream: EventStream,
    progress: Progress,
}

/// This installation's events in order, to be pulled one by one. Ends on [`stop`](Self::stop) or drop.
pub struct EventSubscription {
    state: Mutex<State>,
    stop: Stop,
}

impl EventSubscription {
    /// Waits for the next event, over lost connections too; `None` once stopped. An event counts as handled when the
    /// next one is asked for: one that was not comes again after a restart. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the server refuses for good, for example a revoked app key. The next call tries again, not at once.
    pub async fn next(&self) -> Result<Option<CallbackEvent>, ClientError> {
        if let Some(event) = self.stop.or(self.pull()).await {
            return event.map(Some);
        }
        self.state.lock().await.stream.close();
        Ok(None)
    }

    /// Ends the subscription, also a `next` that is waiting.
    pub fn stop(&self) {
        self.stop.stop();
        // Whoever holds the state is in `next` and closes the connection there.
        if let Ok(mut state) = self.state.try_lock() {
            state.stream.close();
        }
    }

    async fn pull(&self) -> Result<CallbackEvent, ClientError> {
        let mut state = self.state.lock().await;
        let State { stream, progress } = &mut *state;
        progress.keep().await;
        loop {
            let event = stream.next(progress).await?;
            let understood = read_text(&event.data).ok().filter(|_| event.name == "callback");
            match understood {
                Some(event) if progress.is_new(&event) => return Ok(event),
                Some(_) => {}
                None => stream.passed_over(),
            }
        }
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
        let path = "/v1/events".to_owned();
        let stream = EventStream::new(self.session.clone(), path, self.event_silence_ms);
        let progress = Progress { vault: self.vault.clone(), cursor: None, is_kept: false };
        Ok(EventSubscription { state: Mutex::new(State { stream, progress }), stop: Stop::default() })
    }
}
