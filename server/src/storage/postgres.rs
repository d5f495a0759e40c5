//! PostgreSQL: a few threads, each with a connection of its own, take transactions from one queue. What collides with
//! others or loses its connection before the commit is tried again.

use super::job::{Job, SharedReceiver, Verdict};
use super::{Param, StorageError, Task, Tx, Value, migrate, spawn};
use ::postgres::config::SslMode;
use ::postgres::error::{Severity, SqlState};
use ::postgres::fallible_iterator::FallibleIterator;
use ::postgres::types::private::BytesMut;
use ::postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use ::postgres::{Client, Config, Error, NoTls, Row, Statement};
use backon::{BackoffBuilder, ExponentialBuilder};
use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_postgres_rustls::MakeRustlsConnect;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A silent peer is given up after this time: probes every 5 s once 15 s have passed without a word, and data that nobody
/// acknowledges.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// How often and how long a transaction is tried again: about two seconds in all.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(5))
        .with_max_delay(Duration::from_millis(500))
        .with_max_times(10)
        .with_jitter()
        .build()
}

/// Brings the schema up to date and starts the threads. Their connections are made when they are first needed.
pub(super) fn start(
    connector: &Connector,
    connections: usize,
    waiting: mpsc::Receiver<Task>,
) -> Result<Vec<JoinHandle<()>>, StorageError> {
    let mut client = connector.connect()?;
    migrate::postgres(&mut client)?;
    let waiting = SharedReceiver::new(waiting);
    let mut first = Some(Session::new(client));
    (0..connections)
        .map(|_| {
            let (connector, waiting, mut session) = (connector.clone(), waiting.clone(), first.take());
            spawn("postgres", move || {
                while let Some(task) = waiting.recv() {
                    serve(&connector, &mut session, task);
                }
            })
        })
        .collect()
}

fn serve(connector: &Connector, session: &mut Option<Session>, task: Task) {
    let (access, mut job) = match task {
        Task::Write(job) => (Access::Write, job),
        Task::Read(job) => (Access::Read, job),
    };
    let mut pauses = pauses();
    loop {
        let error = match attempt(connector, session, access, &mut *job) {
            Attempt::Done => return job.answer(),
            Attempt::Failed(error) => return job.fail(error),
            Attempt::Again(error) => error,
        };
        match pauses.next() {
            Some(pause) => std::thread::sleep(pause),
            None => return job.fail(error),
        }
    }
}

#[derive(Clone, Copy)]
enum Access {
    Write,
    Read,
}

enum Attempt {
    /// The body's answer stands.
    Done,
    /// The answer is this error.
    Failed(StorageError),
    /// Nothing was changed, and another try may do better.
    Again(StorageError),
}

fn attempt(connector: &Connector, slot: &mut Option<Session>, access: Access, job: &mut dyn Job) -> Attempt {
    let mut session = match slot.take() {
        Some(session) => session,
        None => match connector.connect() {
            Ok(client) => Session::new(client),
            Err(error) => return Attempt::Again(error),
        },
    };
    let begin = match access {
        Access::Write => "begin isolation level read committed read write",
        // One unchanging view, as on SQLite.
        Access::Read => "begin isolation level repeatable read read only",
    };
    if let Err(error) = session.client.batch_execute(begin) {
        return Attempt::Again(StorageError::Unavailable(describe(&error)));
    }
    let attempt = match (access, job.run(&mut Tx::postgres(&mut session))) {
        (Access::Write, Verdict::Keep) => {
            return match session.client.batch_execute("commit") {
                Ok(()) => {
                    *slot = Some(session);
                    Attempt::Done
                }
                Err(error) => refused_commit(&error),
            };
        }
        (_, Verdict::Failed(error @ StorageError::Unavailable(_))) => return Attempt::Again(error),
        (_, Verdict::Failed(error @ StorageError::Conflict)) => Attempt::Again(error),
        (_, Verdict::Keep | Verdict::Decline | Verdict::Failed(_)) => Attempt::Done,
    };
    // A connection that cannot roll back is dropped, which has the same effect.
    if session.client.batch_execute("rollback").is_ok() {
        *slot = Some(session);
    }
    attempt
}

/// What a failed commit means. Only a plain error says for certain that nothing was kept: a session that is ended while
/// it commits may have committed.
fn refused_commit(error: &Error) -> Attempt {
    let plain = error.as_db_error().filter(|cause| cause.parsed_severity() == Some(Severity::Error));
    match plain.map(|_| explain(error)) {
        None => Attempt::Failed(StorageError::Unclear),
        Some(error @ StorageError::Conflict) => Attempt::Again(error),
        Some(error) => Attempt::Failed(error),
    }
}

