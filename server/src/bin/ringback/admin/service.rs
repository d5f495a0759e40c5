//! Services.

use super::Direct;
use super::centre::parse_level;
use crate::Failure;
use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ringback_core::protocol::{Direction, PhoneNumber, Timestamp};
use ringback_server::clock::now;
use ringback_server::services::policy::{ConfirmTimeout, ServiceSetup};
use ringback_server::services::{ServicePause, create_service, list_services, pause_service, put_service};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum ServiceCommand {
    /// Make a service with the settings most in use
    Create {
        /// 1 to 64 of a-z, 0-9 and -
        name: String,
        /// Where its callbacks wait
        #[arg(long, value_name = "QUEUE")]
        queue: String,
        /// What an agent must be able to do, as in billing=3, at a level of 1 to 10; 1 when there is none. Repeat for more
        #[arg(long = "skill", value_name = "SKILL[=LEVEL]", value_parser = parse_level)]
        skills: Vec<(String, u32)>,
        /// Its opening hours
        #[arg(long, value_name = "CALENDAR")]
        calendar: Option<String>,
        /// How many calls can be promised when
        #[arg(long, value_name = "CAPACITY_RULE")]
        capacity: Option<String>,
        /// Who dials: the agent, or the customer when an agent is ready
        #[arg(long, default_value = "customer_terminated", value_parser = direction())]
        direction: Direction,
        /// Connect without asking the customer first
        #[arg(long)]
        no_ask: bool,
        /// How long the customer has to answer, 5 to 600
        #[arg(long, value_name = "SECONDS", default_value_t = 30)]
        confirm_window_s: u32,
        /// What happens when nobody answers in time
        #[arg(long, value_enum, default_value = "requeue")]
        confirm_timeout: ConfirmTimeout,
        /// How often the customer is asked at most, 1 to 10
        #[arg(long, value_name = "COUNT", default_value_t = 3)]
        confirm_attempts: u32,
        /// The click-to-call group its numbers come from
        #[arg(long, value_name = "GROUP")]
        call_in_group: Option<String>,
        /// The number for people whose app cannot reach the server, E.164
        #[arg(long, value_name = "NUMBER")]
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
        /// Until then, for example 2026-11-23T09:00:00Z; until it is resumed when absent
        #[arg(long, value_name = "INSTANT")]
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

fn direction() -> impl TypedValueParser<Value = Direction> {
    PossibleValuesParser::new(["customer_terminated", "customer_originated"]).map(|word| {
        match word.as_str() {
            "customer_originated" => Direction::CustomerOriginated,
            _ => Direction::CustomerTerminated,
        }
    })
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
            let text = super::read(&file)?;
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
