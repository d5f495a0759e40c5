//! `ringback agent`: what an agent does, over the staff API of a running server.

mod view;

use crate::print::{self, Output, Show};
use crate::{Failure, server_url};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use reqwest::Method;
use ringback_core::client::ClientError;
use ringback_core::protocol::{Callback, Problem};
use ringback_server::call_in::MatchedCallIn;
use ringback_server::callbacks::model::{DialResult, Disposition};
use ringback_server::routing::agents::{ChosenState, Desk};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  ringback agent ready ada
  ID=$(ringback agent desk ada --quiet)
  ringback agent result $ID connected
  ringback agent complete $ID --note solved";

#[derive(Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP))]
pub(crate) struct Options {
    /// The server
    #[arg(long, env = "RINGBACK_URL", value_name = "URL", default_value = "http://127.0.0.1:8080", value_parser = server_url)]
    url: String,
    /// A key of staff, from `ringback admin key create`: the agent's own, a supervisor's or an administrator's
    #[arg(long, env = "RINGBACK_STAFF_KEY", value_name = "KEY", hide_env_values = true, value_parser = NonEmptyStringValueParser::new())]
    key: String,
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
    /// Take the next callback that fits
    Ready {
        /// The agent
        agent: String,
    },
    /// Stay, but take no callbacks
    NotReady {
        /// The agent
        agent: String,
        /// Why, for staff to see: lunch, training
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Leave
    Offline {
        /// The agent
        agent: String,
    },
    /// Show the state and the callback at hand, with the number to dial
    Desk {
        /// The agent
        agent: String,
    },
    /// Take the callback that is being previewed
    Accept {
        /// The callback
        callback: String,
    },
    /// Leave the callback that is being previewed to others
    Reject {
        /// The callback
        callback: String,
    },
    /// Say what came of dialing
    Result {
        /// The callback
        callback: String,
        /// The result
        #[arg(value_enum)]
        result: DialResult,
    },
    /// Say that the talk is over
    Complete {
        /// The callback
        callback: String,
        /// What came of it
        #[arg(long, value_enum, default_value = "handled")]
        disposition: Disposition,
        /// What there is to note
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// The new time, for the disposition `reschedule`: what the clock shows, 2026-12-24T10:30
        #[arg(long, value_name = "TIME", requires = "zone")]
        at: Option<String>,
        /// Where that clock hangs: an IANA zone
        #[arg(long, value_name = "ZONE", requires = "at")]
        zone: Option<String>,
    },
    /// An inbound call has arrived: who is it?
    Match {
        /// The number that was called, E.164
        called_number: String,
        /// What the caller typed
        #[arg(long, value_name = "CODE")]
        access_code: Option<String>,
        /// The caller's number, E.164
        #[arg(long, value_name = "NUMBER")]
        caller_number: Option<String>,
    },
    /// Show what became of a callback's pushes
    Pushes {
        /// The callback
        callback: String,
    },
}

/// The staff API, with a key.
struct Staff {
    url: String,
    key: String,
    output: Output,
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let staff = Staff { url: options.url, key: options.key, output: options.output };
    match options.command {
        Command::Ready { agent } => staff.choose(&agent, ChosenState::Ready, None).await,
        Command::NotReady { agent, reason } => staff.choose(&agent, ChosenState::NotReady, reason).await,
        Command::Offline { agent } => staff.choose(&agent, ChosenState::Offline, None).await,
        Command::Desk { agent } => staff.show::<Desk>(Method::GET, &format!("agents/{agent}"), None).await,
        Command::Accept { callback } => staff.act(&callback, "accept", json!({})).await,
        Command::Reject { callback } => staff.act(&callback, "reject", json!({})).await,
        Command::Result { callback, result } => {
            staff.act(&callback, "result", json!({ "result": result })).await
        }
        Command::Complete { callback, disposition, note, at, zone } => {
            let scheduled_for = at.map(|local| json!({ "local": local, "zone": zone }));
            let said = json!({ "disposition": disposition, "note": note, "scheduled_for": scheduled_for });
            staff.act(&callback, "complete", said).await
        }
        Command::Match { called_number, access_code, caller_number } => {
            let call = json!({ "called_number": called_number, "access_code": access_code, "caller_number": caller_number });
            staff.show::<MatchedCallIn>(Method::POST, "call-ins/match", Some(call)).await
        }
        Command::Pushes { callback } => staff.pushes(&callback).await,
    }
}

impl Staff {
    async fn choose(&self, agent: &str, state: ChosenState, reason: Option<String>) -> Result<(), Failure> {
        let body = json!({ "state": state, "reason": reason });
        self.show::<Desk>(Method::PUT, &format!("agents/{agent}/state"), Some(body)).await
    }

    async fn act(&self, callback: &str, action: &str, body: Value) -> Result<(), Failure> {
        self.show::<Callback>(Method::POST, &format!("callbacks/{callback}/{action}"), Some(body)).await
    }

    /// Programs get the answer as it came, with what this version does not know.
    async fn show<T: Show + DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(), Failure> {
        let answer = self.ask(method, path, body).await?;
        if self.output.is_json() {
            return print::json(&answer);
        }
        self.output.show(&serde_json::from_value::<T>(answer).map_err(|_| unreadable(200))?)
    }

    async fn pushes(&self, callback: &str) -> Result<(), Failure> {
        let answer = self.ask(Method::GET, &format!("callbacks/{callback}/pushes"), None).await?;
        let pushes: Vec<Value> = serde_json::from_value(answer).map_err(|_| unreadable(200))?;
        self.output.columns(&pushes, view::PUSH_COLUMNS, "no pushes")?;
        if self.output.is_for_people() { view::advice(&pushes) } else { Ok(()) }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let url = format!("{}/v1/staff/{path}", self.url.trim_end_matches('/'));
        let mut request = reqwest::Client::new().request(method, url).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|_| ClientError::Unreachable {
            detail: format!("{}: no connection to the server; is the server running?", self.url),
            pending_key: None,
            fallback: None,
        })?;
        let status = answer.status();
        let value: Value = answer.json().await.map_err(|_| unreadable(status.as_u16()))?;
        if status.is_success() {
            return Ok(value);
        }
        let problem: Problem = serde_json::from_value(value).map_err(|_| unreadable(status.as_u16()))?;
        Err(ClientError::from(problem).into())
    }
}

fn unreadable(status: u16) -> ClientError {
    let detail = "it is not one that a Ringback server of this version gives".to_owned();
    ClientError::AnswerUnreadable { status, detail, pending_key: None, fallback: None }
}
