//! Requests for a call with every rule there is.

use super::ground::STRICT;
use super::pgbench::Pgbench;
use super::recorder::{Recorder, Sent};
use super::{Counts, Ground, median};
use crate::Failure;
use crate::create::{self, CALLERS, ask, per_second};
use crate::row::Row;
use crate::seed::{self, Ask, address_of};
use futures_util::future::try_join_all;
use postgres::config::Host;
use ringback_core::protocol::{APP_KEY_HEADER, IDEMPOTENCY_KEY_HEADER, Installation};
use ringback_server::storage::{Engine, StorageSettings};
use serde_json::json;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Instant;

pub(super) async fn rows(counts: &Counts) -> Result<Vec<Row>, Failure> {
    let ground = Ground::new(Engine::Sqlite, 0).await?;
    let mut served = Ground::new(Engine::Sqlite, 0).await?;
    served.app.storage.close().await;
    served.centre.start_server().await?;
    let callers = Callers::register(&served).await?;

    let many = CALLERS * counts.creates_per_caller;
    let (mut together, mut alone, mut over_http) = (Vec::new(), Vec::new(), Vec::new());
    let mut number = 0;
    // The first round is not counted: statements are prepared and connections made in it.
    for round in 0..=counts.create_rounds {
        let mut asks = asks(&ground, number, 2 * many).await?;
        let for_one = asks.split_off(many);
        let rate = at_once(&ground, asks, counts.creates_per_caller).await?;
        let started = Instant::now();
        ask(ground.app.clone(), for_one).await?;
        let one_rate = per_second(many, started.elapsed());
        // Not in all of them: an installation may not ask without end.
        let http_rate = if round <= counts.rounds {
            Some(callers.ask(number, counts.creates_per_caller).await?)
        } else {
            None
        };
        number += 2 * many;
        if round > 0 {
            together.push(rate);
            alone.push(one_rate);
            over_http.extend(http_rate);
        }
    }
    served.centre.stop().await?;
    let (together, alone, over_http) = (median(together), median(alone), median(over_http));
    Ok(vec![
        Row {
            name: "line/create-sqlite".to_owned(),
            figure: together,
            reference: alone,
            meaning: format!(
                "Requests with every rule there is (hours, rule sets, all kinds of limits, a ceiling, skills) made durable \
                 on SQLite, {CALLERS} callers at once. Reference: the same transactions one after the other, one commit \
                 each. Medians of rounds that take turns."
            ),
        },
        Row {
            name: "line/create-http".to_owned(),
            figure: over_http,
            reference: together,
            meaning: format!(
                "The same requests over HTTP to a server of its own, {CALLERS} connections kept open, client and server on \
                 this machine. Reference: the row above."
            ),
        },
    ])
}

/// How often a request is recorded: often enough that what may differ did.
const RECORDINGS: usize = 8;

/// On PostgreSQL, against the like transaction under `pgbench` on the same server, in a database of the same kind.
pub(super) async fn postgres(pgbench: &Path, counts: &Counts) -> Result<Row, Failure> {
    let ground = Ground::new(Engine::Postgres, 0).await?;
    let other = Ground::new(Engine::Postgres, 0).await?;
    other.app.storage.close().await;
    let recordings = record(&other.storage).await?;
    let (program, url) = (pgbench.to_owned(), other.storage.url.clone());
    let clients = StorageSettings::default().postgres_connections;
    let many = CALLERS * counts.postgres_creates_per_caller;
    let each = many / clients;
    let mut like = tokio::task::spawn_blocking({
        let most = each * (counts.rounds + 1);
        move || Pgbench::new(&program, &url, &recordings, clients, most)
    })
    .await??;

    let (mut rates, mut like_rates) = (Vec::new(), Vec::new());
    // The first round is not counted, as above.
    for round in 0..=counts.rounds {
        let asks = asks(&ground, round * many, many).await?;
        let rate = at_once(&ground, asks, counts.postgres_creates_per_caller).await?;
        let (back, like_rate) = tokio::task::spawn_blocking(move || {
            let rate = like.run(each);
            (like, rate)
        })
        .await?;
        like = back;
        if round > 0 {
            rates.push(rate);
            like_rates.push(like_rate?);
        }
    }
    let statements = like.statements();
    Ok(Row {
        name: "line/create-postgresql".to_owned(),
        figure: median(rates),
        reference: median(like_rates),
        meaning: format!(
            "The requests of `line/create-sqlite` on PostgreSQL, {CALLERS} callers at once on {clients} connections. \
             Reference: `pgbench --protocol=prepared` with as many clients on the same server, its script being the \
             {statements} statements that this server sent for such a request in this run, with values of the same \
             lengths, one after the other. Medians of rounds that take turns."
        ),
    })
}

