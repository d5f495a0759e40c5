//! SQLite: one thread writes, a few read. Callers that wait together share a commit, and with it the wait for the disk.

use super::checkpoint::Checkpoint;
use super::job::{Job, SharedReceiver, Verdict};
use super::statement::for_sqlite;
use super::{Param, StorageError, Tx, Value, migrate, spawn};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use std::collections::HashMap;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How many bodies share one commit at most.
const GROUP: usize = 64;
/// After a body had to be undone, so many groups are written in the way that can do it: such bodies come in swarms.
const WARY_FOR: u32 = 16;
const READERS: usize = 4;
/// For each connection.
const CACHE_KIB: i64 = 32 * 1024;
/// How long another process may hold the file before a caller is told that it is busy.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const CACHED_STATEMENTS: usize = 256;

/// Opens the file and starts the threads.
pub(super) fn start(
    path: &Path,
    writes: mpsc::Receiver<Box<dyn Job>>,
    reads: mpsc::Receiver<Box<dyn Job>>,
) -> Result<Vec<JoinHandle<()>>, StorageError> {
    let mut writer = Session::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    writer.prepare_file()?;
    migrate::sqlite(&mut writer.connection)?;
    let copier = Session::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let (mut checkpoint, copying) = Checkpoint::start(&writer.connection, copier.connection)?;
    let writing = spawn("sqlite-writer", move || write_groups(&mut writer, &mut checkpoint, writes))?;
    let mut threads = vec![writing, copying];
    let reads = SharedReceiver::new(reads);
    for _ in 0..READERS {
        let mut reader = Session::open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let reads = reads.clone();
        threads.push(spawn("sqlite-reader", move || {
            while let Some(job) = reads.recv() {
                read(&mut reader, job);
            }
        })?);
    }
    Ok(threads)
}

fn write_groups(
    session: &mut Session,
    checkpoint: &mut Checkpoint,
    mut waiting: mpsc::Receiver<Box<dyn Job>>,
) {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.blocking_recv_many(&mut group, GROUP) > 0 {
        match write_group(session, &mut group) {
            Ok(()) => {
                group.drain(..).for_each(Job::answer);
                checkpoint.committed(&session.connection);
            }
            Err(error) => {
                session.roll_back();
                group.drain(..).for_each(|job| job.fail(error.clone()));
            }
        }
    }
}

/// One commit. An error of one body undoes that body only; the error returned here is everybody's.
fn write_group(session: &mut Session, group: &mut [Box<dyn Job>]) -> Result<(), StorageError> {
    if session.wary_for == 0 && write_plainly(session, group)? {
        return Ok(());
    }
    session.wary_for = session.wary_for.checked_sub(1).unwrap_or(WARY_FOR);
    write_warily(session, group)
}

/// The short way, without anything to undo a body to but the beginning: a savepoint copies every page that is touched after
/// it. False when a body has to be undone: then nothing is written, and all of them can be run again.
fn write_plainly(session: &mut Session, group: &mut [Box<dyn Job>]) -> Result<bool, StorageError> {
    session.control("begin immediate")?;
    for job in group.iter_mut() {
        let before = session.connection.total_changes();
        match job.run(&mut Tx::sqlite(session)) {
            Verdict::Keep => {}
            Verdict::Decline if session.connection.total_changes() == before => {}
            Verdict::Failed(error) if session.connection.is_autocommit() => return Err(error),
            Verdict::Decline | Verdict::Failed(_) => {
                session.control("rollback")?;
                // Alone, it has had its answer.
                return Ok(group.len() == 1);
            }
        }
    }
    session.control("commit")?;
    Ok(true)
}

fn write_warily(session: &mut Session, group: &mut [Box<dyn Job>]) -> Result<(), StorageError> {
    session.control("begin immediate")?;
    for job in group {
        session.control("savepoint body")?;
        match job.run(&mut Tx::sqlite(session)) {
            Verdict::Keep => {}
            Verdict::Failed(error) if session.connection.is_autocommit() => {
                // A full disk, for one, makes SQLite undo the whole transaction, and with it everybody's work.
                return Err(error);
            }
            Verdict::Decline | Verdict::Failed(_) => session.control("rollback to body")?,
        }
        session.control("release body")?;
    }
    session.control("commit")
}

fn read(session: &mut Session, mut job: Box<dyn Job>) {
    if let Err(error) = session.control("begin") {
        return job.fail(error);
    }
    job.run(&mut Tx::sqlite(session));
    session.roll_back();
    job.answer();
}

/// The texts that were met, as SQLite takes them. Each is found by where it lies, which is quicker than by all its words.
#[derive(Default)]
struct Rewritten(HashMap<(usize, usize), String>);

impl Rewritten {
    fn text(&mut self, sql: &'static str) -> &str {
        self.0.entry((sql.as_ptr().addr(), sql.len())).or_insert_with(|| for_sqlite(sql))
    }
}

/// A connection with the texts it has met.
pub(super) struct Session {
    connection: Connection,
    rewritten: Rewritten,
    /// For so many groups.
    wary_for: u32,
}

impl Session {
    fn open(path: &Path, flags: OpenFlags) -> Result<Self, StorageError> {
        let cannot = |error: rusqlite::Error| StorageError::Open(error.to_string());
        let connection =
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(cannot)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(cannot)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(cannot)?;
        // The default of 2 MB does not hold the indexes of a busy outbox.
        connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(cannot)?;
        // What a statement about many rows would undo is kept in memory and not in a file for each statement.
        connection.pragma_update(None, "temp_store", "memory").map_err(cannot)?;
        // A plan that may depend on the values of parameters is made anew for each new value.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(cannot)?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        Ok(Self { connection, rewritten: Rewritten::default(), wary_for: 0 })
    }

