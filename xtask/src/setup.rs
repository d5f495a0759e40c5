//! `cargo xtask setup`: everything the tests need beyond Rust.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Args, ValueEnum};
use rustix::process::geteuid;

use crate::{
    error::{Error, Result},
    kotlin, phones, places,
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
/// tokens    PyJWT, from the Python package into $RINGBACK_CACHE. Needs Python with pip.
/// web-push  the npm package web-push-testing into $RINGBACK_CACHE. Needs Node 20 or later with npm.
/// webhooks  The Python package standardwebhooks, with which the tests' receiver verifies, into $RINGBACK_CACHE. Needs
///           Python with pip.
/// phones    the standard library's sources, from Debian's trixie-backports into $RINGBACK_CACHE; elsewhere those of
///           `rustup component add rust-src`.
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
    Tokens,
    WebPush,
    Webhooks,
    Phones,
    All,
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    let steps: [(What, &str, SetUp); 9] = [
        (What::Rust, "cargo-deny", rust::set_up),
        (What::Postgres, "PostgreSQL", postgres::set_up),
        (What::Kotlin, "ktlint", kotlin::set_up),
        (What::Swift, "Swift", swift::set_up),
        (What::Fcm, "FCM's description", |places| shown(&discovery_document(places)?)),
        (What::Tokens, "PyJWT", |places| shown(&pyjwt(places)?)),
        (What::WebPush, "web-push-testing", |places| shown(&web_push_testing(places)?)),
        (What::Webhooks, "standardwebhooks", |places| shown(&standardwebhooks(places)?)),
        (What::Phones, "the standard library's sources", phones::set_up),
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

fn shown(folder: &Path) -> Result<String> {
    Ok(folder.display().to_string())
}

/// Google's own description of FCM, out of the Python package that carries it.
pub(crate) fn discovery_document(places: &Places) -> Result<PathBuf> {
    python_packages(
        places,
        "google-api-python-client-2.202.0",
        &["--no-deps", "google-api-python-client==2.202.0"],
    )
}

/// The library with which a receiver of webhooks verifies them.
pub(crate) fn standardwebhooks(places: &Places) -> Result<PathBuf> {
    python_packages(places, "standardwebhooks-1.1.0", &["--no-deps", "standardwebhooks==1.1.0"])
}

/// The Python library that reads our signed tokens.
pub(crate) fn pyjwt(places: &Places) -> Result<PathBuf> {
    python_packages(places, "pyjwt-2.15.1", &["PyJWT[crypto]==2.15.1"])
}

fn python_packages(places: &Places, name: &str, packages: &[&str]) -> Result<PathBuf> {
    if places::in_path("python3").is_none() {
        return Err(Error::missing("python3", "install it with pip (Debian: `apt-get install python3-pip`)"));
    }
    in_cache(places, name, |partial| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]);
        process::run(pip.args(packages).arg("--target").arg(partial))
    })
}

/// A push service that nobody here wrote, with Node's packages that it needs.
pub(crate) fn web_push_testing(places: &Places) -> Result<PathBuf> {
    if places::in_path("npm").is_none() {
        return Err(Error::missing("npm", "install Node 20 or later (Debian: `apt-get install npm`)"));
    }
    in_cache(places, "web-push-testing-1.2.2", |partial| {
        let ours = places.root.join("tests/web-push-testing");
        for file in ["package.json", "package-lock.json"] {
            fs::copy(ours.join(file), partial.join(file)).map_err(Error::file(&ours.join(file)))?;
        }
        let mut npm = Command::new("npm");
        process::run(npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(partial))
    })
}

/// A folder of the cache that is there in full or not at all.
pub(crate) fn in_cache(places: &Places, name: &str, fill: impl Fn(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = places.cache.join(name);
    if !folder.is_dir() {
        let partial = places.cache.join(format!("{name}.partial"));
        process::retry(name, || {
            places::fresh_folder(&partial)?;
            fill(&partial)
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
