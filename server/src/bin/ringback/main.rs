//! `ringback`: the server, its administration, and the tools to drive it by hand.

mod admin;
mod agent;
mod apply;
mod call;
mod completion;
mod exit;
mod fault;
mod print;
mod when;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use exit::Exit;
use ringback_server::config::{LogFormat, LogSettings, Settings};
use ringback_server::serve::Server;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// What one thread allocates another frees, all day long: the C library's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXAMPLES: &str = "\
Examples:
  ringback admin apply centre.toml
  export RINGBACK_APP_KEY=$(ringback admin key create-app phone)
  ringback serve
  ringback call request billing +4930901820";

/// Ringback replaces waiting on hold: people ask for a call, keep their place in line, and are called.
///
/// `serve` runs the server. `admin` sets up a contact centre, directly in the database. `agent` and `call` drive a
/// running server: as an agent, and as a customer's app does.
#[derive(Parser)]
#[command(
    name = "ringback",
    version,
    max_term_width = 100,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{}", exit::HELP)
)]
struct Cli {
    /// The server's configuration, for `serve` and `admin`; server/ringback.toml has every key. Defaults apply without one
    #[arg(long, global = true, display_order = 900, env = "RINGBACK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server until it is told to stop (Ctrl-C or SIGTERM)
    Serve {
        /// Listen here, for example 127.0.0.1:8080, instead of where the configuration says; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<std::net::SocketAddr>,
    },
    /// Set up a contact centre: queues, skills, agents, services, numbers, keys, push credentials
    Admin(admin::Options),
    /// Be an agent: state, desk, result of a call
    Agent(agent::Options),
    /// Be a customer's app: request, status, cancel, confirm, click-to-call (uses the SDK)
    Call(call::Options),
    /// Print the OpenAPI document
    Openapi,
    /// Print what a shell needs to complete commands
    Completion(completion::Options),
}

impl Command {
    /// Programs read the output, and so also what went wrong.
    fn is_json(&self) -> bool {
        match self {
            Self::Admin(options) => options.output().is_json(),
            Self::Agent(options) => options.output().is_json(),
            Self::Call(options) => options.output().is_json(),
            Self::Serve { .. } | Self::Openapi | Self::Completion(_) => false,
        }
    }
}

fn main() -> ExitCode {
    // Two TLS providers could be linked in; say which one before anything asks.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::try_parse().unwrap_or_else(|error| ask_for_key(&error));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no runtime could be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let as_json = cli.command.is_json();
    let done = runtime.block_on(run(cli));
    // A stream that is still being read on a thread must not hold up the end.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if is_closed_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(text) = fault::report(&failure, as_json) {
                // Nobody is left to be told when this fails.
                let _ = print::note(text);
            }
            Exit::of(&failure).into()
        }
    }
}

/// Says where a missing key comes from, which the usage does not.
fn ask_for_key(error: &clap::Error) -> ! {
    if error.kind() == ErrorKind::MissingRequiredArgument
        && let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg)
    {
        for (option, hint) in KEYS {
            if missing.iter().any(|argument| argument.starts_with(option)) {
                let _ = error.print();
                let _ = print::note(hint);
                std::process::exit(error.exit_code());
            }
        }
    }
    error.exit()
}

/// Options that are mostly given as variables, and how to get one.
const KEYS: [(&str, &str); 2] = [
    ("--app-key", "\nOr: export RINGBACK_APP_KEY=$(ringback admin key create-app NAME)"),
    ("--key", "\nOr: export RINGBACK_STAFF_KEY=$(ringback admin key create NAME --role administrator)"),
];

/// The address of a server, as an option has it.
fn server_url(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.map(|_| text.to_owned()).ok_or_else(|| "write it like https://calls.example.com".to_owned())
}

/// Whoever reads the output has seen enough, as `| head` does.
fn is_closed_pipe(failure: &Failure) -> bool {
    let io = failure.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn run(cli: Cli) -> Result<(), Failure> {
    // What drives a running server from outside needs no server's configuration.
    let settings = || Settings::load(cli.config.as_deref());
    match cli.command {
        Command::Serve { listen } => serve(settings()?, listen).await,
        Command::Admin(options) => admin::run(&settings()?, options).await,
        Command::Agent(options) => agent::run(options).await,
        Command::Call(options) => call::run(options).await,
        Command::Openapi => print::line(ringback_server::http::document().to_pretty_json()?),
        Command::Completion(options) => completion::run(&options, &mut Cli::command()),
    }
}

async fn serve(mut settings: Settings, listen: Option<std::net::SocketAddr>) -> Result<(), Failure> {
    if let Some(listen) = listen {
        settings.http.listen = listen;
    }
    log_to_stderr(&settings.log)?;
    let server = Server::start(settings).await?;
    // Standard output has this one line, so that whoever started the server learns the port.
    println!("listening on http://{}", server.address()?);
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    server
        .run(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
        .await?;
    Ok(())
}

fn log_to_stderr(settings: &LogSettings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.filter)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
    }
    Ok(())
}
