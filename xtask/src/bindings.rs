//! `cargo xtask bindings`: the Rust library and the Kotlin and Swift generated from it.

use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Args, ValueEnum};

use crate::{
    error::{Error, Result},
    places::{self, Places, cargo},
    process,
};

/// Builds the Rust library and generates the Kotlin and Swift that call it
///
/// Builds ringback-bindings (debug) and runs the workspace's own uniffi-bindgen on it. Generated, and ignored by git:
///
///   bindings/kotlin/target/generated-sources/uniffi/   Kotlin
///   bindings/swift/Sources/RingbackGenerated/          Swift
///   bindings/swift/Sources/<module>FFI/<module>FFI.h   C headers, beside hand-written module maps
///
/// Needs Rust only. Installs nothing.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// For which language
    #[arg(value_enum, default_value = "all")]
    language: Choice,
    /// Build in the exports that provoke faults, which the language tests call
    #[arg(long)]
    test_hooks: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Kotlin,
    Swift,
    All,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Kotlin,
    Swift,
}

impl Language {
    /// As uniffi-bindgen calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Kotlin => "kotlin",
            Self::Swift => "swift",
        }
    }
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    for language in [Language::Kotlin, Language::Swift] {
        let wanted = match options.language {
            Choice::Kotlin => language == Language::Kotlin,
            Choice::Swift => language == Language::Swift,
            Choice::All => true,
        };
        if wanted {
            let folder = generate(places, language, options.test_hooks, process::run)?;
            println!("{}: {}", language.name(), folder.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the library and generates one language's sources; `run` runs the commands.
pub(crate) fn generate(
    places: &Places,
    language: Language,
    test_hooks: bool,
    run: impl Fn(&mut Command) -> Result<()>,
) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--package", "ringback-bindings"]).current_dir(&places.root);
    // Swift on Linux has nothing of its own to sign with.
    build.args(["--features", if test_hooks { "test-hooks" } else { "software-key" }]);
    run(&mut build)?;

    let library = places.debug().join(format!("{DLL_PREFIX}ringback_bindings{DLL_SUFFIX}"));
    let generated = bindgen(places, &library, language, &run)?;
    let sources = places.root.join("bindings").join(language.name());
    match language {
        Language::Kotlin => kotlin(&generated, &sources.join("target/generated-sources/uniffi")),
        Language::Swift => swift(&generated, &sources.join("Sources")),
    }
}

/// Reads a library that has its symbols and writes one language's sources; the folder with them.
pub(crate) fn bindgen(
    places: &Places,
    library: &Path,
    language: Language,
    run: impl Fn(&mut Command) -> Result<()>,
) -> Result<PathBuf> {
    let generated = places.target.join("bindgen").join(language.name());
    places::fresh_folder(&generated)?;
    let mut bindgen = cargo();
    bindgen.args(["run", "--package", "ringback-bindgen", "--bin", "uniffi-bindgen", "--", "generate"]);
    bindgen.arg(library).args(["--language", language.name(), "--no-format", "--out-dir"]).arg(&generated);
    run(bindgen.current_dir(&places.root))?;
    Ok(generated)
}

/// Makes a folder of Kotlin sources hold what was generated, and no other.
pub(crate) fn kotlin(generated: &Path, folder: &Path) -> Result<PathBuf> {
    let files = places::files_below(generated)?;
    let targets = files.iter().filter_map(|file| Some((file.as_path(), file.strip_prefix(generated).ok()?)));
    replace(folder, targets, "kt")?;
    Ok(folder.to_owned())
}

/// Puts what was generated beside the Swift that people write.
pub(crate) fn swift(generated: &Path, sources: &Path) -> Result<PathBuf> {
    let files = places::files_below(generated)?;
    let folder = sources.join("RingbackGenerated");
    let with_end = |end: &'static str| {
        files.iter().filter(move |file| file.extension().is_some_and(|other| other == end))
    };
    let targets = with_end("swift").filter_map(|file| Some((file.as_path(), Path::new(file.file_name()?))));
    replace(&folder, targets, "swift")?;
    for header in with_end("h") {
        // `ringback_coreFFI.h` belongs to the module `ringback_coreFFI`.
        if let (Some(module), Some(name)) = (header.file_stem(), header.file_name()) {
            copy_if_new(header, &sources.join(module).join(name))?;
        }
    }
    Ok(folder)
}

/// Makes `folder` hold these files (source, name below the folder) and no other with this ending.
fn replace<'a>(folder: &Path, files: impl Iterator<Item = (&'a Path, &'a Path)>, ending: &str) -> Result<()> {
    let mut kept = Vec::new();
    for (source, name) in files {
        let target = folder.join(name);
        copy_if_new(source, &target)?;
        kept.push(target);
    }
    if kept.is_empty() {
        return Err(Error::Broken(format!("uniffi-bindgen wrote no .{ending} file")));
    }
    for file in places::files_below(folder)? {
        if file.extension().is_some_and(|other| other == ending) && !kept.contains(&file) {
            fs::remove_file(&file).map_err(Error::file(&file))?;
        }
    }
    Ok(())
}

/// Leaves an equal file alone, so that nothing is compiled again for it.
fn copy_if_new(source: &Path, target: &Path) -> Result<()> {
    let content = fs::read(source).map_err(Error::file(source))?;
    if fs::read(target).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(folder) = target.parent() {
        places::make_folder(folder)?;
    }
    fs::write(target, content).map_err(Error::file(target))
}
