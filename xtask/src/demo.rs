//! `cargo xtask demo`: builds what the demo needs and becomes it.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::{
    error::Result,
    places::{Places, cargo},
    process,
};

/// Plays the customer's journey on this machine, with a real server and stand-ins for Apple's and Google's push servers
///
/// Options of the demo, passed on to it:
///
///   --once          exit after the journey, non-zero if a step failed
///   --refuse-push   the push servers refuse every push
///
/// Needs Rust and a C compiler, nothing else. Installs nothing; its data is in a temporary folder.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Passed on to the demo
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    let mut build = cargo();
    build.args(["build", "--bins", "--package", "ringback-server", "--package", "ringback-doubles"]);
    build.args(["--package", "ringback-e2e"]).current_dir(&places.root);
    process::run(&mut build)?;
    let mut demo = Command::new(places.debug().join("ringback-demo"));
    demo.args(&options.arguments)
        .env("RINGBACK_BIN", places.debug().join("ringback"))
        .env("RINGBACK_DOUBLES_BIN", places.debug().join("ringback-doubles"));
    Err(process::become_command(&mut demo))
}
