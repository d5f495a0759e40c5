//! Calendars and capacity rules.

use super::Direct;
use crate::{Failure, print};
use clap::Subcommand;
use ringback_server::clock::now;
use ringback_server::schedule::store::{self, Definition};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum SetupCommand {
    /// Set one up from a TOML file, in place of one of the same name
    Put {
        /// The file; its keys are those of the staff API
        file: PathBuf,
    },
    /// List all
    List,
    /// Show one
    Show {
        /// What it is called
        name: String,
    },
    /// Remove one that no service names
    Delete {
        /// What it is called
        name: String,
    },
}

const COLUMNS: &[(&str, &str)] = &[("NAME", "/name"), ("ZONE", "/zone"), ("SLOTS OF min", "/slot_minutes")];

/// Carries a command out on one kind of setup.
pub(super) async fn run<K: Definition + Clone + Send + 'static>(
    direct: &Direct,
    command: SetupCommand,
) -> Result<(), Failure> {
    match command {
        SetupCommand::Put { file } => {
            let text = super::read(&file)?;
            let setup: K = toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
            let name = setup.name().to_owned();
            direct.write(move |tx| store::put(tx, &setup, now())).await?;
            direct.done(K::KIND, &name, "is there")
        }
        SetupCommand::List => direct.output.columns(&direct.read(store::list::<K>).await?, COLUMNS, "none"),
        SetupCommand::Show { name } => {
            let found = direct.read(move |tx| store::find::<K>(tx, &name)).await?;
            if direct.output.is_json() {
                return print::json(&found);
            }
            // As `put` takes it.
            print::line(toml::to_string_pretty(&found)?.trim_end())
        }
        SetupCommand::Delete { name } => {
            let gone = name.clone();
            direct.write(move |tx| store::delete::<K>(tx, &name)).await?;
            direct.done(K::KIND, &gone, "is gone")
        }
    }
}
