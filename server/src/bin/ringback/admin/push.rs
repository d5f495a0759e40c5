//! Push credentials, and the way to what became of pushes.

use super::{Direct, push_watch};
use crate::{Failure, print};
use clap::Subcommand;
use ringback_core::protocol::{PushToken, Timestamp};
use ringback_server::clock::now;
use ringback_server::config::PushSettings;
use ringback_server::push::check::{self, CredentialCheck};
use ringback_server::push::credentials::{self, NewPushCredential, PushCredential};
use ringback_server::push::lane::Endpoints;
use ringback_server::push::web_push::VapidKey;
use serde_json::json;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum PushCommand {
    /// Enter an APNs signing key, in place of one of the same name
    Apns {
        /// What it is called in lists
        name: String,
        /// The .p8 file
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// Ten characters, from the key's page
        #[arg(long, value_name = "ID")]
        key_id: String,
        /// Ten characters, from the membership page
        #[arg(long, value_name = "ID")]
        team_id: String,
        /// The bundle id of an app this key is for; repeat for more
        #[arg(long = "topic", value_name = "BUNDLE_ID", required = true)]
        topics: Vec<String>,
    },
    /// Enter a Firebase service account, in place of one of the same name
    Fcm {
        /// What it is called in lists
        name: String,
        /// The JSON file
        #[arg(long, value_name = "FILE")]
        service_account: PathBuf,
    },
    /// Enter a VAPID key for browsers, in place of one of the same name, and print its public half for the web app
    WebPush {
        /// What it is called in lists
        name: String,
        /// The private key, PKCS#8 PEM or base64url; without one a new pair is made
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// Whom a push service writes to when something is wrong, mailto: or https:
        #[arg(long, value_name = "URI")]
        subject: String,
    },
    /// List all, without what is secret
    List,
    /// List what failed and what came too late, newest first, with what to do
    Errors {
        /// Since then, for example 2026-11-23T09:00:00Z, at most 7 days ago; the last 24 hours when absent
        #[arg(long, value_name = "INSTANT")]
        since: Option<Timestamp>,
    },
    /// Say in figures what became of pushes
    Summary {
        /// Since then, for example 2026-11-23T09:00:00Z, at most 7 days ago; the last 24 hours when absent
        #[arg(long, value_name = "INSTANT")]
        since: Option<Timestamp>,
    },
    /// Send a failed push again, if what it says is still true
    Replay {
        /// The delivery, as `errors` lists it
        delivery: String,
    },
    /// Try one at its provider, or all, and say what is wrong; nothing reaches a device
    Check {
        /// Which one
        name: Option<String>,
    },
}

const COLUMNS: &[(&str, &str)] = &[("NAME", "/name"), ("PROVIDER", "/provider"), ("ENTERED", "/created_at")];

pub(super) async fn run(
    direct: &Direct,
    settings: &PushSettings,
    command: PushCommand,
) -> Result<(), Failure> {
    let mut public_key = None;
    let new = match command {
        PushCommand::Check { name } => return check(direct, settings, name).await,
        PushCommand::WebPush { name, key_file, subject } => {
            let key = match key_file {
                Some(file) => VapidKey::parse(&super::read(&file)?)?,
                None => VapidKey::generate(),
            };
            public_key = Some(key.public_key());
            NewPushCredential {
                name,
                credential: PushCredential::WebPush { private_key: key.private_key(), subject },
            }
        }
        PushCommand::List => {
            let listed = direct.read(credentials::list).await?;
            return direct.output.columns(&listed, COLUMNS, "no push credentials");
        }
        PushCommand::Errors { since } => return push_watch::errors(direct, since).await,
        PushCommand::Summary { since } => return push_watch::summary(direct, since).await,
        PushCommand::Replay { delivery } => return push_watch::send_again(direct, delivery).await,
        PushCommand::Apns { name, key_file, key_id, team_id, topics } => {
            let key_p8 = PushToken::new(super::read(&key_file)?);
            NewPushCredential { name, credential: PushCredential::Apns { key_p8, key_id, team_id, topics } }
        }
        PushCommand::Fcm { name, service_account } => {
            let service_account = PushToken::new(super::read(&service_account)?);
            NewPushCredential { name, credential: PushCredential::Fcm { service_account } }
        }
    };
    let name = new.name.clone();
    let vault = direct.vault.clone();
    direct.write(move |tx| credentials::put(tx, &vault, &new, now())).await?;
    let done = json!({ "kind": "push credential", "name": name, "application_server_key": public_key });
    let key_line = public_key.map(|key| format!("\napplicationServerKey: {key}")).unwrap_or_default();
    direct.output.done(&done, &name, &format!("push credential {name} is entered and sealed{key_line}"))
}

async fn check(direct: &Direct, settings: &PushSettings, name: Option<String>) -> Result<(), Failure> {
    let endpoints = Endpoints::read(settings)?;
    let vault = direct.vault.clone();
    let opened = direct.read(move |tx| credentials::open_named(tx, &vault, name.as_deref())).await?;
    let mut wrong = 0;
    for (name, credential) in &opened {
        let checked = check::check(name, credential, &endpoints).await;
        if direct.output.is_json() {
            print::json(&checked)?;
        } else {
            print_check(&checked)?;
        }
        wrong += usize::from(!checked.ok);
    }
    match wrong {
        0 => Ok(()),
        _ => Err(format!("{wrong} of {} push credentials cannot be used as they are", opened.len()).into()),
    }
}

fn print_check(checked: &CredentialCheck) -> Result<(), Failure> {
    let state = if checked.ok { "ok" } else { "not ok" };
    print::line(format!("{} ({}): {state}", checked.name, checked.provider))?;
    for finding in &checked.findings {
        let detail = finding.detail.as_ref().map(|detail| format!(" [{detail}]")).unwrap_or_default();
        print::line(format!("  at {}{detail}", finding.at))?;
        print::line(format!("    cause: {}", finding.cause))?;
        print::line(format!("    cure:  {}", finding.cure))?;
    }
    Ok(())
}
