//! `ringback call`: what a customer's app does, through the SDK core.

mod device;
mod request;

use crate::{Failure, print};
use clap::{Args, Subcommand};
use device::Device;
use request::{Request, Time};
use ringback_core::client::{ClientConfig, ClientError, RingbackClient};
use ringback_core::host::{FileStore, Host};
use ringback_core::protocol::{
    AccessCode, ActionToken, AvailabilityRequest, CallInRequest, CallTicket, ConfirmAnswer, Fold,
    PhoneNumber, Timestamp,
};
use ringback_core::transport::ReqwestTransport;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args)]
pub(crate) struct Options {
    /// The server
    #[arg(long, env = "RINGBACK_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The app's publishable key
    #[arg(long, env = "RINGBACK_APP_KEY")]
    app_key: String,
    /// Where this installation keeps its secret and its outbox
    #[arg(long, env = "RINGBACK_DATA", default_value = ".ringback")]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
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
        /// The caller's zone, for example Europe/Berlin
        #[arg(long)]
        zone: String,
        /// From this instant, for example 2026-12-24T00:00:00Z; now when absent
        #[arg(long)]
        from: Option<Timestamp>,
        /// Up to this instant; seven days later when absent
        #[arg(long)]
        to: Option<Timestamp>,
        /// List full slots too
        #[arg(long)]
        include_full: bool,
        /// At most so many slots
        #[arg(long)]
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
        delay_s: u32,
    },
    /// Have another number called
    OtherNumber {
        /// The callback
        id: String,
        /// E.164
        number: String,
    },
    /// Print position and wait as they change, until the callback is over
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
    List,
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
        /// The token from the push
        #[arg(long, global = true)]
        action_token: Option<String>,
    },
    /// Ask for a number to dial and a code to type
    CallIn {
        /// The service
        service: String,
        /// The number the call will come from, E.164
        #[arg(long)]
        caller_number: Option<String>,
    },
    /// Print events as they happen, until interrupted
    Watch,
    /// Say how this installation is reached by push
    RegisterPush(Device),
    /// Send no more pushes to a device
    UnregisterPush {
        /// The device, as register-push and devices print it
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
        delay_s: u32,
    },
    /// Connect me on another number
    OtherNumber {
        /// E.164
        number: String,
    },
    /// I no longer need the call
    Cancel,
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let client = client(&options)?;
    let outcome = perform(&client, options.command).await;
    if let Err(error) = &outcome {
        show_alternatives(error);
    }
    outcome
}

async fn perform(client: &RingbackClient, command: Command) -> Result<(), Failure> {
    match command {
        Command::Offer { service } => print::json(&client.offer(service).await?),
        Command::Availability { service, zone, from, to, include_full, limit } => {
            let request = AvailabilityRequest { service, zone, from, to, include_full, limit };
            let availability = client.availability(request).await?;
            print::json_lines(&availability.slots)?;
            if let Some(next) = availability.next {
                eprintln!("more: --from {next}");
            }
            Ok(())
        }
        Command::Request(request) => print::json(&client.request_callback(request.callback_request()).await?),
        Command::Validate(request) => print::json(&client.validate(request.callback_request()).await?),
        Command::Reschedule { id, time } => print::json(&client.reschedule(id, time.wall_time()).await?),
        Command::Snooze { id, delay_s } => print::json(&client.snooze(id, delay_s).await?),
        Command::OtherNumber { id, number } => {
            print::json(&client.change_number(id, PhoneNumber::new(number)).await?)
        }
        Command::Line { id } => {
            let line = client.line(&id)?;
            while let Some(update) = line.next().await? {
                print::json(&update)?;
            }
            Ok(())
        }
        Command::Status { id } => print::json(&client.callback(id).await?),
        Command::List => print::json_lines(&client.callbacks().await?),
        Command::Cancel { id } => print::json(&client.cancel(id).await?),
        Command::Confirm { id, answer, action_token } => {
            let answer = match answer {
                Answer::Ready => ConfirmAnswer::Ready,
                Answer::Snooze { delay_s } => ConfirmAnswer::Snooze { delay_s },
                Answer::OtherNumber { number } => {
                    ConfirmAnswer::OtherNumber { number: PhoneNumber::new(number) }
                }
                Answer::Cancel => ConfirmAnswer::Cancel,
            };
            let confirmation = client.confirm(id, answer, action_token.map(ActionToken::new)).await?;
            print::json(&confirmation.callback)?;
            confirmation.ticket.as_ref().map_or(Ok(()), |ticket| {
                show_ticket(ticket);
                Ok(())
            })
        }
        Command::CallIn { service, caller_number } => {
            let request = CallInRequest {
                service,
                caller_number: caller_number.map(PhoneNumber::new),
                name: None,
                context: HashMap::new(),
            };
            show_ticket(&client.request_call_in(request).await?);
            Ok(())
        }
        Command::Watch => {
            let events = client.events()?;
            while let Some(event) = events.next().await? {
                print::json(&event)?;
            }
            Ok(())
        }
        Command::RegisterPush(device) => print::json(&client.register_push(device.registration()).await?),
        Command::UnregisterPush { device_id } => Ok(client.unregister_push(device_id).await?),
        Command::Devices => print::json_lines(&client.devices().await?),
        Command::Resume => {
            let resumed = client.resume().await?;
            let left = client.pending().await?.iter().filter(|request| request.is_open()).count();
            println!("{} requests were waiting; {left} are left", resumed.len());
            Ok(())
        }
    }
}

fn client(options: &Options) -> Result<RingbackClient, Failure> {
    let config = ClientConfig::new(&options.url, &options.app_key, options.data.to_string_lossy());
    let store = Arc::new(FileStore::new(options.data.join("secrets")));
    Ok(RingbackClient::new(config, Host::new(store, Arc::new(ReqwestTransport::new()?)))?)
}

/// What to choose from instead of a time that was refused, ready to be pasted.
fn show_alternatives(error: &Failure) {
    let Some(ClientError::Refused { slots, wall_times, .. }) = error.downcast_ref() else { return };
    for time in slots.iter().map(|slot| &slot.wall_time).chain(wall_times) {
        let fold = match time.fold {
            None => "",
            Some(Fold::Earlier) => " --fold earlier",
            Some(Fold::Later) => " --fold later",
        };
        eprintln!("instead: --at {} --zone {}{fold}", time.local, time.zone);
    }
}

/// The person at the terminal asked for the number and the code, so here they are shown.
fn show_ticket(ticket: &CallTicket) {
    let code: &AccessCode = &ticket.access_code;
    println!("dial {} and type {} before {}", ticket.number.expose(), code.expose(), ticket.expires_at);
}
