//! `cargo xtask bench`: builds the benchmark program and what it measures, and runs it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use clap::{Args, ValueEnum};

use crate::{
    bindings::{self, Language},
    error::{Error, Result},
    kotlin,
    places::{self, Places, cargo},
    postgres::{self, Cluster},
    process, size, swift,
};

/// Measures speed, each figure as a ratio against its limit in the same run, and writes docs/performance.md
///
///   create   durable requests in a second on SQLite and PostgreSQL, against one commit for each
///   push     from "agent ready" to the push at the double with 10 000 waiting, against a bare push
///   calls    calls through Kotlin and Swift, against an empty UniFFI call
///   line     reservations among up to a million callbacks, requests with all rules, availability, memory
///   sdk      the library in an app: start, a tap, proof of work, calls, memory, size
///
/// Builds in release mode, which takes a quarter of an hour the first time. Needs what `cargo xtask setup` installs, each
/// benchmark only its own part of it. Starts a throw-away PostgreSQL unless $RINGBACK_TEST_POSTGRES names a server.
/// Installs nothing.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Which benchmarks; all if none is named, and only then is docs/performance.md written
    #[arg(value_enum, hide_possible_values = true)]
    names: Vec<Benchmark>,
    /// Compare with the gates instead of writing: exits non-zero and names each gate that falls short
    #[arg(long)]
    check: bool,
    /// Small counts, to see that it runs; figures mean little and are not written
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Benchmark {
    Create,
    Push,
    Calls,
    Line,
    Sdk,
}

impl Benchmark {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Push => "push",
            Self::Calls => "calls",
            Self::Line => "line",
            Self::Sdk => "sdk",
        }
    }
}

const POSTGRES_VARIABLE: &str = "RINGBACK_TEST_POSTGRES";

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    let bench = Bench {
        places,
        quick: options.quick,
        release: places.target.join("release"),
        folder: places.target.join("bench"),
    };
    places::fresh_folder(&bench.folder)?;
    let mut chosen = options.names.clone();
    if chosen.is_empty() {
        chosen = Benchmark::value_variants().to_vec();
    }
    let in_apps = [Benchmark::Calls, Benchmark::Sdk];
    let needs_figures = chosen.iter().any(|benchmark| in_apps.contains(benchmark));
    bench.build(needs_figures)?;

    let mut program = Command::new(bench.release.join("ringback-bench"));
    program.env("RINGBACK_BIN", bench.release.join("ringback"));
    // Not in memory, as the system's folder may be: a commit has to reach a disk.
    program.env("TMPDIR", &bench.folder);
    for (wanted, flag) in [(options.check, "--check"), (options.quick, "--quick")] {
        if wanted {
            program.arg(flag);
        }
    }
    let mut failed = None;
    if needs_figures {
        match bench.figures(chosen.contains(&Benchmark::Sdk)) {
            Ok(figures) => {
                program.arg("--calls-figures").arg(figures);
            }
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            // The others can still be measured.
            Err(error) => {
                eprintln!("calls and sdk cannot be measured: {error}");
                chosen.retain(|benchmark| !in_apps.contains(benchmark));
                failed = Some(error);
            }
        }
    }
    let needs_postgres =
        [Benchmark::Create, Benchmark::Line].iter().any(|benchmark| chosen.contains(benchmark));
    let cluster = (needs_postgres && env::var_os(POSTGRES_VARIABLE).is_none())
        .then(|| Cluster::start(&bench.folder.join("postgres.log")))
        .transpose()?;
    if let Some(cluster) = &cluster {
        program.env(POSTGRES_VARIABLE, &cluster.url);
    }
    // Without it the row that needs it is missing, which the gate says.
    if let Some(pgbench) = postgres::pgbench() {
        program.arg("--pgbench").arg(pgbench);
    }
    if !chosen.is_empty() {
        program.args(chosen.iter().map(|benchmark| benchmark.name()));
        if !process::status(&mut program)?.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    failed.map_or(Ok(ExitCode::SUCCESS), Err)
}

struct Bench<'a> {
    places: &'a Places,
    quick: bool,
    release: PathBuf,
    /// Databases, logs and figures of this run.
    folder: PathBuf,
}

