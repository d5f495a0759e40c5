//! What every part of a running server shares.

use crate::config::Settings;
use crate::refusal::Refusal;
use crate::storage::{Storage, Tx, Vault};
use crate::telephony::Dialer;
use metrics_exporter_prometheus::PrometheusHandle;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// A running server, as handlers and workers hold it.
#[derive(Clone)]
pub struct App(Arc<Shared>);

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What is shared.
pub struct Shared {
    /// The door to the database.
    pub storage: Storage,
    /// Seals and opens what must not be read in the database.
    pub vault: Arc<Vault>,
    /// As configured.
    pub settings: Settings,
    /// Makes calls.
    pub dialer: Arc<dyn Dialer>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Ends when the server stops: streams close, workers finish what they hold.
    pub stopping: CancellationToken,
    /// Wakes the workers of this node.
    pub pokes: Pokes,
}

/// Wakes the workers of this node. A poke that is lost costs a delay, never a callback: each worker also looks by
/// itself from time to time.
pub struct Pokes {
    /// Queues in which somebody may fit somebody.
    pub matcher: mpsc::UnboundedSender<String>,
    /// A push is due.
    pub push: Notify,
    /// A callback is confirmed and wants to be dialed.
    pub dial: Notify,
    /// A deadline was set.
    pub clock: Notify,
}

/// What has to be woken once a transaction is committed. Collected inside it, so that nothing is forgotten.
#[derive(Debug, Default)]
pub struct Effects {
    /// Queues in which somebody may now fit somebody.
    pub queues: BTreeSet<String>,
    /// Installations with new events.
    pub installations: BTreeSet<String>,
    /// A push was put into the outbox.
    pub push: bool,
    /// A callback is confirmed.
    pub dial: bool,
    /// A deadline was set.
    pub clock: bool,
}

impl App {
    /// Puts the parts together.
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Runs one transaction and, once it is committed, wakes whoever it concerns.
    pub async fn change<T, F>(&self, mut body: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>, &mut Effects) -> Result<T, Refusal> + Send + 'static,
    {
        let (value, effects) = self
            .storage
            .write(move |tx| {
                let mut effects = Effects::default();
                body(tx, &mut effects).map(|value| (value, effects))
            })
            .await?;
        self.wake(effects);
        Ok(value)
    }

    fn wake(&self, effects: Effects) {
        for queue in effects.queues {
            // Fails only when the matcher has ended, at shutdown.
            let _ = self.pokes.matcher.send(queue);
        }
        for installation in effects.installations {
            self.storage.wakes().publish(format!("installation/{installation}"));
        }
        for (wanted, poke) in [
            (effects.push, &self.pokes.push),
            (effects.dial, &self.pokes.dial),
            (effects.clock, &self.pokes.clock),
        ] {
            if wanted {
                poke.notify_one();
            }
        }
    }
}
