//! Whether a server that pushes all day grows.

use super::crowd::{Crowd, Provider, pending};
use super::outbox::middle;
use crate::row::{Measure, Row};
use crate::{Counts, Failure};
use ringback_server::push::worker;
use std::time::Duration;
use sysinfo::{Pid, ProcessesToUpdate, System};

const LIMIT: Duration = Duration::from_secs(600);

/// The process's memory after a tenth of the pushes, and at the end.
pub(super) async fn row(counts: &Counts) -> Result<Row, Failure> {
    let crowd = Crowd::gather(Provider::Apns, counts.queued).await?;
    crowd.doubles.apns.record().keep_last(1000);
    let worker = tokio::spawn(worker::run(crowd.app.clone(), crowd.endpoints.clone()));
    let rounds = (counts.pushes_in_all / crowd.deliveries).max(2);
    let mut after_each = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        crowd.again().await?;
        crowd.app.pokes.push.notify_one();
        let emptied = async {
            let mut look = tokio::time::interval(Duration::from_millis(20));
            while pending(&crowd.app.storage).await? > 0 {
                look.tick().await;
            }
            Ok::<_, Failure>(())
        };
        tokio::time::timeout(LIMIT, emptied).await??;
        after_each.push(memory()?);
    }
    println!(
        "push: memory after each round: {:.0?} MB",
        after_each.iter().map(|bytes| bytes / 1e6).collect::<Vec<_>>()
    );
    // What the allocator happens to hold at one moment says little.
    let tenth = rounds.div_ceil(10);
    let (early, late) = (&after_each[tenth..(2 * tenth).min(rounds)], &after_each[rounds - tenth..]);
    let (early, late) = (middle(early.to_vec()), middle(late.to_vec()));
    crowd.app.stopping.cancel();
    worker.await?;
    crowd.app.storage.close().await;
    Ok(Row {
        name: "push/memory".to_owned(),
        figure: Measure::Bytes(late),
        reference: Measure::Bytes(early),
        meaning: format!(
            "Resident memory of the process, worker and double together, in the last tenth of {} pushes. Reference: in the \
             second tenth. Medians; a ratio of 1 is no growth.",
            rounds * crowd.deliveries
        ),
    })
}

fn memory() -> Result<f64, Failure> {
    let pid = Pid::from_u32(std::process::id());
    let mut system = System::new()?;
    system.refresh_processes(ProcessesToUpdate::Some(&[pid]), true);
    Ok(system.process(pid).ok_or("no process")?.memory() as f64)
}
