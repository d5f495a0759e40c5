//! `ringback call`: what a customer's app does, through the SDK core.

mod device;
mod live;
mod request;
mod ticket;
pub(crate) mod view;

use crate::exit::{Ended, Exit};
use crate::print::{self, Output};
use crate::{Failure, server_url};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use device::Device;
pub(crate) use request::arguments;
use request::{CallIn, Request, Time, seconds};
use ringback_core::client::{ClientConfig, ClientError, RingbackClient};
use ringback_core::host::{FileStore, Host};
use ringback_core::protocol::{
    ActionToken, AvailabilityRequest, CallbackState, ConfirmAnswer, PhoneNumber, Timestamp,
};
use ringback_core::transport::ReqwestTransport;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  ringback call offer billing
  ID=$(ringback call request billing +4930901820 --name Ann --quiet)
  ringback call watch $ID
  ringback call confirm $ID ready
  ringback call request billing +4930901820 \\
      --at 2026-12-24T10:30 --zone Europe/Berlin
  ringback call list --open --json | jq .position";

/// What `watch --until` waits for: see docs/states.md.
const AWAITED: [&str; 12] = [
    "scheduled",
    "queued",
    "previewing",
    "reserved",
    "notified",
    "confirmed",
    "connecting",
    "holding",
    "processing",
    "completed",
    "requeued",
    "attempt_failed",
];

