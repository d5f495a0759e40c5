//! What the client keeps in the host's secure store: a few JSON texts under fixed keys.

use super::busy::Busy;
use super::disk::Disk;
use super::seal::{KEY_BYTES, Seal, new_key};
use super::{Boxed, ClientError, read_text};
use crate::host::{HostError, LogLevel, Logger, SecureStore, Stalled, blocking};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, de::DeserializeOwned};
use std::io;
use std::sync::Arc;
use tokio::sync::OnceCell;

const SEAL_KEY: &str = "ringback.seal";
const LOG_TARGET: &str = "ringback::vault";

#[derive(Clone)]
pub(crate) struct Vault {
    store: Arc<dyn SecureStore>,
    /// Two processes of the app that make the same thing at once would make two.
    disk: Arc<Disk>,
    seal: Arc<OnceCell<Seal>>,
    busy: Busy,
    pub(crate) log: Logger,
}

/// Why nothing came of it.
enum Trouble {
    Host(HostError),
    Io(io::Error),
    /// A value has no JSON form.
    Json,
}

impl From<HostError> for Trouble {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Vault {
    pub(crate) fn new(store: Arc<dyn SecureStore>, disk: Arc<Disk>, busy: Busy, log: Logger) -> Self {
        Self { store, disk, seal: Arc::default(), busy, log }
    }

    /// What is kept under this key. What cannot be read any more counts as never kept, and is reported.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        key: &'static str,
    ) -> Result<Option<T>, ClientError> {
        Ok(self.get(key).await?.and_then(|text| self.understand(key, &text)))
    }

    fn get(&self, key: &'static str) -> Boxed<'_, Result<Option<String>, ClientError>> {
        Box::pin(self.blocking(move |vault| Ok(vault.store.get(key.to_owned())?)))
    }

    pub(crate) async fn write<T: Serialize + Sync>(
        &self,
        key: &'static str,
        value: &T,
    ) -> Result<(), ClientError> {
        let text =
            serde_json::to_string(value).map_err(|_| ClientError::internal("a value has no JSON form"))?;
        self.put(key, text).await
    }

    fn put(&self, key: &'static str, text: String) -> Boxed<'_, Result<(), ClientError>> {
        Box::pin(self.blocking(move |vault| Ok(vault.store.put(key.to_owned(), text)?)))
    }

    /// What is kept under this key if it is `good`; otherwise what `make` makes, which is then kept. Of two processes that
    /// come at once both get the same.
    pub(crate) async fn read_or_make<T: Serialize + DeserializeOwned + Send + 'static>(
        &self,
        key: &'static str,
        good: impl Fn(&T) -> bool + Send + 'static,
        make: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, ClientError> {
        self.blocking(move |vault| {
            let read = || {
                let text = vault.store.get(key.to_owned())?;
                Ok::<_, Trouble>(text.and_then(|text| vault.understand(key, &text)).filter(|kept| good(kept)))
            };
            if let Some(kept) = read()? {
                return Ok(kept);
            }
            let _locked = vault.disk.lock()?;
            if let Some(kept) = read()? {
                return Ok(kept);
            }
            let made = make()?;
            let text = serde_json::to_string(&made).map_err(|_| Trouble::Json)?;
            vault.store.put(key.to_owned(), text)?;
            Ok(made)
        })
        .await
    }

    /// What files are sealed with. Its key is made at first use and lies in the secure store; when it is lost there, what
    /// was sealed is lost, too.
    pub(crate) async fn seal(&self) -> Result<Seal, ClientError> {
        let obtain = || async {
            let is_key = |text: &String| decode(text).is_some();
            let make = || Ok(URL_SAFE_NO_PAD.encode(*new_key()?));
            let text = self.read_or_make(SEAL_KEY, is_key, make).await?;
            let key = decode(&text).ok_or_else(|| ClientError::internal("a key is not one"))?;
            Ok::<_, ClientError>(Seal::new(&key))
        };
        self.seal.get_or_try_init(obtain).await.cloned()
    }

    fn understand<T: DeserializeOwned>(&self, key: &str, text: &str) -> Option<T> {
        let kept = read_text(text).ok();
        if kept.is_none() {
            let line = format!("what is kept under {key} is damaged and given up");
            self.log.log(LogLevel::Error, LOG_TARGET, line);
        }
        kept
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, ClientError> {
        let (vault, under_way) = (self.clone(), self.busy.begin());
        let done = blocking(move || {
            let _under_way = under_way;
            work(&vault)
        });
        match done.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(Trouble::Host(error))) => Err(ClientError::storage(&error.to_string())),
            Ok(Err(Trouble::Io(error))) => Err(ClientError::outbox(&error)),
            Ok(Err(Trouble::Json)) => Err(ClientError::internal("a value has no JSON form")),
            Err(Stalled) => Err(ClientError::storage("it gave no answer")),
        }
    }
}

fn decode(text: &str) -> Option<[u8; KEY_BYTES]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
