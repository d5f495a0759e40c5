//! A connection at work: statements, and what goes along with them.

use super::explain;
use crate::storage::statement::for_postgres;
use crate::storage::value::OwnedValue;
use crate::storage::{Param, StorageError, Value};
use futures_util::future::{join, join_all};
use futures_util::{StreamExt as _, pin_mut};
use std::collections::HashMap;
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Row, Statement};

/// A connection with the statements it has prepared.
pub(in crate::storage) struct Session {
    // Before the runtime, which carries its messages.
    client: Client,
    runtime: Runtime,
    prepared: HashMap<&'static str, Statement>,
    /// What goes with the next statement, before it.
    later: Vec<Later>,
    /// Rows of announced queries that nobody has asked for yet.
    found: Vec<(Question, Vec<Row>)>,
}

/// A query and its parameters.
#[derive(PartialEq)]
struct Question {
    sql: &'static str,
    values: Vec<OwnedValue>,
}

impl Question {
    fn new(sql: &'static str, params: &[&dyn Param]) -> Self {
        Self { sql, values: params.iter().map(|param| OwnedValue::from(param.value())).collect() }
    }
}

/// A statement that waits to go with the next one.
struct Later {
    statement: Statement,
    question: Question,
    /// It is a query that will be asked.
    announced: bool,
}

/// Why a statement has no answer.
pub(super) enum Failure {
    /// It was not sent.
    Refused(StorageError),
    /// It was sent, and failed.
    Sent(Error),
    /// A write that nobody waited for found that somebody else's was first.
    Collided,
}

impl Session {
    pub(super) fn new(client: Client, runtime: Runtime) -> Self {
        Self { client, runtime, prepared: HashMap::new(), later: Vec::new(), found: Vec::new() }
    }

    /// Forgets what was kept back or announced.
    pub(super) fn begin(&mut self) {
        self.later.clear();
        self.found.clear();
    }

    pub(in crate::storage) fn execute(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
    ) -> Result<u64, StorageError> {
        self.query(sql, params, &mut |_| {})
    }

    /// Sends it with the next statement, which fails if this fails.
    pub(in crate::storage) fn execute_later(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
    ) -> Result<(), StorageError> {
        self.keep_back(sql, params, false)
    }

    /// Sends it with the next statement, and keeps its rows until they are asked for.
    pub(in crate::storage) fn announce(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
    ) -> Result<(), StorageError> {
        self.keep_back(sql, params, true)
    }

    fn keep_back(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
        announced: bool,
    ) -> Result<(), StorageError> {
        let statement = self.prepare(sql, params)?;
        self.later.push(Later { statement, question: Question::new(sql, params), announced });
        Ok(())
    }

    /// Shows `see` every row; the number of rows that were returned or changed.
    pub(in crate::storage) fn query(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
        see: &mut dyn FnMut(&Row),
    ) -> Result<u64, StorageError> {
        if let Some(rows) = self.take_found(sql, params) {
            rows.iter().for_each(see);
            return Ok(rows.len() as u64);
        }
        self.run(sql, params, see).map_err(|failure| match failure {
            Failure::Refused(error) => error,
            Failure::Sent(error) => explain(&error),
            Failure::Collided => StorageError::Conflict,
        })
    }

    fn take_found(&mut self, sql: &'static str, params: &[&dyn Param]) -> Option<Vec<Row>> {
        let is_it = |question: &Question| question.sql == sql && *question == Question::new(sql, params);
        // What was not sent yet is asked now.
        self.later.retain(|later| !(later.announced && is_it(&later.question)));
        let place = self.found.iter().position(|(question, _)| is_it(question))?;
        Some(self.found.swap_remove(place).1)
    }

    pub(super) fn run(
        &mut self,
        sql: &'static str,
        params: &[&dyn Param],
        see: &mut dyn FnMut(&Row),
    ) -> Result<u64, Failure> {
        let statement = self.prepare(sql, params).map_err(Failure::Refused)?;
        let (client, before) = (&self.client, std::mem::take(&mut self.later));
        let before = before.into_iter().map(|later| async move {
            let mut rows = Vec::new();
            let values = later.question.values.iter().map(OwnedValue::borrowed);
            drain(client, &later.statement, values, |row| rows.push(row)).await?;
            Ok::<_, Error>(later.announced.then_some((later.question, rows)))
        });
        let last = drain(client, &statement, params.iter().map(|param| param.value()), |row| see(&row));
        // Each is sent when it is first looked at, and they are looked at in this order.
        let (before, last) = self.runtime.block_on(join(join_all(before), last));
        // The first failure is the cause of those that follow.
        for found in before {
            match found {
                Ok(found) => self.found.extend(found),
                Err(error) if is_collision(&error) => return Err(Failure::Collided),
                Err(error) => return Err(Failure::Sent(error)),
            }
        }
        last.map_err(Failure::Sent)
    }

    fn prepare(&mut self, sql: &'static str, params: &[&dyn Param]) -> Result<Statement, StorageError> {
        let statement = match self.prepared.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let prepared = self.runtime.block_on(self.client.prepare(&for_postgres(sql)));
                let statement = prepared.map_err(|error| explain(&error))?;
                self.prepared.insert(sql, statement.clone());
                statement
            }
        };
        let fits = params.len() == statement.params().len()
            && params.iter().zip(statement.params()).all(|(param, wanted)| param.value().fits(wanted));
        if fits {
            return Ok(statement);
        }
        let message = format!("it wants the parameters {:?}", statement.params());
        Err(StorageError::Statement { code: "client".to_owned(), message })
    }
}

/// A statement says so by a null where none may be: nobody writes one by mistake, for parameters are never null there.
fn is_collision(error: &Error) -> bool {
    error.code() == Some(&SqlState::NOT_NULL_VIOLATION)
}

async fn drain<'a>(
    client: &Client,
    statement: &Statement,
    values: impl ExactSizeIterator<Item = Value<'a>>,
    mut see: impl FnMut(Row),
) -> Result<u64, Error> {
    let rows = client.query_raw(statement, values).await?;
    pin_mut!(rows);
    while let Some(row) = rows.next().await {
        see(row?);
    }
    Ok(rows.rows_affected().unwrap_or_default())
}
