//! Runs the eight centres, prints the tables, and writes or checks.

use clap::Parser;
use ringback_sim::centre::{self, Centre};
use ringback_sim::{Day, Score, chart, gates, report, simulate};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

/// Days simulated of each centre, each with a seed and a warm-up of its own.
const DAYS: u64 = 16;
const HOURS: i64 = 24;
const FIRST_SEED: u64 = 1000;
/// The centre whose day is drawn.
const DRAWN: &str = "staffing change";

#[derive(Parser)]
struct Options {
    /// Writes the tables as simulation.md and the charts into simulation/ of this folder
    #[arg(long)]
    docs: Option<PathBuf>,
    /// Exits non-zero if a gate is missed
    #[arg(long)]
    check: bool,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("a simulated day broke")]
    Day,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, Failure> {
    let mut scores = Vec::new();
    let mut drawn = String::new();
    for centre in centre::all() {
        eprintln!("{} ...", centre.name);
        let days = days(&centre)?;
        scores.push(Score::new(&centre, &days));
        if centre.name == DRAWN
            && let Some(day) = days.first()
        {
            drawn = chart::day(&format!("A day of “{DRAWN}”: what was promised and what came"), day);
        }
    }
    let missed = gates::missed(&scores);
    println!("{}", report::tables(&scores));
    if missed.is_empty() {
        println!("Every gate is met.");
    }
    for gate in &missed {
        println!("missed: {gate}");
    }
    if let Some(docs) = &options.docs {
        let charts = docs.join("simulation");
        std::fs::create_dir_all(&charts).map_err(|source| Failure::File { path: charts.clone(), source })?;
        write(&docs.join("simulation.md"), &report::document(&scores, &missed, DAYS))?;
        write(&charts.join("rmse.svg"), &chart::rmse(&scores))?;
        write(&charts.join("coverage.svg"), &chart::coverage(&scores))?;
        write(&charts.join("day.svg"), &drawn)?;
    }
    Ok(if options.check && !missed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|source| Failure::File { path: path.to_owned(), source })
}

/// The centre's days, on all cores.
fn days(centre: &Centre) -> Result<Vec<Day>, Failure> {
    let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let seeds: Vec<u64> = (0..DAYS).map(|day| FIRST_SEED + day).collect();
    thread::scope(|scope| {
        let parts: Vec<_> = seeds
            .chunks(seeds.len().div_ceil(workers))
            .map(|seeds| {
                scope.spawn(|| {
                    seeds.iter().map(|seed| simulate(centre, *seed, HOURS, HOURS)).collect::<Vec<_>>()
                })
            })
            .collect();
        let mut days = Vec::new();
        for part in parts {
            days.extend(part.join().map_err(|_| Failure::Day)?);
        }
        Ok(days)
    })
}
