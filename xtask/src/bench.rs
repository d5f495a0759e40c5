//! `cargo xtask bench`: becomes the benchmark program.

use std::process::ExitCode;

use clap::Args;

use crate::{
    error::{Error, Result},
    places::{Places, cargo},
    process,
};

/// Measures speed, each figure as a ratio against its limit in the same run, and writes docs/performance.md
///
/// Builds in release mode, which takes some minutes the first time. Needs what `cargo xtask setup` installs.
/// Installs nothing.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Which benchmarks; all if none is named
    names: Vec<String>,
    /// Compare with the gates instead of writing: exits non-zero and names each gate that falls short
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    if !places.root.join("tests/bench/Cargo.toml").is_file() {
        return Err(Error::missing("tests/bench", "this checkout has no benchmarks"));
    }
    let mut bench = cargo();
    bench.args(["run", "--release", "--package", "ringback-bench", "--"]).args(&options.names);
    if options.check {
        bench.arg("--check");
    }
    Err(process::become_command(bench.current_dir(&places.root)))
}
