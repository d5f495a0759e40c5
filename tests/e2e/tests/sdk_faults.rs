//! The server is down, slow, or breaks off in mid-answer: the app gets a typed error, its request stays in the outbox, and
//! in the end there is exactly one callback. So it is when the app itself is killed.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use ringback_core::client::{ClientConfig, ClientError, PendingKind, ResumeOutcome, RingbackClient};
use ringback_core::host::{FileStore, Host};
use ringback_core::protocol::CallbackState;
use ringback_core::transport::ReqwestTransport;
use ringback_e2e::{Phone, number};
use ringback_server::storage::Engine;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};

mod road;
mod support;
use road::{Road, Weather};
use support::{Failure, World};

const LIMIT: Duration = Duration::from_secs(30);
const ROUNDS: usize = 25;
const URL: &str = "RINGBACK_TEST_URL";
const APP_KEY: &str = "RINGBACK_TEST_APP_KEY";
const FOLDER: &str = "RINGBACK_TEST_FOLDER";
const NUMBER: &str = "RINGBACK_TEST_NUMBER";

/// An app that soon loses patience, so that a test need not have more.
fn app(url: &str, app_key: &str, folder: &Path) -> Result<RingbackClient, Failure> {
    let mut config = ClientConfig::new(url, app_key, folder.to_string_lossy());
    config.request_timeout_ms = 1000;
    config.max_tries = 2;
    config.retry_base_ms = 10;
    let transport = ReqwestTransport::new().map_err(|error| error.to_string())?;
    let host = Host::new(Arc::new(FileStore::new(folder.join("secrets"))), Arc::new(transport));
    Ok(RingbackClient::new(config, host)?)
}

/// How many callbacks wait at the centre.
async fn waiting(world: &World) -> Result<usize, Failure> {
    let queued = world.centre.staff().ask(reqwest::Method::GET, "callbacks?state=queued", None).await?;
    Ok(queued.as_array().map_or(0, Vec::len))
}

async fn the_road_is_bad(
    engine: Engine,
    weather: Weather,
    arrives: usize,
    expected: fn(&ClientError) -> bool,
) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let road = Road::open(&world.centre.url).await?;
    let app = app(&road.url, &world.centre.app_key, &world.folder("app"))?;
    // The app is registered already: what fails is the request itself.
    assert!(app.callbacks().await?.is_empty());

    road.set(weather);
    let error = app.request_callback(Phone::request("billing", number(0))).await.unwrap_err();
    assert!(expected(&error), "{weather:?}: {error:?}");
    assert!(error.is_retryable(), "{error:?}");
    let pending = app.pending().await?;
    assert_eq!(pending.len(), 1);
    assert_eq!(error.pending_key(), Some(pending[0].key.as_str()));
    assert_eq!(pending[0].kind, PendingKind::RequestCallback);
    assert_eq!(waiting(&world).await?, arrives, "{weather:?}: the server's side of it");

    // Still bad: the request is still kept.
    let resumed = app.resume().await?;
    assert!(matches!(resumed[0].outcome, ResumeOutcome::StillPending { .. }), "{resumed:?}");

    road.set(Weather::Fine);
    let resumed = app.resume().await?;
    assert_eq!(resumed.len(), 1);
    let ResumeOutcome::Accepted { callback: Some(callback), .. } = &resumed[0].outcome else {
        return Err(format!("{weather:?}: not accepted: {resumed:?}").into());
    };
    assert_eq!(callback.state, CallbackState::Queued);
    assert!(app.pending().await?.is_empty());
    assert_eq!(app.callbacks().await?.len(), 1, "exactly one");

    // The same for taking it back.
    road.set(weather);
    let error = app.cancel(callback.id.clone()).await.unwrap_err();
    assert!(expected(&error) && error.pending_key().is_some(), "{weather:?}: {error:?}");
    road.set(Weather::Fine);
    let resumed = app.resume().await?;
    assert!(matches!(resumed[0].outcome, ResumeOutcome::Accepted { .. }), "{resumed:?}");
    assert_eq!(app.callback(callback.id.clone()).await?.state, CallbackState::Completed);
    Ok(())
}

fn is_unreachable(error: &ClientError) -> bool {
    matches!(error, ClientError::Unreachable { .. })
}

fn is_late(error: &ClientError) -> bool {
    matches!(error, ClientError::TimedOut { .. })
}

/// What the killed process does: one tap.
async fn tap() -> Result<(), Failure> {
    let folder = std::env::var(FOLDER)?;
    let app = app(&std::env::var(URL)?, &std::env::var(APP_KEY)?, Path::new(&folder))?;
    let index = std::env::var(NUMBER)?.parse()?;
    app.request_callback(Phone::request("billing", number(index))).await?;
    Ok(())
}

fn start_app(road: &Road, world: &World, engine: Engine, round: usize) -> Result<Child, Failure> {
    let name = match engine {
        Engine::Sqlite => "sqlite::app_killed",
        Engine::Postgres => "postgres::app_killed",
    };
    Ok(Command::new(std::env::current_exe()?)
        .args(["--exact", name])
        .env(URL, &road.url)
        .env(APP_KEY, &world.centre.app_key)
        .env(FOLDER, world.folder(&format!("app-{round}")))
        .env(NUMBER, round.to_string())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?)
}

async fn the_app_is_killed_between_tap_and_answer(engine: Engine) -> Result<(), Failure> {
    if std::env::var_os(URL).is_some() {
        return tap().await;
    }
    let world = World::start(engine).await?;
    let road = Road::open(&world.centre.url).await?;
    for round in 0..ROUNDS {
        // Before the server hears of it, or after it has answered; while registering, or while asking for the call.
        let weather = if round % 2 == 0 { Weather::Blocked } else { Weather::NoAnswers };
        let fatal = if round % 4 < 2 { "POST /v1/callbacks " } else { "POST /v1/installations " };
        let mut held = road.hold(fatal, weather);
        let mut app = start_app(&road, &world, engine, round)?;
        tokio::time::timeout(LIMIT, held.recv()).await?.ok_or("the road is open")?;
        app.kill().await?;
        road.set(Weather::Fine);

        let ended = tokio::time::timeout(LIMIT, start_app(&road, &world, engine, round)?.wait()).await??;
        assert!(ended.success(), "round {round}: the second start is answered");
        assert_eq!(waiting(&world).await?, round + 1, "round {round}: {fatal}, {weather:?}: exactly one");
    }
    Ok(())
}

support::on_both_engines! {
    server_down => |engine| the_road_is_bad(engine, Weather::Closed, 0, is_unreachable);
    server_slow => |engine| the_road_is_bad(engine, Weather::NoAnswers, 1, is_late);
    connection_reset_before_the_server_hears => |engine| the_road_is_bad(engine, Weather::CutRequests, 0, is_unreachable);
    connection_reset_in_mid_answer => |engine| the_road_is_bad(engine, Weather::CutAnswers, 1, is_unreachable);
    app_killed => |engine| the_app_is_killed_between_tap_and_answer(engine);
}
