//! `ringback admin`: the contact centre, set up directly in the database. A running server sees the change at once.

use crate::{Failure, apply, print};
use clap::{Args, Subcommand};
use ringback_core::protocol::{Direction, PhoneNumber, PushToken};
use ringback_server::call_in::{self, NewCallInGroup, NumberSelection};
use ringback_server::callbacks::model::ConfirmTimeout;
use ringback_server::clock::now;
use ringback_server::config::Settings;
use ringback_server::identity::Role;
use ringback_server::identity::admin::{self as keys, NewStaffKey};
use ringback_server::push::credentials::{self, NewPushCredential, PushCredential};
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{self, AgentSetup, Named, ServiceSetup};
use ringback_server::storage::{Storage, Tx, Vault};
use ringback_server::words::unword;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Admin {
    /// Make everything a TOML file describes that is not there yet (see tests/e2e/centre.toml)
    Apply {
        /// The file
        file: PathBuf,
    },
    /// Queues: where callbacks wait
    #[command(subcommand)]
    Queue(NamedCommand),
    /// Skills: what agents can do and services need
    #[command(subcommand)]
    Skill(NamedCommand),
    /// Agents
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Services: what people ask a call for
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Click-to-call groups: the numbers given out
    #[command(subcommand)]
    CallInGroup(GroupCommand),
    /// Keys of apps and of staff
    #[command(subcommand)]
    Key(KeyCommand),
    /// Push credentials: APNs keys and Firebase service accounts
    #[command(subcommand)]
    Push(PushCommand),
}

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

#[derive(Subcommand)]
pub(crate) enum GroupCommand {
    /// Make one
    Create {
        /// 1 to 64 of a-z, 0-9 and -
        name: String,
        /// One of the contact centre's own numbers, E.164; repeat for more
        #[arg(long = "number", required = true)]
        numbers: Vec<String>,
        /// How the next number is chosen
        #[arg(long, value_enum, default_value = "round-robin")]
        selection: NumberSelection,
        /// How many digits an access code has, 4 to 9
        #[arg(long, default_value_t = 6)]
        code_digits: u32,
        /// How long a code is good for, in seconds, 30 to 86400
        #[arg(long, default_value_t = 600)]
        expires_after_s: u32,
    },
    /// List all
    List,
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Make the publishable key of an app
    CreateApp {
        /// What it is called in lists
        name: String,
    },
    /// Make a key of staff; it is shown once
    Create {
        /// What it is called in lists
        name: String,
        /// What it may do
        #[arg(long, value_enum)]
        role: Role,
        /// Whose desk it opens; needed for the role agent
        #[arg(long)]
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
}

/// The database, opened for one command.
pub(crate) struct Direct {
    storage: Storage,
    /// Seals what is private.
    pub(crate) vault: std::sync::Arc<Vault>,
}

impl Direct {
    async fn open(settings: &Settings) -> Result<Self, Failure> {
        let (storage, vault) = Storage::open_sealed(&settings.storage).await?;
        Ok(Self { storage, vault })
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        body: impl FnMut(&mut Tx<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        Ok(self.storage.write(body).await?)
    }

    async fn read<T: Send + 'static>(
        &self,
        body: impl FnMut(&mut Tx<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        Ok(self.storage.read(body).await?)
    }
}

pub(crate) async fn run(settings: &Settings, command: Admin) -> Result<(), Failure> {
    let direct = Direct::open(settings).await?;
    let done = carry_out(&direct, command).await;
    direct.storage.close().await;
    done
}

async fn carry_out(direct: &Direct, command: Admin) -> Result<(), Failure> {
    match command {
        Admin::Apply { file } => apply::run(direct, &file).await,
        Admin::Queue(NamedCommand::Create { name }) => {
            created("queue", name, direct, |tx, name| resources::create_queue(tx, &Named { name }, now()))
                .await
        }
        Admin::Queue(NamedCommand::List) => print::json_lines(&direct.read(resources::list_queues).await?),
        Admin::Skill(NamedCommand::Create { name }) => {
            created("skill", name, direct, |tx, name| resources::create_skill(tx, &Named { name }, now()))
                .await
        }
        Admin::Skill(NamedCommand::List) => print::json_lines(&direct.read(resources::list_skills).await?),
        Admin::Agent(command) => agent(direct, command).await,
        Admin::Service(command) => service(direct, command).await,
        Admin::CallInGroup(command) => call_in_group(direct, command).await,
        Admin::Key(command) => key(direct, command).await,
        Admin::Push(command) => push(direct, command).await,
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

async fn agent(direct: &Direct, command: AgentCommand) -> Result<(), Failure> {
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

async fn service(direct: &Direct, command: ServiceCommand) -> Result<(), Failure> {
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

async fn call_in_group(direct: &Direct, command: GroupCommand) -> Result<(), Failure> {
    match command {
        GroupCommand::Create { name, numbers, selection, code_digits, expires_after_s } => {
            let numbers = numbers.into_iter().map(PhoneNumber::new).collect();
            let made = name.clone();
            let group = NewCallInGroup { name, numbers, selection, code_digits, expires_after_s };
            direct.write(move |tx| call_in::create_group(tx, &group, now())).await?;
            println!("click-to-call group {made} is there");
            Ok(())
        }
        GroupCommand::List => print::json_lines(&direct.read(call_in::list_groups).await?),
    }
}

async fn key(direct: &Direct, command: KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::CreateApp { name } => {
            let made = direct.write(move |tx| keys::create_app_key(tx, &name, now())).await?;
            println!("{}", made.key.expose());
            Ok(())
        }
        KeyCommand::Create { name, role, agent } => {
            let new = NewStaffKey { name, role, agent };
            let made = direct.write(move |tx| keys::create_staff_key(tx, &new, now())).await?;
            println!("{}", made.key.expose());
            eprintln!("Keep it: it is not shown again.");
            Ok(())
        }
        KeyCommand::List => print::json_lines(&direct.read(keys::list_keys).await?),
        KeyCommand::Revoke { name } => {
            let revoked = name.clone();
            direct.write(move |tx| keys::revoke_key(tx, &name, now())).await?;
            println!("key {revoked} opens nothing any more");
            Ok(())
        }
    }
}

async fn push(direct: &Direct, command: PushCommand) -> Result<(), Failure> {
    let new = match command {
        PushCommand::List => return print::json_lines(&direct.read(credentials::list).await?),
        PushCommand::Apns { name, key_file, key_id, team_id, topics } => {
            let key_p8 = PushToken::new(read(&key_file)?);
            NewPushCredential { name, credential: PushCredential::Apns { key_p8, key_id, team_id, topics } }
        }
        PushCommand::Fcm { name, service_account } => {
            let service_account = PushToken::new(read(&service_account)?);
            NewPushCredential { name, credential: PushCredential::Fcm { service_account } }
        }
    };
    let name = new.name.clone();
    let vault = direct.vault.clone();
    direct.write(move |tx| credentials::put(tx, &vault, &new, now())).await?;
    println!("push credential {name} is entered and sealed");
    Ok(())
}

fn read(file: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()).into())
}