/// Makes connections.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    pub(super) fn new(config: &Config) -> Result<Self, StorageError> {
        let mut config = config.clone();
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE_TIMEOUT);
        }
        if config.get_keepalives_interval().is_none() {
            config
                .keepalives_idle(KEEPALIVE_IDLE)
                .keepalives_interval(KEEPALIVE_INTERVAL)
                .keepalives_retries(3);
        }
        if config.get_application_name().is_none() {
            config.application_name("ringback");
        }
        let tls = if config.get_ssl_mode() == SslMode::Require { Some(tls()?) } else { None };
        Ok(Self { config, tls })
    }

    pub(super) fn connect(&self) -> Result<Client, StorageError> {
        let connected = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        connected.map_err(|error| StorageError::Unavailable(describe(&error)))
    }
}

/// TLS that trusts the system's authorities, or those of `SSL_CERT_FILE`.
fn tls() -> Result<MakeRustlsConnect, StorageError> {
    let cannot = |error: &dyn std::fmt::Display| StorageError::Open(format!("TLS cannot be set up: {error}"));
    let mut roots = rustls::RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err(cannot(&"the system has no certificate authorities"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| cannot(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// A connection with the statements it has prepared.
pub(super) struct Session {
    client: Client,
    prepared: HashMap<&'static str, Statement>,
}

impl Session {
    fn new(client: Client) -> Self {
        Self { client, prepared: HashMap::new() }
    }

    pub(super) fn execute(&mut self, sql: &'static str, params: &[&dyn Param]) -> Result<u64, StorageError> {
        self.query(sql, params, &mut |_| {})
    }

    /// Shows `see` every row; the number of rows that were returned or changed.
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
        see: &mut dyn FnMut(&Row),
    ) -> Result<u64, StorageError> {
        let statement = self.prepare(sql).map_err(|error| explain(&error))?;
        let values: Vec<Value<'_>> = params.iter().map(|param| param.value()).collect();
        let fits = values.len() == statement.params().len()
            && values.iter().zip(statement.params()).all(|(value, wanted)| value.fits(wanted));
        if !fits {
            let message = format!("it wants the parameters {:?}", statement.params());
            return Err(StorageError::Statement { code: "client".to_owned(), message });
        }
        let run = || {
            let mut rows = self.client.query_raw(&statement, values)?;
            while let Some(row) = rows.next()? {
                see(&row);
            }
            Ok(rows.rows_affected().unwrap_or_default())
        };
        run().map_err(|error: Error| explain(&error))
    }

    fn prepare(&mut self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }
}

fn explain(error: &Error) -> StorageError {
    // Parameters are checked before they are sent, so what the server did not say is about the connection.
    let Some(cause) = error.as_db_error() else { return StorageError::Unavailable(describe(error)) };
    let code = cause.code();
    let constraint = || cause.constraint().or(cause.column()).map(str::to_owned);
    if *code == SqlState::UNIQUE_VIOLATION {
        StorageError::Unique { constraint: constraint() }
    } else if code.code().starts_with("23") {
        StorageError::Constraint { constraint: constraint() }
    } else if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        StorageError::Conflict
    } else if cause.parsed_severity() != Some(Severity::Error) || is_stale_statement(code) {
        StorageError::Unavailable(describe(error))
    } else {
        StorageError::Statement { code: code.code().to_owned(), message: describe(error) }
    }
}

/// A prepared statement the server no longer has or whose tables have changed: a new connection prepares it anew.
fn is_stale_statement(code: &SqlState) -> bool {
    [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME].contains(code)
}

/// What went wrong, without the values that messages about data repeat.
pub(super) fn describe(error: &Error) -> String {
    match error.as_db_error() {
        Some(cause) if cause.code().code().starts_with("22") => "a value is not acceptable".to_owned(),
        Some(cause) => cause.message().to_owned(),
        None => match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

impl Value<'_> {
    fn fits(&self, wanted: &Type) -> bool {
        match self {
            Self::Null => true,
            Self::Integer(_) => *wanted == Type::INT8,
            Self::Text(_) => *wanted == Type::TEXT,
            Self::Blob(_) => *wanted == Type::BYTEA,
        }
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        wanted: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(integer) => integer.to_sql(wanted, out),
            Self::Text(text) => text.to_sql(wanted, out),
            Self::Blob(bytes) => bytes.to_sql(wanted, out),
        }
    }

    // Which kind goes where depends on the value, and is checked before.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(found: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *found {
            Type::INT8 => Self::Integer(i64::from_sql(found, raw)?),
            Type::INT4 => Self::Integer(i32::from_sql(found, raw)?.into()),
            // What `exists` and comparisons give; a flag is 0 or 1 on SQLite.
            Type::BOOL => Self::Integer(bool::from_sql(found, raw)?.into()),
            Type::BYTEA => Self::Blob(raw),
            _ => Self::Text(<&str>::from_sql(found, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(found: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::BOOL, Type::BYTEA, Type::TEXT, Type::VARCHAR].contains(found)
    }
}

/// A column's value; `None` if there is no such column or it holds a kind of value that is not ours.
pub(super) fn column(row: &Row, index: usize) -> Option<Value<'_>> {
    row.try_get(index).ok()
}