    /// Durable at every commit, readable while it is written.
    fn prepare_file(&self) -> Result<(), StorageError> {
        let cannot = |error: rusqlite::Error| StorageError::Open(error.to_string());
        let started = Instant::now();
        let mode: String = loop {
            let set = self.connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
            match set {
                // Two that open a new file at once: SQLite does not wait here by itself.
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && started.elapsed() < BUSY_TIMEOUT =>
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                set => break set.map_err(cannot)?,
            }
        };
        if mode != "wal" {
            return Err(StorageError::Open(format!("SQLite keeps its journal as `{mode}`, not as `wal`")));
        }
        self.connection.pragma_update(None, "synchronous", "full").map_err(cannot)
    }

    fn control(&self, sql: &str) -> Result<(), StorageError> {
        let run = || self.connection.prepare_cached(sql)?.execute([]);
        run().map(drop).map_err(|error| self.explain(&error))
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.control("rollback")
        {
            tracing::error!(%error, "SQLite cannot roll back");
        }
    }

    pub(super) fn execute(&mut self, sql: &'static str, params: &[&dyn Param]) -> Result<u64, StorageError> {
        // Rows of `returning` that nobody asked for are passed over.
        self.query(sql, params, &mut |_| {})?;
        Ok(self.connection.changes())
    }

    pub(super) fn execute_each<const N: usize>(
        &mut self,
        sql: &'static str,
        rows: &[[&dyn Param; N]],
    ) -> Result<u64, StorageError> {
        let Self { connection, rewritten, .. } = self;
        let text = rewritten.text(sql);
        let run = || {
            let mut statement = connection.prepare_cached(text)?;
            let mut changed = 0;
            for row in rows {
                let values = row.iter().map(|param| Bound(param.value()));
                changed += statement.execute(rusqlite::params_from_iter(values))? as u64;
            }
            Ok(changed)
        };
        run().map_err(|error| self.explain(&error))
    }

    pub(super) fn query(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
        see: &mut dyn FnMut(&rusqlite::Row<'_>),
    ) -> Result<(), StorageError> {
        let Self { connection, rewritten, .. } = self;
        let text = rewritten.text(sql);
        let mut run = || {
            let mut statement = connection.prepare_cached(text)?;
            let values = params.iter().map(|param| Bound(param.value()));
            let mut rows = statement.query(rusqlite::params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                see(row);
            }
            Ok(())
        };
        run().map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &rusqlite::Error) -> StorageError {
        let (failure, message) = match error {
            rusqlite::Error::SqliteFailure(failure, message) => {
                (failure, message.as_deref().unwrap_or_default())
            }
            rusqlite::Error::SqlInputError { error, msg, .. } => (error, msg.as_str()),
            other => {
                return StorageError::Statement { code: "rusqlite".to_owned(), message: other.to_string() };
            }
        };
        match (failure.code, failure.extended_code) {
            (
                _,
                ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID,
            ) => StorageError::Unique { constraint: self.unique_constraint(message) },
            (ErrorCode::ConstraintViolation, _) => {
                let constraint = message.split_once("failed: ").map(|(_, name)| name.to_owned());
                StorageError::Constraint { constraint }
            }
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => StorageError::Busy,
            (_, code) => StorageError::Statement { code: code.to_string(), message: message.to_owned() },
        }
    }

    /// The name PostgreSQL gives a unique constraint, of which SQLite tells only the columns:
    /// `UNIQUE constraint failed: t.a, t.b`.
    fn unique_constraint(&self, message: &str) -> Option<String> {
        let (_, columns) = message.split_once("failed: ")?;
        if let Some(index) = columns.strip_prefix("index '") {
            return Some(index.trim_end_matches('\'').to_owned());
        }
        let (table, _) = columns.split_once('.')?;
        let names: Vec<&str> =
            columns.split(", ").filter_map(|column| column.split_once('.')).map(|(_, name)| name).collect();
        let found = self.connection.prepare_cached(
            "select l.name, l.origin from pragma_index_list(?1) l where l.\"unique\" = 1 and ?2 = \
             (select group_concat(name, ',') from (select name from pragma_index_info(l.name) order by seqno))",
        );
        let named = found.and_then(|mut statement| {
            statement.query_row((table, names.join(",")), |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
        });
        match named.as_ref().map(|(index, origin)| (index, origin.as_str())) {
            Ok((index, "c")) => Some(index.clone()),
            Ok((_, "u")) => Some(format!("{table}_{}_key", names.join("_"))),
            // A primary key; that of an integer is the row's own number and has no index.
            _ => Some(format!("{table}_pkey")),
        }
    }
}

/// Lends a value to SQLite for the time of one statement.
struct Bound<'a>(Value<'a>);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(integer),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A column's value; `None` if there is no such column or it holds a kind of value that is not ours.
pub(super) fn column<'a>(row: &'a rusqlite::Row<'_>, index: usize) -> Option<Value<'a>> {
    match row.get_ref(index).ok()? {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Integer(integer) => Some(Value::Integer(integer)),
        ValueRef::Real(_) => None,
        ValueRef::Text(text) => std::str::from_utf8(text).ok().map(Value::Text),
        ValueRef::Blob(bytes) => Some(Value::Blob(bytes)),
    }
}
