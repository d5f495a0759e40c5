//! A peer in Rust: rounds on order. Each line of input is "<in flight> <milliseconds>" and is answered with
//! "<pushes> <microseconds> <microseconds of processor time>" or "error <what>". The peers in Go and Java do the same.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::Failure;

/// Where to send, and as whom.
pub(crate) struct Road {
    pub(crate) port: u16,
    pub(crate) ca_pem: String,
    pub(crate) p8_pem: String,
    pub(crate) key_id: String,
    pub(crate) team_id: String,
}

impl Road {
    pub(crate) fn of(arguments: &[&str]) -> Result<Self, Failure> {
        let [port, folder, key_id, team_id] = arguments else {
            return Err("port, folder, key and team".into());
        };
        let folder = PathBuf::from(folder);
        Ok(Self {
            port: port.parse()?,
            ca_pem: std::fs::read_to_string(folder.join("ca.pem"))?,
            p8_pem: std::fs::read_to_string(folder.join("key.p8"))?,
            key_id: (*key_id).to_owned(),
            team_id: (*team_id).to_owned(),
        })
    }
}

pub(crate) trait Sender: Send + Sync + 'static {
    /// Sends one push; an error is anything but its delivery.
    fn send(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Processor time of this process so far.
pub(crate) fn cpu_us() -> i64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call fills the place it is given.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let us = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
    us(usage.ru_utime) + us(usage.ru_stime)
}

pub(crate) async fn run<S: Sender>(sender: S) -> Result<(), Failure> {
    let sender = Arc::new(sender);
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        let (in_flight, ms) = order.split_once(' ').ok_or("not an order")?;
        let (in_flight, ms) = (in_flight.parse()?, ms.parse()?);
        match round(&sender, in_flight, Duration::from_millis(ms)).await {
            Ok(line) => println!("{line}"),
            Err(error) => println!("error {error}"),
        }
    }
    Ok(())
}

async fn round<S: Sender>(sender: &Arc<S>, in_flight: usize, length: Duration) -> Result<String, Failure> {
    sender.send().await?;
    let sent = Arc::new(AtomicU64::new(0));
    let (start, cpu_at_start_us) = (Instant::now(), cpu_us());
    let tasks: Vec<_> = (0..in_flight)
        .map(|_| {
            let (sender, sent) = (sender.clone(), sent.clone());
            tokio::spawn(async move {
                while start.elapsed() < length {
                    sender.send().await?;
                    sent.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<(), String>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let elapsed_us = start.elapsed().as_micros();
    Ok(format!("{} {elapsed_us} {}", sent.load(Ordering::Relaxed), cpu_us() - cpu_at_start_us))
}
