//! Takes kept requests to the server.

use super::folder::Folder;
use super::record::Record;
use super::{ClientError, LOG_TARGET};
use crate::client::exchange::Failed;
use crate::client::installation::Session;
use crate::host::{LogLevel, Logger, Stalled, blocking};
use serde::de::DeserializeOwned;
use std::io;
use std::sync::Arc;

/// The outbox's folder and the way to the server. Clones share both.
#[derive(Clone)]
pub(crate) struct Courier {
    pub(crate) session: Arc<Session>,
    pub(crate) folder: Arc<Folder>,
    pub(crate) log: Logger,
}

impl Courier {
    /// Sends a kept request and forgets it once it is answered for good.
    pub(crate) async fn deliver<T: DeserializeOwned>(&self, record: &Record) -> Result<T, ClientError> {
        match self.session.call(&record.outgoing()).await {
            Ok(answer) => {
                self.forget_answered(&record.key).await;
                Ok(answer)
            }
            Err(Failed { error, settled: true, .. }) => {
                self.forget_answered(&record.key).await;
                Err(error)
            }
            Err(Failed { error, .. }) => Err(error.still_pending(&record.key)),
        }
    }

    /// The answer counts even if the record stays: sending it again brings the same answer.
    async fn forget_answered(&self, key: &str) {
        if let Err(error) = self.forget(key).await {
            self.log.log(LogLevel::Warn, LOG_TARGET, format!("{key} is answered but stays kept: {error}"));
        }
    }

    pub(crate) async fn forget(&self, key: &str) -> Result<(), ClientError> {
        let key = key.to_owned();
        self.in_folder(move |folder| folder.forget(&key)).await
    }

    pub(crate) async fn in_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ClientError> {
        let folder = Arc::clone(&self.folder);
        match blocking(move || work(&folder)).await {
            Ok(Ok(done)) => Ok(done),
            // The kind alone: the error itself may quote a path.
            Ok(Err(error)) => Err(ClientError::outbox(&error.kind().to_string())),
            Err(Stalled) => Err(ClientError::outbox("the disk gave no answer")),
        }
    }
}
