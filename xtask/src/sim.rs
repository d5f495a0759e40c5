//! `cargo xtask sim`: builds and runs the simulated contact centres.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::{
    error::Result,
    places::{Places, cargo},
    process,
};

/// Simulates eight contact centres with the server's own routing and wait estimate, and writes docs/simulation.md
///
/// Prints how true the promised waits are, beside the formulas that others use, and how long people wait. Builds in
/// release mode, which takes a quarter of an hour the first time; the simulation itself takes less than a minute.
#[derive(Args)]
pub(crate) struct Options {
    /// Compare with the gates instead of writing: exits non-zero and names each gate that is missed
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    let mut build = cargo();
    build.args(["build", "--release", "--package", "ringback-sim"]);
    process::run(build.current_dir(&places.root))?;

    let mut program = Command::new(places.target.join("release/ringback-sim"));
    if options.check {
        program.arg("--check");
    } else {
        program.arg("--docs").arg(places.root.join("docs"));
    }
    Ok(if process::status(&mut program)?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
