//! The callbacks as they are: the last known state at once, from then on whatever changes.
//!
//! All who listen share one connection. It is there while somebody listens and the app does not pause it, is opened again
//! when it is lost, and gives way to polling where the network holds streams back.

mod driver;
mod hub;
mod plan;
mod shelf;
mod story;

pub(crate) use hub::Hub;
pub(crate) use shelf::FILE;

use super::exchange::Outgoing;
use super::stream::Stop;
use super::{ClientError, RingbackClient, callbacks};
use crate::protocol::{Callback, CallbackState, Timestamp};
use hub::View;
use std::sync::Arc;
use tokio::sync::{Mutex, watch};

/// This installation's callbacks at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct LiveCallbacks {
    /// The newest 50, newest first. Without position and wait, which move without events: see
    /// [`RingbackClient::line`].
    pub callbacks: Vec<Callback>,
    /// When the server last said so, by this device's clock: "as of 10:42". While `live` it is so still.
    pub as_of: Timestamp,
    /// The server is being listened to: what changes is told at once. Otherwise the last known state.
    pub live: bool,
}

/// A callback at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct LiveCallback {
    /// The callback, without position and wait: see [`RingbackClient::line`].
    pub callback: Callback,
    /// When the server last said so, by this device's clock: "as of 10:42". While `live` it is so still.
    pub as_of: Timestamp,
    /// The server is being listened to: what changes is told at once. Otherwise the last known state.
    pub live: bool,
}

/// One who listens. Counts from the first question until it is dropped or stopped.
struct Listener {
    hub: Arc<Hub>,
    view: watch::Receiver<Arc<View>>,
    has_joined: bool,
    troubles_seen: u64,
}

impl Listener {
    fn new(hub: Arc<Hub>) -> Self {
        Self { view: hub.view.subscribe(), hub, has_joined: false, troubles_seen: 0 }
    }

    fn join(&mut self) {
        if !std::mem::replace(&mut self.has_joined, true) {
            self.hub.join();
        }
        self.hub.keep_running();
    }

    fn leave(&mut self) {
        if std::mem::replace(&mut self.has_joined, false) {
            self.hub.leave();
        }
    }

    fn look(&mut self) -> Arc<View> {
        self.view.borrow_and_update().clone()
    }

    /// What waiting does not mend, told once.
    fn trouble(&mut self, view: &View) -> Result<(), ClientError> {
        let is_news = std::mem::replace(&mut self.troubles_seen, view.troubles) != view.troubles;
        view.trouble.clone().filter(|_| is_news).map_or(Ok(()), Err)
    }

    async fn changed(&mut self) {
        // It fails only when the sender is gone, and the hub owns the sender.
        let _ = self.view.changed().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.leave();
    }
}

struct All {
    listener: Listener,
    told: Option<LiveCallbacks>,
}

/// The callbacks, to be pulled state by state. Who is slow gets the latest and holds nobody up. Ends on
/// [`stop`](Self::stop) or drop.
pub struct LiveCallbacksSubscription {
    state: Mutex<All>,
    stop: Stop,
}

impl LiveCallbacksSubscription {
    /// Waits for the next state: the first is the last known, at once if there is one on this device. `None` once
    /// stopped. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the server refuses for good, for example a revoked app key. It is asked again all the same, ever more
    /// rarely, and the next call waits for what comes of that.
    pub async fn next(&self) -> Result<Option<LiveCallbacks>, ClientError> {
        if let Some(state) = self.stop.or(self.pull()).await {
            return state.map(Some);
        }
        self.state.lock().await.listener.leave();
        Ok(None)
    }

    /// Ends the subscription, also a `next` that is waiting.
    pub fn stop(&self) {
        self.stop.stop();
        // Whoever holds the state is in `next` and leaves there.
        if let Ok(mut state) = self.state.try_lock() {
            state.listener.leave();
        }
    }

    async fn pull(&self) -> Result<LiveCallbacks, ClientError> {
        let mut state = self.state.lock().await;
        let All { listener, told } = &mut *state;
        listener.join();
        loop {
            let view = listener.look();
            let now = view.as_of.map(|as_of| LiveCallbacks {
                callbacks: view.callbacks.clone(),
                as_of,
                live: view.live,
            });
            if let Some(now) = now.filter(|now| told.as_ref() != Some(now)) {
                *told = Some(now.clone());
                return Ok(now);
            }
            listener.trouble(&view)?;
            listener.changed().await;
        }
    }
}

