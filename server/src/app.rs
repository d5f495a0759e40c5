//! What every part of a running server shares.

use crate::attestation::Attestation;
use crate::captcha;
use crate::centre::Centre;
use crate::config::Settings;
use crate::refusal::Refusal;
use crate::routing::matcher::Poke;
use crate::storage::{Storage, Tx};
use crate::tally;
use crate::telephony::Dialer;
use metrics_exporter_prometheus::PrometheusHandle;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// What this node knows of its contact centre.
    pub centre: Arc<Centre>,
    /// As configured.
    pub settings: Settings,
    /// Makes calls.
    pub dialer: Arc<dyn Dialer>,
    /// Judges evidence of apps and devices.
    pub attestation: Attestation,
    /// Asks the providers of CAPTCHAs.
    pub captcha: captcha::Client,
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
    /// Agents and queues where somebody may fit somebody.
    pub matcher: mpsc::UnboundedSender<Poke>,
    /// A push is due.
    pub push: Notify,
    /// A webhook is due.
    pub webhooks: Notify,
    /// Whether anybody is told by webhooks, as of the last look.
    pub has_webhooks: AtomicBool,
    /// A callback is confirmed and wants to be dialed.
    pub dial: Notify,
    /// A deadline was set.
    pub clock: Notify,
    /// Agents came, went or changed what they do.
    pub board: Notify,
}

/// What has to be woken once a transaction is committed. Collected inside it, so that nothing is forgotten.
#[derive(Debug, Default)]
pub struct Effects {
    /// Queues into whose line somebody came.
    pub queues: BTreeSet<String>,
    /// Somebody began or ended something, or came or went.
    pub agents_moved: bool,
    /// Agents who became ready.
    pub ready_agents: BTreeSet<String>,
    /// Installations with new events.
    pub installations: BTreeSet<String>,
    /// A push was put into the outbox.
    pub push: bool,
    /// A webhook was put into the outbox.
    pub webhooks: bool,
    /// A callback is confirmed.
    pub dial: bool,
    /// A deadline was set.
    pub clock: bool,
    /// How counts change; written at the end of the transaction.
    tallies: tally::Changes,
}

impl Effects {
    /// Changes a count; see [`tally`].
    pub fn tally(&mut self, key: String, change: i64) {
        if change != 0 {
            *self.tallies.entry(key).or_default() += change;
        }
    }

    /// Runs the body of a transaction and writes down at its end what is collected to be written last.
    pub fn collect<T>(
        tx: &mut Tx<'_>,
        body: impl FnOnce(&mut Tx<'_>, &mut Self) -> Result<T, Refusal>,
    ) -> Result<(T, Self), Refusal> {
        let mut effects = Self::default();
        let value = body(tx, &mut effects)?;
        tally::write(tx, &effects.tallies)?;
        Ok((value, effects))
    }
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
        let (value, effects) =
            self.storage.write(move |tx| Effects::collect(tx, |tx, effects| body(tx, effects))).await?;
        self.wake(effects);
        Ok(value)
    }

    fn wake(&self, effects: Effects) {
        let agents = effects.ready_agents.into_iter().map(Poke::Agent);
        for poke in agents.chain(effects.queues.into_iter().map(Poke::Queue)) {
            // Fails only when the matcher has ended, at shutdown.
            let _ = self.pokes.matcher.send(poke);
        }
        for installation in effects.installations {
            self.storage.wakes().publish(format!("installation/{installation}"));
        }
        for (wanted, poke) in [
            (effects.push, &self.pokes.push),
            (effects.webhooks && self.pokes.has_webhooks.load(Ordering::Relaxed), &self.pokes.webhooks),
            (effects.dial, &self.pokes.dial),
            (effects.clock, &self.pokes.clock),
            (effects.agents_moved, &self.pokes.board),
        ] {
            if wanted {
                poke.notify_one();
            }
        }
    }
}
