//! `ringback call`: what a customer's app does, through the SDK core.

use crate::{Failure, print};
use clap::{Args, Subcommand};
use ringback_core::client::{ClientConfig, RingbackClient};
use ringback_core::host::{FileStore, Host};
use ringback_core::protocol::{
    AccessCode, ActionToken, ApnsEnvironment, CallInRequest, CallTicket, CallbackRequest, ConfirmAnswer,
    ContextValue, FcmTokenKind, PersonName, PhoneNumber, PushRegistration, PushTarget, PushToken,
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
    /// Ask for a call
    Request {
        /// The service
        service: String,
        /// The number to call, E.164
        number: String,
        /// How to address the person
        #[arg(long)]
        name: Option<String>,
        /// What the agent should know, as KEY=VALUE; repeat for more
        #[arg(long = "context", value_parser = key_value)]
        context: Vec<(String, String)>,
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
    #[command(subcommand)]
    RegisterPush(Device),
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

#[derive(Subcommand)]
enum Device {
    /// An Apple device
    Apns {
        /// The device token in hexadecimal
        token: String,
        /// The app's bundle id
        #[arg(long)]
        topic: String,
        /// The token is from TestFlight or the App Store
        #[arg(long)]
        production: bool,
    },
    /// A device that Firebase reaches
    Fcm {
        /// The registration token, or the Firebase installation id
        token: String,
        /// It is a Firebase installation id
        #[arg(long)]
        fid: bool,
    },
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let client = client(&options)?;
    match options.command {
        Command::Request { service, number, name, context } => {
            let request = CallbackRequest {
                name: name.map(PersonName::new),
                context: context
                    .into_iter()
                    .map(|(key, value)| (key, ContextValue::new(value)))
                    .collect::<HashMap<_, _>>(),
                ..CallbackRequest::new(service, number)
            };
            print::json(&client.request_callback(request).await?)
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
        Command::RegisterPush(device) => {
            let target = match device {
                Device::Apns { token, topic, production } => PushTarget::Apns {
                    token: PushToken::new(token),
                    environment: if production {
                        ApnsEnvironment::Production
                    } else {
                        ApnsEnvironment::Sandbox
                    },
                    topic,
                },
                Device::Fcm { token, fid } => PushTarget::Fcm {
                    token: PushToken::new(token),
                    kind: if fid { FcmTokenKind::Fid } else { FcmTokenKind::Token },
                },
            };
            print::json(&client.register_push(PushRegistration { target }).await?)
        }
        Command::Resume => {
            let resumed = client.resume().await?;
            println!("{} requests were waiting; {} are left", resumed.len(), client.pending().await?.len());
            Ok(())
        }
    }
}

fn client(options: &Options) -> Result<RingbackClient, Failure> {
    let config = ClientConfig::new(&options.url, &options.app_key, options.data.to_string_lossy());
    let store = Arc::new(FileStore::new(options.data.join("secrets")));
    Ok(RingbackClient::new(config, Host::new(store, Arc::new(ReqwestTransport::new()?)))?)
}

/// The person at the terminal asked for the number and the code, so here they are shown.
fn show_ticket(ticket: &CallTicket) {
    let code: &AccessCode = &ticket.access_code;
    println!("dial {} and type {} before {}", ticket.number.expose(), code.expose(), ticket.expires_at);
}
