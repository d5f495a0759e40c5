//! Services.

use super::Direct;
use super::centre::parse_level;
use crate::Failure;
use clap::Subcommand;
use ringback_core::protocol::{Direction, PhoneNumber, Timestamp};
use ringback_server::clock::now;
use ringback_server::services::policy::{ConfirmTimeout, ServiceSetup};
use ringback_server::services::{ServicePause, create_service, list_services, pause_service, put_service};
use ringback_server::words::unword;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum ServiceCommand {
    /// Make one with the settings most in use
    Create {
        /// 1 to 64 of a-z, 0-9 and -
        name: String,
        /// Where its callbacks wait
        #[arg(long)]
        queue: String,
        /// What an agent must be able to do, with a level from 1 to 10 as in billing=3, or 1; repeat for more
        #[arg(long = "skill", value_parser = parse_level)]
        skills: Vec<(String, u32)>,
        /// Its opening hours
        #[arg(long)]
        calendar: Option<String>,
        /// How many calls can be promised when
        #[arg(long)]
        capacity: Option<String>,
        /// Who dials: `customer_terminated` or `customer_originated`
        #[arg(long, default_value = "customer_terminated", value_parser = parse_word::<Direction>)]
        direction: Direction,
        /// Connect without asking the customer first
        #[arg(long)]
        no_ask: bool,
        /// How long the customer has to answer, in seconds, 5 to 600
        #[arg(long, default_value_t = 30)]
        confirm_window_s: u32,
        /// What happens when nobody answers in time
        #[arg(long, value_enum, default_value = "requeue")]
        confirm_timeout: ConfirmTimeout,
        /// How often the customer is asked at most, 1 to 10
        #[arg(long, default_value_t = 3)]
        confirm_attempts: u32,
        /// The click-to-call group its numbers come from
        #[arg(long)]
        call_in_group: Option<String>,
        /// The number for people whose app cannot reach the server, E.164
        #[arg(long)]
        fallback_number: Option<String>,
    },
    /// Set every setting of one from a TOML file, and make it if it is not there; what the file leaves out is as by default
    Put {
        /// The file, in the words of the staff API
        file: PathBuf,
    },
    /// Have it take no requests; what is in line is still called
    Pause {
        /// Which one
        name: String,
        /// Until then (RFC 3339); until it is resumed when left out
        #[arg(long)]
        until: Option<Timestamp>,
    },
    /// Have it take requests again
    Resume {
        /// Which one
        name: String,
    },
    /// List all
    List,
}

fn parse_word<T: serde::de::DeserializeOwned>(word: &str) -> Result<T, String> {
    unword(word).map_err(|_| "no such word; see the help text".to_owned())
}

const COLUMNS: &[(&str, &str)] = &[
    ("NAME", "/name"),
    ("QUEUE", "/queue"),
    ("SKILLS", "/skills"),
    ("CALENDAR", "/calendar"),
    ("CAPACITY", "/capacity"),
    ("DIRECTION", "/direction"),
];

pub(super) async fn service(direct: &Direct, command: ServiceCommand) -> Result<(), Failure> {
    match command {
        ServiceCommand::Create {
            name,
            queue,
            skills,
            calendar,
            capacity,
            direction,
            no_ask,
            confirm_window_s,
            confirm_timeout,
            confirm_attempts,
            call_in_group,
            fallback_number,
        } => {
            let service = ServiceSetup {
                skills: skills.into_iter().collect(),
                calendar,
                capacity,
                direction,
                ask_customer: !no_ask,
                confirm_window_s,
                confirm_timeout,
                confirm_attempts,
                call_in_group,
                fallback_number: fallback_number.map(PhoneNumber::new),
                ..ServiceSetup::new(name.clone(), queue)
            };
            direct.write(move |tx| create_service(tx, &service, now())).await?;
            direct.done("service", &name, "is there")
        }
        ServiceCommand::Put { file } => {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            let service: ServiceSetup =
                toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
            let name = service.name.clone();
            direct.write(move |tx| put_service(tx, &service, now())).await?;
            direct.done("service", &name, "is set")
        }
        ServiceCommand::Pause { name, until } => {
            set_pause(direct, &name, ServicePause { paused: true, until }).await?;
            direct.done("service", &name, "takes no requests")
        }
        ServiceCommand::Resume { name } => {
            set_pause(direct, &name, ServicePause { paused: false, until: None }).await?;
            direct.done("service", &name, "takes requests")
        }
        ServiceCommand::List => {
            direct.output.columns(&direct.read(list_services).await?, COLUMNS, "no services")
        }
    }
}

async fn set_pause(direct: &Direct, name: &str, pause: ServicePause) -> Result<(), Failure> {
    let name = name.to_owned();
    direct.write(move |tx| pause_service(tx, &name, &pause)).await
}
