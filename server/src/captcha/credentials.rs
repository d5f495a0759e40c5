//! Credentials of CAPTCHA providers: entered once, sealed, never shown again.

use super::CaptchaProvider;
use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use ringback_core::protocol::{CaptchaToken, ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};

const SEALED_AS: &str = "captcha_credentials.settings";

/// Secrets that pass, fail or do so for everybody: the providers hand them out for tests.
const TEST_SECRETS: &[&str] = &[
    "1x0000000000000000000000000000000AA",
    "2x0000000000000000000000000000000AA",
    "3x0000000000000000000000000000000AA",
    "0x0000000000000000000000000000000000000000",
    "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe",
];

/// What a provider handed out, and what its answers are held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptchaCredential {
    /// The secret; for reCAPTCHA Enterprise an API key.
    #[schema(value_type = String)]
    pub secret: CaptchaToken,
    /// The site key; hCaptcha and reCAPTCHA Enterprise are told it.
    #[serde(default)]
    pub site_key: String,
    /// The host names, package names and bundle ids from which a token may come; any when empty.
    #[serde(default)]
    pub places: Vec<String>,
    /// The least score, 0 to 1, of reCAPTCHA v3 and Enterprise; 0.5 when absent.
    #[serde(default = "half")]
    pub min_score: f64,
    /// The Google Cloud project, for reCAPTCHA Enterprise.
    #[serde(default)]
    pub project: String,
}

fn half() -> f64 {
    0.5
}

/// A credential in a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ListedCaptchaCredential {
    /// Whose.
    pub provider: String,
    /// When it was entered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CaptchaCredential {
    /// Whether a token may come from there.
    pub(super) fn knows(&self, place: Option<&str>) -> bool {
        self.places.is_empty() || place.is_some_and(|place| self.places.iter().any(|known| known == place))
    }

    fn check(&self, provider: CaptchaProvider, test_keys: bool) -> Result<(), Refusal> {
        let invalid =
            |field: &str, sentence: &str| Err(Refusal::of_field(ProblemCode::FieldInvalid, field, sentence));
        let secret = self.secret.expose();
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return invalid("secret", "Send the secret as the provider shows it.");
        }
        if !test_keys && TEST_SECRETS.contains(&secret) {
            return invalid(
                "secret",
                "This is a key for tests, which passes everybody. Send one of your own.",
            );
        }
        if !(0.0..=1.0).contains(&self.min_score) {
            return invalid("min_score", "Allowed are 0 to 1. Choose a value in that range.");
        }
        let project = &self.project;
        let is_project = !project.is_empty()
            && project.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-:.".contains(&byte));
        if provider == CaptchaProvider::RecaptchaEnterprise && !is_project {
            return invalid("project", "Name the Google Cloud project of the key.");
        }
        Ok(())
    }
}

/// Enters the credential of a provider, in place of an earlier one.
/// Test keys of the providers are taken only when the settings allow them.
///
/// # Errors
/// A refusal that names the field that is wrong.
pub fn put(
    tx: &mut Tx<'_>,
    vault: &Vault,
    (provider, test_keys): (CaptchaProvider, bool),
    credential: &CaptchaCredential,
    now: Timestamp,
) -> Result<(), Refusal> {
    if provider == CaptchaProvider::Altcha {
        return Err(no_such_provider());
    }
    credential.check(provider, test_keys)?;
    let json = serde_json::to_vec(credential)
        .map_err(|_| Refusal::Damaged("a credential that cannot be written"))?;
    tx.execute(
        "insert into captcha_credentials (provider, settings_sealed, created_at) values ($1, $2, $3) \
         on conflict (provider) do update set settings_sealed = excluded.settings_sealed, \
         created_at = excluded.created_at",
        &[&provider.word(), &vault.seal(&json, SEALED_AS)?, &now],
    )?;
    Ok(())
}

/// What is no provider, or needs no credential.
pub(super) fn no_such_provider() -> Refusal {
    let sentence = "There is no CAPTCHA provider of this name that needs a credential.";
    Refusal::of_field(ProblemCode::ReferenceUnknown, "provider", sentence)
}

/// All credentials by provider.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<ListedCaptchaCredential>, Refusal> {
    Ok(tx.query("select provider, created_at from captcha_credentials order by provider", &[], |row| {
        Ok(ListedCaptchaCredential { provider: row.get(0)?, created_at: row.get(1)? })
    })?)
}

/// The credential of a provider, opened.
pub(super) fn open(
    tx: &mut Tx<'_>,
    vault: &Vault,
    provider: CaptchaProvider,
) -> Result<Option<CaptchaCredential>, Refusal> {
    let sealed = tx.query_opt(
        "select settings_sealed from captcha_credentials where provider = $1",
        &[&provider.word()],
        |row| row.get::<Vec<u8>>(0),
    )?;
    sealed
        .map(|sealed| {
            serde_json::from_slice(&vault.unseal(&sealed, SEALED_AS)?)
                .map_err(|_| Refusal::Damaged("a CAPTCHA credential"))
        })
        .transpose()
}
