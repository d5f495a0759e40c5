//! Cargo's own tools and cargo's tests.

use std::process::Command;

use crate::{
    error::{Error, Result},
    places::{self, Places, cargo},
    process,
};

const CARGO_DENY: &str = "0.20.2";

/// Builds cargo-deny into a folder of its own.
pub(crate) fn set_up(places: &Places) -> Result<String> {
    if places::in_path("cc").is_none() {
        return Err(Error::missing(
            "a C compiler",
            "install one (Debian: `apt-get install build-essential`)",
        ));
    }
    let tools = places.cache.join("cargo-tools");
    let program = tools.join("bin/cargo-deny");
    let installed = program.is_file()
        && process::output(Command::new(&program).arg("--version"))?.trim().ends_with(CARGO_DENY);
    if !installed {
        println!("    building cargo-deny {CARGO_DENY} (some minutes)");
        process::retry("cargo-deny", || {
            let mut command = cargo();
            // Unoptimised: it runs for a second and compiles for minutes less.
            command.args([
                "install",
                "cargo-deny",
                "--quiet",
                "--locked",
                "--debug",
                "--version",
                CARGO_DENY,
            ]);
            command.arg("--root").arg(&tools).env_remove("CARGO_TARGET_DIR");
            process::run(&mut command)
        })?;
    }
    Ok(program.display().to_string())
}

/// `cargo-deny …` on this workspace.
pub(crate) fn deny(places: &Places) -> Command {
    let mut command = Command::new(places.cache.join("cargo-tools/bin/cargo-deny"));
    command.current_dir(&places.root).args(["--all-features", "check", "--hide-inclusion-graph"]);
    command
}
