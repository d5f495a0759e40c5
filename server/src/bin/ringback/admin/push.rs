//! Push credentials, and the way to what became of pushes.

use super::{Direct, push_watch};
use crate::{Failure, print};
use clap::Subcommand;
use ringback_core::protocol::{PushToken, Timestamp};
use ringback_server::clock::now;
use ringback_server::push::credentials::{self, NewPushCredential, PushCredential};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum PushCommand {
    /// Enter an APNs signing key, in place of one of the same name
    Apns {
        /// What it is called in lists
        name: String,
        /// The .p8 file
        #[arg(long)]
        key_file: PathBuf,
        /// Ten characters, from the key's page
        #[arg(long)]
        key_id: String,
        /// Ten characters, from the membership page
        #[arg(long)]
        team_id: String,
        /// The bundle id of an app this key is for; repeat for more
        #[arg(long = "topic", required = true)]
        topics: Vec<String>,
    },
    /// Enter a Firebase service account, in place of one of the same name
    Fcm {
        /// What it is called in lists
        name: String,
        /// The JSON file
        #[arg(long)]
        service_account: PathBuf,
    },
    /// List all, without what is secret
    List,
    /// List what failed and what came too late, newest first, with what to do
    Errors {
        /// Since then (RFC 3339), at most 7 days ago; the last 24 hours when left out
        #[arg(long)]
        since: Option<Timestamp>,
    },
    /// Say in figures what became of pushes
    Summary {
        /// Since then (RFC 3339), at most 7 days ago; the last 24 hours when left out
        #[arg(long)]
        since: Option<Timestamp>,
    },
    /// Send a failed push again, if what it says is still true
    Replay {
        /// The delivery, as `errors` lists it
        delivery: String,
    },
}

pub(super) async fn run(direct: &Direct, command: PushCommand) -> Result<(), Failure> {
    let new = match command {
        PushCommand::List => return print::json_lines(&direct.read(credentials::list).await?),
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
    println!("push credential {name} is entered and sealed");
    Ok(())
}
