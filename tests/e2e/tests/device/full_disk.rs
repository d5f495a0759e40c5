//! Every file operation fails once, one after the other. Whatever the app is told is true in the end.

use crate::app::{app, host, open_service, restarted, transport, waiting, wish};
use crate::support::{Failure, World};
use ringback_core::client::fault_injection::DiskFaults;
use ringback_core::client::{ClientError, ResumeOutcome};
use ringback_core::host::Host;
use ringback_server::storage::Engine;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// After so many file operations the disk fails, for so many operations.
struct Failing {
    seen: AtomicUsize,
    after: usize,
    times: usize,
    kind: io::ErrorKind,
}

impl Failing {
    fn has_failed(&self) -> bool {
        self.seen.load(Ordering::SeqCst) > self.after
    }
}

impl DiskFaults for Failing {
    fn before(&self, _: &'static str) -> io::Result<()> {
        let nth = self.seen.fetch_add(1, Ordering::SeqCst);
        if nth >= self.after && nth - self.after < self.times { Err(self.kind.into()) } else { Ok(()) }
    }

    fn after(&self, _: &'static str) {}
}

async fn fails_at_every(times: usize, kind: io::ErrorKind) -> Result<(), Failure> {
    let world = World::start(Engine::Sqlite).await?;
    let (mut nothing, mut kept, mut done) = (0, 0, 0);
    for nth in 0.. {
        let service = format!("disk-{nth}");
        open_service(&world, &service, 5).await?;
        let folder = world.folder(&service);
        let failing = Arc::new(Failing { seen: AtomicUsize::new(0), after: nth, times, kind });
        let host = Host { disk_faults: Some(failing.clone()), ..host(&folder, transport()) };
        let told = app(&world.centre.url, &world.centre.app_key, &folder, host)?
            .request_callback(wish(&service))
            .await;
        let is_over = !failing.has_failed();

        let app = restarted(&world, &folder)?;
        let resumed = app.resume().await?;
        let accepted = resumed.iter().filter(|one| matches!(one.outcome, ResumeOutcome::Accepted { .. }));
        assert_eq!(accepted.count(), resumed.len(), "{service}: {resumed:?}");
        let made = waiting(&world, &service).await?.len();
        match told {
            Ok(_) => {
                assert_eq!(made, 1, "{service}: accepted");
                done += 1;
            }
            Err(ClientError::OutboxFailed { detail, pending_key: None }) => {
                assert!(detail.contains("ask again"), "{detail}");
                assert_eq!((made, resumed.len()), (0, 0), "{service}: nothing was sent, and nothing is kept");
                nothing += 1;
            }
            Err(error) => {
                assert_eq!((error.code(), made), ("outbox_failed", 1), "{service}: {error:?}");
                assert!(error.pending_key().is_some(), "{service}: what is kept is said to be");
                kept += 1;
            }
        }
        assert_eq!(app.outbox_status().await?.damaged, 0, "{service}");
        if is_over {
            break;
        }
    }
    println!(
        "{kind:?}, {times} at a time: {nothing} taps came to nothing, {kept} were kept, {done} got through"
    );
    assert!(nothing > 5 && kept > 1 && done > 1, "the test has lost its point");
    Ok(())
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_promised() -> Result<(), Failure> {
    fails_at_every(1, io::ErrorKind::StorageFull).await
}

#[tokio::test]
async fn a_disk_that_stays_full_loses_nothing_that_was_promised() -> Result<(), Failure> {
    fails_at_every(usize::MAX, io::ErrorKind::StorageFull).await
}
