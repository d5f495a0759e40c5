//! The parts of `cargo xtask test`: what each runs and how it counts.

use std::{
    cell::OnceCell,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;

use crate::{
    bindings::{self, Language},
    counts::{self, Counts},
    error::{Error, Result},
    kotlin, lint,
    places::{self, Places, cargo},
    postgres::Cluster,
    privacy, process, swift,
};

/// A part of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Every Rust test of the workspace, both storage engines, the journey, faults and kills
    Rust,
    /// Only the Rust tests of the SDK core
    Core,
    /// Only the Rust tests of the server
    Server,
    /// Only the Rust tests of the stand-ins for the push servers
    Doubles,
    /// Only the Rust tests that cross the parts
    E2e,
    /// The Kotlin library on the JVM, against the real server
    Kotlin,
    /// The Swift package, against the real server
    Swift,
    /// Formatting, lints, licences
    Lint,
    /// Nothing personal in any log or push of this run
    Privacy,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Core => "core",
            Self::Server => "server",
            Self::Doubles => "doubles",
            Self::E2e => "e2e",
            Self::Kotlin => "kotlin",
            Self::Swift => "swift",
            Self::Lint => "lint",
            Self::Privacy => "privacy",
        }
    }

    /// What the summary counts it under.
    pub(crate) fn language(self) -> &'static str {
        match self {
            Self::Rust | Self::Core | Self::Server | Self::Doubles | Self::E2e => "Rust",
            Self::Kotlin => "Kotlin",
            Self::Swift => "Swift",
            Self::Lint | Self::Privacy => "checks",
        }
    }
}

/// One run of the tests: where it writes and what it has started.
pub(crate) struct Run<'a> {
    pub places: &'a Places,
    /// All of the workspace is tested, so all of it is built at once.
    pub whole_workspace: bool,
    services: OnceCell<Result<Services, String>>,
}

/// What tests talk to.
struct Services {
    cluster: Cluster,
    server: PathBuf,
    doubles: PathBuf,
}

impl<'a> Run<'a> {
    pub(crate) fn new(places: &'a Places, whole_workspace: bool) -> Self {
        Self { places, whole_workspace, services: OnceCell::new() }
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.places.logs().join(format!("{name}.log"))
    }

    /// Runs one part. The notes say what could not be checked here.
    pub(crate) fn part(&self, part: Part) -> Result<(Counts, Vec<String>)> {
        let log = self.log(part.name());
        let counts = match part {
            Part::Rust => self.cargo_test(&["--workspace"], &log),
            Part::Core => self.cargo_test(&["--package", "ringback-core", "--all-features"], &log),
            Part::Server => self.cargo_test(&["--package", "ringback-server"], &log),
            Part::Doubles => self.cargo_test(&["--package", "ringback-doubles"], &log),
            Part::E2e => self.cargo_test(&["--package", "ringback-e2e"], &log),
            Part::Kotlin => self.kotlin(&log),
            Part::Swift => self.swift(&log),
            Part::Lint => return lint::run(self.places, &log),
            Part::Privacy => privacy::check(self.places),
        };
        counts.map(|counts| (counts, Vec::new()))
    }

    fn cargo_test(&self, which: &[&str], log: &Path) -> Result<Counts> {
        let mut command = cargo();
        command.arg("test").args(which).arg("--no-fail-fast").current_dir(&self.places.root);
        self.lend_services(&mut command)?;
        let result = process::run_logged(&mut command, log);
        counted(result, counts::cargo_test(&read(log)?))
    }

    fn kotlin(&self, log: &Path) -> Result<Counts> {
        let project = self.places.root.join("bindings/kotlin");
        bindings::generate(self.places, Language::Kotlin, true, |command| process::run_logged(command, log))?;
        let reports = project.join("target/surefire-reports");
        places::fresh_folder(&reports)?;
        let mut services = Ok(());
        let result = kotlin::run_maven(&project, log, |command| {
            command.arg("test").arg(format!("-Dringback.lib.dir={}", self.places.debug().display()));
            services = self.lend_services(command);
        });
        services?;
        let mut sum = Counts::default();
        for report in places::files_below(&reports)? {
            if report.extension().is_some_and(|ending| ending == "xml") {
                sum += counts::surefire(&read(&report)?)
                    .map_err(|error| Error::Broken(format!("{}: {error}", report.display())))?;
            }
        }
        counted(result, sum)
    }

    fn swift(&self, log: &Path) -> Result<Counts> {
        swift::set_up(self.places)?;
        bindings::generate(self.places, Language::Swift, true, |command| process::run_logged(command, log))?;
        let before = read(log)?.len();
        let mut command = swift::command(self.places, &["test"])?;
        self.lend_services(&mut command)?;
        let result = process::run_logged(&mut command, log);
        counted(result, counts::swift_test(read(log)?.get(before..).unwrap_or_default()))
    }

    /// Tells tests where the server, the doubles, PostgreSQL and the logs are, having started what needs starting.
    fn lend_services(&self, command: &mut Command) -> Result<()> {
        let services = self
            .services
            .get_or_init(|| self.start_services().map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|error| Error::Broken(error.clone()))?;
        process::check_interrupted()?;
        command
            .env("RINGBACK_TEST_POSTGRES", &services.cluster.url)
            .env("RINGBACK_BIN", &services.server)
            .env("RINGBACK_DOUBLES_BIN", &services.doubles)
            .env("RINGBACK_TEST_LOGS", self.places.logs())
            .env("RUST_BACKTRACE", "1")
            .env("CARGO_TERM_COLOR", "never");
        Ok(())
    }

    fn start_services(&self) -> Result<Services> {
        crate::postgres::set_up(self.places)?;
        let mut build = cargo();
        build.arg("build").current_dir(&self.places.root);
        if self.whole_workspace {
            // The same units as `cargo test --workspace`: nothing is compiled twice.
            build.args(["--workspace", "--lib", "--bins", "--tests", "--examples"]);
        } else {
            build.args(["--package", "ringback-server", "--package", "ringback-doubles", "--bins"]);
        }
        let log = self.log("build");
        println!("    building the server and the doubles");
        process::run_logged(&mut build, &log).map_err(|error| {
            Error::Broken(format!("{error}; {}:\n{}", log.display(), process::last_lines(&log, 60)))
        })?;
        Ok(Services {
            cluster: Cluster::start(&self.log("postgres"))?,
            server: self.places.debug().join("ringback"),
            doubles: self.places.debug().join("ringback-doubles"),
        })
    }
}

/// A runner that failed without a failed test (it did not compile, it crashed) is a failure all the same.
fn counted(result: Result<()>, counts: Counts) -> Result<Counts> {
    match result {
        Err(error) if counts.failed == 0 => Err(error),
        Err(Error::Interrupted) => Err(Error::Interrupted),
        _ => Ok(counts),
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(Error::file(path))
}