#[derive(Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP))]
pub(crate) struct Options {
    /// The server
    #[arg(long, env = "RINGBACK_URL", value_name = "URL", default_value = "http://127.0.0.1:8080", value_parser = server_url)]
    url: String,
    /// The app's publishable key, from `ringback admin key create-app`
    #[arg(long, env = "RINGBACK_APP_KEY", value_name = "KEY", hide_env_values = true, value_parser = NonEmptyStringValueParser::new())]
    app_key: String,
    /// Where this installation keeps its secret and its outbox
    #[arg(long, env = "RINGBACK_DATA", value_name = "FOLDER", default_value = ".ringback")]
    data: PathBuf,
    #[command(flatten)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

impl Options {
    pub(crate) fn output(&self) -> Output {
        self.output
    }
}

#[derive(Subcommand)]
enum Command {
    /// Show what a service offers now, and how long the wait is
    Offer {
        /// The service
        service: String,
    },
    /// List when calls can be promised
    Availability {
        /// The service
        service: String,
        /// The caller's zone, for example Europe/Berlin; this machine's when absent
        #[arg(long, value_name = "ZONE")]
        zone: Option<String>,
        /// From this instant, for example 2026-12-24T00:00:00Z; now when absent
        #[arg(long, value_name = "INSTANT")]
        from: Option<Timestamp>,
        /// Up to this instant; seven days later when absent
        #[arg(long, value_name = "INSTANT")]
        to: Option<Timestamp>,
        /// List full slots too
        #[arg(long)]
        include_full: bool,
        /// At most so many slots, 1 to 5000; 500 when absent
        #[arg(long, value_name = "COUNT")]
        limit: Option<u32>,
    },
    /// Ask for a call, now or with --at for a chosen time
    Request(Request),
    /// Say what a request would meet now, without making it
    Validate(Request),
    /// Choose another time; without --at as soon as an agent is free
    Reschedule {
        /// The callback
        id: String,
        #[command(flatten)]
        time: Time,
    },
    /// Not now: for a while nobody calls
    Snooze {
        /// The callback
        id: String,
        /// For how many seconds, 60 to 86400
        #[arg(value_name = "SECONDS", value_parser = seconds)]
        delay_s: u32,
    },
    /// Have another number called
    OtherNumber {
        /// The callback
        id: String,
        /// The number, E.164: +4930901820
        number: String,
    },
    /// Show place in line and wait as they change, until the callback is over
    Line {
        /// The callback
        id: String,
    },
    /// Show a callback
    Status {
        /// The callback
        id: String,
    },
    /// List this installation's callbacks, newest first
    List {
        /// Leave out what is over
        #[arg(long)]
        open: bool,
    },
    /// Take a callback back
    Cancel {
        /// The callback
        id: String,
    },
    /// Answer "your agent is ready, are you?"
    Confirm {
        /// The callback
        id: String,
        #[command(subcommand)]
        answer: Answer,
        /// The token from the push; without it the question that is open now is answered
        #[arg(long, global = true, value_name = "TOKEN")]
        action_token: Option<String>,
    },
    /// Ask for a number to dial and a code to type
    CallIn(CallIn),
    /// Show what happens as it happens: of one callback until it is over, or of all until interrupted
    ///
    /// A terminal gets a picture that stays up to date; a pipe or a file gets one line for each event. Each event is told
    /// once: another `watch` goes on where the last one stopped.
    Watch {
        /// The callback; all when absent
        id: Option<String>,
        /// End as soon as this event has come, or the callback is in this state: reserved, connecting, processing …
        ///
        /// With an id only. When the callback is over first, the exit code is 6.
        #[arg(long, value_name = "EVENT", requires = "id", value_parser = AWAITED)]
        until: Option<String>,
    },
    /// Say how this installation is reached by push
    RegisterPush(Device),
    /// Send no more pushes to a device
    UnregisterPush {
        /// The device, as `register-push` and `devices` print it
        device_id: String,
    },
    /// List by which devices this installation is reached
    Devices,
    /// Send again what could not be sent before
    Resume,
}

#[derive(Subcommand)]
enum Answer {
    /// Connect me
    Ready,
    /// Ask again later
    Snooze {
        /// In how many seconds, 60 to 86400
        #[arg(value_name = "SECONDS", value_parser = seconds)]
        delay_s: u32,
    },
    /// Connect me on another number
    OtherNumber {
        /// The number, E.164: +4930901820
        number: String,
    },
    /// I no longer need the call
    Cancel,
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let client = client(&options)?;
    perform(&client, options.output, options.command)
        .await
        .map_err(|failure| name_server(failure, &options.url))
}

/// Says which server it was that could not be reached.
fn name_server(failure: Failure, url: &str) -> Failure {
    match failure.downcast::<ClientError>() {
        Ok(error) => match *error {
            ClientError::Unreachable { detail, pending_key, fallback } => {
                let detail = format!("{url}: {detail}; is the server running?");
                ClientError::Unreachable { detail, pending_key, fallback }.into()
            }
            other => other.into(),
        },
        Err(failure) => failure,
    }
}

async fn perform(client: &RingbackClient, output: Output, command: Command) -> Result<(), Failure> {
    match command {
        Command::Offer { service } => output.show(&client.offer(service).await?),
        Command::Availability { service, zone, from, to, include_full, limit } => {
            let zone = zone.map_or_else(own_zone, Ok)?;
            let request = AvailabilityRequest { service, zone, from, to, include_full, limit };
            let availability = client.availability(request).await?;
            output.list(&availability.slots, "no slots")?;
            availability.next.map_or(Ok(()), |next| print::note(format!("more: --from {next}")))
        }
        Command::Request(request) => output.show(&client.request_callback(request.callback_request()).await?),
        Command::Validate(request) => {
            let validation = client.validate(request.callback_request()).await?;
            output.show(&validation)?;
            let refused = validation.checks.iter().find(|check| !check.passed);
            match refused.and_then(|check| check.code.as_deref()) {
                Some(code) => Err(Ended::with(Exit::of_code(code))),
                None => Ok(()),
            }
        }
        Command::Reschedule { id, time } => output.show(&client.reschedule(id, time.wall_time()).await?),
        Command::Snooze { id, delay_s } => output.show(&client.snooze(id, delay_s).await?),
        Command::OtherNumber { id, number } => {
            output.show(&client.change_number(id, PhoneNumber::new(number)).await?)
        }
        Command::Line { id } => live::line(client, output, &id).await,
        Command::Status { id } => output.show(&client.callback(id).await?),
        Command::List { open } => {
            let mut callbacks = client.callbacks().await?;
            callbacks.retain(|callback| !open || callback.state != CallbackState::Completed);
            output.list(&callbacks, "no callbacks")
        }
        Command::Cancel { id } => output.show(&client.cancel(id).await?),
        Command::Confirm { id, answer, action_token } => {
            let answer = match answer {
                Answer::Ready => ConfirmAnswer::Ready,
                Answer::Snooze { delay_s } => ConfirmAnswer::Snooze { delay_s },
                Answer::OtherNumber { number } => {
                    ConfirmAnswer::OtherNumber { number: PhoneNumber::new(number) }
                }
                Answer::Cancel => ConfirmAnswer::Cancel,
            };
            output.show(&client.confirm(id, answer, action_token.map(ActionToken::new)).await?)
        }
        Command::CallIn(call_in) => output.show(&client.request_call_in(call_in.call_in_request()).await?),
        Command::Watch { id: Some(id), until } => live::watch_one(client, output, id, until).await,
        Command::Watch { id: None, .. } => live::watch_all(client, output).await,
        Command::RegisterPush(device) => output.show(&client.register_push(device.registration()).await?),
        Command::UnregisterPush { device_id } => {
            let sentence = format!("no more pushes to {device_id}");
            client.unregister_push(device_id.clone()).await?;
            output.done(&json!({ "unregistered": device_id }), &device_id, &sentence)
        }
        Command::Devices => output.list(&client.devices().await?, "no devices"),
        Command::Resume => {
            let sent = client.resume().await?.len();
            let left = client.pending().await?.iter().filter(|request| request.is_open()).count();
            let sentence = format!("{sent} requests were waiting; {left} are left");
            output.done(&json!({ "waited": sent, "left": left }), &left.to_string(), &sentence)
        }
    }
}

/// The zone of this machine.
fn own_zone() -> Result<String, Failure> {
    let zone = jiff::tz::TimeZone::system();
    let name = zone.iana_name().filter(|name| *name != "Etc/Unknown");
    Ok(name.ok_or("this machine does not say in which zone it is; name one with --zone")?.to_owned())
}

fn client(options: &Options) -> Result<RingbackClient, Failure> {
    let config = ClientConfig::new(&options.url, &options.app_key, options.data.to_string_lossy());
    let store = Arc::new(FileStore::new(options.data.join("secrets")));
    Ok(RingbackClient::new(config, Host::new(store, Arc::new(ReqwestTransport::new()?)))?)
}
