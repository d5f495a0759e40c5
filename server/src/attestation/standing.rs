//! What the last evidence said of an installation, and what that means for risk.

use super::challenge;
use crate::captcha::Risk;
use crate::refusal::Refusal;
use crate::storage::{Row, StorageError, Tx};
use crate::words::word;
use jiff::SignedDuration;
use ringback_core::protocol::{AttestationVerdict, KeyAlgorithm, Timestamp};

/// What is known of an installation's app and device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// Nothing, or nothing of late.
    #[default]
    Unknown,
    /// The real app on a real device.
    Genuine,
    /// Its evidence was wrong.
    Doubtful,
}

impl Standing {
    /// Reads verdict and expiry from two columns, which are empty where there never was evidence.
    pub fn from_row(row: &Row<'_>, index: usize, now: Timestamp) -> Result<Self, StorageError> {
        let expires_at = row.get::<Option<Timestamp>>(index + 1)?;
        let verdict = row.get::<Option<String>>(index)?.filter(|_| expires_at.is_some_and(|at| at > now));
        Ok(match verdict.as_deref() {
            Some("genuine") => Self::Genuine,
            Some("doubtful") => Self::Doubtful,
            _ => Self::Unknown,
        })
    }

    /// How suspicious a request is whose sender has this standing: one step less, or more.
    pub fn adjust(self, risk: Risk) -> Risk {
        match (self, risk) {
            (Self::Unknown, risk) => risk,
            (Self::Genuine, Risk::High) | (Self::Doubtful, Risk::Low) => Risk::Elevated,
            (Self::Genuine, _) => Risk::Low,
            (Self::Doubtful, _) => Risk::High,
        }
    }
}

/// What is written down of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) provider: &'static str,
    pub(super) verdict: AttestationVerdict,
    pub(super) reason: Option<&'static str>,
    pub(super) expires_at: Timestamp,
    /// A key that was attested just now.
    pub(super) new_key: Option<NewKey>,
}

/// A key whose device is genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewKey {
    pub(super) id: String,
    /// The point of a key that makes assertions. An installation's own key makes none: it signs the requests.
    pub(super) public_key: Option<Vec<u8>>,
}

/// Writes down what evidence said. A key that is known stays known: its next assertion is worth what it is worth.
pub(super) fn note(
    tx: &mut Tx<'_>,
    installation_id: &str,
    judged: &Judged,
    now: Timestamp,
) -> Result<(), Refusal> {
    let (verdict, provider) = (word(judged.verdict)?, judged.provider);
    let key_id = judged.new_key.as_ref().map(|key| &key.id);
    let public_key = judged.new_key.as_ref().and_then(|key| key.public_key.as_ref());
    if let Some(key_id) = key_id {
        // The same key, of an earlier installation on the device.
        tx.execute(
            "delete from attestations where key_id = $1 and installation_id <> $2",
            &[key_id, &installation_id],
        )?;
    }
    tx.execute(
        "insert into attestations (installation_id, provider, verdict, reason, checked_at, expires_at, key_id, \
         public_key, counter) values ($1, $2, $3, $4, $5, $6, $7, $8, 0) \
         on conflict (installation_id) do update set provider = excluded.provider, verdict = excluded.verdict, \
         reason = excluded.reason, checked_at = excluded.checked_at, expires_at = excluded.expires_at, \
         counter = case when excluded.key_id is null then attestations.counter else 0 end, \
         key_id = coalesce(excluded.key_id, attestations.key_id), \
         public_key = case when excluded.key_id is null then attestations.public_key else excluded.public_key end",
        &[&installation_id, &provider, &verdict, &judged.reason, &now, &judged.expires_at, &key_id, &public_key],
    )?;
    Ok(())
}

/// The point of a key that this installation has attested.
pub(super) fn known_key(
    tx: &mut Tx<'_>,
    installation_id: &str,
    key_id: &str,
) -> Result<Option<Vec<u8>>, Refusal> {
    let found = tx.query_opt(
        "select public_key from attestations where installation_id = $1 and key_id = $2",
        &[&installation_id, &key_id],
        |row| row.get::<Option<Vec<u8>>>(0),
    )?;
    Ok(found.flatten())
}

/// Whether some installation has attested this key.
pub(super) fn is_known(tx: &mut Tx<'_>, key_id: &str) -> Result<bool, Refusal> {
    let found = tx.query_opt("select 1 from attestations where key_id = $1", &[&key_id], |_| Ok(()))?;
    Ok(found.is_some())
}

/// What an installation was registered with.
pub(super) struct Registered {
    pub(super) app_key_id: String,
    /// The point of its P-256 key.
    pub(super) public_key: Option<Vec<u8>>,
}

/// What this installation was registered with.
pub(super) fn registered(tx: &mut Tx<'_>, installation_id: &str) -> Result<Registered, Refusal> {
    let p256 = word(KeyAlgorithm::EcdsaP256Sha256)?;
    Ok(tx.query_one(
        "select app_key_id, key_algorithm, public_key from installations where id = $1",
        &[&installation_id],
        |row| {
            let is_p256 = row.get::<Option<String>>(1)?.is_some_and(|algorithm| algorithm == p256);
            let public_key = row.get::<Option<Vec<u8>>>(2)?.filter(|_| is_p256);
            Ok(Registered { app_key_id: row.get(0)?, public_key })
        },
    )?)
}

/// Moves a key's counter on; false when it has not risen. One statement: of two copies at once one rises.
pub(super) fn raise_counter(
    tx: &mut Tx<'_>,
    installation_id: &str,
    key_id: &str,
    counter: u32,
) -> Result<bool, Refusal> {
    let raised = tx.execute(
        "update attestations set counter = $1 where installation_id = $2 and key_id = $3 and counter < $1",
        &[&counter, &installation_id, &key_id],
    )?;
    Ok(raised == 1)
}

/// Forgets used challenges that are over.
pub fn purge(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Refusal> {
    challenge::purge(tx, now)
}

/// So many days from now.
pub(super) fn in_days(days: u32, now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_moves_risk_by_one_step_and_never_past_its_ends() {
        let risks = [Risk::Low, Risk::Elevated, Risk::High];
        assert_eq!(risks.map(|risk| Standing::Unknown.adjust(risk)), risks);
        assert_eq!(risks.map(|risk| Standing::Genuine.adjust(risk)), [Risk::Low, Risk::Low, Risk::Elevated]);
        assert_eq!(
            risks.map(|risk| Standing::Doubtful.adjust(risk)),
            [Risk::Elevated, Risk::High, Risk::High]
        );
    }
}