/// What a request sends, several times over, each time for another customer and from another thread.
async fn record(storage: &StorageSettings) -> Result<Vec<Vec<Sent>>, Failure> {
    let config = postgres::Config::from_str(&storage.url)?;
    let ([Host::Tcp(host)], [port]) = (config.get_hosts(), config.get_ports()) else {
        return Err("the URL of PostgreSQL does not name one host and port".into());
    };
    let recorder = Recorder::start((host.clone(), *port))?;
    let url = storage.url.replace(&format!("@{host}:{port}/"), &format!("@127.0.0.1:{}/", recorder.port));
    let storage = StorageSettings { url, postgres_connections: 1, ..storage.clone() };
    let mut recordings = Vec::with_capacity(RECORDINGS);
    for recording in 0..RECORDINGS {
        let app = create::app(&storage).await?;
        let installations = seed::installations(&app.storage, 2).await?;
        // Those of the rounds begin at 0.
        for (number, installation) in (9_000_000 + 2 * recording..).zip(&installations) {
            let asked = vec![Ask::new(STRICT, installation, number).await?];
            // Only the last counts: with the first the setup is read.
            recorder.forget();
            ask(app.clone(), asked).await?;
        }
        recordings.push(recorder.take_transaction()?);
        app.storage.close().await;
    }
    Ok(recordings)
}

/// All callers at once; requests in a second.
async fn at_once(ground: &Ground, asks: Vec<Ask>, each: usize) -> Result<f64, Failure> {
    let count = asks.len();
    let started = Instant::now();
    let callers = asks.chunks(each).map(|asks| tokio::spawn(ask(ground.app.clone(), asks.to_vec())));
    for asked in try_join_all(callers).await? {
        asked?;
    }
    Ok(per_second(count, started.elapsed()))
}

async fn asks(ground: &Ground, first: usize, count: usize) -> Result<Vec<Ask>, Failure> {
    let installations = seed::installations(&ground.app.storage, count).await?;
    let mut asks = Vec::with_capacity(count);
    for (number, installation) in (first..).zip(&installations) {
        asks.push(Ask::new(STRICT, installation, number).await?);
    }
    Ok(asks)
}

/// Installations with a connection each.
struct Callers {
    url: String,
    /// One for each caller, with its credential.
    clients: Vec<(reqwest::Client, String)>,
}

impl Callers {
    async fn register(ground: &Ground) -> Result<Self, Failure> {
        let url = ground.centre.url.clone();
        let registered = (0..CALLERS).map(|_| async {
            let client = reqwest::Client::new();
            let body = json!({ "secret": format!("{0}{0}", uuid::Uuid::new_v4().simple()) });
            let request = client.post(format!("{url}/v1/installations"));
            let answer = request.header(APP_KEY_HEADER, &ground.centre.app_key).json(&body).send().await?;
            let installation: Installation = answer.error_for_status()?.json().await?;
            Ok::<_, Failure>((client, installation.token.expose().to_owned()))
        });
        let clients = try_join_all(registered).await?;
        Ok(Self { url, clients })
    }

    /// Everybody asks so many times; requests in a second.
    async fn ask(&self, first: usize, each: usize) -> Result<f64, Failure> {
        let started = Instant::now();
        let asking = self.clients.iter().enumerate().map(|(caller, (client, token))| {
            let (client, token, url) = (client.clone(), token.clone(), format!("{}/v1/callbacks", self.url));
            tokio::spawn(async move {
                for number in first + caller * each..first + (caller + 1) * each {
                    let answer = client
                        .post(&url)
                        .bearer_auth(&token)
                        .header(IDEMPOTENCY_KEY_HEADER, uuid::Uuid::new_v4().to_string())
                        .header("x-forwarded-for", address_of(number).to_string())
                        .json(&seed::request(STRICT, number))
                        .send()
                        .await?;
                    answer.error_for_status()?.bytes().await?;
                }
                Ok::<_, reqwest::Error>(())
            })
        });
        for asked in try_join_all(asking).await? {
            asked?;
        }
        Ok(per_second(self.clients.len() * each, started.elapsed()))
    }
}
