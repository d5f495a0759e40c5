//! Our APNs client beside those of others, each in a process of its own, on one double in another.
//!
//! Without arguments this is the comparison; with them it is one of its processes.

mod a2;
mod detour;
mod double;
mod ours;
mod peer;
mod processes;
mod push;

use std::path::Path;
use std::time::Duration;

use processes::{DoubleProcess, PeerProcess, Rate};

/// The server's own, for all that is Rust here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const TOPIC: &str = "com.example.ringback";
const DEVICE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";
const COLLAPSE_ID: &str = "cb_1";
const ALERT: &str = "Your call is ready";
/// 2030-01-01.
const EXPIRES_AT_S: i64 = 1_893_456_000;

const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;
const IN_FLIGHT: [usize; 2] = [1, 256];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => compare(),
        ["double", check, folder] => double::run(check, Path::new(folder)).await,
        ["ours", ref road @ ..] => peer::run(ours::Ours::new(&peer::Road::of(road)?)?).await,
        ["a2", ref road @ ..] => peer::run(a2::A2::new(&peer::Road::of(road)?)?).await,
        _ => Err("no arguments are needed".into()),
    }
}

fn compare() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    println!("provider token read to the letter of RFC 7515, and ALPN:");
    let strict = DoubleProcess::start("strict", folder.path())?;
    for mut peer in processes::start_all(&strict, folder.path())? {
        let accepted =
            peer.round(1, Duration::ZERO).map_or_else(|error| error.to_string(), |_| "accepted".into());
        println!("  {:<6} {accepted}", peer.name);
    }
    drop(strict);

    let mut double = DoubleProcess::start("lenient", folder.path())?;
    let mut peers = processes::start_all(&double, folder.path())?;
    println!(
        "{ROUNDS} rounds of {} s each, taking turns, after one that is not counted; the middle one:",
        ROUND.as_secs()
    );
    println!("            in flight   pushes/s   processor µs per push: client + double = both");
    for in_flight in IN_FLIGHT {
        let mut rates: Vec<Vec<Rate>> = vec![Vec::new(); peers.len()];
        for round in 0..=ROUNDS {
            for (peer, rates) in peers.iter_mut().zip(&mut rates) {
                let rate = measured(&mut double, peer, in_flight)
                    .map_err(|error| format!("{}, {in_flight} in flight: {error}", peer.name))?;
                if round > 0 {
                    rates.push(rate);
                }
            }
        }
        for (peer, rates) in peers.iter().zip(&mut rates) {
            rates.sort_by(|a, b| a.pushes_per_s.total_cmp(&b.pushes_per_s));
            let Rate { pushes_per_s, client_us, double_us } = rates[rates.len() / 2];
            println!(
                "  {:<10} {in_flight:>8} {pushes_per_s:>10.0} {client_us:>23.1} + {double_us:>6.1} = {:>5.1}   ({:.0} to {:.0} a second)",
                peer.name,
                client_us + double_us,
                rates[0].pushes_per_s,
                rates[rates.len() - 1].pushes_per_s,
            );
        }
    }
    Ok(())
}

fn measured(double: &mut DoubleProcess, peer: &mut PeerProcess, in_flight: usize) -> Result<Rate, Failure> {
    let double_before_us = double.cpu_us()?;
    let round = peer.round(in_flight, ROUND)?;
    let double_us = double.cpu_us()? - double_before_us;
    Ok(Rate {
        pushes_per_s: round.pushes * 1e6 / round.elapsed_us,
        client_us: round.cpu_us / round.pushes,
        double_us: double_us / round.pushes,
    })
}
