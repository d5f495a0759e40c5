//! `ringback agent`: what an agent does, over the staff API of a running server.

use crate::Failure;
use clap::{Args, Subcommand};
use reqwest::Method;
use ringback_server::callbacks::model::Disposition;
use serde_json::{Value, json};

#[derive(Args)]
pub(crate) struct Options {
    /// The server
    #[arg(long, env = "RINGBACK_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A key of staff: the agent's own, a supervisor's or an administrator's
    #[arg(long, env = "RINGBACK_STAFF_KEY", hide_env_values = true)]
    key: String,
    #[command(subcommand)]
    command: Command,
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
        /// Why
        #[arg(long)]
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
    /// Say what came of dialing: `connected`, `busy`, `no_answer`, `machine`, `fax`, `failed` or `rejected`
    Result {
        /// The callback
        callback: String,
        /// The result
        result: String,
    },
    /// Say that the talk is over
    Complete {
        /// The callback
        callback: String,
        /// What came of it
        #[arg(long, value_enum, default_value = "handled")]
        disposition: Disposition,
        /// What there is to note
        #[arg(long)]
        note: Option<String>,
        /// The new time, for the disposition `reschedule`: what the clock shows, 2026-12-24T10:30
        #[arg(long, requires = "zone")]
        at: Option<String>,
        /// Where that clock hangs: an IANA zone
        #[arg(long, requires = "at")]
        zone: Option<String>,
    },
    /// An inbound call has arrived: who is it?
    Match {
        /// The number that was called, E.164
        called_number: String,
        /// What the caller typed
        #[arg(long)]
        access_code: Option<String>,
        /// The caller's number, E.164
        #[arg(long)]
        caller_number: Option<String>,
    },
    /// Show what became of a callback's pushes
    Pushes {
        /// The callback
        callback: String,
    },
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let state = |agent: &str, state: &str, reason: Option<String>| {
        (Method::PUT, format!("agents/{agent}/state"), Some(json!({ "state": state, "reason": reason })))
    };
    let (method, path, body) = match options.command {
        Command::Ready { agent } => state(&agent, "ready", None),
        Command::NotReady { agent, reason } => state(&agent, "not_ready", reason),
        Command::Offline { agent } => state(&agent, "offline", None),
        Command::Desk { agent } => (Method::GET, format!("agents/{agent}"), None),
        Command::Result { callback, result } => {
            (Method::POST, format!("callbacks/{callback}/result"), Some(json!({ "result": result })))
        }
        Command::Complete { callback, disposition, note, at, zone } => {
            let scheduled_for = at.map(|local| json!({ "local": local, "zone": zone }));
            let said = json!({ "disposition": disposition, "note": note, "scheduled_for": scheduled_for });
            (Method::POST, format!("callbacks/{callback}/complete"), Some(said))
        }
        Command::Accept { callback } => {
            (Method::POST, format!("callbacks/{callback}/accept"), Some(json!({})))
        }
        Command::Reject { callback } => {
            (Method::POST, format!("callbacks/{callback}/reject"), Some(json!({})))
        }
        Command::Match { called_number, access_code, caller_number } => {
            let call = json!({ "called_number": called_number, "access_code": access_code, "caller_number": caller_number });
            (Method::POST, "call-ins/match".to_owned(), Some(call))
        }
        Command::Pushes { callback } => (Method::GET, format!("callbacks/{callback}/pushes"), None),
    };
    let url = format!("{}/v1/staff/{path}", options.url.trim_end_matches('/'));
    let mut request = reqwest::Client::new().request(method, url).bearer_auth(options.key);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request
        .send()
        .await
        .map_err(|_| format!("{} does not answer; is the server running?", options.url))?;
    let is_success = answer.status().is_success();
    let value: Value = answer.json().await.map_err(|_| "the answer is not a Ringback server's")?;
    if is_success {
        println!("{}", serde_json::to_string_pretty(&value)?);
        Ok(())
    } else {
        Err(format!("{}: {}", value["code"].as_str().unwrap_or("?"), value["detail"].as_str().unwrap_or("?"))
            .into())
    }
}
