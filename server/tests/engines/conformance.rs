//! What a transaction promises, on both engines.

use crate::PATIENCE;
use futures_util::future::{join, join_all, poll_immediate};
use jiff::Timestamp;
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, RESYNC, Storage, StorageError, Tx};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};

on_both_engines!(
    a_commit_is_seen_and_an_error_rolls_back,
    an_error_undoes_only_its_own_body,
    no_increment_is_lost,
    two_nodes_share_one_database,
    a_refused_row_names_the_constraint,
    every_kind_of_value_comes_back,
    a_panic_undoes_only_its_own_body,
    a_body_outlives_its_caller,
    a_reader_cannot_write,
    a_failed_statement_cannot_be_swallowed,
    a_commit_that_fails_is_an_error,
    rows_are_claimed_once,
    colliding_bodies_all_get_through,
    the_schema_is_brought_up_to_date_once,
    wake_ups_are_heard,
    close_finishes_what_was_accepted,
);

#[derive(Debug, PartialEq)]
enum Refused {
    Storage(StorageError),
    Declined,
}

impl From<StorageError> for Refused {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

async fn open(scratch: &Scratch) -> Storage {
    Storage::open(&scratch.settings).await.unwrap()
}

/// A database with one table of words and one of counters.
async fn prepared(engine: Engine) -> (Scratch, Storage) {
    let scratch = Scratch::new(engine);
    let storage = open(&scratch).await;
    assert_eq!(storage.engine(), engine);
    run(&storage, "create table words (word text primary key, taken bigint not null default 0)").await;
    run(&storage, "create table counters (name text primary key, n bigint not null)").await;
    run(&storage, "insert into counters (name, n) values ('a', 0), ('b', 0)").await;
    (scratch, storage)
}

async fn run(storage: &Storage, sql: &'static str) {
    storage.write(move |tx| tx.execute(sql, &[])).await.unwrap();
}

async fn number(storage: &Storage, sql: &'static str) -> i64 {
    storage.read(move |tx| tx.query_one(sql, &[], |row| row.get(0))).await.unwrap()
}

fn add_word(tx: &mut Tx<'_>, word: &str) -> Result<u64, StorageError> {
    tx.execute("insert into words (word) values ($1)", &[&word])
}

/// A body that keeps its thread, and with it on SQLite everybody else, until it is told to go on.
fn hold(storage: &Storage) -> (impl Future<Output = Result<(), StorageError>>, mpsc::Sender<()>) {
    let (go_on, told) = mpsc::channel();
    // A body may be run again, and is told only once.
    let mut may_go_on = false;
    let body = storage.write(move |_| {
        if !may_go_on {
            told.recv_timeout(PATIENCE).expect("nobody let the body go on");
            may_go_on = true;
        }
        Ok(())
    });
    (body, go_on)
}

async fn a_commit_is_seen_and_an_error_rolls_back(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    storage.write(|tx| add_word(tx, "kept")).await.unwrap();
    let declined = storage
        .write(|tx| {
            add_word(tx, "dropped")?;
            Err::<(), _>(Refused::Declined)
        })
        .await;
    assert_eq!(declined, Err(Refused::Declined));
    let words = storage.read(|tx| tx.query("select word from words", &[], |row| row.get::<String>(0))).await;
    assert_eq!(words, Ok(vec!["kept".to_owned()]));
    let absent = storage
        .read(|tx| {
            tx.query_one("select word from words where word = $1", &[&"dropped"], |row| row.get::<String>(0))
        })
        .await;
    assert_eq!(absent, Err(StorageError::NotFound));
}

async fn an_error_undoes_only_its_own_body(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    let (held, go_on) = hold(&storage);
    let writes = join_all((0..60).map(|i| {
        storage.write(move |tx| {
            add_word(tx, &format!("word {i}"))?;
            if i % 3 == 0 { Err(Refused::Declined) } else { Ok(()) }
        })
    }));
    let let_go = async move { go_on.send(()).unwrap() };
    let (held, (answers, ())) = join(held, join(writes, let_go)).await;
    held.unwrap();
    for (i, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer, if i % 3 == 0 { Err(Refused::Declined) } else { Ok(()) });
    }
    assert_eq!(number(&storage, "select count(*) from words").await, 40);
}

