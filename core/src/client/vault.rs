//! What the client keeps in the host's secure store: a few JSON texts under fixed keys.

use super::ClientError;
use crate::host::{HostError, LogLevel, Logger, SecureStore, Stalled, blocking};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

#[derive(Clone)]
pub(crate) struct Vault {
    pub(crate) store: Arc<dyn SecureStore>,
    pub(crate) log: Logger,
}

impl Vault {
    /// What is kept under this key. What cannot be read any more counts as never kept, and is reported.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        key: &'static str,
    ) -> Result<Option<T>, ClientError> {
        let store = self.store.clone();
        let text = blocking(move || store.get(key.to_owned())).await;
        let Some(text) = settle(text)? else { return Ok(None) };
        let kept = serde_json::from_str(&text).ok();
        if kept.is_none() {
            self.log.log(
                LogLevel::Error,
                "ringback::vault",
                format!("what is kept under {key} is damaged and given up"),
            );
        }
        Ok(kept)
    }

    pub(crate) async fn write<T: Serialize + Sync>(
        &self,
        key: &'static str,
        value: &T,
    ) -> Result<(), ClientError> {
        let text =
            serde_json::to_string(value).map_err(|_| ClientError::internal("a value has no JSON form"))?;
        let store = self.store.clone();
        settle(blocking(move || store.put(key.to_owned(), text)).await)
    }
}

fn settle<T>(outcome: Result<Result<T, HostError>, Stalled>) -> Result<T, ClientError> {
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(ClientError::storage(&error.to_string())),
        Err(Stalled) => Err(ClientError::storage("it gave no answer")),
    }
}
