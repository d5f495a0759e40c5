//! Queues, skills, agents and services.

use super::Direct;
use crate::{Failure, print};
use clap::{Args, Subcommand};
use ringback_core::protocol::Direction;
use ringback_server::callbacks::model::ConfirmTimeout;
use ringback_server::clock::now;
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{self, AgentSetup, Named, ServiceSetup};
use ringback_server::storage::Tx;
use ringback_server::words::unword;

#[derive(Subcommand)]
pub(crate) enum NamedCommand {
    /// Make one
    Create {
        /// 1 to 64 of a-z, 0-9 and -
        name: String,
    },
    /// List all
    List,
}

#[derive(Args)]
pub(crate) struct AgentArguments {
    /// 1 to 64 of a-z, 0-9 and -
    name: String,
    /// A queue the agent serves; repeat for more
    #[arg(long = "queue", required = true)]
    queues: Vec<String>,
    /// What the agent can do; repeat for more
    #[arg(long = "skill")]
    skills: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum AgentCommand {
    /// Make an agent, offline
    Create(AgentArguments),
    /// Set an agent's queues and skills anew
    Update(AgentArguments),
    /// List all
    List,
}

#[derive(Subcommand)]
pub(crate) enum ServiceCommand {
    /// Make one
    Create {
        /// 1 to 64 of a-z, 0-9 and -
        name: String,
        /// Where its callbacks wait
        #[arg(long)]
        queue: String,
        /// What an agent must be able to do; repeat for more
        #[arg(long = "skill")]
        skills: Vec<String>,
        /// Who dials: `customer_terminated` or `customer_originated`
        #[arg(long, default_value = "customer_terminated", value_parser = parse_word::<Direction>)]
        direction: Direction,
        /// Connect without asking the customer first
        #[arg(long)]
        no_ask: bool,
        /// How long the customer has to answer, in seconds, 5 to 600
        #[arg(long, default_value_t = 30)]
        confirm_window_s: u32,
        /// What happens when nobody answers in time: `connect`, `requeue` or `complete`
        #[arg(long, default_value = "requeue", value_parser = parse_word::<ConfirmTimeout>)]
        confirm_timeout: ConfirmTimeout,
        /// How often the customer is asked at most, 1 to 10
        #[arg(long, default_value_t = 3)]
        confirm_attempts: u32,
        /// The click-to-call group its numbers come from
        #[arg(long)]
        call_in_group: Option<String>,
    },
    /// List all
    List,
}

fn parse_word<T: serde::de::DeserializeOwned>(word: &str) -> Result<T, String> {
    unword(word).map_err(|_| "no such word; see the help text".to_owned())
}

pub(super) async fn queue(direct: &Direct, command: NamedCommand) -> Result<(), Failure> {
    match command {
        NamedCommand::Create { name } => {
            created("queue", name, direct, |tx, name| resources::create_queue(tx, &Named { name }, now()))
                .await
        }
        NamedCommand::List => print::json_lines(&direct.read(resources::list_queues).await?),
    }
}

pub(super) async fn skill(direct: &Direct, command: NamedCommand) -> Result<(), Failure> {
    match command {
        NamedCommand::Create { name } => {
            created("skill", name, direct, |tx, name| resources::create_skill(tx, &Named { name }, now()))
                .await
        }
        NamedCommand::List => print::json_lines(&direct.read(resources::list_skills).await?),
    }
}

async fn created(
    kind: &str,
    name: String,
    direct: &Direct,
    make: fn(&mut Tx<'_>, String) -> Result<(), Refusal>,
) -> Result<(), Failure> {
    let made = name.clone();
    direct.write(move |tx| make(tx, name.clone())).await?;
    println!("{kind} {made} is there");
    Ok(())
}

pub(super) async fn agent(direct: &Direct, command: AgentCommand) -> Result<(), Failure> {
    let setup = |arguments: AgentArguments| AgentSetup {
        name: arguments.name,
        queues: arguments.queues,
        skills: arguments.skills,
    };
    match command {
        AgentCommand::Create(arguments) => {
            let agent = setup(arguments);
            let name = agent.name.clone();
            direct.write(move |tx| resources::create_agent(tx, &agent, now())).await?;
            println!("agent {name} is there, offline");
            Ok(())
        }
        AgentCommand::Update(arguments) => {
            let agent = setup(arguments);
            let name = agent.name.clone();
            direct.write(move |tx| resources::update_agent(tx, &agent)).await?;
            println!("agent {name} is changed");
            Ok(())
        }
        AgentCommand::List => print::json_lines(&direct.read(resources::list_agents).await?),
    }
}

pub(super) async fn service(direct: &Direct, command: ServiceCommand) -> Result<(), Failure> {
    match command {
        ServiceCommand::Create {
            name,
            queue,
            skills,
            direction,
            no_ask,
            confirm_window_s,
            confirm_timeout,
            confirm_attempts,
            call_in_group,
        } => {
            let made = name.clone();
            let service = ServiceSetup {
                name,
                queue,
                skills,
                direction,
                ask_customer: !no_ask,
                confirm_window_s,
                confirm_timeout,
                confirm_attempts,
                call_in_group,
            };
            direct.write(move |tx| resources::create_service(tx, &service, now())).await?;
            println!("service {made} is there");
            Ok(())
        }
        ServiceCommand::List => print::json_lines(&direct.read(resources::list_services).await?),
    }
}