async fn increment(storage: &Storage, times: usize) {
    let done = join_all((0..times).map(|_| {
        storage.write(|tx| {
            let sql = "select n from counters where name = $1 for update";
            let n: i64 = tx.query_one(sql, &[&"a"], |row| row.get(0))?;
            tx.execute("update counters set n = $2 where name = $1", &[&"a", &(n + 1)])
        })
    }));
    for answer in done.await {
        assert_eq!(answer, Ok(1));
    }
}

async fn no_increment_is_lost(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    increment(&storage, 200).await;
    assert_eq!(number(&storage, "select n from counters where name = 'a'").await, 200);
}

async fn two_nodes_share_one_database(engine: Engine) {
    let (scratch, storage) = prepared(engine).await;
    let other = open(&scratch).await;
    join(increment(&storage, 60), increment(&other, 60)).await;
    assert_eq!(number(&storage, "select n from counters where name = 'a'").await, 120);
}

async fn a_refused_row_names_the_constraint(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    run(
        &storage,
        "create table calls (id text primary key, number text unique, day bigint, place bigint, agent text, \
         open bigint not null, word text references words (word), unique (day, place))",
    )
    .await;
    run(&storage, "create unique index calls_one_per_agent on calls (agent) where open = 1").await;
    run(
        &storage,
        "insert into calls (id, number, day, place, agent, open) values ('secret', 'secret', 1, 1, 'secret', 1)",
    )
    .await;
    for (sql, constraint) in [
        ("insert into calls (id, open) values ('secret', 0)", "calls_pkey"),
        ("insert into calls (id, number, open) values ('y', 'secret', 0)", "calls_number_key"),
        ("insert into calls (id, day, place, open) values ('y', 1, 1, 0)", "calls_day_place_key"),
        ("insert into calls (id, agent, open) values ('y', 'secret', 1)", "calls_one_per_agent"),
    ] {
        let error = storage.write(move |tx| tx.execute(sql, &[])).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error}");
        assert_eq!(error.constraint(), Some(constraint));
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    for sql in [
        "insert into calls (id, open, word) values ('secret', 0, 'no such word')",
        "insert into calls (id, open) values ('secret-y', null)",
    ] {
        let error = storage.write(move |tx| tx.execute(sql, &[])).await.unwrap_err();
        assert!(!error.is_transient() && !format!("{error} {error:?}").contains("secret"));
    }
}

