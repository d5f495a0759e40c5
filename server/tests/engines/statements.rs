//! What statements promise, on both engines: the place of `Tx::execute_later` among them, that its failure is the
//! transaction's, what `Tx::announce` asks, and `json_rows`.

use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, StorageError, Tx};
use std::sync::{Arc, Barrier};

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

/// The words with this beginning, as they were when the query was announced at the earliest.
const BEGINNING: &str = "select word from words where word >= $1 order by word";

fn beginning(tx: &mut Tx<'_>, with: &str) -> Result<Vec<String>, StorageError> {
    tx.query(BEGINNING, &[&with], |row| row.get(0))
}

async fn an_announced_query_is_answered_once(engine: Engine) {
    let (_scratch, storage) = words(engine).await;
    storage.write(|tx| later(tx, "m")).await.unwrap();
    let seen = storage
        .write(|tx| {
            tx.announce(BEGINNING, &[&"a"])?;
            tx.announce(BEGINNING, &[&"x"])?;
            tx.announce(BEGINNING, &[&"never asked"])?;
            // Goes with this.
            tx.execute("update words set taken = 1", &[])?;
            let found = (beginning(tx, "x")?, beginning(tx, "a")?);
            later(tx, "z")?;
            // Was not announced again.
            Ok::<_, StorageError>((found, beginning(tx, "a")?))
        })
        .await
        .unwrap();
    assert_eq!(seen, ((vec![], vec!["m".to_owned()]), vec!["m".to_owned(), "z".to_owned()]));
    let others = storage
        .write(|tx| {
            tx.announce(BEGINNING, &[&"a"])?;
            Err::<(), _>(StorageError::NotFound)
        })
        .await;
    assert_eq!(others, Err(StorageError::NotFound));
    // What another transaction announced, and what was not sent yet, is asked anew.
    storage.write(|tx| tx.execute("delete from words", &[])).await.unwrap();
    let unsent = storage
        .write(|tx| {
            tx.announce(BEGINNING, &[&"a"])?;
            beginning(tx, "a")
        })
        .await;
    assert_eq!(unsent, Ok(vec![]));
}

async fn an_announced_query_that_fails_fails_what_it_goes_with(engine: Engine) {
    let (_scratch, storage) = words(engine).await;
    let failed = storage
        .write(|tx| {
            tx.announce("select 1 / (select count(*) from words)", &[])?;
            tx.execute("insert into words (word) values ('lost')", &[])
        })
        .await;
    match engine {
        Engine::Postgres => assert!(matches!(failed, Err(StorageError::Statement { .. })), "{failed:?}"),
        // Which asks nothing until the rows are wanted.
        Engine::Sqlite => assert_eq!(failed, Ok(1)),
    }
}

/// Two first uses at once, each of which takes the other for not there.
async fn who_collides_tries_again(engine: Engine) {
    let (_scratch, storage) = words(engine).await;
    let both_looked = Arc::new(Barrier::new(2));
    let uses = (0..2).map(|_| {
        let (storage, both_looked) = (storage.clone(), both_looked.clone());
        let mut tries = 0;
        tokio::spawn(async move {
            storage
                .write(move |tx| {
                    let known = tx.query_opt("select taken from words where word = 'one'", &[], |row| {
                        row.get::<i64>(0)
                    })?;
                    tries += 1;
                    // SQLite has one writer, which would wait here for itself.
                    if engine == Engine::Postgres && tries == 1 {
                        both_looked.wait();
                    }
                    tx.execute_later(
                        "insert into words (word, taken) values ('one', $1) on conflict (word) do update set \
                         taken = case when words.taken = excluded.taken - 1 then excluded.taken end",
                        &[&(known.unwrap_or_default() + 1)],
                    )
                })
                .await
        })
    });
    for used in uses.collect::<Vec<_>>() {
        used.await.unwrap().unwrap();
    }
    let taken = storage.read(|tx| tx.query_one::<i64>("select taken from words", &[], |row| row.get(0)));
    assert_eq!(taken.await, Ok(2));
}

on_both_engines!(
    it_keeps_its_place,
    its_failure_is_the_transactions,
    nothing_of_a_declined_body_is_sent,
    one_statement_is_about_many_rows,
    an_announced_query_is_answered_once,
    an_announced_query_that_fails_fails_what_it_goes_with,
    who_collides_tries_again
);
