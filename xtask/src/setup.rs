//! `cargo xtask setup`: everything the tests need beyond Rust.

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
};

use clap::{Args, ValueEnum};
use rustix::process::geteuid;

use crate::{
    error::{Error, Result},
    kotlin, places,
    places::Places,
    postgres, process, rust, swift,
};

/// Installs what the tests need; does nothing that is done already
///
/// rust      cargo-deny, built by cargo into $RINGBACK_CACHE/cargo-tools. Needs a C compiler.
/// postgres  PostgreSQL's server programs: those in PATH or /usr/lib/postgresql, else Debian's package by apt
///           (as root; Debian makes its usual cluster along with it). No cluster of yours is touched.
/// kotlin    ktlint, from Maven Central into $RINGBACK_CACHE/ktlint. Needs a JDK 17 or later and Maven, which
///           keeps its downloads in ~/.m2.
/// swift     Swift 6: the one in PATH, else on Debian as root a Debian root of its own in
///           $RINGBACK_CACHE/swift-6.0.3-trixie (2.7 GB; apt installs mmdebstrap for it).
/// fcm       Google's description of FCM, from the Python package google-api-python-client into $RINGBACK_CACHE. Needs
///           Python with pip.
/// webhooks  The Python package standardwebhooks, with which the tests' receiver verifies, into $RINGBACK_CACHE. Needs
///           Python with pip.
///
/// Elsewhere it says what to install. `cargo xtask test` runs it for the parts it tests.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// What to set up
    #[arg(value_enum, default_value = "all")]
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Rust,
    Postgres,
    Kotlin,
    Swift,
    Fcm,
    Webhooks,
    All,
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    let steps: [(What, &str, SetUp); 6] = [
        (What::Rust, "cargo-deny", rust::set_up),
        (What::Postgres, "PostgreSQL", postgres::set_up),
        (What::Kotlin, "ktlint", kotlin::set_up),
        (What::Swift, "Swift", swift::set_up),
        (What::Fcm, "FCM's description", |places| {
            discovery_document(places).map(|folder| folder.display().to_string())
        }),
        (What::Webhooks, "standardwebhooks", |places| {
            standardwebhooks(places).map(|folder| folder.display().to_string())
        }),
    ];
    for (what, name, set_up) in steps {
        if options.what == what || options.what == What::All {
            println!("{name}: {}", set_up(places)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes sure of one thing and tells where it is.
type SetUp = fn(&Places) -> Result<String>;

/// Google's own description of FCM, out of the Python package that carries it.
pub(crate) fn discovery_document(places: &Places) -> Result<PathBuf> {
    python_package(places, "google-api-python-client==2.202.0")
}

/// The library with which a receiver of webhooks verifies them.
pub(crate) fn standardwebhooks(places: &Places) -> Result<PathBuf> {
    python_package(places, "standardwebhooks==1.1.0")
}

/// A Python package without what it depends on, in a folder of its own.
fn python_package(places: &Places, package: &str) -> Result<PathBuf> {
    if places::in_path("python3").is_none() {
        return Err(Error::missing("python3", "install it with pip (Debian: `apt-get install python3-pip`)"));
    }
    let folder = places.cache.join(package.replace("==", "-"));
    if !folder.is_dir() {
        let partial = folder.with_extension("partial");
        process::retry(package, || {
            places::fresh_folder(&partial)?;
            let mut pip = Command::new("python3");
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                package,
            ]);
            process::run(pip.args(["--no-compile", "--target"]).arg(&partial))
        })?;
        fs::rename(&partial, &folder).map_err(Error::file(&partial))?;
    }
    Ok(folder)
}

/// Installs Debian packages, unless the program they bring is there.
pub(crate) fn apt_install(packages: &[&str], program: &str) -> Result<()> {
    if places::in_path(program).is_some() {
        return Ok(());
    }
    let list = packages.join(" ");
    if places::in_path("apt-get").is_none() || !geteuid().is_root() {
        return Err(Error::missing(
            program,
            &format!("install it (Debian: `apt-get install {list}`, as root)"),
        ));
    }
    println!("    apt-get install {list}");
    process::retry("apt-get", || {
        let apt = || {
            let mut command = Command::new("apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive").args([
                "-qq",
                "-o",
                "Acquire::Retries=3",
                "-o",
                "Dpkg::Use-Pty=0",
            ]);
            command
        };
        process::run(apt().arg("update"))?;
        process::run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))
    })
}
