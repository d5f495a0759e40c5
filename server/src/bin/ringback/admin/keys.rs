//! Keys of apps and of staff.

use super::Direct;
use crate::{Failure, print};
use clap::Subcommand;
use ringback_server::clock::now;
use ringback_server::identity::Role;
use ringback_server::identity::admin::{self as keys, AppKeyChange, NewAppKey, NewStaffKey};

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Make the publishable key of an app
    CreateApp {
        /// What it is called in lists
        name: String,
        /// Installations of the app need a key of their own, with which they sign what they change
        #[arg(long)]
        needs_installation_key: bool,
    },
    /// Say whether installations of an app need a key of their own
    UpdateApp {
        /// What the app's key is called
        name: String,
        /// `true` when they do, `false` when they do not
        #[arg(long, value_name = "YES", action = clap::ArgAction::Set)]
        needs_installation_key: bool,
    },
    /// Make a key of staff; it is shown once
    Create {
        /// What it is called in lists
        name: String,
        /// What it may do
        #[arg(long, value_enum)]
        role: Role,
        /// Whose desk it opens; needed for the role agent
        #[arg(long, value_name = "AGENT")]
        agent: Option<String>,
    },
    /// List all, without what is secret
    List,
    /// Take a key back
    Revoke {
        /// What it is called
        name: String,
    },
}

const COLUMNS: &[(&str, &str)] = &[
    ("NAME", "/name"),
    ("KIND", "/kind"),
    ("ROLE", "/role"),
    ("MADE", "/created_at"),
    ("REVOKED", "/revoked_at"),
];

pub(super) async fn run(direct: &Direct, command: KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::CreateApp { name, needs_installation_key } => {
            let new = NewAppKey { name, needs_installation_key };
            let made = direct.write(move |tx| keys::create_app(tx, &new, now())).await?;
            direct.output.done(&made, made.key.expose(), made.key.expose())
        }
        KeyCommand::UpdateApp { name, needs_installation_key } => {
            let change = AppKeyChange { needs_installation_key };
            let updated = name.clone();
            direct.write(move |tx| keys::update_app_key(tx, &name, &change)).await?;
            direct.done("key", &updated, "is changed")
        }
        KeyCommand::Create { name, role, agent } => {
            let new = NewStaffKey { name, role, agent };
            let made = direct.write(move |tx| keys::create_staff_key(tx, &new, now())).await?;
            direct.output.done(&made, made.key.expose(), made.key.expose())?;
            print::note("Keep it: it is not shown again.")
        }
        KeyCommand::List => direct.output.columns(&direct.read(keys::list_keys).await?, COLUMNS, "no keys"),
        KeyCommand::Revoke { name } => {
            let revoked = name.clone();
            direct.write(move |tx| keys::revoke_key(tx, &name, now())).await?;
            direct.done("key", &revoked, "opens nothing any more")
        }
    }
}
