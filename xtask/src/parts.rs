//! The parts of `cargo xtask test`: what each runs and how it counts.

use std::{
    cell::OnceCell,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;

use crate::{
    api,
    bindings::{self, Language},
    counts::{self, Counts},
    error::{Error, Result},
    fuzz, guide, kotlin, lint, package, phones,
    places::{self, Places, cargo},
    postgres::{self, Cluster},
    privacy, process, samples, setup,
    shipped::Runner,
    size, swift,
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
    /// Both samples and the adapters for Android
    Samples,
    /// Every FCM request of this run against Google's discovery document
    Fcm,
    /// Every signed token that a push server took in this run, by PyJWT
    Tokens,
    /// How large the library is that apps ship
    Size,
    /// The public surface in Rust, Kotlin and Swift against docs/api
    Api,
    /// The guide's programs, exactly as printed, against the packages and the real server
    Guide,
    /// Core and bindings type-checked for Android and iOS
    Phones,
    /// The fuzz targets, for a bounded time each
    Fuzz,
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
            Self::Samples => "samples",
            Self::Fcm => "fcm",
            Self::Tokens => "tokens",
            Self::Size => "size",
            Self::Api => "api",
            Self::Guide => "guide",
            Self::Phones => "phones",
            Self::Fuzz => "fuzz",
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
            Self::Samples => "both",
            _ => "checks",
        }
    }
}

/// What a part's tests talk to, besides what they start themselves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Needs {
    Nothing,
    /// The push service that nobody here wrote.
    WebPush,
    /// Also PostgreSQL, and the APNs of pushy.
    Servers,
    /// Those, and the server and the doubles as programs.
    Everything,
}

