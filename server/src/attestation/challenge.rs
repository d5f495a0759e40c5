//! What evidence is bound to: made by us, for one installation, and good once. What a key of Android's is made for comes before its
//! installation, and is for one app. Nothing is stored until it is used.

use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use aws_lc_rs::{constant_time, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use ringback_core::protocol::{ProblemCode, Timestamp};

/// For whom a challenge is good.
#[derive(Debug, Clone, Copy)]
pub(super) enum Audience<'a> {
    /// An installation, for evidence.
    Installation(&'a str),
    /// An app by the id of its key, for the key of an installation that is yet to be registered.
    App(&'a str),
}

impl Audience<'_> {
    fn purpose(self) -> &'static str {
        match self {
            Self::Installation(_) => "attestation.challenge",
            Self::App(_) => "attestation.key_challenge",
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Installation(id) | Self::App(id) => id,
        }
    }

    /// How long the platform and the network have, in seconds. A key is made once: days without a network may pass before it is
    /// vouched for.
    fn life_s(self) -> i64 {
        match self {
            Self::Installation(_) => 300,
            Self::App(_) => 7 * 86_400,
        }
    }

    fn tag(self, vault: &Vault, expires_s: i64, nonce: &str) -> String {
        vault.lookup(self.purpose(), &format!("{} {expires_s} {nonce}", self.id()))
    }
}

/// Why a challenge is not a good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is none of ours, or somebody else's.
    Foreign,
    /// It was.
    Over,
}

/// A challenge of ours that is not over, and is yet to be used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    nonce: String,
    expires_at: Timestamp,
}

/// A fresh challenge, and until when it is good. It has 77 characters; the Keystore takes 128.
pub(super) fn issue(
    vault: &Vault,
    audience: Audience<'_>,
    now: Timestamp,
) -> Result<(String, Timestamp), Refusal> {
    let mut nonce = [0; 16];
    rand::fill(&mut nonce).map_err(|_| Refusal::Damaged("no randomness"))?;
    let nonce = URL_SAFE_NO_PAD.encode(nonce);
    let expires_s = now.as_second().saturating_add(audience.life_s());
    let expires_at = Timestamp::from_second(expires_s).map_err(|_| Refusal::Damaged("the clock"))?;
    let tag = audience.tag(vault, expires_s, &nonce);
    Ok((format!("{expires_s}.{nonce}.{tag}"), expires_at))
}

/// Reads a challenge that was given out to them.
pub(super) fn read(
    vault: &Vault,
    audience: Audience<'_>,
    challenge: &str,
    now: Timestamp,
) -> Result<Challenge, Wrong> {
    let mut parts = challenge.split('.');
    let (Some(expires_s), Some(nonce), Some(tag), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Wrong::Foreign);
    };
    let expires_s = expires_s.parse().map_err(|_| Wrong::Foreign)?;
    let expected = audience.tag(vault, expires_s, nonce);
    constant_time::verify_slices_are_equal(expected.as_bytes(), tag.as_bytes())
        .map_err(|_| Wrong::Foreign)?;
    let expires_at = Timestamp::from_second(expires_s).map_err(|_| Wrong::Foreign)?;
    if expires_at < now { Err(Wrong::Over) } else { Ok(Challenge { nonce: nonce.to_owned(), expires_at }) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StorageSettings;

    fn vault() -> Vault {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            StorageSettings { key_file: folder.path().join("seal.key"), ..StorageSettings::default() };
        Vault::open(&settings).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_challenge_is_good_for_one_audience_and_for_a_while() {
        let vault = vault();
        let audiences = [
            (Audience::Installation("in_1"), 300),
            (Audience::Installation("in_2"), 300),
            (Audience::App("in_1"), 7 * 86_400),
        ];
        for (audience, life_s) in audiences {
            let (text, expires_at) = issue(&vault, audience, at(1_800_000_000)).unwrap();
            assert_eq!((text.len(), expires_at), (77, at(1_800_000_000 + life_s)));
            for (other, _) in audiences {
                let outcome = read(&vault, other, &text, at(1_800_000_000)).map(|_| ());
                let is_the_same = format!("{audience:?}") == format!("{other:?}");
                assert_eq!(outcome, if is_the_same { Ok(()) } else { Err(Wrong::Foreign) });
            }
            assert!(read(&vault, audience, &text, expires_at).is_ok());
            assert_eq!(read(&vault, audience, &text, at(1_800_000_001 + life_s)), Err(Wrong::Over));
            assert_eq!(read(&vault, audience, &format!("{text}."), expires_at), Err(Wrong::Foreign));
            assert_eq!(read(&vault, audience, &text[1..], expires_at), Err(Wrong::Foreign));
        }
    }
}
