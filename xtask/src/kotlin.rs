//! The Kotlin library on the JVM: Maven, ktlint.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::{Error, Result},
    places::{self, Places},
    process, setup,
    shipped::Runner,
};

const KTLINT: &str = "1.8.0";

/// Fetches ktlint.
pub(crate) fn set_up(places: &Places) -> Result<String> {
    check_maven()?;
    let jar = ktlint_jar(places);
    if !jar.is_file() {
        let folder = places.cache.join("ktlint");
        println!("    downloading ktlint {KTLINT}");
        process::retry("ktlint", || {
            let mut command = Command::new("mvn");
            command.args([
                "--batch-mode",
                "--quiet",
                "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
            ]);
            command.arg(format!("-Dartifact=com.pinterest.ktlint:ktlint-cli:{KTLINT}:jar:all"));
            command.arg(format!("-DoutputDirectory={}", folder.display()));
            process::run(&mut command)
        })?;
    }
    Ok(jar.display().to_string())
}

/// Kotlin's ABI tools with what they need, in a folder of the cache.
pub(crate) fn abi_tools(places: &Places, run: Runner<'_>) -> Result<PathBuf> {
    // The version of the compiler in bindings/kotlin/pom.xml: older tools do not read newer classes.
    const VERSION: &str = "2.4.21";
    check_maven()?;
    setup::in_cache(places, &format!("kotlin-abi-tools-{VERSION}"), |partial| {
        let pom = partial.join("pom.xml");
        let text = format!(
            "<project><modelVersion>4.0.0</modelVersion><groupId>tools</groupId><artifactId>tools</artifactId>\
             <version>1</version><dependencies><dependency><groupId>org.jetbrains.kotlin</groupId>\
             <artifactId>abi-tools</artifactId><version>{VERSION}</version></dependency></dependencies></project>"
        );
        fs::write(&pom, text).map_err(Error::file(&pom))?;
        let mut command = maven(partial)?;
        command.arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies");
        run(command.arg(format!("-DoutputDirectory={}", partial.display())))
    })
}

/// Is there what runs Java and Kotlin?
pub(crate) fn check_maven() -> Result<()> {
    for (program, remedy) in [
        ("java", "install a JDK 17 or later (Debian: `apt-get install openjdk-17-jdk-headless`)"),
        ("mvn", "install Maven 3.8 or later (Debian: `apt-get install maven`)"),
    ] {
        if places::in_path(program).is_none() {
            return Err(Error::missing(program, remedy));
        }
    }
    Ok(())
}

fn ktlint_jar(places: &Places) -> PathBuf {
    places.cache.join(format!("ktlint/ktlint-cli-{KTLINT}-all.jar"))
}

/// Checks the Kotlin that people write.
pub(crate) fn ktlint(places: &Places) -> Command {
    let mut command = Command::new("java");
    command.args(["--add-opens=java.base/java.lang=ALL-UNNAMED", "-jar"]).arg(ktlint_jar(places));
    command.args(["--relative", "bindings/kotlin/src/**/*.kt", "tests/bench/kotlin/src/**/*.kt"]);
    command.args(["bindings/kotlin-android/src/**/*.kt", "android-sample/*/src/**/*.kt"]);
    command.current_dir(&places.root);
    command
}

/// Maven on one project: without questions, without a daemon that outlives it, and giving up on a silent download after
/// a minute.
pub(crate) fn maven(project: &Path) -> Result<Command> {
    let pom = project.join("pom.xml");
    if !pom.is_file() {
        return Err(Error::missing(&pom.display().to_string(), "this checkout has no such part"));
    }
    let mut command = Command::new("mvn");
    command.current_dir(project).args([
        "--batch-mode",
        "--no-transfer-progress",
        "-Dstyle.color=never",
        "-Dkotlin.compiler.daemon=false",
        "-Dmaven.wagon.rto=60000",
        "-Dmaven.wagon.http.retryHandler.count=3",
    ]);
    Ok(command)
}

/// Runs Maven and tries again when only a download failed.
pub(crate) fn run_maven(command: &mut Command, log: &Path) -> Result<()> {
    const ATTEMPTS: usize = 3;
    let mut attempt = 1;
    loop {
        let seen = fs::metadata(log).map_or(0, |file| file.len());
        let result = process::run_logged(command, log);
        if result.is_ok() || attempt == ATTEMPTS || !download_failed(log, seen) {
            return result;
        }
        println!("    a download failed (attempt {attempt} of {ATTEMPTS})");
        attempt += 1;
    }
}

fn download_failed(log: &Path, from: u64) -> bool {
    let text = fs::read(log).unwrap_or_default();
    let new = usize::try_from(from).ok().and_then(|from| text.get(from..)).unwrap_or_default();
    let new = String::from_utf8_lossy(new);
    // Maven's words, not a test's: a failed test is never tried again.
    ["Could not transfer artifact", "Could not resolve dependencies"].iter().any(|words| new.contains(words))
}
