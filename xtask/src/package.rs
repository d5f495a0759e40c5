//! `cargo xtask package`: what apps are given.

use std::{
    env::consts::{ARCH, DLL_PREFIX, DLL_SUFFIX, OS},
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};

use crate::{
    android, apple,
    bindings::{self, Language},
    error::{Error, Result},
    kotlin,
    places::{self, Places},
    process,
    shipped::{self, Kind, Runner},
};

/// Builds the packages for apps into target/package
///
///   kotlin    maven/: jar with the Rust library for this machine in it, sources, pom, checksums
///   swift     swift/Ringback/: Swift package in source form with the Rust library for Linux
///   android   ringback.aar with a library for each ABI; needs the NDK in $ANDROID_NDK_HOME
///   apple     apple/Ringback/: Swift package over an XCFramework; needs Xcode
///
/// Without the NDK or Xcode it says so and makes the others. Needs a JDK 17 with Maven. Installs nothing.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Which packages
    #[arg(value_enum, default_value = "all")]
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Kotlin,
    Swift,
    Android,
    Apple,
    All,
}

/// Makes packages and tells where they are.
type Make = fn(&Places, Runner<'_>) -> Result<PathBuf>;

/// As in the workspace, in `pom.xml` and in every package.
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    let steps: [(What, Make); 4] = [
        (What::Kotlin, kotlin),
        (What::Swift, swift),
        (What::Android, android::package),
        (What::Apple, apple::package),
    ];
    for (what, make) in steps {
        if options.what != what && options.what != What::All {
            continue;
        }
        match make(places, &process::run) {
            Ok(made) => println!("{}", made.display()),
            // Of all packages, those are made that can be made here.
            Err(error @ Error::Missing { .. }) if options.what == What::All => println!("left out: {error}"),
            Err(error) => return Err(error),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Where packages are put.
pub(crate) fn folder(places: &Places) -> PathBuf {
    places.target.join("package")
}

/// The Kotlin library.
pub(crate) fn jar(places: &Places) -> PathBuf {
    folder(places).join(format!("maven/dev/ringback/ringback/{VERSION}/ringback-{VERSION}.jar"))
}

/// A Maven repository with the library for the JVM on this machine.
pub(crate) fn kotlin(places: &Places, run: Runner<'_>) -> Result<PathBuf> {
    kotlin::check_maven()?;
    let library = shipped::build(places, Kind::Host, run)?;
    let (project, ours) = (folder(places).join("build/kotlin"), places.root.join("bindings/kotlin"));
    places::fresh_folder(&project)?;
    copy(&ours.join("pom.xml"), &project.join("pom.xml"))?;
    copy_below(&ours.join("src/main"), &project.join("src/main"))?;
    let sources = project.join("src/main/kotlin");
    for file in places::files_below(&bindings::bindgen(places, &library.shared, Language::Kotlin, run)?)? {
        let generated = places.target.join("bindgen/kotlin");
        copy(&file, &sources.join(file.strip_prefix(&generated).unwrap_or(&file)))?;
    }
    // Where JNA and R8 look for them in a jar.
    let resources = project.join("src/main/resources");
    let name = format!("{DLL_PREFIX}ringback_bindings{DLL_SUFFIX}");
    let native = resources.join(jna_folder(OS, ARCH)).join(name);
    copy(&library.stripped, &native)?;
    copy(&ours.join("consumer-rules.pro"), &resources.join("META-INF/proguard/ringback.pro"))?;

    let repository = folder(places).join("maven");
    places::fresh_folder(&repository)?;
    let mut maven = kotlin::maven(&project)?;
    maven.args(["--quiet", "-Dmaven.test.skip=true", "-Duniffi.kotlin.dir=src/main/kotlin", "package"]);
    maven.arg("org.apache.maven.plugins:maven-source-plugin:3.3.1:jar-no-fork");
    maven.arg("org.apache.maven.plugins:maven-deploy-plugin:3.1.4:deploy");
    maven.arg(format!("-DaltDeploymentRepository=package::file://{}", repository.display()));
    process::retry("Maven", || run(&mut maven))?;
    Ok(repository)
}

/// JNA's name for a system.
fn jna_folder(os: &str, arch: &str) -> String {
    let os = if os == "macos" { "darwin" } else { os };
    format!("{os}-{}", arch.replace('_', "-"))
}

/// The Swift package for Linux.
pub(crate) fn swift(places: &Places, run: Runner<'_>) -> Result<PathBuf> {
    if cfg!(target_os = "macos") {
        return Err(Error::missing("Linux", "on a Mac `cargo xtask package apple` makes the package"));
    }
    let library = shipped::build(places, Kind::Signing, run)?;
    let package = folder(places).join("swift/Ringback");
    swift_sources(places, &package, &library.shared, run)?;
    copy(&places.root.join("bindings/swift/packaging/Package.swift"), &package.join("Package.swift"))?;
    places::make_folder(&package.join("lib"))?;
    shipped::strip_archive(&library.archive, &package.join("lib/libringback_bindings.a"), run)?;
    Ok(package)
}

/// The Swift that every package has: what people wrote, what was generated, what Apple's stores ask for.
pub(crate) fn swift_sources(places: &Places, package: &Path, library: &Path, run: Runner<'_>) -> Result<()> {
    let ours = places.root.join("bindings/swift");
    places::fresh_folder(package)?;
    let sources = package.join("Sources");
    for target in ["Ringback", "RingbackTypes", "ringback_coreFFI", "ringback_bindingsFFI"] {
        copy_below(&ours.join("Sources").join(target), &sources.join(target))?;
    }
    let manifest = "PrivacyInfo.xcprivacy";
    copy(&ours.join("packaging").join(manifest), &sources.join("Ringback").join(manifest))?;
    bindings::swift(&bindings::bindgen(places, library, Language::Swift, run)?, &sources)?;
    Ok(())
}

/// Copies a file, making the folders it goes to.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        places::make_folder(folder)?;
    }
    fs::copy(from, to).map_err(Error::file(from))?;
    Ok(())
}

/// Copies all files below a folder.
pub(crate) fn copy_below(from: &Path, to: &Path) -> Result<()> {
    for file in places::files_below(from)? {
        copy(&file, &to.join(file.strip_prefix(from).unwrap_or(&file)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_libraries_lie_where_jna_looks() {
        assert_eq!(jna_folder("linux", "x86_64"), "linux-x86-64");
        assert_eq!(jna_folder("macos", "aarch64"), "darwin-aarch64");
    }

    #[test]
    fn the_pom_has_the_version_of_the_workspace() {
        let pom = include_str!("../../bindings/kotlin/pom.xml");
        assert!(pom.contains(&format!("<artifactId>ringback</artifactId>\n  <version>{VERSION}</version>")));
    }
}
