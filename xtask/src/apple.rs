//! The Swift package over an XCFramework: needs Xcode.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::{Error, Result},
    package, places,
    places::{Places, cargo},
    shipped::{self, Kind, Runner},
};

/// Each slice of the framework: its name, the targets that are joined in it.
const SLICES: [(&str, &[&str]); 3] = [
    ("ios", &["aarch64-apple-ios"]),
    ("ios-simulator", &["aarch64-apple-ios-sim", "x86_64-apple-ios"]),
    ("macos", &["aarch64-apple-darwin", "x86_64-apple-darwin"]),
];

/// Builds the framework for iOS, its simulator and macOS, and lays the package out.
pub(crate) fn package(places: &Places, run: Runner<'_>) -> Result<PathBuf> {
    if places::in_path("xcodebuild").is_none() {
        return Err(Error::missing("Xcode", "the XCFramework can be made on a Mac alone"));
    }
    let package = package::folder(places).join("apple/Ringback");
    let library = shipped::build(places, Kind::Host, run)?;
    package::swift_sources(places, &package, &library.shared, run)?;
    let manifest = places.root.join("bindings/swift/packaging/Package.apple.swift");
    package::copy(&manifest, &package.join("Package.swift"))?;

    let headers = package::folder(places).join("build/apple-headers");
    places::fresh_folder(&headers)?;
    move_headers(&package.join("Sources"), &headers)?;
    let mut xcodebuild = Command::new("xcodebuild");
    xcodebuild.arg("-create-xcframework");
    for (slice, targets) in SLICES {
        let library = package::folder(places).join("build/apple").join(slice).join("libringback_bindings.a");
        join(places, targets, &library, run)?;
        xcodebuild.arg("-library").arg(&library).arg("-headers").arg(&headers);
    }
    run(xcodebuild.arg("-output").arg(package.join("RingbackRust.xcframework")))?;
    Ok(package)
}

/// The C side goes into the framework, in a folder of its own: another library's module map lies beside it.
fn move_headers(sources: &Path, headers: &Path) -> Result<()> {
    let folder = headers.join("RingbackRust");
    let mut modules = String::new();
    for module in ["ringback_coreFFI", "ringback_bindingsFFI"] {
        let header = format!("{module}.h");
        package::copy(&sources.join(module).join(&header), &folder.join(&header))?;
        modules.push_str(&format!("module {module} {{\n    header \"{header}\"\n    export *\n}}\n"));
        let left = sources.join(module);
        fs::remove_dir_all(&left).map_err(Error::file(&left))?;
    }
    let map = folder.join("module.modulemap");
    fs::write(&map, modules).map_err(Error::file(&map))
}

fn join(places: &Places, targets: &[&str], library: &Path, run: Runner<'_>) -> Result<()> {
    let mut lipo = Command::new("lipo");
    lipo.arg("-create");
    for target in targets {
        let mut build = cargo();
        build.args(["build", "--profile", "mobile", "--package", "ringback-bindings", "--target", target]);
        build.env("CARGO_ENCODED_RUSTFLAGS", shipped::flags().join(shipped::SEPARATOR));
        build.env("IPHONEOS_DEPLOYMENT_TARGET", "15.0").env("MACOSX_DEPLOYMENT_TARGET", "12.0");
        run(build.current_dir(&places.root))?;
        lipo.arg(places.target.join(target).join("mobile/libringback_bindings.a"));
    }
    if let Some(folder) = library.parent() {
        places::fresh_folder(folder)?;
    }
    run(lipo.arg("-output").arg(library))
}
