//! Rule sets: whom services call.

use super::Direct;
use crate::Failure;
use clap::Subcommand;
use ringback_core::protocol::PhoneNumber;
use ringback_server::clock::now;
use ringback_server::rules::http::{NumberTest, try_number};
use ringback_server::rules::{RuleSetSetup, store};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum RuleSetCommand {
    /// Set one up from a TOML file, in place of one of the same name
    Put {
        /// The file; its keys are those of the staff API
        file: PathBuf,
    },
    /// List all
    List,
    /// Take one away
    Delete {
        /// What it is called
        name: String,
    },
    /// Try a number and see which rule decides
    Test {
        /// E.164, or as people write it in the default country
        number: String,
        /// A rule set it must pass; repeat for more
        #[arg(long = "rule-set", value_name = "NAME")]
        rule_sets: Vec<String>,
        /// Where a number without a country code is from, for example DE
        #[arg(long, value_name = "COUNTRY")]
        default_country: Option<String>,
        /// The service whose rule sets and default country are taken instead
        #[arg(long, value_name = "NAME", conflicts_with_all = ["rule_sets", "default_country"])]
        service: Option<String>,
    },
}

const COLUMNS: &[(&str, &str)] =
    &[("NAME", "/name"), ("COUNTRIES", "/countries"), ("BLOCKED", "/blocked"), ("SATELLITE", "/satellite")];

pub(super) async fn run(direct: &Direct, command: RuleSetCommand) -> Result<(), Failure> {
    let vault = direct.vault.clone();
    match command {
        RuleSetCommand::Put { file } => {
            let text = super::read(&file)?;
            let setup: RuleSetSetup =
                toml::from_str(&text).map_err(|error| format!("{}: {}", file.display(), error.message()))?;
            let name = setup.name.clone();
            direct.write(move |tx| store::put(tx, &vault, &setup, now())).await?;
            direct.done("rule set", &name, "is there")
        }
        RuleSetCommand::List => {
            let sets = direct.read(move |tx| store::list(tx, &vault)).await?;
            direct.output.columns(&sets, COLUMNS, "no rule sets")
        }
        RuleSetCommand::Delete { name } => {
            let deleted = name.clone();
            direct.write(move |tx| store::delete(tx, &name)).await?;
            direct.done("rule set", &deleted, "is gone")
        }
        RuleSetCommand::Test { number, rule_sets, default_country, service } => {
            let test = NumberTest { number: PhoneNumber::new(number), default_country, rule_sets, service };
            direct.output.show(&direct.read(move |tx| try_number(tx, &vault, &test)).await?)
        }
    }
}
