//! What statements promise, on both engines: the place of `Tx::execute_later` among them, that its failure is the
//! transaction's, and `json_rows`. PostgreSQL wants `RINGBACK_TEST_POSTGRES`, which `cargo xtask test` sets.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, StorageError, Tx};

async fn words(engine: Engine) -> (Scratch, Storage) {
    let scratch = Scratch::new(engine);
    let storage = Storage::open(&scratch.settings).await.unwrap();
    let create = |tx: &mut Tx<'_>| {
        tx.execute("create table words (word text primary key, taken bigint not null default 0)", &[])
    };
    storage.write(create).await.unwrap();
    (scratch, storage)
}

fn later(tx: &mut Tx<'_>, word: &str) -> Result<(), StorageError> {
    tx.execute_later("insert into words (word) values ($1)", &[&word])
}

fn all(tx: &mut Tx<'_>) -> Result<Vec<String>, StorageError> {
    tx.query("select word from words order by word", &[], |row| row.get(0))
}

async fn it_keeps_its_place(engine: Engine) {
    let (_scratch, storage) = words(engine).await;
    let seen = storage
        .write(|tx| {
            later(tx, "a")?;
            tx.execute_later("update words set word = 'b' where word = 'a'", &[])?;
            let before = all(tx)?;
            // Nothing comes after it but the commit.
            later(tx, "c")?;
            Ok::<_, StorageError>(before)
        })
        .await;
    assert_eq!(seen, Ok(vec!["b".to_owned()]));
    assert_eq!(storage.read(all).await, Ok(vec!["b".to_owned(), "c".to_owned()]));
}

async fn its_failure_is_the_transactions(engine: Engine) {
    let (_scratch, storage) = words(engine).await;
    storage.write(|tx| later(tx, "once")).await.unwrap();
    let at_the_next = storage
        .write(|tx| {
            later(tx, "lost")?;
            let first = later(tx, "once");
            let then = all(tx);
            assert!(first.is_err() || then.is_err());
            Ok::<_, StorageError>(())
        })
        .await;
    assert!(at_the_next.unwrap_err().is_unique_violation());
    let at_the_commit = storage
        .write(|tx| {
            tx.execute("insert into words (word) values ('lost')", &[])?;
            later(tx, "once")?;
            later(tx, "lost too")
        })
        .await;
    assert!(at_the_commit.unwrap_err().is_unique_violation());
    assert_eq!(storage.read(all).await, Ok(vec!["once".to_owned()]));
    storage.write(|tx| later(tx, "twice")).await.unwrap();
}

async fn nothing_of_a_declined_body_is_sent(engine: Engine) {
    let (_scratch, storage) = words(engine).await;
    let declined = storage
        .write(|tx| {
            later(tx, "never")?;
            Err::<(), _>(StorageError::NotFound)
        })
        .await;
    assert_eq!(declined, Err(StorageError::NotFound));
    storage.write(|tx| later(tx, "next")).await.unwrap();
    assert_eq!(storage.read(all).await, Ok(vec!["next".to_owned()]));
}

async fn one_statement_is_about_many_rows(engine: Engine) {
    let (_scratch, storage) = words(engine).await;
    for word in ["a", "b", "c'\"$1"] {
        storage.write(move |tx| later(tx, word)).await.unwrap();
    }
    let set = |rows: &'static str| {
        storage.write(move |tx| {
            tx.execute(
                "update words set taken = given.taken from (select value ->> 0 as word, \
                 cast(value ->> 1 as bigint) as taken from json_rows($1)) given where words.word = given.word",
                &[&rows],
            )
        })
    };
    let number = async |sql: &'static str| {
        storage.read(move |tx| tx.query_one::<i64>(sql, &[], |row| row.get(0))).await.unwrap()
    };
    assert_eq!(set("[]").await.unwrap(), 0);
    assert_eq!(set(r#"[["a",9007199254740993],["c'\"$1",-2],["x",3]]"#).await.unwrap(), 2);
    assert_eq!(number("select taken from words where word = 'a'").await, 9_007_199_254_740_993);
    assert_eq!(number("select taken from words where word = 'b'").await, 0);
    assert_eq!(number("select taken from words where taken < 0").await, -2);
}

macro_rules! on_both_engines {
    ($($case:ident),*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::Engine::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::Engine::Postgres).await;
            })*
        }
    };
}

on_both_engines!(
    it_keeps_its_place,
    its_failure_is_the_transactions,
    nothing_of_a_declined_body_is_sent,
    one_statement_is_about_many_rows
);
