//! `cargo xtask api`: what apps may build on, as committed texts in docs/api.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Args, ValueEnum};

use crate::{
    bindings::{self, Language},
    counts::Counts,
    error::{Error, Result},
    kotlin, package, places,
    places::{Places, cargo},
    process,
    shipped::Runner,
    swift, swift_surface,
};

/// Compares the public surface of the SDK with the one that was accepted, in docs/api
///
///   rust     ringback-core, from rustdoc
///   kotlin   the jar that `cargo xtask package` makes, by Kotlin's own ABI tools
///   swift    the module Ringback of bindings/swift, from its symbol graph
///
/// Fails when one differs and shows how. --accept takes what is there as the new text: commit it with the change, and
/// tell of it in CHANGELOG.md. Needs a JDK 17 with Maven; installs Swift as `cargo xtask setup swift` does.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// For which language
    #[arg(value_enum, default_value = "all")]
    language: Choice,
    /// Compare; this is what happens anyway
    #[arg(long, conflicts_with = "accept")]
    check: bool,
    /// Write what is there over what was accepted
    #[arg(long)]
    accept: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Rust,
    Kotlin,
    Swift,
    All,
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    let wanted = |language| options.language == language || options.language == Choice::All;
    if wanted(Choice::Kotlin) {
        package::kotlin(places, &process::run)?;
    }
    let mut code = ExitCode::SUCCESS;
    for (language, surface) in SURFACES {
        if !wanted(language) {
            continue;
        }
        let surface = surface(places, &process::run)?;
        if options.accept {
            places::make_folder(&places.root.join(FOLDER))?;
            let file = accepted(places, &surface);
            fs::write(&file, &surface.text).map_err(Error::file(&file))?;
            println!("{} is written", file.display());
        } else if let Err(error) = compare(places, &surface, &process::run) {
            println!("{error}");
            code = ExitCode::FAILURE;
        } else {
            println!("{} holds", accepted(places, &surface).display());
        }
    }
    Ok(code)
}

/// One check for each language. The Kotlin package has to be there.
pub(crate) fn check(places: &Places, run: Runner<'_>) -> Result<Counts> {
    let mut counts = Counts::default();
    for (_, surface) in SURFACES {
        match compare(places, &surface(places, run)?, run) {
            Ok(()) => counts.passed += 1,
            Err(Error::Broken(words)) => {
                println!("    FAILED  {words}");
                counts.failed += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(counts)
}

const FOLDER: &str = "docs/api";

type Read = fn(&Places, Runner<'_>) -> Result<Surface>;

const SURFACES: [(Choice, Read); 3] =
    [(Choice::Rust, rust), (Choice::Kotlin, kotlin), (Choice::Swift, swift)];

/// A public surface, one item a line.
struct Surface {
    file: &'static str,
    text: String,
}

fn accepted(places: &Places, surface: &Surface) -> PathBuf {
    places.root.join(FOLDER).join(surface.file)
}

fn compare(places: &Places, surface: &Surface, run: Runner<'_>) -> Result<()> {
    let found = places.target.join("api").join(surface.file);
    places::make_folder(&places.target.join("api"))?;
    fs::write(&found, &surface.text).map_err(Error::file(&found))?;
    let accepted = accepted(places, surface);
    if fs::read_to_string(&accepted).is_ok_and(|text| text == surface.text) {
        return Ok(());
    }
    // It ends with an error where the files differ, which is known.
    let _ = run(Command::new("diff").arg("--unified").arg(&accepted).arg(&found));
    Err(Error::Broken(format!(
        "{FOLDER}/{} is not what the code has: is the change meant? Then `cargo xtask api --accept`",
        surface.file
    )))
}

fn rust(places: &Places, run: Runner<'_>) -> Result<Surface> {
    // The pinned compiler's rustdoc, whose JSON is not yet called stable. It alone is told that this is meant: build
    // scripts that saw the variable would build half of the workspace anew.
    let folder = places.target.join("api");
    places::make_folder(&folder)?;
    let wrapper = folder.join("rustdoc.sh");
    fs::write(&wrapper, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n")
        .map_err(Error::file(&wrapper))?;
    fs::set_permissions(&wrapper, Permissions::from_mode(0o755)).map_err(Error::file(&wrapper))?;
    let mut rustdoc = cargo();
    rustdoc.args(["rustdoc", "--package", "ringback-core", "--lib"]).env("RUSTDOC", &wrapper);
    rustdoc.args(["--", "-Zunstable-options", "--output-format", "json"]);
    run(rustdoc.current_dir(&places.root))?;
    let mut print = cargo();
    print.args(["run", "--quiet", "--package", "ringback-api-surface", "--"]);
    print.arg(places.target.join("doc/ringback_core.json")).current_dir(&places.root);
    Ok(Surface { file: "rust.txt", text: process::output(&mut print)? })
}

/// Kotlin's own reader of what a class file offers to Kotlin code.
fn kotlin(places: &Places, run: Runner<'_>) -> Result<Surface> {
    let libraries = kotlin::abi_tools(places, run)?;
    let mut java = Command::new("java");
    java.arg("-cp").arg(libraries.join("*"));
    java.arg(places.root.join("xtask/src/kotlin_surface.java")).arg(package::jar(places));
    Ok(Surface { file: "kotlin.txt", text: process::output(&mut java)? })
}

fn swift(places: &Places, run: Runner<'_>) -> Result<Surface> {
    swift::set_up(places)?;
    // With what the tests call, so that nothing is built twice: apps see only what the layer names.
    bindings::generate(places, Language::Swift, true, run)?;
    run(&mut swift::command(places, &["build"])?)?;
    let package = places.root.join("bindings/swift");
    let graphs = places.target.join("api/swift");
    places::fresh_folder(&graphs)?;
    let triple = triple(places, &package)?;
    for module in ["Ringback", "RingbackTypes", "RingbackGenerated"] {
        let mut extract = swift::program(places, "swift", &package)?;
        extract.args(["symbolgraph-extract", "-module-name", module, "-minimum-access-level", "public"]);
        extract.args(["-skip-synthesized-members", "-I", ".build/debug/Modules", "-target", &triple]);
        for headers in ["ringback_coreFFI", "ringback_bindingsFFI"] {
            extract.arg(format!("-ISources/{headers}"));
        }
        run(extract.arg("-output-dir").arg(&graphs))?;
    }
    Ok(Surface { file: "swift.txt", text: swift_surface::read(&graphs)? })
}

/// What the compiler compiles for.
fn triple(places: &Places, package: &Path) -> Result<String> {
    let told = process::output(swift::program(places, "swift", package)?.arg("-print-target-info"))?;
    let told: serde_json::Value = serde_json::from_str(&told)
        .map_err(|error| Error::Broken(format!("swift has not told its target: {error}")))?;
    Ok(told["target"]["triple"].as_str().unwrap_or_default().to_owned())
}

/// The text of a file that the toolchain wrote.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::file(path))
}