struct One {
    listener: Listener,
    id: String,
    told: Option<LiveCallback>,
    /// Older than what is listened to: as it was when it was asked for.
    aside: Option<LiveCallback>,
}

/// One callback, to be pulled state by state. Who is slow gets the latest and holds nobody up. Ends when the callback is
/// over, on [`stop`](Self::stop) or drop.
pub struct LiveCallbackSubscription {
    state: Mutex<One>,
    stop: Stop,
}

impl LiveCallbackSubscription {
    /// Waits for the next state: the first is the last known, at once if there is one on this device. `None` after the
    /// state in which the callback is over, and once stopped. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the server refuses for good, for example with `callback_not_found`. The next call tries again.
    pub async fn next(&self) -> Result<Option<LiveCallback>, ClientError> {
        let state = self.stop.or(self.pull()).await.transpose()?.flatten();
        if state.is_none() {
            self.stop.stop();
            self.state.lock().await.listener.leave();
        }
        Ok(state)
    }

    /// Ends the subscription, also a `next` that is waiting.
    pub fn stop(&self) {
        self.stop.stop();
        // Whoever holds the state is in `next` and leaves there.
        if let Ok(mut state) = self.state.try_lock() {
            state.listener.leave();
        }
    }

    async fn pull(&self) -> Result<Option<LiveCallback>, ClientError> {
        let mut state = self.state.lock().await;
        let One { listener, id, told, aside } = &mut *state;
        // What the server said is over stays so; what is on this device may be old news of something else.
        if told.as_ref().is_some_and(|told| told.callback.state == CallbackState::Completed) {
            return Ok(None);
        }
        listener.join();
        loop {
            let view = listener.look();
            let known = view.callbacks.iter().find(|known| known.id == *id).zip(view.as_of);
            let now = known.map(|(callback, as_of)| LiveCallback {
                callback: callback.clone(),
                as_of,
                live: view.live,
            });
            let is_known = now.is_some();
            if let Some(now) = now.or_else(|| aside.clone()).filter(|now| told.as_ref() != Some(now)) {
                *told = Some(now.clone());
                return Ok(Some(now));
            }
            listener.trouble(&view)?;
            if !is_known && aside.is_none() && view.is_fresh {
                match ask(&listener.hub, id).await {
                    Ok(found) => {
                        *aside = found;
                        continue;
                    }
                    Err(error) if !error.is_retryable() => return Err(error),
                    Err(_) => {}
                }
            }
            listener.changed().await;
        }
    }
}

/// Asks for a callback that the list does not have: one that is very new, or very old. The very old one is handed back.
async fn ask(hub: &Hub, id: &str) -> Result<Option<LiveCallback>, ClientError> {
    let outgoing = Outgoing::get(format!("/v1/callbacks/{id}"));
    let callback: Callback = hub.session.call(&outgoing).await.map_err(|failed| failed.error)?;
    let callback = Callback { position: None, wait: None, ..callback };
    let as_of = hub.session.exchange.clock.now();
    Ok((!hub.learn(callback.clone())).then_some(LiveCallback { callback, as_of, live: false }))
}

impl RingbackClient {
    /// Subscribes to this installation's callbacks: the last known state at once, from then on whatever changes, over
    /// lost connections too. Nothing is sent until [`LiveCallbacksSubscription::next`] is called. Any number of
    /// subscriptions share one connection.
    ///
    /// # Errors
    /// None so far.
    pub fn live_callbacks(&self) -> Result<LiveCallbacksSubscription, ClientError> {
        let all = All { listener: Listener::new(self.live.clone()), told: None };
        Ok(LiveCallbacksSubscription { state: Mutex::new(all), stop: Stop::default() })
    }

    /// The same for one callback, until it is over.
    ///
    /// # Errors
    /// [`ClientError::InvalidRequest`] for what is no callback's id.
    pub fn live_callback(&self, id: &str) -> Result<LiveCallbackSubscription, ClientError> {
        let id = callbacks::checked_id(id)?.to_owned();
        let one = One { listener: Listener::new(self.live.clone()), id, told: None, aside: None };
        Ok(LiveCallbackSubscription { state: Mutex::new(one), stop: Stop::default() })
    }
}
