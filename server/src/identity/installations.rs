//! Installations: registered once, however often they ask.

use super::keys::{SecretKey, hash_secret};
use crate::refusal::Refusal;
use crate::storage::Tx;
use ringback_core::protocol::{Installation, InstallationSecret, ProblemCode, Timestamp};

/// Registers the installation with this secret, or finds it, and gives it a new token.
pub(super) fn register(
    tx: &mut Tx<'_>,
    app_key_id: &str,
    secret: &InstallationSecret,
    now: Timestamp,
) -> Result<Installation, Refusal> {
    let fresh = uuid::Uuid::now_v7().simple().to_string();
    let token = SecretKey::generate_installation(fresh).map_err(|_| Refusal::Damaged("no randomness"))?;
    let (id, secret_hash) = (format!("in_{}", token.id), hash_secret(secret.expose()));
    // The insert waits for a twin that is under way, so both get the same installation.
    let inserted = tx.execute(
        "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
         values ($1, $2, $3, $4, 0, $5) on conflict (secret_hash) do nothing",
        &[&id, &app_key_id, &secret_hash, &token.hash(), &now],
    )?;
    if inserted == 1 {
        return Ok(Installation { id, token: token.reveal() });
    }
    let (id, app) = tx.query_one(
        "select id, app_key_id from installations where secret_hash = $1",
        &[&secret_hash],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    if app != app_key_id {
        return Err(Refusal::plain(ProblemCode::CredentialsInvalid));
    }
    let bare = id.strip_prefix("in_").ok_or(Refusal::Damaged("an installation's id"))?.to_owned();
    let token = SecretKey::generate_installation(bare).map_err(|_| Refusal::Damaged("no randomness"))?;
    tx.execute("update installations set token_hash = $1 where id = $2", &[&token.hash(), &id])?;
    Ok(Installation { id, token: token.reveal() })
}
