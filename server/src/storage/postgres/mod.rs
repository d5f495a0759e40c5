//! PostgreSQL: a few threads, each with a connection of its own, take transactions from one queue. What collides with
//! others or loses its connection before the commit is tried again.
//!
//! Each wait for the server costs both sides more than most statements do. So what nobody waits for (the begin, writes of
//! [`Tx::execute_later`], queries of [`Tx::announce`]) is kept back and goes together with the next statement or the commit,
//! in its order.

mod session;
mod values;

use super::job::{Job, SharedReceiver, Verdict};
use super::{StorageError, Task, Tx, migrate, spawn};
use ::postgres::error::{Severity, SqlState};
use backon::{BackoffBuilder, ExponentialBuilder};
use session::Failure;
use std::error::Error as _;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime;
use tokio::sync::mpsc;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

pub(super) use session::Session;
pub(super) use values::column;

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
    migrate::postgres(&mut connector.connect()?)?;
    let waiting = SharedReceiver::new(waiting);
    (0..connections)
        .map(|_| {
            let (connector, waiting) = (connector.clone(), waiting.clone());
            spawn("postgres", move || {
                let mut session = None;
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
        None => match connector.session() {
            Ok(session) => session,
            Err(error) => return Attempt::Again(error),
        },
    };
    session.begin();
    let begin = match access {
        Access::Write => "begin isolation level read committed read write",
        // One unchanging view, as on SQLite.
        Access::Read => "begin isolation level repeatable read read only",
    };
    if let Err(error) = session.execute_later(begin, &[]) {
        return Attempt::Again(error);
    }
    let attempt = match (access, job.run(&mut Tx::postgres(&mut session))) {
        (Access::Write, Verdict::Keep) => {
            // If one of the writes before it fails, the server takes the commit for a rollback.
            return match session.run("commit", &[], &mut |_| {}) {
                Ok(_) => {
                    *slot = Some(session);
                    Attempt::Done
                }
                Err(Failure::Refused(error)) => Attempt::Again(error),
                // The commit was a rollback, so the connection is as good as before.
                Err(Failure::Collided) => {
                    *slot = Some(session);
                    Attempt::Again(StorageError::Conflict)
                }
                Err(Failure::Sent(error)) => refused_commit(&error),
            };
        }
        (_, Verdict::Failed(error @ StorageError::Unavailable(_))) => return Attempt::Again(error),
        (_, Verdict::Failed(error @ StorageError::Conflict)) => Attempt::Again(error),
        (_, Verdict::Keep | Verdict::Decline | Verdict::Failed(_)) => Attempt::Done,
    };
    // A connection that cannot roll back is dropped, which has the same effect.
    session.begin();
    if session.execute("rollback", &[]).is_ok() {
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
        Some(error @ (StorageError::Conflict | StorageError::Unavailable(_))) => Attempt::Again(error),
        Some(error) => Attempt::Failed(error),
    }
}

/// A connection keeps the plan of each statement. One made while a table is
/// empty reads the whole table, and stays until PostgreSQL analyses it, which
/// may be minutes into a busy day. So a full read is priced out where there is
/// an index, and the JIT, which would take that price for a large query, is off.
const PLANS: &str = "set enable_seqscan = off; set jit = off";

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

    /// A connection for what is not a transaction of ours.
    pub(super) fn connect(&self) -> Result<::postgres::Client, StorageError> {
        let config = ::postgres::Config::from(self.config.clone());
        let connected = match &self.tls {
            Some(tls) => config.connect(tls.clone()),
            None => config.connect(NoTls),
        };
        connected.map_err(|error| StorageError::Unavailable(describe(&error)))
    }

    fn session(&self) -> Result<Session, StorageError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StorageError::Unavailable(error.to_string()))?;
        let connected = runtime.block_on(async {
            // The task that carries the messages ends with its client.
            let client = match &self.tls {
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    tokio::spawn(connection);
                    client
                }
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    tokio::spawn(connection);
                    client
                }
            };
            client.batch_execute(PLANS).await?;
            Ok(client)
        });
        let client = connected.map_err(|error| StorageError::Unavailable(describe(&error)))?;
        Ok(Session::new(client, runtime))
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
