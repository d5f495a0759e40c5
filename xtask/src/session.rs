//! `cargo xtask session`: builds what the recorded session needs and becomes its recorder.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::{
    error::Result,
    places::{Places, cargo},
    process,
};

/// Records a session of the command line, in a real terminal against a real server, into docs/cli.md and docs/session
///
/// Needs Rust, a C compiler and bash. Installs nothing; its data is in a temporary folder.
#[derive(Args)]
pub(crate) struct Options {
    /// Compare with what is there instead of writing: ids, times and durations may differ, nothing else
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    let mut build = cargo();
    build.args(["build", "--bins", "--package", "ringback-server", "--package", "ringback-e2e"]);
    process::run(build.current_dir(&places.root))?;
    let mut recorder = Command::new(places.debug().join("ringback-session"));
    recorder.arg(&places.root).env("RINGBACK_BIN", places.debug().join("ringback"));
    if options.check {
        recorder.arg("--check");
    }
    Err(process::become_command(&mut recorder))
}
