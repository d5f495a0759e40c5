//! The samples and the adapters for Android: view models against the real server, screens, project files.

use std::path::Path;

use crate::{
    bindings::{self, Language},
    counts::{self, Counts},
    error::Result,
    kotlin,
    parts::{self, Run},
    places, process, projects, swift, words,
};

/// The Maven projects beside the library's own, whose tests count.
const KOTLIN: [&str; 3] = ["bindings/kotlin-android", "android-sample/model", "android-sample/screens"];

/// Tests both samples as far as this machine can: no Android SDK, no Xcode.
pub(crate) fn run(run: &Run<'_>, log: &Path) -> Result<Counts> {
    let places = run.places;
    for language in [Language::Kotlin, Language::Swift] {
        bindings::generate(places, language, true, |command| process::run_logged(command, log))?;
    }
    let mut sum = projects::check(&places.root)?;
    sum += words::check(&places.root)?;
    sum += kotlin(run, log)?;
    sum += swift(run, log)?;
    Ok(sum)
}

/// The adapters under Robolectric, the view models, and the screens: drawn into `target/pictures`, and clicked.
fn kotlin(run: &Run<'_>, log: &Path) -> Result<Counts> {
    let root = &run.places.root;
    let reports: Vec<_> =
        KOTLIN.iter().map(|project| root.join(project).join("target/surefire-reports")).collect();
    for reports in &reports {
        places::fresh_folder(reports)?;
    }
    let mut maven = kotlin::maven(&root.join("android-sample"))?;
    // The library's own tests are another part.
    maven.args(["test", "--fail-at-end", "-Dbindings.tests.skip=true"]);
    maven.arg(format!("-Drust.lib.dir={}", run.places.debug().display()));
    run.lend_everything(&mut maven)?;
    let result = kotlin::run_maven(&mut maven, log);
    let mut sum = Counts::default();
    for reports in &reports {
        sum += parts::surefire(reports)?;
    }
    parts::counted(result, sum)
}

fn swift(run: &Run<'_>, log: &Path) -> Result<Counts> {
    swift::set_up(run.places)?;
    let before = parts::read(log)?.len();
    let mut arguments = vec!["test"];
    if cfg!(target_os = "linux") {
        // Swift 6.0's own libswiftObservation.so there lacks a symbol that it calls when it has to give up.
        arguments.extend(["-Xlinker", "--allow-shlib-undefined"]);
    }
    let mut command = swift::command_in(run.places, "ios-sample/Model", &arguments)?;
    run.lend_everything(&mut command)?;
    let result = process::run_logged(&mut command, log);
    parts::counted(result, counts::swift_test(parts::read(log)?.get(before..).unwrap_or_default()))
}
