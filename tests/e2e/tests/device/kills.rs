//! The app is killed at every file operation, every wait, every use of the secure store and every request between a tap
//! and its answer, one after the other; after each kill it starts again.

use crate::app::{app, host, open_service, restarted, transport, waiting, wish};
use crate::support::{Failure, World};
use ringback_core::client::ResumeOutcome;
use ringback_core::client::fault_injection::{KILL_VARIABLE, Kill, Place};
use ringback_core::host::Host;
use ringback_server::storage::Engine;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;
use tokio::task::JoinSet;

const URL: &str = "RINGBACK_TEST_URL";
const APP_KEY: &str = "RINGBACK_TEST_APP_KEY";
const FOLDER: &str = "RINGBACK_TEST_FOLDER";
const SERVICE: &str = "RINGBACK_TEST_SERVICE";
const LIMIT: Duration = Duration::from_secs(180);
const SIGABRT: i32 = 6;
/// What the app finds on the device at its tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Nothing: it is new.
    Nothing,
    /// Room for a request, left by an earlier start.
    Room,
}

/// Every place has at least so many moments; fewer would mean that they are not seen any more.
const AT_LEAST: [(Place, Found, usize); 5] = [
    (Place::Disk, Found::Nothing, 60),
    (Place::Disk, Found::Room, 40),
    (Place::Await, Found::Nothing, 5),
    (Place::Send, Found::Nothing, 4),
    (Place::Store, Found::Nothing, 10),
];

/// What the killed process does: one tap.
async fn tap() -> Result<(), Failure> {
    let folder = PathBuf::from(std::env::var(FOLDER)?);
    let kill = Kill::from_env().ok_or("no kill")?;
    let host = host(&folder, kill.transport(transport()));
    let host = Host { store: kill.store(host.store.clone()), disk_faults: Some(kill.clone()), ..host };
    let app = app(&std::env::var(URL)?, &std::env::var(APP_KEY)?, &folder, host)?;
    kill.awaits(app.request_callback(wish(&std::env::var(SERVICE)?))).await?;
    Ok(())
}

async fn run_app(
    world: &World,
    folder: &Path,
    service: &str,
    place: Place,
    nth: usize,
) -> Result<ExitStatus, Failure> {
    let mut app = Command::new(std::env::current_exe()?)
        .args(["--exact", "kills::one_tap_is_one_callback_wherever_the_app_is_killed"])
        .env(URL, &world.centre.url)
        .env(APP_KEY, &world.centre.app_key)
        .env(FOLDER, folder)
        .env(SERVICE, service)
        .env(KILL_VARIABLE, format!("{}:{nth}", place.word()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    Ok(tokio::time::timeout(LIMIT, app.wait()).await??)
}

/// Kills at the first moment of this kind, the second, and so on, until the tap gets through.
async fn at_every(world: Arc<World>, place: Place, found: Found, least: usize) -> Result<(), Failure> {
    let mut too_early = 0;
    for nth in 1.. {
        let service = format!("kill-{}-{found:?}-{nth}", place.word()).to_lowercase();
        open_service(&world, &service, 5).await?;
        let folder = world.folder(&service);
        if found == Found::Room {
            assert_eq!(restarted(&world, &folder)?.resume().await?, [], "{service}");
        }
        let ended = run_app(&world, &folder, &service, place, nth)
            .await
            .map_err(|error| format!("{service}: {error}"))?;
        let app = restarted(&world, &folder)?;
        let resumed = app.resume().await?;
        let is_accepted = |outcome: &ResumeOutcome| matches!(outcome, ResumeOutcome::Accepted { .. });
        assert!(resumed.iter().all(|one| is_accepted(&one.outcome)), "{service}: {resumed:?}");

        let mut made = waiting(&world, &service).await?;
        if made.is_empty() {
            // The tap had not come to the disk: it was never more than a finger on the glass. The person taps again.
            assert_eq!(
                (ended.signal(), too_early + 1),
                (Some(SIGABRT), nth),
                "{service}: a kept request is lost"
            );
            too_early = nth;
            app.request_callback(wish(&service)).await?;
            made = waiting(&world, &service).await?;
        }
        assert_eq!(made.len(), 1, "{service}: one tap, {} callbacks", made.len());
        let own: Vec<String> = app.callbacks().await?.into_iter().map(|callback| callback.id).collect();
        assert_eq!(own, [made[0].id.as_str()], "{service}: it belongs to the app that asked");
        assert_eq!(app.pending().await?, [], "{service}");
        assert_eq!(app.outbox_status().await?.damaged, 0, "{service}");
        if ended.success() {
            println!(
                "{place:?}, {found:?}: killed at {} moments, {too_early} of them before the request was on disk",
                nth - 1
            );
            assert!(nth > least, "{place:?}, {found:?} has only {} moments", nth - 1);
            return Ok(());
        }
        assert_eq!(ended.signal(), Some(SIGABRT), "{service}: {ended}");
    }
    unreachable!("the tap gets through once it is not killed any more")
}

#[tokio::test]
async fn one_tap_is_one_callback_wherever_the_app_is_killed() -> Result<(), Failure> {
    if std::env::var_os(URL).is_some() {
        return tap().await;
    }
    let world = Arc::new(World::start(Engine::Sqlite).await?);
    let mut places = JoinSet::new();
    for (place, found, least) in AT_LEAST {
        places.spawn(at_every(world.clone(), place, found, least));
    }
    while let Some(place) = places.join_next().await {
        place??;
    }
    Ok(())
}
