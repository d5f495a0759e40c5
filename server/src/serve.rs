//! A server from start to end.

use crate::app::{App, Pokes, Shared};
use crate::attestation::{self, Attestation, AttestationError};
use crate::callbacks::{archive, deadlines};
use crate::centre::Centre;
use crate::clock::now;
use crate::config::Settings;
use crate::push::{self, lane::Endpoints};
use crate::refusal::Refusal;
use crate::routing::matcher::{self, Poke};
use crate::storage::{OpenError, Storage};
use crate::telephony::{self, ByHand};
use crate::{captcha, identity, line, rules, schedule, webhooks};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long an answer to an idempotency key is kept, in days.
const IDEMPOTENCY_KEPT_DAYS: i64 = 7;
/// How long it is remembered what happened in a line, in days.
const FACTS_KEPT_DAYS: i64 = 2;
const SWEEP_ROUND: Duration = Duration::from_secs(3600);
/// Buckets of all histograms, in seconds.
const BUCKETS_S: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used, or not with this seal key.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The trust roots cannot be used.
    #[error(transparent)]
    TrustRoots(#[from] push::lane::TrustRootsUnreadable),
    /// No TLS on this machine, for example without any trust root.
    #[error("no TLS client could be made: {0}")]
    Tls(#[from] reqwest::Error),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Evidence cannot be judged as the settings want it.
    #[error(transparent)]
    Attestation(#[from] AttestationError),
    /// Metrics are set up already: there is one server in a process.
    #[error("metrics cannot be set up: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// A server that listens; [`Server::run`] answers.
pub struct Server {
    app: App,
    listener: TcpListener,
    matcher: mpsc::UnboundedReceiver<Poke>,
    endpoints: Endpoints,
    webhooks: webhooks::client::Client,
}

impl Server {
    /// Opens the database, brings it up to date, and listens.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let metrics = PrometheusBuilder::new().set_buckets(BUCKETS_S)?.install_recorder()?;
        let endpoints = Endpoints::read(&settings.push)?;
        let attestation = Attestation::new(&settings.attestation, &settings.push)?;
        let webhooks = webhooks::client::Client::new(webhooks::endpoints::net(&settings.webhooks))?;
        let (storage, vault) = Storage::open_sealed(&settings.storage).await?;
        let address = settings.http.listen;
        let listener =
            TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })?;
        let (matcher_poke, matcher) = mpsc::unbounded_channel();
        let pokes = Pokes {
            matcher: matcher_poke,
            push: Notify::new(),
            dial: Notify::new(),
            clock: Notify::new(),
            board: Notify::new(),
            webhooks: Notify::new(),
            has_webhooks: AtomicBool::new(false),
        };
        let app = App::new(Shared {
            storage,
            centre: Arc::new(Centre::new(vault)),
            settings,
            dialer: Arc::new(ByHand),
            attestation,
            captcha: captcha::Client::new()?,
            metrics,
            stopping: CancellationToken::new(),
            pokes,
        });
        Ok(Self { app, listener, matcher, endpoints, webhooks })
    }

    /// Where it listens.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stop` is done, then drains: no new work is taken, what is under way is finished within the
    /// configured time, and the database is closed.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let app = self.app;
        let workers = TaskTracker::new();
        workers.spawn(matcher::run(app.clone(), self.matcher));
        workers.spawn(push::worker::run(app.clone(), self.endpoints));
        workers.spawn(push::watch::run(app.clone()));
        workers.spawn(webhooks::worker::run(app.clone(), self.webhooks));
        workers.spawn(telephony::run(app.clone()));
        workers.spawn(deadlines::run(app.clone()));
        workers.spawn(line::keep_up(app.clone()));
        workers.spawn(sweep(app.clone()));
        workers.close();

        let stopping = app.stopping.clone();
        let shutdown = async move {
            stop.await;
            tracing::info!("stopping: no new requests are taken");
            stopping.cancel();
        };
        let drain = Duration::from_secs(app.settings.http.drain_s);
        let service = crate::http::router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let answering = axum::serve(self.listener, service).with_graceful_shutdown(shutdown);
        let drained = async {
            app.stopping.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        let answered = tokio::select! {
            answered = answering => answered,
            () = drained => {
                tracing::warn!("some requests did not end in time and are cut off");
                Ok(())
            }
        };
        if tokio::time::timeout(drain + Duration::from_secs(5), workers.wait()).await.is_err() {
            tracing::warn!(
                "some workers did not end in time; what they held is taken up by another node or the next start"
            );
        }
        app.storage.close().await;
        tracing::info!("stopped");
        answered
    }
}

/// Forgets what is too old to be asked for again, and puts old callbacks into the archive.
async fn sweep(app: App) {
    let mut round = tokio::time::interval(SWEEP_ROUND);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = round.tick() => {}
        }
        if let Err(error) = sweep_once(&app).await {
            tracing::warn!(%error, "what is old cannot be put away now; it is tried again");
        }
    }
}

async fn sweep_once(app: &App) -> Result<(), Refusal> {
    let kept = app.settings.webhooks.clone();
    app.storage
        .write(move |tx| {
            let now = now();
            let days_ago = |days: i64| {
                now.checked_sub(jiff::SignedDuration::from_hours(24 * days))
                    .map_err(|_| Refusal::Damaged("the clock"))
            };
            tx.execute(
                "delete from idempotency where created_at < $1",
                &[&days_ago(IDEMPOTENCY_KEPT_DAYS)?],
            )?;
            line::forget_before(tx, days_ago(FACTS_KEPT_DAYS)?)?;
            schedule::bookings::purge(tx, days_ago(1)?)?;
            let (delivered, dead) = (kept.keep_delivered_days, kept.keep_dead_days);
            webhooks::outbox::purge(tx, days_ago(delivered.into())?, days_ago(dead.into())?)?;
            captcha::purge(tx, now)?;
            identity::purge(tx, now)?;
            attestation::purge(tx, now)?;
            rules::purge(tx, now)
        })
        .await?;
    loop {
        let outdated = app.storage.read(|tx| rules::Outdated::find(tx, now())).await?;
        let has_more = outdated.has_more();
        app.storage.write(move |tx| outdated.mend(tx, now())).await?;
        if app.stopping.is_cancelled() || !has_more {
            break;
        }
    }
    loop {
        let centre = app.centre.clone();
        if app.stopping.is_cancelled() || !app.storage.write(move |tx| archive(tx, &centre, now())).await? {
            return Ok(());
        }
    }
}
