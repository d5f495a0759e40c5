//! PostgreSQL.

use super::job::SharedReceiver;
use super::{Param, StorageError, Task, Value};
use std::thread::JoinHandle;
use tokio::sync::mpsc;

pub(super) struct Connector;

impl Connector {
    pub(super) fn new(_: &postgres::Config) -> Result<Self, StorageError> {
        Err(StorageError::Open("PostgreSQL is not there yet".to_owned()))
    }
}

pub(super) fn start(_: &Connector, _: usize, waiting: mpsc::Receiver<Task>) -> Result<Vec<JoinHandle<()>>, StorageError> {
    let _ = SharedReceiver::new(waiting);
    Ok(Vec::new())
}

pub(super) struct Session;

impl Session {
    pub(super) fn execute(&mut self, _: &'static str, _: &[&dyn Param]) -> Result<u64, StorageError> {
        Err(StorageError::Closed)
    }
    pub(super) fn query(
        &mut self,
        _: &'static str,
        _: &[&dyn Param],
        _: &mut dyn FnMut(&postgres::Row),
    ) -> Result<(), StorageError> {
        Err(StorageError::Closed)
    }
}

pub(super) fn column(_: &postgres::Row, _: usize) -> Option<Value<'_>> {
    None
}

pub(super) fn describe(error: &postgres::Error) -> String {
    error.to_string()
}
