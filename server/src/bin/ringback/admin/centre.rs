//! Queues, skills and agents.

use super::Direct;
use crate::Failure;
use clap::{Args, Subcommand};
use ringback_server::clock::now;
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{self, AgentSetup, Named};
use ringback_server::storage::Tx;

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
    #[arg(long = "queue", value_name = "QUEUE", required = true)]
    queues: Vec<String>,
    /// What the agent can do, as in billing=3, at a level of 1 to 10; 1 when there is none. Repeat for more
    #[arg(long = "skill", value_name = "SKILL[=LEVEL]", value_parser = parse_level)]
    skills: Vec<(String, u32)>,
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

const NAMES: &[(&str, &str)] = &[("NAME", "/name")];
const AGENTS: &[(&str, &str)] =
    &[("NAME", "/name"), ("STATE", "/state"), ("QUEUES", "/queues"), ("SKILLS", "/skills")];

/// `billing` or `billing=3`.
pub(super) fn parse_level(text: &str) -> Result<(String, u32), String> {
    let (skill, level) = text.split_once('=').unwrap_or((text, "1"));
    let level = level.parse().map_err(|_| "a level is a number from 1 to 10, as in billing=3".to_owned())?;
    Ok((skill.to_owned(), level))
}

pub(super) async fn queue(direct: &Direct, command: NamedCommand) -> Result<(), Failure> {
    match command {
        NamedCommand::Create { name } => {
            created("queue", name, direct, |tx, name| resources::create_queue(tx, &Named { name }, now()))
                .await
        }
        NamedCommand::List => {
            direct.output.columns(&direct.read(resources::list_queues).await?, NAMES, "no queues")
        }
    }
}

pub(super) async fn skill(direct: &Direct, command: NamedCommand) -> Result<(), Failure> {
    match command {
        NamedCommand::Create { name } => {
            created("skill", name, direct, |tx, name| resources::create_skill(tx, &Named { name }, now()))
                .await
        }
        NamedCommand::List => {
            direct.output.columns(&direct.read(resources::list_skills).await?, NAMES, "no skills")
        }
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
    direct.done(kind, &made, "is there")
}

pub(super) async fn agent(direct: &Direct, command: AgentCommand) -> Result<(), Failure> {
    let setup = |arguments: AgentArguments| AgentSetup {
        name: arguments.name,
        queues: arguments.queues,
        skills: arguments.skills.into_iter().collect(),
    };
    match command {
        AgentCommand::Create(arguments) => {
            let agent = setup(arguments);
            let name = agent.name.clone();
            direct.write(move |tx| resources::create_agent(tx, &agent, now())).await?;
            direct.done("agent", &name, "is there, offline")
        }
        AgentCommand::Update(arguments) => {
            let agent = setup(arguments);
            let name = agent.name.clone();
            direct.write(move |tx| resources::update_agent(tx, &agent)).await?;
            direct.done("agent", &name, "is changed")
        }
        AgentCommand::List => {
            direct.output.columns(&direct.read(resources::list_agents).await?, AGENTS, "no agents")
        }
    }
}