async fn every_kind_of_value_comes_back(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    let create = match engine {
        Engine::Sqlite => "create table kinds (i bigint, t text, b blob)",
        Engine::Postgres => "create table kinds (i bigint, t text, b bytea)",
    };
    run(&storage, create).await;
    let instant = Timestamp::from_microsecond(1_795_467_600_123_456).unwrap();
    storage
        .write(move |tx| {
            let insert = "insert into kinds (t, i, b) values ($2, $1, $3) returning i, t, b";
            let nothing = None::<String>;

            let (i, t, b) =
                tx.query_one(insert, &[&i64::MIN, &"é\u{1f4de}", &[0u8, 255].as_slice()], |row| {
                    Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<Vec<u8>>(2)?))
                })?;
            assert_eq!((i, t.as_str(), b.as_slice()), (i64::MIN, "é\u{1f4de}", [0u8, 255].as_slice()));

            let (i, t, b) = tx.query_one(insert, &[&instant, &nothing, &None::<Vec<u8>>], |row| {
                Ok((row.get::<Timestamp>(0)?, row.get::<Option<String>>(1)?, row.get::<Option<Vec<u8>>>(2)?))
            })?;
            assert_eq!((i, t, b), (instant, None, None));

            let (i, t, b) = tx.query_one(insert, &[&true, &Some("text"), &vec![7u8]], |row| {
                Ok((row.get::<bool>(0)?, row.get::<Option<String>>(1)?, row.get::<Option<Vec<u8>>>(2)?))
            })?;
            assert_eq!((i, t.as_deref(), b), (true, Some("text"), Some(vec![7])));

            let i = tx.query_one(insert, &[&u32::MAX, &String::new(), &Vec::new()], |row| {
                Ok((row.get::<u32>(0)?, row.get::<u64>(0)?, row.get::<String>(1)?, row.get::<Vec<u8>>(2)?))
            })?;
            assert_eq!(i, (u32::MAX, u64::from(u32::MAX), String::new(), Vec::new()));

            // Out of range, of another kind, absent, beyond the last column.
            let wrong = tx.query_one(insert, &[&-1i64, &nothing, &None::<Vec<u8>>], |row| {
                Ok([
                    row.get::<u32>(0).unwrap_err(),
                    row.get::<u64>(0).unwrap_err(),
                    row.get::<bool>(0).unwrap_err(),
                    row.get::<String>(0).unwrap_err(),
                    row.get::<String>(1).unwrap_err(),
                    row.get::<i64>(3).unwrap_err(),
                ])
            })?;
            for (error, column) in wrong.into_iter().zip([0, 0, 0, 0, 1, 3]) {
                assert!(matches!(error, StorageError::Column { index, .. } if index == column));
            }
            assert!(tx.query_one("select exists (select i from kinds)", &[], |row| row.get::<bool>(0))?);
            Ok::<_, StorageError>(())
        })
        .await
        .unwrap();
}

async fn a_panic_undoes_only_its_own_body(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    let (held, go_on) = hold(&storage);
    let before = storage.write(|tx| add_word(tx, "before"));
    let (runs, times) = mpsc::channel();
    let panics = storage.write::<(), StorageError, _>(move |tx| {
        runs.send(()).unwrap();
        add_word(tx, "never")?;
        panic!("on purpose")
    });
    let after = storage.write(|tx| add_word(tx, "after"));
    let let_go = async move { go_on.send(()).unwrap() };
    let (held, ((before, panicked), (after, ()))) =
        join(held, join(join(before, panics), join(after, let_go))).await;
    held.unwrap();
    assert_eq!((before, panicked, after), (Ok(1), Err(StorageError::Panicked), Ok(1)));
    assert_eq!(number(&storage, "select count(*) from words").await, 2);
    assert_eq!(times.iter().count(), 1, "what has panicked is not run again");
}

async fn a_body_outlives_its_caller(engine: Engine) {
    let (scratch, storage) = prepared(engine).await;
    let (held, go_on) = hold(&storage);
    let mut held = Box::pin(held);
    assert!(poll_immediate(&mut held).await.is_none());
    let (done, seen) = mpsc::channel();
    let write = storage.write(move |tx| {
        let added = add_word(tx, "kept");
        done.send(()).unwrap();
        added
    });
    // Polled once it is accepted; then its caller goes away.
    assert!(poll_immediate(Box::pin(write)).await.is_none());
    go_on.send(()).unwrap();
    held.await.unwrap();
    tokio::task::spawn_blocking(move || seen.recv_timeout(PATIENCE).unwrap()).await.unwrap();
    storage.close().await;
    let again = open(&scratch).await;
    assert_eq!(number(&again, "select count(*) from words").await, 1);
}

async fn a_reader_cannot_write(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    let written = storage.read(|tx| add_word(tx, "never")).await;
    assert!(matches!(written, Err(StorageError::Statement { .. })), "{written:?}");
    assert_eq!(number(&storage, "select count(*) from words").await, 0);
}

