//! Installations: registered once, however often they ask.

use super::caller::{AppCaller, stored_key};
use super::keys::{SecretKey, hash_secret};
use super::signature::key_bytes;
use super::signed::Nonce;
use crate::refusal::Refusal;
use crate::storage::Tx;
use crate::words::word;
use ringback_core::protocol::{Installation, InstallationSecret, ProblemCode, PublicKey, Timestamp};

/// Who asks to be registered.
#[derive(Debug, Clone)]
pub(super) struct NewInstallation {
    pub(super) app: AppCaller,
    pub(super) secret: InstallationSecret,
    /// Its key, and the nonce of the signature that has shown that it holds it.
    pub(super) key: Option<(PublicKey, Nonce)>,
}

/// Registers the installation with this secret, or finds it, and gives it a new token.
pub(super) fn register(
    tx: &mut Tx<'_>,
    new: &NewInstallation,
    now: Timestamp,
) -> Result<Installation, Refusal> {
    if new.app.needs_installation_key && new.key.is_none() {
        return Err(Refusal::plain(ProblemCode::InstallationKeyRequired));
    }
    let key = match &new.key {
        Some((key, _)) => {
            let bytes = key_bytes(key).ok_or(Refusal::Damaged("a key that was checked"))?;
            Some((word(key.algorithm)?, bytes))
        }
        None => None,
    };
    let (id, token) = find_or_insert(tx, new, key.as_ref(), now)?;
    if let Some((_, nonce)) = &new.key {
        nonce.spend(tx, &id)?;
    }
    Ok(Installation { id, token: token.reveal() })
}

fn find_or_insert(
    tx: &mut Tx<'_>,
    new: &NewInstallation,
    key: Option<&(String, Vec<u8>)>,
    now: Timestamp,
) -> Result<(String, SecretKey), Refusal> {
    let fresh = uuid::Uuid::now_v7().simple().to_string();
    let token = SecretKey::generate_installation(fresh).map_err(|_| Refusal::Damaged("no randomness"))?;
    let (id, secret_hash) = (format!("in_{}", token.id), hash_secret(new.secret.expose()));
    let (algorithm, public_key) = (key.map(|key| &key.0), key.map(|key| &key.1));
    // The insert waits for a twin that is under way, so both get the same installation.
    let inserted = tx.execute(
        "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at, \
         key_algorithm, public_key) values ($1, $2, $3, $4, 0, $5, $6, $7) on conflict (secret_hash) do nothing",
        &[&id, &new.app.key_id, &secret_hash, &token.hash(), &now, &algorithm, &public_key],
    )?;
    if inserted == 1 {
        return Ok((id, token));
    }
    let (id, app, stored) = tx.query_one(
        "select id, app_key_id, key_algorithm, public_key from installations where secret_hash = $1",
        &[&secret_hash],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?, stored_key(row, 2)?)),
    )?;
    if app != new.app.key_id {
        return Err(Refusal::plain(ProblemCode::CredentialsInvalid));
    }
    if stored.is_some() && stored.as_ref() != key {
        return Err(Refusal::plain(ProblemCode::InstallationKeyMismatch));
    }
    let bare = id.strip_prefix("in_").ok_or(Refusal::Damaged("an installation's id"))?.to_owned();
    let token = SecretKey::generate_installation(bare).map_err(|_| Refusal::Damaged("no randomness"))?;
    // Another key may have been registered since the look.
    let updated = tx.execute(
        "update installations set token_hash = $1, key_algorithm = $2, public_key = $3 \
         where id = $4 and (public_key is null or public_key = $3)",
        &[&token.hash(), &algorithm, &public_key, &id],
    )?;
    if updated == 1 { Ok((id, token)) } else { Err(Refusal::plain(ProblemCode::InstallationKeyMismatch)) }
}
