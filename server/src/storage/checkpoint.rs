//! Bringing SQLite's log back into its file while the writer goes on: a thread of its own copies most of it, and the
//! writer the rest, after which the log begins anew (<https://www.sqlite.org/wal.html#ckpt>).

use super::{StorageError, spawn};
use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode};
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

/// Copied from so many pages on: those that change often are copied once for many commits. 64 MB.
const PAGES: c_int = 16_000;
/// With so many the writer waits for the copy, so that the log has an end.
const MOST_PAGES: c_int = 4 * PAGES;
/// What is left to the writer: so little that nobody waits for it.
const REST_PAGES: i64 = 200;
/// How often the thread copies what was written meanwhile, before it leaves it to the writer.
const ROUNDS: usize = 4;

thread_local! {
    /// How long the log was after the last commit of this thread.
    static LOG_PAGES: Cell<c_int> = const { Cell::new(0) };
}

/// What the writer knows of the log.
pub(super) struct Checkpoint {
    begin: Sender<()>,
    over: Receiver<()>,
    is_copying: bool,
    pages: c_int,
    most_pages: c_int,
}

impl Checkpoint {
    /// Starts the thread that copies by a connection of its own; it ends when this is dropped. `writer` is the connection
    /// whose commits are to be told of.
    pub(super) fn start(
        writer: &Connection,
        copier: Connection,
    ) -> Result<(Self, JoinHandle<()>), StorageError> {
        Self::with_limits(writer, copier, PAGES, MOST_PAGES)
    }

    fn with_limits(
        writer: &Connection,
        copier: Connection,
        pages: c_int,
        most_pages: c_int,
    ) -> Result<(Self, JoinHandle<()>), StorageError> {
        // In place of the copying that SQLite does within the commit.
        writer.wal_hook(Some(|_: &Wal, pages| {
            LOG_PAGES.set(pages);
            Ok(())
        }));
        let (begin, begun) = channel();
        let (ended, over) = channel();
        let thread = spawn("sqlite-checkpoint", move || {
            while begun.recv().is_ok() {
                copy_most(&copier);
                if ended.send(()).is_err() {
                    return;
                }
            }
        })?;
        Ok((Self { begin, over, is_copying: false, pages, most_pages }, thread))
    }

    /// To be called after each commit, on the writer's thread.
    pub(super) fn committed(&mut self, writer: &Connection) {
        let pages = LOG_PAGES.get();
        if !self.is_copying {
            if pages < self.pages {
                return;
            }
            if self.begin.send(()).is_ok() {
                self.is_copying = true;
                return;
            }
        } else if pages < self.most_pages {
            if self.over.try_recv() == Err(TryRecvError::Empty) {
                return;
            }
        } else {
            // Whether it is over or the thread has ended: what is left is the writer's.
            self.over.recv().ok();
        }
        self.is_copying = false;
        copy(writer);
        // The next commit begins the log anew, or tells how long it still is, as somebody reads in it.
        LOG_PAGES.set(0);
    }
}

/// Copies until little is left.
fn copy_most(copier: &Connection) {
    let mut copied_before = 0;
    for _ in 0..ROUNDS {
        let Some(copied) = copy(copier) else { return };
        if copied - copied_before < REST_PAGES {
            return;
        }
        copied_before = copied;
    }
}

/// Copies what can be copied without waiting for anybody; says how many pages of the log are copied now.
fn copy(connection: &Connection) -> Option<i64> {
    let copied = connection.prepare_cached("pragma wal_checkpoint(passive)").and_then(|mut statement| {
        // Whether somebody was in the way, how long the log is, how much of it is copied.
        statement.query_row([], |row| Ok((row.get::<_, bool>(0)?, row.get(2)?)))
    });
    match copied {
        Ok((false, copied)) => Some(copied),
        // Another process is at it.
        Ok((true, _)) => None,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
        Err(error) => {
            tracing::warn!(%error, "SQLite's log cannot be brought back into its file; it grows meanwhile");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn open(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "journal_mode", "wal").unwrap();
        connection
    }

    #[test]
    fn the_log_has_an_end_while_the_writer_never_rests() {
        let (pages, most_pages, commits) = (40, 160, 4000);
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("line.db");
        let writer = open(&path);
        writer.execute_batch("create table t (n integer primary key, filling blob)").unwrap();
        let (mut checkpoint, thread) =
            Checkpoint::with_limits(&writer, open(&path), pages, most_pages).unwrap();
        let mut longest = 0;
        for n in 0..commits {
            writer.execute("insert into t values (?1, zeroblob(3000))", [n]).unwrap();
            longest = longest.max(LOG_PAGES.get());
            checkpoint.committed(&writer);
        }
        // One commit writes a handful of pages.
        assert!((pages..most_pages + 10).contains(&longest), "{longest} pages");
        drop(checkpoint);
        thread.join().unwrap();

        // All but the end of it is in the file, as who takes the file without its log finds.
        let copy = folder.path().join("copy.db");
        std::fs::copy(&path, &copy).unwrap();
        let found: i64 = open(&copy).query_row("select count(*) from t", [], |row| row.get(0)).unwrap();
        assert!(found > commits - i64::from(most_pages), "{found} of {commits}");
        let all: i64 = open(&path).query_row("select count(*) from t", [], |row| row.get(0)).unwrap();
        assert_eq!(all, commits);
    }

    #[test]
    fn who_reads_for_long_keeps_the_log_and_lets_the_writer_go_on() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("line.db");
        let (writer, reader) = (open(&path), open(&path));
        writer.execute_batch("create table t (n integer primary key, filling blob)").unwrap();
        let (mut checkpoint, thread) = Checkpoint::with_limits(&writer, open(&path), 10, 20).unwrap();
        reader.execute_batch("begin; select count(*) from t").unwrap();
        for n in 0..100 {
            writer.execute("insert into t values (?1, zeroblob(3000))", [n]).unwrap();
            checkpoint.committed(&writer);
        }
        let seen: i64 = reader.query_row("select count(*) from t", [], |row| row.get(0)).unwrap();
        assert_eq!(seen, 0, "what it began with");
        reader.execute_batch("rollback").unwrap();
        let mut shortest = c_int::MAX;
        for n in 100..200 {
            writer.execute("insert into t values (?1, zeroblob(3000))", [n]).unwrap();
            shortest = shortest.min(LOG_PAGES.get());
            checkpoint.committed(&writer);
        }
        assert!(shortest < 10, "it begins anew once nobody reads in it: {shortest} pages");
        drop(checkpoint);
        thread.join().unwrap();
    }
}
