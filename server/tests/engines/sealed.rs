//! A database is opened with the key it was sealed with, or not at all.

use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, OpenError, Storage, VaultError};

on_both_engines!(another_key_is_refused);

async fn another_key_is_refused(engine: Engine) {
    let database = Scratch::new(engine);
    let (first, vault) = Storage::open_sealed(&database.settings).await.unwrap();
    let sealed = vault.seal(b"a secret", "a.column").unwrap();
    first.close().await;

    let (again, vault) = Storage::open_sealed(&database.settings).await.unwrap();
    assert_eq!(vault.unseal(&sealed, "a.column").unwrap(), b"a secret");
    again.close().await;

    let mut settings = database.settings.clone();
    settings.key_file = database.folder().join("another.key");
    let refused = Storage::open_sealed(&settings).await;
    assert!(matches!(refused, Err(OpenError::Vault(VaultError::WrongKey))));
}
