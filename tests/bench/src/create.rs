//! How many requests for a call become durable in a second, against the engine's own pace with one commit for each.

use crate::row::{Measure, Row};
use crate::seed::{self, Ask};
use crate::{Counts, Failure, naive};
use futures_util::future::try_join_all;
use metrics_exporter_prometheus::PrometheusBuilder;
use ringback_server::app::{App, Pokes, Shared};
use ringback_server::centre::Centre;
use ringback_server::config::Settings;
use ringback_server::refusal::Refusal;
use ringback_server::storage::scratch::{POSTGRES_VARIABLE, Scratch};
use ringback_server::storage::{Engine, Storage, StorageSettings, Vault};
use ringback_server::telephony::ByHand;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

pub(crate) const CALLERS: usize = 64;
const SERVICE: &str = "bench";

/// Measures SQLite, and PostgreSQL if there is one.
pub(crate) async fn run(counts: &Counts) -> Result<Vec<Row>, Failure> {
    let mut rows = rows(Engine::Sqlite, counts).await?;
    if std::env::var_os(POSTGRES_VARIABLE).is_some() {
        rows.extend(self::rows(Engine::Postgres, counts).await?);
    } else {
        println!("create: {POSTGRES_VARIABLE} is not set, so PostgreSQL is left out");
    }
    Ok(rows)
}

/// One round's rates, per second.
struct Round {
    together: f64,
    alone: f64,
    naive: f64,
}

async fn rows(engine: Engine, counts: &Counts) -> Result<Vec<Row>, Failure> {
    let mut rounds = Vec::with_capacity(counts.rounds);
    for _ in 0..counts.rounds {
        rounds.push(round(engine, counts).await?);
    }
    let middle = |rate: fn(&Round) -> f64| {
        let mut rates: Vec<f64> = rounds.iter().map(rate).collect();
        rates.sort_by(f64::total_cmp);
        Measure::PerSecond(rates[rates.len() / 2])
    };
    let naive = middle(|round| round.naive);
    let (name, against) = match engine {
        Engine::Sqlite => ("sqlite", "a plain `rusqlite` loop".to_owned()),
        Engine::Postgres => ("postgresql", format!("{} plain `postgres` connections at once", connections())),
    };
    let reference = format!(
        "Reference: {against}, copying the same rows into tables of the same shape, nothing read, sealed or checked, \
         one commit for each."
    );
    let caution = match engine {
        Engine::Sqlite => {
            " Callers share commits and the reference cannot, so the slower the disk at that moment, the higher this \
             ratio: a high one may speak of a busy disk and not of a fast server."
        }
        Engine::Postgres => "",
    };
    Ok(vec![
        Row {
            name: format!("create/{name}"),
            figure: middle(|round| round.together),
            reference: naive,
            meaning: format!(
                "Requests for a call made durable by the transaction of `POST /v1/callbacks`, {CALLERS} callers at \
                 once. {reference}{caution}"
            ),
        },
        Row {
            name: format!("create/{name}-alone"),
            figure: middle(|round| round.alone),
            reference: naive,
            meaning: "The same with one caller, who waits for each commit.".to_owned(),
        },
    ])
}

fn connections() -> usize {
    StorageSettings::default().postgres_connections
}

async fn round(engine: Engine, counts: &Counts) -> Result<Round, Failure> {
    let mut scratch = Scratch::new(engine);
    scratch.settings.postgres_connections = connections();
    let app = app(&scratch.settings).await?;
    let (many, few) = (CALLERS * counts.creates_per_caller, counts.creates_alone);
    seed::service(&app.storage, SERVICE).await?;
    let mut asks = Vec::with_capacity(many + few);
    for (number, installation) in seed::installations(&app.storage, many + few).await?.iter().enumerate() {
        asks.push(Ask::new(SERVICE, installation, number).await?);
    }
    let for_one = asks.split_off(many);

    let started = Instant::now();
    let callers =
        asks.chunks(counts.creates_per_caller).map(|asks| tokio::spawn(ask(app.clone(), asks.to_vec())));
    for asked in try_join_all(callers).await? {
        asked?;
    }
    let together = per_second(many, started.elapsed());

    let started = Instant::now();
    ask(app.clone(), for_one).await?;
    let alone = per_second(few, started.elapsed());

    let created = created(&app.storage).await?;
    app.storage.close().await;
    if created.len() != many + few {
        return Err(format!("{} callbacks are there, not {}", created.len(), many + few).into());
    }
    // The client for PostgreSQL waits by itself, which a thread of this runtime may not.
    let settings = scratch.settings.clone();
    let naive = tokio::task::spawn_blocking(move || match engine {
        Engine::Sqlite => naive::sqlite(&settings, &created),
        Engine::Postgres => naive::postgres(&settings, &created),
    });
    let naive = per_second(many + few, naive.await??);
    // The database may go only now that it is closed.
    drop(scratch);
    Ok(Round { together, alone, naive })
}

pub(crate) async fn ask(app: App, asks: Vec<Ask>) -> Result<(), Refusal> {
    for ask in asks {
        let centre = app.centre.clone();
        let ask = ask.prepare(&centre);
        app.change(move |tx, effects| ask.run(tx, effects, &centre)).await?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// The ids of all callbacks and their installations, oldest first.
async fn created(storage: &Storage) -> Result<Vec<naive::Created>, Refusal> {
    storage
        .read(|tx| {
            Ok(tx.query("select id, installation_id from callbacks order by id", &[], |row| {
                Ok(naive::Created { callback_id: row.get(0)?, installation_id: row.get(1)? })
            })?)
        })
        .await
}

/// A server's inside without its listener and its workers.
pub(crate) async fn app(storage: &StorageSettings) -> Result<App, Failure> {
    // Nobody matches here: what is sent for the matcher is dropped.
    let (matcher, _) = mpsc::unbounded_channel();
    Ok(App::new(Shared {
        storage: Storage::open(storage).await?,
        centre: Arc::new(Centre::new(Arc::new(Vault::open(storage)?))),
        settings: Settings::default(),
        dialer: Arc::new(ByHand),
        attestation: ringback_server::attestation::Attestation::new(
            &ringback_server::config::AttestationSettings::default(),
            &ringback_server::config::PushSettings::default(),
        )?,
        captcha: ringback_server::captcha::Client::new()?,
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        stopping: CancellationToken::new(),
        pokes: Pokes {
            matcher,
            push: Notify::new(),
            dial: Notify::new(),
            clock: Notify::new(),
            board: Notify::new(),
            webhooks: Notify::new(),
            has_webhooks: AtomicBool::new(false),
        },
    }))
}
