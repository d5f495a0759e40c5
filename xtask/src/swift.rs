//! The Swift toolchain: the machine's own, or a Debian root in the cache.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Args;
use rustix::process::geteuid;

use crate::{
    error::{Error, Result},
    mirror::{self, Mirror},
    places::{self, Places},
    process, setup,
};

/// The release that has the toolchain, and what to install in a root of it.
const SUITE: &str = "trixie";
const PACKAGES: &str = "swiftlang,libc6-dev,libstdc++-14-dev,git";
const ROOT_NAME: &str = "swift-6.0.3-trixie";

/// Runs a Swift command in bindings/swift: `cargo xtask swift -- build`, `-- test --filter Journey`
///
/// Needs `cargo xtask setup swift`, and `cargo xtask bindings swift` for the generated sources. Linux and tests find
/// the Rust library through LIBRARY_PATH and LD_LIBRARY_PATH, which are set. Installs nothing.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// What follows `swift`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    Err(process::become_command(&mut command(places, &options.arguments)?))
}

enum Toolchain {
    Installed,
    Root(PathBuf),
}

fn find(places: &Places) -> Result<Toolchain> {
    let root = places.cache.join(ROOT_NAME);
    if places::in_path("swift").is_some() {
        Ok(Toolchain::Installed)
    } else if root.is_dir() {
        Ok(Toolchain::Root(root))
    } else {
        Err(Error::missing("a Swift toolchain", "run `cargo xtask setup swift`"))
    }
}

/// `swift …` in the Swift package, able to find the Rust library of the debug build.
pub(crate) fn command(places: &Places, arguments: &[impl AsRef<OsStr>]) -> Result<Command> {
    command_in(places, "bindings/swift", arguments)
}

/// The same in another package of the checkout.
pub(crate) fn command_in(places: &Places, package: &str, arguments: &[impl AsRef<OsStr>]) -> Result<Command> {
    let package = places.root.join(package);
    let manifest = package.join("Package.swift");
    if !manifest.is_file() {
        return Err(Error::missing(&manifest.display().to_string(), "this checkout has no such package"));
    }
    let mut command = program(places, "swift", &package)?;
    let library = places.debug();
    command.args(arguments).env("LIBRARY_PATH", &library).env("LD_LIBRARY_PATH", &library);
    Ok(command)
}

/// A program of the toolchain, or a shell that finds it, in a folder of the checkout or of the target folder.
pub(crate) fn program(places: &Places, program: &str, folder: &Path) -> Result<Command> {
    Ok(match find(places)? {
        Toolchain::Installed => {
            let mut command = Command::new(program);
            command.current_dir(folder);
            command
        }
        Toolchain::Root(root) => {
            places::make_folder(&places.target)?;
            let mut command = in_root(&root, folder, &[&places.root, &places.target]);
            command.arg(program);
            command
        }
    })
}

/// What follows runs in a root, in `folder`; `shared` folders have the same paths there.
fn in_root(root: &Path, folder: &Path, shared: &[&Path]) -> Command {
    let mut command = isolated();
    command.args(["sh", "-c", include_str!("swift_root.sh"), "sh"]);
    command.args([root, folder]).args(shared).arg("--");
    command
}

/// Mounts and processes of what follows end with it.
fn isolated() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]);
    command
}

/// Makes the root unless there is a toolchain already.
pub(crate) fn set_up(places: &Places) -> Result<String> {
    match find(places) {
        Ok(Toolchain::Installed) => return Ok("the installed toolchain".to_owned()),
        Ok(Toolchain::Root(root)) => return Ok(root.display().to_string()),
        Err(_) => {}
    }
    let remedy = "install Swift 6.0 or later from swift.org so that `swift` is in PATH \
                  (only on Debian and as root is it set up for you)";
    if !geteuid().is_root() {
        return Err(Error::missing("a Swift toolchain", remedy));
    }
    let mirror = debian_mirror().ok_or_else(|| Error::missing("a Swift toolchain", remedy))?;
    setup::apt_install(&["mmdebstrap"], "mmdebstrap")?;
    let root = places.cache.join(ROOT_NAME);
    let partial = places.cache.join(format!("{ROOT_NAME}.partial"));
    places::make_folder(&places.cache)?;
    println!("    making a Debian {SUITE} root with Swift in {} (2.7 GB, about a minute)", root.display());
    process::retry("the Swift root", || {
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(Error::file(&partial))?;
        }
        let mut command = isolated();
        command.args(["mmdebstrap", "--quiet", "--mode=root", "--variant=apt"]);
        command.args([&format!("--include={PACKAGES}"), SUITE]).arg(&partial).arg(mirror.line(SUITE));
        process::run(&mut command)
    })?;
    process::run(in_root(&partial, Path::new("/"), &[]).args(["swift", "--version"]))?;
    fs::rename(&partial, &root).map_err(Error::file(&partial))?;
    Ok(root.display().to_string())
}

pub(crate) fn debian_mirror() -> Option<Mirror> {
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let value = |key: &str| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|text| text.trim_matches('"'))
    };
    if value("ID") != Some("debian") {
        return None;
    }
    let codename = value("VERSION_CODENAME")?;
    let mut files = places::files_below(Path::new("/etc/apt/sources.list.d")).ok()?;
    files.retain(|file| file.extension().is_some_and(|end| end == "sources" || end == "list"));
    files.insert(0, "/etc/apt/sources.list".into());
    files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .find_map(|text| mirror::find(&text, codename))
}
