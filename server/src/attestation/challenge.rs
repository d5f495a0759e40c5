//! What evidence is bound to: made by us, for one installation, and good once. Nothing is stored until it is used.

use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use aws_lc_rs::{constant_time, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use ringback_core::protocol::{ProblemCode, Timestamp};

/// How long the platform and the network have, in seconds.
const LIFE_S: i64 = 300;
const PURPOSE: &str = "attestation.challenge";

/// A challenge of ours that is not over, and is yet to be used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    nonce: String,
    expires_at: Timestamp,
}

/// A fresh challenge, and until when it is good.
pub(super) fn issue(
    vault: &Vault,
    installation_id: &str,
    now: Timestamp,
) -> Result<(String, Timestamp), Refusal> {
    let mut nonce = [0; 16];
    rand::fill(&mut nonce).map_err(|_| Refusal::Damaged("no randomness"))?;
    let nonce = URL_SAFE_NO_PAD.encode(nonce);
    let expires_s = now.as_second().saturating_add(LIFE_S);
    let expires_at = Timestamp::from_second(expires_s).map_err(|_| Refusal::Damaged("the clock"))?;
    let tag = vault.lookup(PURPOSE, &format!("{installation_id} {expires_s} {nonce}"));
    Ok((format!("{expires_s}.{nonce}.{tag}"), expires_at))
}

/// Reads a challenge that this installation was given.
pub(super) fn read(
    vault: &Vault,
    installation_id: &str,
    challenge: &str,
    now: Timestamp,
) -> Result<Challenge, Refusal> {
    let invalid = || Refusal::plain(ProblemCode::AttestationChallengeInvalid);
    let mut parts = challenge.split('.');
    let (Some(expires_s), Some(nonce), Some(tag), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(invalid());
    };
    let expected = vault.lookup(PURPOSE, &format!("{installation_id} {expires_s} {nonce}"));
    constant_time::verify_slices_are_equal(expected.as_bytes(), tag.as_bytes()).map_err(|_| invalid())?;
    let expires_s = expires_s.parse().map_err(|_| invalid())?;
    let expires_at = Timestamp::from_second(expires_s).map_err(|_| invalid())?;
    if expires_at < now { Err(invalid()) } else { Ok(Challenge { nonce: nonce.to_owned(), expires_at }) }
}

impl Challenge {
    /// Uses it up. Also what comes of bad evidence is kept, so that none is tried twice.
    pub(super) fn spend(&self, tx: &mut Tx<'_>) -> Result<(), Refusal> {
        let spent = tx.execute(
            "insert into attestation_spent (nonce, expires_at) values ($1, $2) on conflict (nonce) do nothing",
            &[&self.nonce, &self.expires_at],
        )?;
        if spent == 1 { Ok(()) } else { Err(Refusal::plain(ProblemCode::AttestationChallengeSpent)) }
    }
}

/// Forgets used challenges that are over.
pub(super) fn purge(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Refusal> {
    // A minute on, so that a node whose clock is behind does not take one again.
    let over = now.saturating_sub(SignedDuration::from_secs(60)).unwrap_or(now);
    tx.execute("delete from attestation_spent where expires_at < $1", &[&over])?;
    Ok(())
}
