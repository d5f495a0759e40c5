//! `ringback-bench`: measures speed, each figure beside its limit in the same run. `cargo xtask bench` builds and runs
//! it. There is no other judge of speed: no test is timed.

mod calls;
mod create;
mod gates;
mod line;
mod naive;
mod push;
mod report;
mod row;
mod sdk;
mod seed;

use clap::{Parser, ValueEnum};
use report::Surroundings;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The server's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whatever stopped a benchmark.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures speed and writes docs/performance.md.
#[derive(Parser)]
#[command(name = "ringback-bench")]
struct Options {
    /// Which benchmarks; all if none is named
    names: Vec<Benchmark>,
    /// Compare with the gates instead of writing
    #[arg(long)]
    check: bool,
    /// Small counts, to see that it runs; figures mean little and are not written
    #[arg(long)]
    quick: bool,
    /// What the Kotlin and Swift programs printed, and the sizes of the library; needed for `calls` and `sdk`
    #[arg(long)]
    calls_figures: Option<PathBuf>,
    /// Where `pgbench` is; needed for one row of `line`
    #[arg(long)]
    pgbench: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Benchmark {
    /// Durable requests in a second
    Create,
    /// From "agent ready" to the push
    Push,
    /// Calls from Kotlin and Swift
    Calls,
    /// Large lines, requests with all rules, availability, memory
    Line,
    /// What an app feels of the SDK
    Sdk,
}

impl Benchmark {
    /// What its rows' names begin with.
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

/// How much is measured.
struct Counts {
    /// How often `create` starts anew; the median round counts.
    rounds: usize,
    creates_per_caller: usize,
    creates_alone: usize,
    /// How many callbacks wait throughout.
    waiting: usize,
    pushes: usize,
    /// How many deliveries wait in the outbox.
    queued: usize,
    /// How often it is emptied, in turns with the bare client.
    emptied: usize,
    /// How many pushes are sent to see whether memory grows.
    pushes_in_all: usize,
}

const FULL: Counts = Counts {
    rounds: 3,
    creates_per_caller: 100,
    creates_alone: 1500,
    waiting: 10_000,
    pushes: 500,
    queued: 20_000,
    emptied: 9,
    pushes_in_all: 1_000_000,
};
const QUICK: Counts = Counts {
    rounds: 1,
    creates_per_caller: 5,
    creates_alone: 50,
    waiting: 200,
    pushes: 20,
    queued: 1000,
    emptied: 1,
    pushes_in_all: 4000,
};

#[tokio::main]
async fn main() -> ExitCode {
    // Fails only when there is one already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(&Options::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<ExitCode, Failure> {
    let surroundings = Surroundings::now()?;
    let counts = if options.quick { QUICK } else { FULL };
    let all = Benchmark::value_variants();
    let chosen: Vec<Benchmark> = all
        .iter()
        .copied()
        .filter(|benchmark| options.names.is_empty() || options.names.contains(benchmark))
        .collect();
    let mut rows = Vec::new();
    for benchmark in &chosen {
        println!("{} …", benchmark.name());
        rows.extend(match benchmark {
            Benchmark::Create => create::run(&counts).await?,
            Benchmark::Push => push::run(&counts).await?,
            Benchmark::Line => line::run(options.quick, options.pgbench.as_deref()).await?,
            Benchmark::Calls => calls::run(figures(options)?)?,
            Benchmark::Sdk => sdk::run(options.quick, figures(options)?).await?,
        });
    }
    println!("\n{}\n", report::table(&rows));

    if options.check {
        let ran: Vec<&str> = chosen.iter().map(|benchmark| benchmark.name()).collect();
        return Ok(check(&gates::shortfalls(gates::GATES, &ran, &rows)));
    }
    if options.quick || chosen.len() < all.len() {
        println!("docs/performance.md is left alone: only a full run of all benchmarks writes it");
    } else {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/performance.md");
        std::fs::write(file, report::document(&rows, gates::GATES, &surroundings))?;
        println!("docs/performance.md is written");
    }
    Ok(ExitCode::SUCCESS)
}

fn figures(options: &Options) -> Result<&Path, Failure> {
    let missing = "the programs in Kotlin and Swift have to run first, as `cargo xtask bench` does";
    Ok(options.calls_figures.as_deref().ok_or(missing)?)
}

fn check(shortfalls: &[gates::Shortfall]) -> ExitCode {
    for shortfall in shortfalls {
        eprintln!("{shortfall}");
    }
    if shortfalls.is_empty() {
        println!("{} gates, all hold", gates::GATES.len());
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