async fn a_failed_statement_cannot_be_swallowed(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    storage.write(|tx| add_word(tx, "twice")).await.unwrap();
    let swallowed = storage
        .write(|tx| {
            add_word(tx, "lost")?;
            assert!(add_word(tx, "twice").is_err());
            assert!(add_word(tx, "further").is_err());
            Ok::<_, StorageError>(())
        })
        .await;
    assert!(swallowed.unwrap_err().is_unique_violation());
    let reworded = storage.write(|tx| add_word(tx, "twice").map_err(|_| Refused::Declined)).await;
    assert_eq!(reworded, Err(Refused::Declined));
    assert_eq!(number(&storage, "select count(*) from words").await, 1);
}

async fn a_commit_that_fails_is_an_error(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    run(
        &storage,
        "create table uses (word text primary key references words (word) deferrable initially deferred)",
    )
    .await;
    let orphan = storage.write(|tx| tx.execute("insert into uses (word) values ('unknown')", &[])).await;
    assert!(matches!(orphan, Err(StorageError::Constraint { .. })), "{orphan:?}");
    storage.write(|tx| add_word(tx, "next")).await.unwrap();
    assert_eq!(number(&storage, "select count(*) from uses").await, 0);
}

async fn rows_are_claimed_once(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    for word in ["a", "b", "c", "d", "e", "f"] {
        storage.write(move |tx| add_word(tx, word)).await.unwrap();
    }
    let claims = join_all((0..10).map(|_| {
        storage.write(|tx| {
            tx.query_opt(
                "update words set taken = 1 where word in (select word from words where taken = 0 \
                 order by word limit $1 for update skip locked) returning word",
                &[&1i64],
                |row| row.get::<String>(0),
            )
        })
    }));
    let mut claimed: Vec<String> = claims.await.into_iter().filter_map(Result::unwrap).collect();
    claimed.sort_unstable();
    assert_eq!(claimed, ["a", "b", "c", "d", "e", "f"]);
}

/// On PostgreSQL the first try of each waits until both hold what the other one wants: a deadlock, which the database
/// ends by failing one of them. On SQLite one body runs after the other.
async fn colliding_bodies_all_get_through(engine: Engine) {
    let (_scratch, storage) = prepared(engine).await;
    let both_hold = Arc::new(Barrier::new(2));
    let tries = Arc::new(AtomicU32::new(0));
    let crossing = |first: &'static str, second: &'static str| {
        let (both_hold, tries) = (Arc::clone(&both_hold), Arc::clone(&tries));
        let mut tried = false;
        storage.write(move |tx| {
            tries.fetch_add(1, Ordering::Relaxed);
            let sql = "update counters set n = n + 1 where name = $1";
            tx.execute(sql, &[&first])?;
            if engine == Engine::Postgres && !std::mem::replace(&mut tried, true) {
                both_hold.wait();
            }
            tx.execute(sql, &[&second])
        })
    };
    let answers = join(crossing("a", "b"), crossing("b", "a")).await;
    assert_eq!(answers, (Ok(1), Ok(1)));
    assert_eq!(number(&storage, "select min(n) * 10 + max(n) from counters").await, 22);
    assert_eq!(tries.load(Ordering::Relaxed), if engine == Engine::Postgres { 3 } else { 2 });
}

async fn the_schema_is_brought_up_to_date_once(engine: Engine) {
    let scratch = Scratch::new(engine);
    let nodes = join_all((0..4).map(|_| open(&scratch))).await;
    let applied = "select count(*) from refinery_schema_history";
    let after_all = number(&nodes[0], applied).await;
    assert!(after_all >= 1);
    let again = open(&scratch).await;
    assert_eq!(number(&again, applied).await, after_all);
    assert_eq!(number(&again, "select count(*) from callbacks").await, 0);
}

