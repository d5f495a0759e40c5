//! A database and the key it is sealed with, opened together.

use super::{Storage, StorageError, StorageSettings, Vault, VaultError};
use std::sync::Arc;

const SEALED_AS: &str = "seal_check.word";
const WORD: &[u8] = b"ringback";

/// The database cannot be used with this key.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database cannot be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The key cannot be had, or is not the one the database is sealed with.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Storage {
    /// Opens the database with its vault. A node with another key is refused here, before it can write what the others
    /// cannot read, or look for numbers under hashes that nobody else finds.
    pub async fn open_sealed(settings: &StorageSettings) -> Result<(Self, Arc<Vault>), OpenError> {
        let vault = Arc::new(Vault::open(settings)?);
        let storage = Self::open(settings).await?;
        let ours = vault.seal(WORD, SEALED_AS)?;
        let sealed = storage
            .write(move |tx| {
                tx.execute(
                    "insert into seal_check (id, word_sealed) values (1, $1) on conflict (id) do nothing",
                    &[&ours],
                )?;
                tx.query_one("select word_sealed from seal_check where id = 1", &[], |row| {
                    row.get::<Vec<u8>>(0)
                })
            })
            .await?;
        vault.unseal(&sealed, SEALED_AS)?;
        Ok((storage, vault))
    }
}
