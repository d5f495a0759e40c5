//! A database is opened with the key it was sealed with, or not at all. PostgreSQL's case wants
//! `RINGBACK_TEST_POSTGRES`, which `cargo xtask test` sets.

use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, OpenError, Storage, VaultError};

async fn another_key_is_refused(engine: Engine) -> Result<(), OpenError> {
    let database = Scratch::new(engine);
    let (first, vault) = Storage::open_sealed(&database.settings).await?;
    let sealed = vault.seal(b"a secret", "a.column")?;
    first.close().await;

    let (again, vault) = Storage::open_sealed(&database.settings).await?;
    assert_eq!(vault.unseal(&sealed, "a.column")?, b"a secret");
    again.close().await;

    let mut settings = database.settings.clone();
    settings.key_file = database.folder().join("another.key");
    let refused = Storage::open_sealed(&settings).await;
    assert!(matches!(refused, Err(OpenError::Vault(VaultError::WrongKey))));
    Ok(())
}

#[tokio::test]
async fn another_key_is_refused_on_sqlite() -> Result<(), OpenError> {
    another_key_is_refused(Engine::Sqlite).await
}

#[tokio::test]
async fn another_key_is_refused_on_postgres() -> Result<(), OpenError> {
    another_key_is_refused(Engine::Postgres).await
}
