//! The library as apps get it: profile `mobile`, without what only tests call.

use std::{
    collections::BTreeSet,
    env::{
        self,
        consts::{DLL_PREFIX, DLL_SUFFIX},
    },
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::{Error, Result},
    places::{self, Places, cargo},
    process,
};

/// Runs a command, as the caller wants its output to be treated.
pub(crate) type Runner<'a> = &'a dyn Fn(&mut Command) -> Result<()>;

/// What the platform does, and what Rust does in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The platform speaks HTTP and signs: phones, and the JVM.
    Host,
    /// The platform speaks HTTP: Swift on Linux.
    Signing,
    /// The platform does neither.
    Reqwest,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Signing => "signing",
            Self::Reqwest => "reqwest",
        }
    }

    fn feature(self) -> Option<&'static str> {
        match self {
            Self::Host => None,
            Self::Signing => Some("software-key"),
            Self::Reqwest => Some("reqwest"),
        }
    }
}

/// The built library.
pub(crate) struct Library {
    /// With its symbols, which the generator reads.
    pub shared: PathBuf,
    /// For apps that link it into themselves.
    pub archive: PathBuf,
    /// What is shipped.
    pub stripped: PathBuf,
}

/// Builds it. All kinds are kept beside each other.
pub(crate) fn build(places: &Places, kind: Kind, run: Runner<'_>) -> Result<Library> {
    let mut build = cargo();
    build.args(["build", "--profile", "mobile", "--package", "ringback-bindings"]);
    build.env("CARGO_ENCODED_RUSTFLAGS", flags().join(SEPARATOR));
    if let Some(feature) = kind.feature() {
        build.args(["--features", feature]);
    }
    run(build.current_dir(&places.root))?;
    let folder = places.target.join("shipped").join(kind.name());
    places::make_folder(&folder)?;
    let kept = |name: &str| {
        let (built, kept) = (places.target.join("mobile").join(name), folder.join(name));
        fs::copy(&built, &kept).map_err(Error::file(&built))?;
        Ok(kept)
    };
    let library = Library {
        shared: kept(&format!("{DLL_PREFIX}ringback_bindings{DLL_SUFFIX}"))?,
        archive: kept("libringback_bindings.a")?,
        stripped: folder.join(format!("stripped{DLL_SUFFIX}")),
    };
    if cfg!(target_os = "macos") {
        // A library of Apple's keeps what others link against.
        run(Command::new("strip").arg("-x").arg("-o").arg(&library.stripped).arg(&library.shared))?;
    } else {
        link(&library.archive, &library.stripped, &[], run)?;
    }
    Ok(library)
}

/// Between the flags of `CARGO_ENCODED_RUSTFLAGS`.
pub(crate) const SEPARATOR: &str = "\x1f";

/// How everything that is shipped is compiled. With frame pointers the tables for unwinding are smaller by more than the code
/// grows; and where this machine keeps its crates is nothing an app should say.
pub(crate) fn flags() -> Vec<String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let crates = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok()).into_iter().flatten();
    let mut flags = vec!["-Cforce-frame-pointers=yes".to_owned()];
    flags.extend(
        crates.flatten().map(|folder| format!("--remap-path-prefix={}=crates", folder.path().display())),
    );
    flags
}

/// The same with its relocations packed in the way that Android 6 and later read, as an AAR has it. Nothing on this machine can
/// load it; it is there to be weighed.
pub(crate) fn weighed(library: &Library, run: Runner<'_>) -> Result<PathBuf> {
    if cfg!(target_os = "macos") {
        return Ok(library.stripped.clone());
    }
    let target = library.stripped.with_file_name(format!("weighed{DLL_SUFFIX}"));
    link(&library.archive, &target, &[ANDROID_RELOCATIONS], run)?;
    Ok(target)
}

/// Equal functions are there once.
pub(crate) const FOLDED: [&str; 2] = ["-Wl,--icf=all", "-Wl,-O2"];
pub(crate) const ANDROID_RELOCATIONS: &str = "-Wl,--pack-dyn-relocs=android";

/// The linker that comes with the toolchain, which is also the NDK's, as the C compiler is told of it.
fn lld() -> Result<[String; 2]> {
    let libraries = process::output(Command::new("rustc").args(["--print", "target-libdir"]))?;
    let folder = Path::new(libraries.trim()).with_file_name("bin").join("gcc-ld");
    Ok([format!("-B{}", folder.display()), "-fuse-ld=lld".to_owned()])
}

/// Links the archive anew and strips it, without what the generator alone reads: descriptions of every function and type, 40 KB.
fn link(archive: &Path, target: &Path, flags: &[&str], run: Runner<'_>) -> Result<()> {
    let symbols = process::output(
        Command::new("nm").args(["--quiet", "--extern-only", "--defined-only"]).arg(archive),
    )?;
    let exports: BTreeSet<&str> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .filter(|name| name.starts_with("ffi_") || name.starts_with("uniffi_"))
        .collect();
    let list: String = exports.iter().map(|name| format!("    {name};\n")).collect();
    let script = target.with_extension("map");
    fs::write(&script, format!("{{\nglobal:\n{list}local:\n    *;\n}};\n")).map_err(Error::file(&script))?;
    let mut command = Command::new("cc");
    command.args(lld()?).args(["-shared", "-o"]).arg(target).args(FOLDED).args(flags);
    command.arg(format!("-Wl,--version-script={}", script.display()));
    command.args(["-Wl,--gc-sections", "-Wl,--as-needed", "-Wl,-z,relro,-z,now", "-Wl,--no-undefined"]);
    command.args(exports.iter().map(|name| format!("-Wl,--undefined={name}"))).arg(archive);
    run(command.args(["-lgcc_s", "-lm", "-ldl", "-lpthread"]))?;
    run(Command::new("strip").arg("--strip-all").arg(target))
}

/// A copy of an archive without debug information; its symbols are what others link against.
pub(crate) fn strip_archive(archive: &Path, target: &Path, run: Runner<'_>) -> Result<()> {
    run(Command::new("strip").arg("-S").arg("-o").arg(target).arg(archive))
}
