//! The engines' own pace: the rows of callbacks that exist, copied into tables of the same shape by the plain client
//! library, one commit for each callback.

use crate::Failure;
use ringback_server::storage::StorageSettings;
use std::time::{Duration, Instant};

/// A callback to be copied.
pub(crate) struct Created {
    pub(crate) callback_id: String,
    pub(crate) installation_id: String,
}

const TABLES: [&str; 4] = ["installations", "callbacks", "events", "idempotency"];

impl Created {
    /// The statements of one commit, each with its parameter.
    fn copies(&self) -> [(&'static str, &str); 4] {
        [
            ("insert into naive.callbacks select * from callbacks where id = $1", &self.callback_id),
            ("update naive.installations set event_seq = event_seq + 1 where id = $1", &self.installation_id),
            ("insert into naive.events select * from events where callback_id = $1", &self.callback_id),
            (
                "insert into naive.idempotency select * from idempotency where owner = $1",
                &self.installation_id,
            ),
        ]
    }
}

/// One connection, as SQLite has one writer.
pub(crate) fn sqlite(settings: &StorageSettings, created: &[Created]) -> Result<Duration, Failure> {
    let file = settings.url.strip_prefix("sqlite:").ok_or("not a file")?;
    let mut connection = rusqlite::Connection::open(file)?;
    connection.execute("attach $1 as naive", [format!("{file}.naive")])?;
    for pragma in ["foreign_keys = off", "naive.journal_mode = wal", "naive.synchronous = full"] {
        connection.execute_batch(&format!("pragma {pragma}"))?;
    }
    let shapes: Vec<(String, String)> = connection
        .prepare("select tbl_name, sql from main.sqlite_schema where sql is not null order by type desc")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (_, sql) in shapes.iter().filter(|(table, _)| TABLES.contains(&table.as_str())) {
        connection.execute_batch(&in_naive(sql))?;
    }
    connection.execute("insert into naive.installations select * from installations", [])?;
    let started = Instant::now();
    for one in created {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for (sql, parameter) in one.copies() {
            transaction.prepare_cached(sql)?.execute([parameter])?;
        }
        transaction.commit()?;
    }
    Ok(started.elapsed())
}

/// `create table t …` and `create [unique] index i on t …` for the attached file.
fn in_naive(sql: &str) -> String {
    ["create table ", "create unique index ", "create index "]
        .iter()
        .find_map(|start| {
            let head = sql.get(..start.len())?;
            head.eq_ignore_ascii_case(start).then(|| format!("{start}naive.{}", &sql[start.len()..]))
        })
        .unwrap_or_else(|| sql.to_owned())
}

/// As many connections as the server has.
pub(crate) fn postgres(settings: &StorageSettings, created: &[Created]) -> Result<Duration, Failure> {
    let connect = || postgres::Client::connect(&settings.url, postgres::NoTls);
    let mut client = connect()?;
    client.batch_execute("create schema naive")?;
    for table in TABLES {
        client.batch_execute(&format!("create table naive.{table} (like public.{table} including all)"))?;
    }
    client.batch_execute("insert into naive.installations select * from public.installations")?;
    let share = created.len().div_ceil(settings.postgres_connections);
    let mut clients = created
        .chunks(share)
        .map(|part| Ok((connect()?, part)))
        .collect::<Result<Vec<_>, postgres::Error>>()?;
    let started = Instant::now();
    std::thread::scope(|scope| {
        let copying: Vec<_> =
            clients.iter_mut().map(|(client, part)| scope.spawn(move || copy(client, part))).collect();
        copying
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread of the plain loop panicked")?)
    })?;
    Ok(started.elapsed())
}

fn copy(client: &mut postgres::Client, part: &[Created]) -> Result<(), Failure> {
    let mut prepared = Vec::new();
    if let Some(first) = part.first() {
        for (sql, _) in first.copies() {
            prepared.push(client.prepare(sql)?);
        }
    }
    for one in part {
        let mut transaction = client.transaction()?;
        for (statement, (_, parameter)) in prepared.iter().zip(one.copies()) {
            transaction.execute(statement, &[&parameter])?;
        }
        transaction.commit()?;
    }
    Ok(())
}