/// One run of the tests: where it writes and what it has started.
pub(crate) struct Run<'a> {
    pub(crate) places: &'a Places,
    /// All of the workspace is tested, so all of it is built at once.
    whole_workspace: bool,
    cluster: OnceCell<Result<Cluster, String>>,
    web_push: OnceCell<Result<PathBuf, String>>,
    pushy: OnceCell<Result<(), String>>,
    programs: OnceCell<Result<(), String>>,
    kotlin_package: OnceCell<Result<PathBuf, String>>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(places: &'a Places, whole_workspace: bool) -> Self {
        Self {
            places,
            whole_workspace,
            cluster: OnceCell::new(),
            web_push: OnceCell::new(),
            pushy: OnceCell::new(),
            programs: OnceCell::new(),
            kotlin_package: OnceCell::new(),
        }
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.places.logs().join(format!("{name}.log"))
    }

    /// Runs one part. The notes say what could not be checked here.
    pub(crate) fn part(&self, part: Part) -> Result<(Counts, Vec<String>)> {
        let log = self.log(part.name());
        let logged = |command: &mut Command| process::run_logged(command, &log);
        let counts = match part {
            Part::Rust => self.cargo_test(&["--workspace"], Needs::Everything, &log),
            Part::Core => {
                self.cargo_test(&["--package=ringback-core", "--all-features"], Needs::Nothing, &log)
            }
            Part::Server => self.cargo_test(&["--package=ringback-server"], Needs::Servers, &log),
            Part::Doubles => self.cargo_test(&["--package=ringback-doubles"], Needs::WebPush, &log),
            Part::E2e => self.cargo_test(&["--package=ringback-e2e"], Needs::Everything, &log),
            Part::Kotlin => self.kotlin(&log),
            Part::Swift => self.swift(&log),
            Part::Samples => samples::run(self, &log),
            Part::Fcm => self.fcm(&log),
            Part::Tokens => self.tokens(&log),
            Part::Size => return size::check(self.places, &logged),
            Part::Api => self.api(&logged),
            Part::Guide => self.guide(&logged),
            Part::Phones => phones::check(self.places, &logged),
            Part::Fuzz => fuzz::check(self.places, &logged),
            Part::Lint => return lint::run(self.places),
            Part::Privacy => privacy::check(self.places),
        };
        counts.map(|counts| (counts, Vec::new()))
    }

    fn cargo_test(&self, which: &[&str], needs: Needs, log: &Path) -> Result<Counts> {
        let mut command = cargo();
        command.arg("test").args(which).arg("--no-fail-fast").current_dir(&self.places.root);
        self.lend(needs, &mut command)?;
        let result = process::run_logged(&mut command, log);
        counted(result, counts::cargo_test(&read(log)?))
    }

    fn kotlin(&self, log: &Path) -> Result<Counts> {
        let project = self.places.root.join("bindings/kotlin");
        bindings::generate(self.places, Language::Kotlin, true, |command| process::run_logged(command, log))?;
        let reports = project.join("target/surefire-reports");
        places::fresh_folder(&reports)?;
        let mut maven = kotlin::maven(&project)?;
        maven.arg("test").arg(format!("-Drust.lib.dir={}", self.places.debug().display()));
        self.lend(Needs::Everything, &mut maven)?;
        let result = kotlin::run_maven(&mut maven, log);
        counted(result, surefire(&reports)?)
    }

    fn swift(&self, log: &Path) -> Result<Counts> {
        swift::set_up(self.places)?;
        bindings::generate(self.places, Language::Swift, true, |command| process::run_logged(command, log))?;
        process::run_logged(&mut swift::command(self.places, &["build", "--build-tests"])?, log)?;
        // What was built is otherwise on its way to the disk while each tap of the tests waits for the disk.
        process::run_logged(&mut Command::new("sync"), log)?;
        let before = read(log)?.len();
        let mut command = swift::command(self.places, &["test", "--skip-build"])?;
        self.lend(Needs::Everything, &mut command)?;
        let result = process::run_logged(&mut command, log);
        counted(result, counts::swift_test(read(log)?.get(before..).unwrap_or_default()))
    }

    /// What the language tests talk to.
    pub(crate) fn lend_everything(&self, command: &mut Command) -> Result<()> {
        self.lend(Needs::Everything, command)
    }

    fn api(&self, run: Runner<'_>) -> Result<Counts> {
        once(&self.kotlin_package, || package::kotlin(self.places, run))?;
        api::check(self.places, run)
    }

    /// New apps from the packages alone; only the server is that of the tests.
    fn guide(&self, run: Runner<'_>) -> Result<Counts> {
        swift::set_up(self.places)?;
        once(&self.programs, || self.build())?;
        once(&self.kotlin_package, || package::kotlin(self.places, run))?;
        package::swift(self.places, run)?;
        guide::check(self.places, run)
    }

    fn fcm(&self, log: &Path) -> Result<Counts> {
        let document = setup::discovery_document(self.places)?;
        let mut command = Command::new("python3");
        command.arg(self.places.root.join("tests/doubles/check_fcm_requests.py")).arg(self.fcm_requests());
        process::run_logged(command.env("PYTHONPATH", document), log)?;
        Ok(Counts { passed: 1, ..Counts::default() })
    }

    fn tokens(&self, log: &Path) -> Result<Counts> {
        let pyjwt = setup::pyjwt(self.places)?;
        let mut command = Command::new("python3");
        command.arg(self.places.root.join("tests/doubles/check_tokens.py")).arg(self.tokens_taken());
        process::run_logged(command.env("PYTHONPATH", pyjwt), log)?;
        Ok(Counts { passed: 1, ..Counts::default() })
    }

    /// Where the doubles record each signed token that they believed.
    fn tokens_taken(&self) -> PathBuf {
        self.places.logs().join("pushes/tokens.jsonl")
    }

    /// Where the FCM double records the body of each push it took.
    fn fcm_requests(&self) -> PathBuf {
        self.places.logs().join("pushes/fcm.jsonl")
    }

    /// Starts what is needed and not yet there, and tells the tests where it is.
    fn lend(&self, needs: Needs, command: &mut Command) -> Result<()> {
        command
            .env("RINGBACK_TEST_LOGS", self.places.logs())
            .env("RINGBACK_FCM_RECORD", self.fcm_requests())
            .env("RINGBACK_TOKEN_RECORD", self.tokens_taken())
            .env("RUST_BACKTRACE", "1")
            .env("CARGO_TERM_COLOR", "never");
        if needs == Needs::Everything {
            once(&self.programs, || self.build())?;
            command
                .env("RINGBACK_BIN", self.places.debug().join("ringback"))
                .env("RINGBACK_DOUBLES_BIN", self.places.debug().join("ringback-doubles"))
                .env("RINGBACK_STANDARDWEBHOOKS", setup::standardwebhooks(self.places)?);
        }
        if needs >= Needs::WebPush {
            let folder = once(&self.web_push, || setup::web_push_testing(self.places))?;
            command.env("RINGBACK_WEB_PUSH_TESTING", folder);
        }
        if needs >= Needs::Servers {
            once(&self.pushy, || self.compile_pushy())?;
            let cluster = once(&self.cluster, || {
                postgres::set_up(self.places)?;
                Cluster::start(&self.log("postgres"))
            })?;
            command.env("RINGBACK_TEST_POSTGRES", &cluster.url);
        }
        Ok(())
    }

    /// Prepares the APNs server that nobody here wrote.
    fn compile_pushy(&self) -> Result<()> {
        kotlin::check_maven()?;
        let mut maven = kotlin::maven(&self.places.root.join("tests/pushy"))?;
        kotlin::run_maven(maven.args(["--quiet", "compile"]), &self.log("pushy"))
    }

    /// Builds the server, the doubles, and the centre that has both.
    fn build(&self) -> Result<()> {
        let mut build = cargo();
        build.arg("build").current_dir(&self.places.root);
        if self.whole_workspace {
            // The same units as `cargo test --workspace`: nothing is compiled twice.
            build.args(["--workspace", "--lib", "--bins", "--tests", "--examples"]);
        } else {
            let packages =
                ["--package=ringback-server", "--package=ringback-doubles", "--package=ringback-e2e"];
            build.args(packages).arg("--bins");
        }
        let log = self.log("build");
        process::run_logged(&mut build, &log).map_err(|error| match error {
            Error::Interrupted => error,
            error => Error::Broken(format!("{error}; {}:\n{}", log.display(), process::last_lines(&log, 60))),
        })
    }
}

/// The sum over a folder of Maven Surefire's reports.
pub(crate) fn surefire(reports: &Path) -> Result<Counts> {
    let mut sum = Counts::default();
    for report in places::files_below(reports)? {
        if report.extension().is_some_and(|ending| ending == "xml") {
            sum += counts::surefire(&read(&report)?)
                .map_err(|error| Error::Broken(format!("{}: {error}", report.display())))?;
        }
    }
    Ok(sum)
}

/// Does it the first time; what failed then has failed for every part that needs it.
fn once<T>(cell: &OnceCell<Result<T, String>>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    let made = cell.get_or_init(|| make().map_err(|error| error.to_string()));
    process::check_interrupted()?;
    made.as_ref().map_err(|error| Error::Broken(error.clone()))
}

/// A runner that failed without a failed test (it did not compile, it crashed) is a failure all the same.
pub(crate) fn counted(result: Result<()>, counts: Counts) -> Result<Counts> {
    match result {
        Err(error) if counts.failed == 0 => Err(error),
        Err(Error::Interrupted) => Err(Error::Interrupted),
        _ => Ok(counts),
    }
}

pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(Error::file(path))
}
