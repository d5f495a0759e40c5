//! A transaction, as a body sees it.

use super::value::{RowOf, Value};
use super::{FewRows, Param, Row, StorageError, postgres, sqlite};

/// A statement for many rows of parameters. SQLite is quickest when it runs one short statement again and again, which
/// needs no list and nothing to undo it by; PostgreSQL when it gets all rows at once.
pub struct ForEach {
    /// For one row: `$1` is its first parameter, `$2` its second.
    pub one: &'static str,
    /// For all of them: `json_rows($1)` are the rows, `value ->> 0` the first parameter of each, as text.
    pub all: &'static str,
}

/// A query for the rows of several keys. SQLite is quickest when it looks each up by itself; PostgreSQL when it gets all at
/// once.
pub struct OfEach {
    /// For one key, `$1`.
    pub one: &'static str,
    /// For all of them: `$1`, `$2` and so on.
    pub all: &'static str,
}

/// A transaction under way. After a statement has failed every further one fails with the same error, and nothing of
/// the transaction is kept.
pub struct Tx<'a> {
    connection: Connection<'a>,
    pub(super) failure: Option<StorageError>,
}

enum Connection<'a> {
    Sqlite(&'a mut sqlite::Session),
    Postgres(&'a mut postgres::Session),
}

impl<'a> Tx<'a> {
    pub(super) fn sqlite(session: &'a mut sqlite::Session) -> Self {
        Self { connection: Connection::Sqlite(session), failure: None }
    }

    pub(super) fn postgres(session: &'a mut postgres::Session) -> Self {
        Self { connection: Connection::Postgres(session), failure: None }
    }

    /// Runs a statement; the number of rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[&dyn Param]) -> Result<u64, StorageError> {
        self.attempt(|connection| match connection {
            Connection::Sqlite(session) => session.execute(sql, params),
            Connection::Postgres(session) => session.execute(sql, params),
        })
    }

    /// Runs a statement for each row of parameters, which are numbers and texts; the number of rows it changed.
    pub fn execute_each<const N: usize>(
        &mut self,
        sql: &ForEach,
        rows: &[[&dyn Param; N]],
    ) -> Result<u64, StorageError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.attempt(|connection| match connection {
            Connection::Sqlite(session) => session.execute_each(sql.one, rows),
            Connection::Postgres(session) => session.execute(sql.all, &[&json_rows(rows)]),
        })
    }

    /// Runs a statement whose count does not matter. It takes its place among the others, but PostgreSQL may get it only
    /// with the next one, and if it fails, the next one or the commit does. A null that it writes where
    /// none may be says that somebody else was first: the transaction is tried again.
    pub fn execute_later(&mut self, sql: &'static str, params: &[&dyn Param]) -> Result<(), StorageError> {
        self.attempt(|connection| match connection {
            Connection::Sqlite(session) => session.execute(sql, params).map(drop),
            Connection::Postgres(session) => session.execute_later(sql, params),
        })
    }

    /// Writes rows in the way of [`Tx::execute_later`].
    pub fn write_later<const N: usize>(
        &mut self,
        sql: &FewRows,
        rows: &[[&dyn Param; N]],
    ) -> Result<(), StorageError> {
        let FewRows(texts) = sql;
        self.attempt(|connection| match connection {
            Connection::Sqlite(session) => session.execute_each(texts[0], rows).map(drop),
            Connection::Postgres(session) => rows.chunks(texts.len()).try_for_each(|rows| {
                texts
                    .get(rows.len() - 1)
                    .map_or(Ok(()), |text| session.execute_later(text, rows.as_flattened()))
            }),
        })
    }

    /// Says that a query will be asked. PostgreSQL gets it together with the next statement, and the query with the same
    /// text and parameters finds its rows there, once, without waiting: as they were in between. So nothing that the
    /// transaction writes itself until then may change them.
    pub fn announce(&mut self, sql: &'static str, params: &[&dyn Param]) -> Result<(), StorageError> {
        self.attempt(|connection| match connection {
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(session) => session.announce(sql, params),
        })
    }

    /// Runs a query and maps each row. An error of `map` is passed on and does not fail the transaction by itself.
    pub fn query<T>(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        let mut found = Vec::new();
        self.each(sql, params, &mut |row| found.push(map(row)))?;
        found.into_iter().collect()
    }

    /// Like [`Tx::query`], for the rows of these keys.
    pub fn query_each<T>(
        &mut self,
        sql: &OfEach,
        keys: &[&dyn Param],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        let mut found = Vec::new();
        let mut see = |row: &Row<'_>| found.push(map(row));
        match self.connection {
            Connection::Sqlite(_) => keys.iter().try_for_each(|key| self.each(sql.one, &[*key], &mut see))?,
            Connection::Postgres(_) => self.each(sql.all, keys, &mut see)?,
        }
        found.into_iter().collect()
    }

    /// Like [`Tx::query`], for the first row only.
    pub fn query_opt<T>(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StorageError>,
    ) -> Result<Option<T>, StorageError> {
        let mut found = None;
        self.each(sql, params, &mut |row| {
            found.get_or_insert_with(|| map(row));
        })?;
        found.transpose()
    }

    /// Like [`Tx::query_opt`], where there must be a row: [`StorageError::NotFound`] if there is none.
    pub fn query_one<T>(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
        map: impl FnMut(&Row<'_>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.query_opt(sql, params, map)?.ok_or(StorageError::NotFound)
    }

    /// A statement that returns rows is always run to its end: on SQLite `returning` writes as it goes.
    fn each(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
        see: &mut dyn FnMut(&Row<'_>),
    ) -> Result<(), StorageError> {
        self.attempt(|connection| match connection {
            Connection::Sqlite(session) => {
                session.query(sql, params, &mut |row| see(&Row(RowOf::Sqlite(row))))
            }
            Connection::Postgres(session) => {
                session.query(sql, params, &mut |row| see(&Row(RowOf::Postgres(row)))).map(drop)
            }
        })
    }

    fn attempt<T>(
        &mut self,
        run: impl FnOnce(&mut Connection<'a>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let result = run(&mut self.connection);
        if let Err(error) = &result {
            self.failure = Some(error.clone());
        }
        result
    }
}

fn json_rows<const N: usize>(rows: &[[&dyn Param; N]]) -> String {
    let word = |param: &&dyn Param| match param.value() {
        Value::Integer(integer) => serde_json::Value::from(integer),
        Value::Text(text) => serde_json::Value::from(text),
        Value::Null | Value::Blob(_) => serde_json::Value::Null,
    };
    serde_json::Value::from_iter(rows.iter().map(|row| serde_json::Value::from_iter(row.iter().map(word))))
        .to_string()
}
