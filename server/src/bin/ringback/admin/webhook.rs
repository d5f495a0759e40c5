//! Webhooks: who is told of events over HTTP.

use super::Direct;
use crate::{Failure, print};
use clap::Subcommand;
use ringback_core::protocol::Timestamp;
use ringback_server::app::Effects;
use ringback_server::clock::now;
use ringback_server::config::WebhookSettings;
use ringback_server::webhooks::endpoints::{self, Rotation, WebhookSetup};
use ringback_server::webhooks::history::{self, DeliveryState};
use ringback_server::webhooks::outbox::enqueue_test;
use ringback_server::webhooks::replay::{Progress, replay_one, replay_since};
use serde::Serialize;
use serde_json::json;

#[derive(Subcommand)]
pub(crate) enum WebhookCommand {
    /// Make a webhook; its secret is shown once
    Create {
        /// What it is called
        name: String,
        /// Where events are sent
        url: String,
        /// An event it is told of, such as callback.completed; repeat for more. All when absent
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<String>,
        /// For people, shown in lists
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        description: String,
    },
    /// List all
    List,
    /// Send nothing to it until it is enabled
    Disable {
        /// What it is called
        name: String,
    },
    /// Enable it again; it is sent what has waited for it
    Enable {
        /// What it is called
        name: String,
    },
    /// Take one away, with everything that was to be sent to it
    Delete {
        /// What it is called
        name: String,
    },
    /// Replace the secret; the new one is shown once
    RotateSecret {
        /// What it is called
        name: String,
        /// How long the secret before signs as well; a day when absent
        #[arg(long, value_name = "SECONDS")]
        grace_s: Option<u32>,
    },
    /// Send an event of type webhook.test
    Test {
        /// What it is called
        name: String,
    },
    /// List deliveries, newest first, 100 at a time
    Deliveries {
        /// What the webhook is called
        name: String,
        /// Only those in this state
        #[arg(long, value_enum)]
        state: Option<DeliveryState>,
        /// The last id of the page before
        #[arg(long, value_name = "ID")]
        before: Option<String>,
    },
    /// Send again: one delivery by its id, or everything since a moment
    Replay {
        /// What the webhook is called
        name: String,
        /// The delivery
        #[arg(required_unless_present = "since")]
        id: Option<String>,
        /// Everything since then, for example 2026-11-23T09:00:00Z
        #[arg(long, value_name = "INSTANT", conflicts_with = "id")]
        since: Option<Timestamp>,
    },
}

const WEBHOOKS: &[(&str, &str)] = &[
    ("NAME", "/name"),
    ("URL", "/url"),
    ("EVENTS", "/event_types"),
    ("ENABLED", "/enabled"),
    ("DISABLED FOR", "/disabled_reason"),
    ("FAILING SINCE", "/failing_since"),
];
const DELIVERIES: &[(&str, &str)] = &[
    ("ID", "/id"),
    ("EVENT", "/event_type"),
    ("CALLBACK", "/callback_id"),
    ("STATE", "/state"),
    ("TRIES", "/attempts"),
    ("NEXT", "/next_attempt_at"),
    ("HAPPENED", "/created_at"),
];

pub(super) async fn run(
    direct: &Direct,
    settings: &WebhookSettings,
    command: WebhookCommand,
) -> Result<(), Failure> {
    let vault = direct.vault.clone();
    match command {
        WebhookCommand::Create { name, url, events, description } => {
            let event_types = (!events.is_empty()).then_some(events);
            let new = WebhookSetup { name, url, event_types, description, enabled: true };
            let net = endpoints::net(settings);
            let made = direct.write(move |tx| endpoints::create(tx, &vault, &net, &new, now())).await?;
            show_secret(direct, &made, &made.secret)
        }
        WebhookCommand::List => {
            let webhooks = direct.read(move |tx| endpoints::list(tx, &vault, now())).await?;
            direct.output.columns(&webhooks, WEBHOOKS, "no webhooks")
        }
        WebhookCommand::Disable { name } => enable(direct, settings, name, false).await,
        WebhookCommand::Enable { name } => enable(direct, settings, name, true).await,
        WebhookCommand::Delete { name } => {
            let deleted = name.clone();
            direct.write(move |tx| endpoints::delete(tx, &name)).await?;
            direct.done("webhook", &deleted, "is gone")
        }
        WebhookCommand::RotateSecret { name, grace_s } => {
            let rotation = Rotation { grace_s };
            let made = direct.write(move |tx| endpoints::rotate(tx, &vault, &name, &rotation, now())).await?;
            show_secret(direct, &made, &made.secret)
        }
        // A running server finds what is put into the outbox here when it looks next, within a second.
        WebhookCommand::Test { name } => {
            let id = direct.write(move |tx| enqueue_test(tx, &mut Effects::default(), &name, now())).await?;
            direct.done("delivery", &id, "is on its way")
        }
        WebhookCommand::Deliveries { name, state, before } => {
            let page =
                direct.read(move |tx| history::deliveries(tx, &name, state, before.as_deref())).await?;
            direct.output.columns(&page, DELIVERIES, "no deliveries")
        }
        WebhookCommand::Replay { name, id: Some(id), .. } => {
            let replayed = id.clone();
            direct.write(move |tx| replay_one(tx, &mut Effects::default(), &name, &id, now())).await?;
            direct.done("delivery", &replayed, "is on its way")
        }
        WebhookCommand::Replay { name, id: None, since } => {
            replay(direct, name, since.unwrap_or_default()).await
        }
    }
}

fn show_secret(direct: &Direct, made: &impl Serialize, secret: &str) -> Result<(), Failure> {
    direct.output.done(made, secret, secret)?;
    print::note("Keep it: it is not shown again.")
}

async fn enable(
    direct: &Direct,
    settings: &WebhookSettings,
    name: String,
    enabled: bool,
) -> Result<(), Failure> {
    let (vault, net) = (direct.vault.clone(), endpoints::net(settings));
    let set = name.clone();
    direct
        .write(move |tx| {
            let setup = endpoints::show(tx, &vault, &name, now())?.setup;
            endpoints::update(tx, &vault, &net, &WebhookSetup { enabled, ..setup }, now())
        })
        .await?;
    direct.done("webhook", &set, if enabled { "is enabled" } else { "is disabled" })
}

async fn replay(direct: &Direct, name: String, since: Timestamp) -> Result<(), Failure> {
    let mut progress = Progress::default();
    loop {
        let name = name.clone();
        progress = direct
            .write(move |tx| replay_since(tx, &mut Effects::default(), &name, since, &progress, now()))
            .await?;
        if progress.after.is_none() {
            let (events, done) = (progress.events.to_string(), json!({ "replayed": progress.events }));
            return direct.output.done(&done, &events, &format!("{events} events are on their way"));
        }
    }
}
