//! `cargo xtask fuzz`: feeds the readers of the client with what nobody should send.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Args;

use crate::{
    counts::Counts,
    error::{Error, Result},
    places::{self, Places, cargo},
    process,
    shipped::Runner,
};

/// Runs the fuzz targets of core/fuzz for a bounded time each
///
/// Begins with the inputs of core/fuzz/seeds and what earlier runs found worth keeping, in target/fuzz/corpus. A finding is
/// an error and its input stays in target/fuzz/findings. By libFuzzer on the pinned compiler, without sanitizers; `cargo fuzz`
/// on a nightly compiler runs the same targets with them. Needs a C++ compiler. Installs nothing.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// How long each target runs, in seconds
    #[arg(long, default_value_t = SECONDS)]
    seconds: u32,
    /// Only this target
    #[arg(long)]
    target: Option<String>,
}

/// How long each runs in the tests.
const SECONDS: u32 = 10;
/// Counters at every edge of the program, and what was compared with what: by these libFuzzer finds its way.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                        -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
                        -Ccodegen-units=1";

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    let fuzz = Fuzz { places, seconds: options.seconds, run: &process::run };
    let counts = fuzz.all(|name| options.target.as_deref().is_none_or(|wanted| wanted == name))?;
    println!("{} targets without a finding, {} with one", counts.passed, counts.failed);
    Ok(if counts.failed == 0 && counts.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One check for each target.
pub(crate) fn check(places: &Places, run: Runner<'_>) -> Result<Counts> {
    Fuzz { places, seconds: SECONDS, run }.all(|_| true)
}

struct Fuzz<'a> {
    places: &'a Places,
    seconds: u32,
    run: Runner<'a>,
}

impl Fuzz<'_> {
    fn folder(&self) -> PathBuf {
        self.places.root.join("core/fuzz")
    }

    fn all(&self, wanted: impl Fn(&str) -> bool) -> Result<Counts> {
        let programs = self.build()?;
        let mut counts = Counts::default();
        for source in places::files_below(&self.folder().join("fuzz_targets"))? {
            let Some(name) = source.file_stem().and_then(|name| name.to_str()).filter(|name| wanted(name))
            else {
                continue;
            };
            match self.feed(name, &programs) {
                Ok(()) => counts.passed += 1,
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                Err(error) => {
                    println!("    FAILED  {name}: {error}; see target/fuzz/findings");
                    counts.failed += 1;
                }
            }
        }
        Ok(counts)
    }

    fn build(&self) -> Result<PathBuf> {
        let target = self.places.target.join("fuzz/build");
        let host = process::output(Command::new("rustc").args(["--print", "host-tuple"]))?;
        let mut build = cargo();
        // Named, so that build scripts and macros, which are run here as well, get no counters.
        build.args(["build", "--release", "--bins", "--locked", "--target", host.trim()]);
        build.arg("--target-dir").arg(&target);
        (self.run)(build.env("RUSTFLAGS", COVERAGE).current_dir(self.folder()))?;
        Ok(target.join(host.trim()).join("release"))
    }

    fn feed(&self, name: &str, programs: &Path) -> Result<()> {
        let corpus = self.places.target.join("fuzz/corpus").join(name);
        let findings = self.places.target.join("fuzz/findings");
        places::make_folder(&corpus)?;
        places::make_folder(&findings)?;
        let seeds = self.folder().join("seeds").join(name);
        if places::files_below(&seeds)?.is_empty() {
            return Err(Error::Broken(format!("it has no inputs to begin with in {}", seeds.display())));
        }
        let mut program = Command::new(programs.join(name));
        program.arg(format!("-max_total_time={}", self.seconds));
        program.args([
            "-max_len=16384",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-print_final_stats=1",
            "-verbosity=0",
        ]);
        program.arg(format!("-artifact_prefix={}/{name}-", findings.display()));
        (self.run)(program.arg(&corpus).arg(&seeds))
    }
}
