//! Brings the schema up to date at start. `migrations/` holds one text for both engines; all that is new is applied in
//! one transaction.

use super::StorageError;
use super::statement::migration_for_sqlite;
use refinery::{Migration, Runner};
use rusqlite::TransactionBehavior;

mod embedded {
    refinery::embed_migrations!("src/storage/migrations");
}

/// PostgreSQL's advisory locks are numbers that all its clients share; this one is ours.
const POSTGRES_LOCK: i64 = 0x7269_6e67_6261_636b;

pub(super) fn sqlite(connection: &mut rusqlite::Connection) -> Result<(), StorageError> {
    let rewritten: Result<Vec<_>, _> = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| {
            Migration::unapplied(
                &migration.to_string(),
                &migration_for_sqlite(migration.sql().unwrap_or_default()),
            )
        })
        .collect();
    let runner = Runner::new(&rewritten.map_err(|error| explain(&error))?).set_grouped(true);
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    // Another process may apply the same between our look and our turn to write. Then ours fails as a whole, and the
    // second look sees that nothing is left to do.
    runner.run(connection).or_else(|_| runner.run(connection)).map(drop).map_err(|error| explain(&error))
}

pub(super) fn postgres(client: &mut postgres::Client) -> Result<(), StorageError> {
    let unlocked = |error: postgres::Error| StorageError::Migration(super::postgres::describe(&error));
    client.query_one("select pg_advisory_lock($1)", &[&POSTGRES_LOCK]).map_err(unlocked)?;
    let done = embedded::migrations::runner().set_grouped(true).run(client);
    client.query_one("select pg_advisory_unlock($1)", &[&POSTGRES_LOCK]).map_err(unlocked)?;
    done.map(drop).map_err(|error| explain(&error))
}

/// A migration's own error says no more than "error applying migrations": the cause is what helps.
fn explain(error: &refinery::Error) -> StorageError {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    StorageError::Migration(message)
}
