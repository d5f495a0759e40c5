//! `cargo xtask`: the one command that sets up, tests, shows and measures the project. Linux and macOS.
#![allow(clippy::doc_markdown, reason = "the comments on options are their help, which a terminal shows")]

mod bench;
mod bindings;
mod counts;
mod demo;
mod error;
mod kotlin;
mod lint;
mod mirror;
mod parts;
mod places;
mod postgres;
mod privacy;
mod process;
mod projects;
mod rust;
mod samples;
mod session;
mod setup;
mod sim;
mod swift;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::{Error, Result};
use places::Places;

/// Sets up, tests, shows and measures Ringback.
///
/// Whatever has to be downloaded is kept outside the checkout, in $RINGBACK_CACHE (default ~/.cache/ringback).
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Setup(setup::Options),
    Bindings(bindings::Options),
    Test(test::Options),
    Demo(demo::Options),
    Session(session::Options),
    Bench(bench::Options),
    Sim(sim::Options),
    Swift(swift::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(Error::Interrupted) => {
            eprintln!("interrupted; everything that was started is stopped");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let places = Places::find()?;
    match command {
        // These become the program they start: its exit code and its way with Ctrl-C are kept.
        Command::Demo(options) => demo::run(&places, &options),
        Command::Session(options) => session::run(&places, &options),
        Command::Swift(options) => swift::run(&places, &options),
        Command::Setup(options) => {
            process::watch_signals()?;
            setup::run(&places, &options)
        }
        Command::Bindings(options) => {
            process::watch_signals()?;
            bindings::run(&places, &options)
        }
        Command::Bench(options) => {
            process::watch_signals()?;
            bench::run(&places, &options)
        }
        Command::Sim(options) => {
            process::watch_signals()?;
            sim::run(&places, &options)
        }
        Command::Test(options) => {
            process::watch_signals()?;
            test::run(&places, &options)
        }
    }
}
