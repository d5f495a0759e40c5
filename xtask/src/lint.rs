//! Formatting, lints, licences.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    counts::Counts,
    error::{Error, Result},
    kotlin,
    places::{self, Places, cargo},
    process, rust, swift,
};

/// Runs every check, one after another whatever the others say. Answers with the counts and with what could not be
/// checked on this machine.
pub(crate) fn run(places: &Places) -> Result<(Counts, Vec<String>)> {
    let cargo_in_root = |arguments: &[&str]| {
        let mut command = cargo();
        command.args(arguments).current_dir(&places.root);
        command
    };
    let mut checks = Checks { logs: places.logs(), counts: Counts::default() };
    checks.run("rustfmt", || Ok(cargo_in_root(&["fmt", "--all", "--check"])))?;
    checks.run("clippy", || {
        let mut command = cargo_in_root(&["clippy", "--workspace", "--all-targets"]);
        command.args(["--features", "ringback-bindings/test-hooks", "--", "--deny", "warnings"]);
        Ok(command)
    })?;
    checks.run("cargo-deny", || {
        rust::set_up(places)?;
        let mut command = rust::deny(places);
        command.args(["bans", "licenses", "sources"]);
        Ok(command)
    })?;
    let unchecked = advisories(places, &mut checks)?;
    checks.run("ktlint", || {
        kotlin::set_up(places)?;
        Ok(kotlin::ktlint(places))
    })?;
    checks.run("swift-format", || {
        swift::set_up(places)?;
        let mut command = swift::command(places, &["format", "lint", "--strict"])?;
        command.args(hand_written_swift(places)?);
        Ok(command)
    })?;
    Ok((checks.counts, unchecked.into_iter().collect()))
}

struct Checks {
    logs: PathBuf,
    counts: Counts,
}

impl Checks {
    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("lint-{}.log", name.replace(' ', "-")))
    }

    /// Only an interruption is an error: a check that cannot run has failed.
    fn run(&mut self, name: &str, command: impl FnOnce() -> Result<Command>) -> Result<()> {
        let log = self.log(name);
        self.record(name, command().and_then(|mut command| process::run_logged(&mut command, &log)))
    }

    fn record(&mut self, name: &str, result: Result<()>) -> Result<()> {
        match result {
            Ok(()) => {
                println!("    ok      {name}");
                self.counts.passed += 1;
            }
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                println!("    FAILED  {name}: {error}\n{}", process::last_lines(&self.log(name), 40));
                self.counts.failed += 1;
            }
        }
        Ok(())
    }
}

/// Known vulnerabilities come from a database on a code host that not every machine reaches: where it cannot be had,
/// that is said, and is no failure.
fn advisories(places: &Places, checks: &mut Checks) -> Result<Option<String>> {
    let log = checks.log("cargo-deny advisories");
    let mut command = rust::deny(places);
    command.arg("advisories");
    let result = process::run_logged(&mut command, &log);
    let text = fs::read_to_string(&log).unwrap_or_default();
    if result.is_err() && text.contains("failed to fetch advisory database") {
        let note = "cargo deny: advisories NOT CHECKED: the advisory database cannot be reached from here";
        println!("    {note}");
        return Ok(Some(note.to_owned()));
    }
    checks.record("cargo-deny advisories", result)?;
    Ok(None)
}

/// What people write in Swift.
fn hand_written_swift(places: &Places) -> Result<Vec<PathBuf>> {
    let package = places.root.join("bindings/swift");
    let mut files = places::files_below(&package.join("Sources"))?;
    files.retain(|file| !file.starts_with(package.join("Sources/RingbackGenerated")));
    files.extend(places::files_below(&package.join("Tests"))?);
    files.push(package.join("Package.swift"));
    files.extend(places::files_below(&package.join("packaging"))?);
    let sample = places.root.join("ios-sample");
    for folder in ["App", "Model/Sources", "Model/Tests"] {
        files.extend(places::files_below(&sample.join(folder))?);
    }
    files.push(sample.join("Model/Package.swift"));
    files.retain(|file| file.extension().is_some_and(|ending| ending == "swift"));
    let bench = places.root.join("tests/bench/swift/CallCost");
    files.push(bench.join("Package.swift"));
    files.extend(places::files_below(&bench.join("Sources"))?);
    files.retain(|file| file.extension().is_some_and(|ending| ending == "swift"));
    Ok(files)
}