impl Bench<'_> {
    fn build(&self, bindings: bool) -> Result<()> {
        let mut build = cargo();
        build.args(["build", "--release", "--package", "ringback-bench", "--package", "ringback-server"]);
        if bindings {
            build.args(["--package", "ringback-bindings", "--features", "ringback-bindings/test-hooks"]);
        }
        process::run(build.current_dir(&self.places.root))
    }

    /// Runs the programs in Kotlin and Swift and looks at the library's size; the file with all figures.
    fn figures(&self, sdk: bool) -> Result<PathBuf> {
        // Calls to time; calls and subscriptions to see whether anything stays behind.
        let counts = match (self.quick, sdk) {
            (true, _) => ["100", "2000", "100"],
            (false, false) => ["1000", "0", "0"],
            (false, true) => ["1000", "1000000", "10000"],
        };
        let mut figures = self.kotlin(&counts)? + &self.swift(&counts)?;
        if sdk {
            let log = self.folder.join("size.log");
            for (http, bytes) in size::measure(self.places, &|command| process::run_logged(command, &log))? {
                figures.push_str(&format!("size {} {bytes}\n", http.name()));
            }
        }
        let file = self.folder.join("figures.txt");
        fs::write(&file, figures).map_err(Error::file(&file))?;
        Ok(file)
    }

    fn kotlin(&self, counts: &[&str]) -> Result<String> {
        kotlin::check_maven()?;
        bindings::generate(self.places, Language::Kotlin, true, process::run)?;
        let project = self.places.root.join("tests/bench/kotlin");
        let (log, class_path) = (self.folder.join("kotlin.log"), self.folder.join("class-path"));
        let mut compile = kotlin::maven(&project)?;
        compile.args(["compile", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"]);
        compile.arg(format!("-Dmdep.outputFile={}", class_path.display()));
        kotlin::run_maven(&mut compile, &log).map_err(|error| explain(&error, &log))?;

        let libraries = fs::read_to_string(&class_path).map_err(Error::file(&class_path))?;
        let mut program = Command::new("java");
        program.arg(format!("-Djna.library.path={}", self.release.display()));
        // A small heap: what stays behind shows, and what waits for the collector does not.
        program.args(["-Xmx64m", "-XX:+UseSerialGC"]);
        program.arg("-cp").arg(format!("{}:{}", project.join("target/classes").display(), libraries.trim()));
        process::output(program.arg("CallCostKt").args(counts).current_dir(&self.folder))
    }

    fn swift(&self, counts: &[&str]) -> Result<String> {
        bindings::generate(self.places, Language::Swift, true, process::run)?;
        let package = self.places.root.join("tests/bench/swift/CallCost");
        // Kept for the next run.
        let built = self.places.target.join("swift-bench");
        let arguments = |verb: &[&str], rest: &[&str]| {
            let mut words: Vec<String> = verb.iter().map(|word| (*word).to_owned()).collect();
            words.extend(["--configuration".to_owned(), "release".to_owned()]);
            words.extend(["--package-path".to_owned(), package.display().to_string()]);
            words.extend(["--scratch-path".to_owned(), built.display().to_string()]);
            words.extend(rest.iter().map(|word| (*word).to_owned()));
            words
        };
        let with_release = |mut command: Command| {
            command.env("LIBRARY_PATH", &self.release).env("LD_LIBRARY_PATH", &self.release);
            command
        };
        let log = self.folder.join("swift.log");
        let mut build = with_release(swift::command(self.places, &arguments(&["build"], &[]))?);
        process::run_logged(&mut build, &log).map_err(|error| explain(&error, &log))?;
        let rest = [&["CallCost"], counts].concat();
        let run = arguments(&["run", "--quiet", "--skip-build"], &rest);
        process::output(with_release(swift::command(self.places, &run)?).stderr(Stdio::inherit()))
    }
}

/// A failure with the end of its log.
fn explain(error: &Error, log: &Path) -> Error {
    Error::Broken(format!("{error}\n{}", process::last_lines(log, 20)))
}
