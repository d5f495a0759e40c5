//! `ringback admin`: the contact centre, set up directly in the database. A running server sees the change at once.

mod call_in;
mod captcha;
mod centre;
mod keys;
mod push;
mod push_watch;
mod rules;
mod schedule;
mod service;
mod webhook;

use crate::print::Output;
use crate::{Failure, apply};
use call_in::GroupCommand;
use captcha::CaptchaCommand;
use centre::{AgentCommand, NamedCommand};
use clap::{Args, Subcommand};
use keys::KeyCommand;
use push::PushCommand;
use ringback_server::config::Settings;
use ringback_server::refusal::Refusal;
use ringback_server::schedule::calendar::CalendarSetup;
use ringback_server::schedule::capacity::CapacitySetup;
use ringback_server::storage::{Storage, Tx, Vault};
use rules::RuleSetCommand;
use schedule::SetupCommand;
use serde_json::json;
use service::ServiceCommand;
use std::path::{Path, PathBuf};
use webhook::WebhookCommand;

const EXAMPLES: &str = "\
Examples:
  ringback admin apply centre.toml
  export RINGBACK_APP_KEY=$(ringback admin key create-app phone)
  ringback admin key create root --role administrator
  ringback admin agent list --json";

/// The contact centre, set up directly in the database.
#[derive(Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP))]
pub(crate) struct Options {
    #[command(flatten)]
    output: Output,
    #[command(subcommand)]
    command: Admin,
}

impl Options {
    pub(crate) fn output(&self) -> Output {
        self.output
    }
}

#[derive(Subcommand)]
enum Admin {
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
    /// Calendars: when a service is open
    #[command(subcommand)]
    Calendar(SetupCommand),
    /// Capacity rules: how many calls can be promised when
    #[command(subcommand)]
    Capacity(SetupCommand),
    /// Click-to-call groups: the numbers given out
    #[command(subcommand)]
    CallInGroup(GroupCommand),
    /// Rule sets: which countries and numbers are called
    #[command(subcommand)]
    RuleSet(RuleSetCommand),
    /// Keys of apps and of staff
    #[command(subcommand)]
    Key(KeyCommand),
    /// Push credentials (APNs keys, Firebase service accounts, VAPID keys), and what became of pushes
    #[command(subcommand)]
    Push(PushCommand),
    /// Credentials of CAPTCHA providers (Turnstile, hCaptcha, reCAPTCHA)
    #[command(subcommand)]
    Captcha(CaptchaCommand),
    /// Webhooks: who is told of events over HTTP
    #[command(subcommand)]
    Webhook(WebhookCommand),
}

/// The database, opened for one command.
pub(crate) struct Direct {
    storage: Storage,
    /// Seals what is private.
    pub(crate) vault: std::sync::Arc<Vault>,
    /// How the command prints.
    pub(crate) output: Output,
}

impl Direct {
    async fn open(settings: &Settings, output: Output) -> Result<Self, Failure> {
        let (storage, vault) = Storage::open_sealed(&settings.storage).await?;
        Ok(Self { storage, vault, output })
    }

    /// Says what was done to what: "queue support is there".
    fn done(&self, kind: &str, name: &str, what: &str) -> Result<(), Failure> {
        let done = json!({ "kind": kind, "name": name, "done": what });
        self.output.done(&done, name, &format!("{kind} {name} {what}"))
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

pub(crate) async fn run(settings: &Settings, options: Options) -> Result<(), Failure> {
    let direct = Direct::open(settings, options.output).await?;
    let done = carry_out(&direct, settings, options.command).await;
    direct.storage.close().await;
    done
}

async fn carry_out(direct: &Direct, settings: &Settings, command: Admin) -> Result<(), Failure> {
    match command {
        Admin::Apply { file } => apply::run(direct, &file).await,
        Admin::Queue(command) => centre::queue(direct, command).await,
        Admin::Skill(command) => centre::skill(direct, command).await,
        Admin::Agent(command) => centre::agent(direct, command).await,
        Admin::Service(command) => service::service(direct, command).await,
        Admin::Calendar(command) => schedule::run::<CalendarSetup>(direct, command).await,
        Admin::Capacity(command) => schedule::run::<CapacitySetup>(direct, command).await,
        Admin::CallInGroup(command) => call_in::run(direct, command).await,
        Admin::RuleSet(command) => rules::run(direct, command).await,
        Admin::Key(command) => keys::run(direct, command).await,
        Admin::Push(command) => push::run(direct, &settings.push, command).await,
        Admin::Captcha(command) => captcha::run(direct, &settings.captcha, command).await,
        Admin::Webhook(command) => webhook::run(direct, &settings.webhooks, command).await,
    }
}

pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()).into())
}
