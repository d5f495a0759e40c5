//! `cargo xtask phones`: type-checks what phones run, without linking it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Args;

use crate::{
    counts::Counts,
    error::{Error, Result},
    mirror::Mirror,
    places::{self, Places, cargo},
    process, setup,
    shipped::Runner,
    swift,
};

/// Type-checks core and bindings for aarch64-linux-android and aarch64-apple-ios, with the standard library's sources
///
/// Needs neither the NDK nor Xcode: nothing is linked. The sources are Debian's rust-src of the pinned compiler's version,
/// from trixie-backports of the mirror this machine uses, kept in $RINGBACK_CACHE; what is checked of them stays there too.
/// Elsewhere than on Debian it takes those of `rustup component add rust-src`.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {}

const TARGETS: [&str; 2] = ["aarch64-linux-android", "aarch64-apple-ios"];
/// The pinned compiler's version, and Debian's package of its sources.
const RUST: &str = "1.95.0";
const PACKAGE: &str = "rust-src=1.95.0+dfsg1-2~bpo13+1";
const SUITE: &str = "trixie-backports";

pub(crate) fn run(places: &Places) -> Result<ExitCode> {
    let counts = check(places, &process::run)?;
    println!("{} phones, {} of them not as they should be", TARGETS.len(), counts.failed);
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One check for each target.
pub(crate) fn check(places: &Places, run: Runner<'_>) -> Result<Counts> {
    let library = library(places)?;
    let mut counts = Counts::default();
    for target in TARGETS {
        let mut command = cargo();
        command.args(["check", "--package", "ringback-core", "--package", "ringback-bindings"]);
        // Phones speak HTTP through their own stack.
        command.args(["--no-default-features", "--features", "ringback-core/client,ringback-core/uniffi"]);
        command.args(["-Zbuild-std", "--target", target]);
        // Outside the checkout: the standard library is the same for every one.
        command.arg("--target-dir").arg(places.cache.join("phones-target"));
        command.env("RUSTC_BOOTSTRAP", "1");
        if let Some(library) = &library {
            command.env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
        }
        match run(command.current_dir(&places.root)) {
            Ok(()) => counts.passed += 1,
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                println!("    FAILED  {target}: {error}");
                counts.failed += 1;
            }
        }
    }
    Ok(counts)
}

/// The sources of the standard library, fetched if need be; for the summary of `cargo xtask setup`.
pub(crate) fn set_up(places: &Places) -> Result<String> {
    Ok(library(places)?.map_or_else(|| "those of rustup".to_owned(), |library| library.display().to_string()))
}

/// `None` when the toolchain has its own.
fn library(places: &Places) -> Result<Option<PathBuf>> {
    let root = process::output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(&places.root))?;
    if Path::new(root.trim()).join("lib/rustlib/src/rust/library").is_dir() {
        return Ok(None);
    }
    let mirror = swift::debian_mirror().filter(|_| places::in_path("apt-get").is_some());
    let mirror = mirror.ok_or_else(|| {
        Error::missing("the standard library's sources", "run `rustup component add rust-src`")
    })?;
    let folder = setup::in_cache(places, &format!("rust-src-{RUST}"), |partial| fetch(partial, &mirror))?;
    Ok(Some(folder.join(format!("usr/src/rustc-{RUST}/library"))))
}

/// By an apt of its own, which neither knows nor changes what is installed.
fn fetch(folder: &Path, mirror: &Mirror) -> Result<()> {
    for name in ["state/lists/partial", "cache/archives/partial"] {
        places::make_folder(&folder.join(name))?;
    }
    let list = folder.join("sources.list");
    fs::write(&list, mirror.line(SUITE)).map_err(Error::file(&list))?;
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.current_dir(folder).args(["-qq", "-o", "Acquire::Languages=none"]);
        for (setting, value) in [
            ("Dir::State", folder.join("state")),
            ("Dir::State::status", "/dev/null".into()),
            ("Dir::Cache", folder.join("cache")),
            ("Dir::Etc::sourcelist", list.clone()),
            ("Dir::Etc::sourceparts", "-".into()),
        ] {
            command.arg("-o").arg(format!("{setting}={}", value.display()));
        }
        command.args(arguments);
        command
    };
    process::run(&mut apt(&["update"]))?;
    process::run(&mut apt(&["download", PACKAGE]))?;
    for file in places::files_below(folder)? {
        if file.extension().is_some_and(|ending| ending == "deb") {
            process::run(Command::new("dpkg-deb").arg("--extract").arg(&file).arg(folder))?;
            fs::remove_file(&file).map_err(Error::file(&file))?;
        }
    }
    Ok(())
}
