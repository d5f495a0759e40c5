//! From an agent's "ready" to the reservation.

use super::{Counts, Ground};
use crate::Failure;
use crate::row::{Measure, Row, quantile};
use ringback_server::app::App;
use ringback_server::clock::now;
use ringback_server::routing::agents::{ChosenState, choose_state};
use ringback_server::routing::matcher::{Matched, reserve_for_agent};
use ringback_server::storage::StorageSettings;
use std::time::{Duration, Instant};

/// Reservations that are not counted: statements are prepared in them.
const WARM_UP: usize = 20;

/// As the handler and the matcher do it: one transaction each. `None` if the lines that the agent serves are served out.
async fn reserve(app: &App, agent_id: &str) -> Result<Option<Duration>, Failure> {
    let started = Instant::now();
    let id = agent_id.to_owned();
    app.change(move |tx, effects| choose_state(tx, effects, &id, (ChosenState::Ready, None), "bench", now()))
        .await?;
    let (id, centre) = (agent_id.to_owned(), app.centre.clone());
    let matched = app.change(move |tx, effects| reserve_for_agent(tx, effects, &centre, &id, now())).await?;
    Ok((matched == Matched::Reserved).then(|| started.elapsed()))
}

/// Two commits of one row each, as plainly as can be.
trait Commits {
    fn twice(&mut self) -> Result<(), Failure>;
}

const ROW: &str = "insert into bare (id, text) values ($1, $2)";

impl Commits for rusqlite::Connection {
    fn twice(&mut self) -> Result<(), Failure> {
        for _ in 0..2 {
            self.prepare_cached(ROW)?.execute((uuid::Uuid::now_v7().to_string(), "x".repeat(300)))?;
        }
        Ok(())
    }
}

struct Prepared(postgres::Client, postgres::Statement);

impl Commits for Prepared {
    fn twice(&mut self) -> Result<(), Failure> {
        for _ in 0..2 {
            self.0.execute(&self.1, &[&uuid::Uuid::now_v7().to_string(), &"x".repeat(300)])?;
        }
        Ok(())
    }
}

fn bare_sqlite(storage: &StorageSettings) -> Result<rusqlite::Connection, Failure> {
    let file = storage.url.strip_prefix("sqlite:").ok_or("not a file")?;
    let connection = rusqlite::Connection::open(format!("{file}.bare"))?;
    connection.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; create table bare (id text primary key, text text)",
    )?;
    Ok(connection)
}

fn bare_postgres(storage: &StorageSettings) -> Result<Prepared, Failure> {
    let mut client = postgres::Client::connect(&storage.url, postgres::NoTls)?;
    client.batch_execute("create table bare (id text primary key, text text)")?;
    let statement = client.prepare(ROW)?;
    Ok(Prepared(client, statement))
}

/// What one agent after the other took, by ground, and the bare commits between them.
async fn samples(
    grounds: &[Ground],
    mut bare: impl Commits + Send + 'static,
    counts: &Counts,
) -> Result<(Vec<Vec<Duration>>, Vec<Duration>), Failure> {
    let mut took = vec![Vec::with_capacity(counts.reservations); grounds.len()];
    let mut commits = Vec::with_capacity(counts.reservations);
    let mut agents: Vec<_> = grounds.iter().map(|ground| ground.agents.iter()).collect();
    for turn in 0..WARM_UP + counts.reservations {
        for ((ground, agents), took) in grounds.iter().zip(&mut agents).zip(&mut took) {
            let reserved = loop {
                let agent = agents.next().ok_or("there are not enough agents")?;
                if let Some(reserved) = reserve(&ground.app, agent).await? {
                    break reserved;
                }
            };
            if turn >= WARM_UP {
                took.push(reserved);
            }
        }
        // The client for PostgreSQL waits by itself, which a thread of this runtime may not.
        let (back, committed) = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let done = bare.twice();
            let took = started.elapsed();
            (bare, done.map(|()| took))
        })
        .await?;
        bare = back;
        if turn >= WARM_UP {
            commits.push(committed?);
        }
    }
    tokio::task::spawn_blocking(move || drop(bare)).await?;
    Ok((took, commits))
}

fn rows(engine: &str, grounds: &[Ground], took: &[Vec<Duration>], commits: &[Duration]) -> Vec<Row> {
    grounds
        .iter()
        .zip(took)
        .map(|(ground, took)| Row {
            name: format!("line/reserve-{engine}{}", short(ground.waiting())),
            figure: Measure::Takes(quantile(took, 0.99)),
            reference: Measure::Takes(quantile(commits, 0.99)),
            meaning: format!(
                "From an agent's \"ready\" to the committed reservation, two transactions, the 99th percentile of {} \
                 times, with {} callbacks in 100 lines, 2000 agents and 50 skills; the median is {}. Reference: two \
                 commits of one row each by the plain client library, in turns with it, the 99th percentile.",
                took.len(),
                ground.waiting(),
                Measure::Takes(quantile(took, 0.5)),
            ),
        })
        .collect()
}

fn short(waiting: u32) -> String {
    match waiting {
        1_000_000.. => format!("{}m", waiting / 1_000_000),
        1000.. => format!("{}k", waiting / 1000),
        _ => waiting.to_string(),
    }
}

/// All lengths take turns.
pub(super) async fn sqlite(grounds: &[Ground], counts: &Counts) -> Result<Vec<Row>, Failure> {
    let first = grounds.first().ok_or("no ground")?;
    let (took, commits) = samples(grounds, bare_sqlite(&first.storage)?, counts).await?;
    let mut rows = rows("", grounds, &took, &commits);
    if let (Some(few), Some(many)) = (took.first(), took.last()) {
        for (name, share, which) in [("p50", 0.5, "median"), ("p99", 0.99, "99th percentile")] {
            rows.push(Row {
                name: format!("line/reserve-growth-{name}"),
                figure: Measure::Takes(quantile(many, share)),
                reference: Measure::Takes(quantile(few, share)),
                meaning: format!(
                    "The {which} of the longest line above. Reference: that of the shortest; the lines take turns, one \
                     reservation after the other."
                ),
            });
        }
    }
    Ok(rows)
}

/// The same, without the longest.
pub(super) async fn postgres(grounds: &[Ground], counts: &Counts) -> Result<Vec<Row>, Failure> {
    let first = grounds.first().ok_or("no ground")?;
    let storage = first.storage.clone();
    let bare = tokio::task::spawn_blocking(move || bare_postgres(&storage)).await??;
    let (took, commits) = samples(grounds, bare, counts).await?;
    Ok(rows("postgresql-", grounds, &took, &commits))
}
