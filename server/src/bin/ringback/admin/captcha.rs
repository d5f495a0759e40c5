//! Credentials of CAPTCHA providers.

use super::Direct;
use crate::Failure;
use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ringback_core::protocol::CaptchaToken;
use ringback_server::captcha::{CaptchaCredential, CaptchaProvider, credentials};
use ringback_server::clock::now;
use ringback_server::config::CaptchaSettings;
use std::io::Read;
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(crate) enum CaptchaCommand {
    /// Enter what a provider handed out, in place of an earlier one. It is sealed and never shown again
    Put {
        /// The provider
        #[arg(value_parser = provider())]
        provider: CaptchaProvider,
        /// The file with the secret, or - for standard input; for reCAPTCHA Enterprise an API key
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
        /// The site key; hCaptcha and reCAPTCHA Enterprise are told it
        #[arg(long, value_name = "KEY")]
        site_key: Option<String>,
        /// A host name, package name or bundle id from which a token may come; repeat for more. Any when absent
        #[arg(long = "place", value_name = "PLACE")]
        places: Vec<String>,
        /// The least score of reCAPTCHA v3 and Enterprise, 0 to 1
        #[arg(long, value_name = "SCORE", default_value_t = 0.5)]
        min_score: f64,
        /// The Google Cloud project, for reCAPTCHA Enterprise
        #[arg(long, value_name = "PROJECT")]
        project: Option<String>,
    },
    /// List which providers have a credential, without what is secret
    List,
}

/// Every provider but the one that needs no credential.
fn provider() -> impl TypedValueParser<Value = CaptchaProvider> {
    let words = CaptchaProvider::ALL.iter().filter(|provider| **provider != CaptchaProvider::Altcha);
    PossibleValuesParser::new(words.map(|provider| provider.word()))
        .try_map(|word| CaptchaProvider::named(&word).ok_or("no such provider"))
}

const COLUMNS: &[(&str, &str)] = &[("PROVIDER", "/provider"), ("ENTERED", "/created_at")];

pub(super) async fn run(
    direct: &Direct,
    settings: &CaptchaSettings,
    command: CaptchaCommand,
) -> Result<(), Failure> {
    match command {
        CaptchaCommand::Put { provider, secret_file, site_key, places, min_score, project } => {
            let secret = CaptchaToken::new(read_secret(&secret_file)?.trim());
            let (site_key, project) = (site_key.unwrap_or_default(), project.unwrap_or_default());
            let credential = CaptchaCredential { secret, site_key, places, min_score, project };
            let (vault, test_keys) = (direct.vault.clone(), settings.allow_test_keys);
            direct
                .write(move |tx| credentials::put(tx, &vault, (provider, test_keys), &credential, now()))
                .await?;
            direct.done("CAPTCHA credential", provider.word(), "is entered and sealed")
        }
        CaptchaCommand::List => {
            let listed = direct.read(credentials::list).await?;
            direct.output.columns(&listed, COLUMNS, "no CAPTCHA credentials")
        }
    }
}

/// A secret among the arguments would stand in the list of processes.
fn read_secret(file: &Path) -> Result<String, Failure> {
    if file != Path::new("-") {
        return super::read(file);
    }
    let mut secret = String::new();
    std::io::stdin().read_to_string(&mut secret)?;
    Ok(secret)
}