async fn wake_ups_are_heard(engine: Engine) {
    let scratch = Scratch::new(engine);
    let (here, there) = (open(&scratch).await, open(&scratch).await);
    let (mut heard_here, mut heard_there) = (here.wakes().subscribe(), there.wakes().subscribe());
    here.wakes().publish("queue/1".to_owned());
    assert_eq!(&*heard_here.recv().await.unwrap(), "queue/1");
    // On SQLite there is one node.
    if engine == Engine::Postgres {
        assert_eq!(&*heard_there.recv().await.unwrap(), "queue/1");
        there.wakes().publish("queue/2".to_owned());
        // What a node said itself it does not hear again from the database.
        assert_eq!(&*heard_here.recv().await.unwrap(), "queue/2");
    }
}

async fn close_finishes_what_was_accepted(engine: Engine) {
    let (scratch, storage) = prepared(engine).await;
    let (held, go_on) = hold(&storage);
    let writes = join_all((0..60).map(|i| storage.write(move |tx| add_word(tx, &format!("word {i}")))));
    let closing = storage.clone();
    let close = async move {
        go_on.send(()).unwrap();
        closing.close().await;
    };
    let (held, (answers, ())) = join(held, join(writes, close)).await;
    held.unwrap();
    assert!(answers.into_iter().all(|answer| answer == Ok(1)));
    assert_eq!(storage.write(|tx| add_word(tx, "late")).await, Err(StorageError::Closed));
    assert_eq!(storage.read(|_| Ok(())).await, Err(StorageError::Closed));
    let again = open(&scratch).await;
    assert_eq!(number(&again, "select count(*) from words").await, 60);
}

/// What only a database across a network can do to us.
mod lost_connections {
    use super::*;
    use crate::within_patience;

    #[tokio::test]
    async fn before_the_commit_another_try_is_made() {
        within_patience(async {
            let (_scratch, storage) = prepared(Engine::Postgres).await;
            let mut tries = 0;
            let written = storage.write(move |tx| {
                tries += 1;
                add_word(tx, "kept")?;
                if tries == 1 {
                    tx.query_one("select pg_terminate_backend(pg_backend_pid())", &[], |row| {
                        row.get::<bool>(0)
                    })?;
                }
                Ok::<_, StorageError>(tries)
            });
            assert_eq!(written.await, Ok(2));
            assert_eq!(number(&storage, "select count(*) from words").await, 1);
        })
        .await;
    }

    #[tokio::test]
    async fn during_the_commit_the_outcome_is_unclear_and_it_is_not_repeated() {
        within_patience(async {
            let (_scratch, storage) = prepared(Engine::Postgres).await;
            run(
                &storage,
                "create function hang_up() returns trigger language plpgsql as \
                 'begin perform pg_terminate_backend(pg_backend_pid()); return null; end'",
            )
            .await;
            run(
                &storage,
                "create constraint trigger at_commit after insert on words deferrable initially deferred \
                 for each row execute function hang_up()",
            )
            .await;
            let tries = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&tries);
            let written = storage.write(move |tx| {
                counted.fetch_add(1, Ordering::Relaxed);
                add_word(tx, "perhaps")
            });
            assert_eq!(written.await, Err(StorageError::Unclear));
            assert_eq!(tries.load(Ordering::Relaxed), 1);
            run(&storage, "drop trigger at_commit on words").await;
            storage.write(|tx| add_word(tx, "next")).await.unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn a_listener_that_lost_its_connection_tells_everybody_to_look() {
        within_patience(async {
            let (_scratch, storage) = prepared(Engine::Postgres).await;
            let mut heard = storage.wakes().subscribe();
            let ended = storage.write(|tx| {
                tx.query(
                    "select pg_terminate_backend(pid) from pg_stat_activity \
                     where datname = current_database() and query like 'listen%'",
                    &[],
                    |row| row.get::<bool>(0),
                )
            });
            assert_eq!(ended.await, Ok(vec![true]));
            assert_eq!(&*heard.recv().await.unwrap(), RESYNC);
        })
        .await;
    }
}
