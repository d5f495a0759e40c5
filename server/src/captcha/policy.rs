//! What a service asks for.

use super::Risk;
use crate::attestation::Standing;
use crate::refusal::Refusal;
use ringback_core::protocol::ProblemCode;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// When a CAPTCHA must be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptchaRequired {
    /// For every request.
    Always,
    /// For requests of an installation or an address that asks unusually often.
    OnRisk,
    /// For none.
    #[default]
    Never,
}

/// Who makes the CAPTCHA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptchaProvider {
    /// Proof of work, given out and checked by this server: no third party, and nothing to look at.
    Altcha,
    /// Cloudflare Turnstile.
    Turnstile,
    /// hCaptcha.
    Hcaptcha,
    /// reCAPTCHA v2.
    RecaptchaV2,
    /// reCAPTCHA v3, by score.
    RecaptchaV3,
    /// reCAPTCHA Enterprise, by score.
    RecaptchaEnterprise,
}

impl CaptchaProvider {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Altcha,
        Self::Turnstile,
        Self::Hcaptcha,
        Self::RecaptchaV2,
        Self::RecaptchaV3,
        Self::RecaptchaEnterprise,
    ];

    /// As it stands in JSON and in the header.
    pub fn word(self) -> &'static str {
        match self {
            Self::Altcha => "altcha",
            Self::Turnstile => "turnstile",
            Self::Hcaptcha => "hcaptcha",
            Self::RecaptchaV2 => "recaptcha_v2",
            Self::RecaptchaV3 => "recaptcha_v3",
            Self::RecaptchaEnterprise => "recaptcha_enterprise",
        }
    }

    /// The provider of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|provider| provider.word() == word)
    }
}

/// When a service asks for a CAPTCHA, and whose it accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CaptchaPolicy {
    /// When; `never` when absent.
    pub required: CaptchaRequired,
    /// Whose, the preferred one first; `altcha` when absent.
    pub providers: Vec<CaptchaProvider>,
    /// Whether evidence of the real app on a real device, App Attest's or Play Integrity's, does instead of a token; `false`
    /// when absent. Either way it makes a request less suspicious.
    pub attestation_suffices: bool,
}

impl Default for CaptchaPolicy {
    fn default() -> Self {
        Self {
            required: CaptchaRequired::Never,
            providers: vec![CaptchaProvider::Altcha],
            attestation_suffices: false,
        }
    }
}

impl CaptchaPolicy {
    /// Whether a request of this risk, of somebody with this standing, needs a token.
    pub fn is_required(&self, risk: Risk, standing: Standing) -> bool {
        if self.attestation_suffices && standing == Standing::Genuine {
            return false;
        }
        match self.required {
            CaptchaRequired::Always => true,
            CaptchaRequired::OnRisk => risk > Risk::Low,
            CaptchaRequired::Never => false,
        }
    }

    /// The providers in words, the preferred one first.
    pub fn words(&self) -> Vec<String> {
        self.providers.iter().map(|provider| provider.word().to_owned()).collect()
    }

    /// What an offer says to somebody of this risk and standing.
    pub fn asked(&self, risk: Risk, standing: Standing) -> Vec<String> {
        if self.is_required(risk, standing) { self.words() } else { Vec::new() }
    }

    /// Refuses a policy that nobody could meet, or that says a thing twice.
    pub fn check(&self) -> Result<(), Refusal> {
        let different: HashSet<_> = self.providers.iter().collect();
        if self.providers.is_empty() || different.len() < self.providers.len() {
            return Err(Refusal::of_field(
                ProblemCode::FieldInvalid,
                "captcha.providers",
                "Name at least one provider, and each only once.",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risk_decides_only_where_the_policy_says_so() {
        let policy = |required| CaptchaPolicy { required, ..CaptchaPolicy::default() };
        for risk in [Risk::Low, Risk::Elevated, Risk::High] {
            assert!(policy(CaptchaRequired::Always).is_required(risk, Standing::Unknown));
            assert!(!policy(CaptchaRequired::Never).is_required(risk, Standing::Unknown));
            assert_eq!(
                policy(CaptchaRequired::OnRisk).is_required(risk, Standing::Unknown),
                risk != Risk::Low
            );
        }
        assert_eq!(policy(CaptchaRequired::Always).asked(Risk::Low, Standing::Unknown), ["altcha"]);
        assert!(CaptchaPolicy::default().asked(Risk::High, Standing::Unknown).is_empty());
    }

    #[test]
    fn evidence_does_instead_of_a_token_only_where_the_policy_says_so() {
        let policy = |attestation_suffices| CaptchaPolicy {
            required: CaptchaRequired::Always,
            attestation_suffices,
            ..CaptchaPolicy::default()
        };
        assert!(!policy(true).is_required(Risk::High, Standing::Genuine));
        assert!(policy(false).is_required(Risk::Low, Standing::Genuine));
        for standing in [Standing::Unknown, Standing::Doubtful] {
            assert!(policy(true).is_required(Risk::Low, standing));
        }
    }

    #[test]
    fn providers_are_named_once_and_at_least_one() {
        let policy = |providers| CaptchaPolicy { providers, ..CaptchaPolicy::default() };
        policy(vec![CaptchaProvider::Altcha]).check().unwrap();
        for providers in [vec![], vec![CaptchaProvider::Altcha; 2]] {
            let problem = policy(providers).check().unwrap_err().into_problem();
            assert_eq!(problem.field.as_deref(), Some("captcha.providers"));
        }
    }
}
