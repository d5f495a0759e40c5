//! Where a callback stands in line, as it moves.

use super::stream::{EventStream, Start, Stop};
use super::{ClientError, RingbackClient, callbacks, read_text};
use crate::protocol::{Installation, LineUpdate};
use tokio::sync::Mutex;

/// A line stream begins with what is so now.
struct Now;

#[async_trait::async_trait]
impl Start for Now {
    async fn after(&mut self, _: &Installation) -> Result<Option<u64>, ClientError> {
        Ok(None)
    }
}

/// A callback's position and wait, to be pulled one by one. Ends with the callback, on [`stop`](Self::stop), or on drop.
pub struct LineSubscription {
    stream: Mutex<EventStream>,
    stop: Stop,
}

impl LineSubscription {
    /// Waits for the next update, over lost connections too; the first, and the first after a lost connection, says
    /// what is so now. `None` once the callback is over or the subscription is stopped.
    ///
    /// # Errors
    /// When the server refuses for good, for example with `callback_not_found`. The next call tries again, not at once.
    pub async fn next(&self) -> Result<Option<LineUpdate>, ClientError> {
        let update = self.stop.or(self.pull()).await.transpose()?.flatten();
        if update.is_none() {
            self.stop.stop();
            self.stream.lock().await.close();
        }
        Ok(update)
    }

    /// Ends the subscription, also a `next` that is waiting.
    pub fn stop(&self) {
        self.stop.stop();
        // Whoever holds the stream is in `next` and closes it there.
        if let Ok(mut stream) = self.stream.try_lock() {
            stream.close();
        }
    }

    /// `None` when the callback is over.
    async fn pull(&self) -> Result<Option<LineUpdate>, ClientError> {
        let mut stream = self.stream.lock().await;
        loop {
            let event = stream.next(&mut Now).await?;
            match (event.name.as_str(), read_text(&event.data)) {
                ("end", _) => return Ok(None),
                ("line", Ok(update)) => return Ok(Some(update)),
                _ => stream.passed_over(),
            }
        }
    }
}

impl RingbackClient {
    /// Subscribes to a callback's position in line and its wait. Nothing is sent until [`LineSubscription::next`] is
    /// called, and the stream moves only while it is being called.
    ///
    /// # Errors
    /// [`ClientError::InvalidRequest`] for what is no callback's id.
    pub fn line(&self, id: &str) -> Result<LineSubscription, ClientError> {
        let path = format!("/v1/callbacks/{}/line", callbacks::checked_id(id)?);
        let stream = EventStream::new(self.session.clone(), path, self.event_silence_ms);
        Ok(LineSubscription { stream: Mutex::new(stream), stop: Stop::default() })
    }
}
