//! When the way to the push services is cut, when a server dies between sending and writing down, when it is frozen for
//! longer than its claim lasts: nothing is lost, nothing is sent late, and the person sees one notification.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use jiff::Timestamp;
use reqwest::Method;
use ringback_core::client::PushOutcome;
use ringback_core::protocol::EventKind;
use ringback_doubles::{Fault, Received};
use ringback_e2e::{LIMIT, Phone, PhoneKind, Wire, metric, number, until};
use ringback_server::centre::Centre;
use ringback_server::refusal::Refusal;
use ringback_server::storage::{Engine, Storage, Vault};
use serde_json::json;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

mod crowd;
mod support;
use crowd::{DEVICES, queue_up};
use support::{Failure, World};

const QUEUED: usize = 10_000;
/// Each has five devices, and is told two things.
const PEOPLE: usize = QUEUED / DEVICES / 2;
const TEN_MINUTES_US: i64 = 600 * 1_000_000;

async fn states(storage: &Storage) -> Result<Vec<(String, String, i64)>, Refusal> {
    storage
        .read(|tx| {
            Ok::<_, Refusal>(tx.query(
                "select event, state, count(*) from push_deliveries group by event, state order by event, state",
                &[],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?)
        })
        .await
}

/// Ten minutes go by: what is stored becomes so much older.
async fn ten_minutes_later(storage: &Storage) -> Result<(), Refusal> {
    storage
        .write(|tx| {
            tx.execute(
                "update push_deliveries set due_at = due_at - $1, expires_at = expires_at - $1, \
                 created_at = created_at - $1 where state = 'pending'",
                &[&TEN_MINUTES_US],
            )?;
            tx.execute("update pushes set expires_at = expires_at - $1", &[&TEN_MINUTES_US])?;
            Ok::<_, Refusal>(())
        })
        .await
}

/// The network is cut for ten minutes with ten thousand pushes queued: those whose time ran out are marked, the others
/// leave within seconds of its return, each once, and what replaces what stays as it was.
async fn the_network_is_cut_for_ten_minutes(engine: Engine) -> Result<(), Failure> {
    let mut world = World::start(engine).await?;
    let staff = world.centre.staff();
    crowd::services(&staff, PEOPLE).await?;
    world.centre.stop().await?;
    let endpoint = world.centre.doubles.apns.endpoint();
    let port = endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).ok_or("a port")?;
    let wire = Wire::to(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let config = std::fs::read_to_string(world.centre.config_file())?;
    let wired = format!("https://localhost:{}", wire.address().port());
    std::fs::write(world.centre.config_file(), config.replace(&endpoint, &wired))?;
    wire.cut().await;

    let mut settings = world.database.settings.clone();
    settings.key_file = world.centre.folder().join("ringback.key");
    let storage = Storage::open(&settings).await?;
    let centre = Arc::new(Centre::new(Arc::new(Vault::open(&settings)?)));
    queue_up(&storage, &centre, PEOPLE).await?;
    if engine == Engine::Sqlite {
        // One process on a file of SQLite at a time, as in service.
        ten_minutes_later_while_cut(&mut world, &storage).await?;
    } else {
        world.centre.start_server().await?;
        until_resting(&world.centre.url).await?;
        ten_minutes_later(&storage).await?;
    }
    let url = world.centre.url.clone();
    until(|| async {
        Ok(metric(&url, "ringback_pushes_total", &["outcome=\"expired\""]).await? as usize == QUEUED / 2)
    })
    .await?;
    assert!(world.centre.doubles.apns.record().received().is_empty(), "nothing got through a cut wire");

    wire.mend().await?;
    let back = Timestamp::now();
    let arrived = world.centre.doubles.apns.record().wait_for_count(LIMIT, QUEUED / 2).await?;
    let last = arrived.iter().map(|push| push.at).max().ok_or("none")?;
    let took = last.duration_since(back);
    assert!(took.as_secs() < 30, "the last left {took:?} after the network was back");
    assert!(
        arrived.iter().all(|push| push.headers["apns-collapse-id"].ends_with(":changed")),
        "none that expired"
    );
    let devices: BTreeSet<&str> = arrived.iter().map(|push| push.device.as_str()).collect();
    assert_eq!((devices.len(), arrived.len()), (QUEUED / 2, QUEUED / 2), "each once");
    until(|| async {
        let delivered = metric(&url, "ringback_pushes_total", &["outcome=\"delivered\""]).await?;
        Ok(delivered as usize == QUEUED / 2)
    })
    .await?;
    world.centre.stop().await?;
    assert_eq!(
        states(&storage).await?,
        [
            ("callback_changed".to_owned(), "delivered".to_owned(), 5000),
            ("callback_upcoming".to_owned(), "expired".to_owned(), 5000),
        ]
    );
    let attempts: i64 = storage
        .read(|tx| {
            Ok::<_, Refusal>(tx.query_one(
                "select max(attempts) from push_deliveries where state = 'delivered'",
                &[],
                |row| row.get(0),
            )?)
        })
        .await?;
    // On SQLite the server was killed on the way, perhaps with a claim in its hands.
    let most = if engine == Engine::Sqlite { 2 } else { 1 };
    assert!(attempts <= most, "a wire that is cut burns no attempt: {attempts}");
    storage.close().await;
    Ok(())
}

async fn until_resting(url: &str) -> Result<(), Failure> {
    until(|| async { Ok(metric(url, "ringback_push_lane_resting", &["apns/sandbox"]).await? >= 1.0) }).await
}

async fn ten_minutes_later_while_cut(world: &mut World, storage: &Storage) -> Result<(), Failure> {
    world.centre.start_server().await?;
    until_resting(&world.centre.url).await?;
    world.centre.kill().await?;
    ten_minutes_later(storage).await?;
    world.centre.start_server().await?;
    Ok(())
}

/// The server dies after the provider took a push and before that is written down: the same push again, under the same
/// ids, and the app drops the second.
async fn killed_between_sending_and_writing_down(engine: Engine) -> Result<(), Failure> {
    let mut world = World::start(engine).await?;
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("phone"), None)?;
    phone.register_push().await?;
    world.centre.staff().agent("ada", "ready").await?;
    world.centre.doubles.apns.script(vec![Fault::Stall])?;
    let callback = phone.client.request_callback(Phone::request("billing", number(0))).await?;
    let record = world.centre.doubles.apns.record().clone();
    record.wait_for_count(LIMIT, 1).await?;
    world.centre.kill().await?;
    world.centre.start_server().await?;
    let both: Vec<Received> = record.wait_for_count(LIMIT, 2).await?;
    for header in ["apns-id", "apns-collapse-id", "apns-expiration"] {
        assert_eq!(both[0].headers[header], both[1].headers[header], "{header}");
    }
    assert_eq!(both[0].payload, both[1].payload);
    assert!(matches!(phone.receive(&both[0]).await?, PushOutcome::Event { .. }));
    assert!(
        matches!(phone.receive(&both[1]).await?, PushOutcome::Duplicate { .. }),
        "the app drops the twin"
    );
    phone.until(&callback.id, EventKind::Notified).await?;
    Ok(())
}

/// A server is frozen while it waits for a provider's answer, for longer than its claim lasts. Another sends the push; what
/// the first has to say when it wakes up is no longer heard.
async fn frozen_past_its_lease() -> Result<(), Failure> {
    let mut world = World::start(Engine::Postgres).await?;
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("phone"), None)?;
    phone.register_push().await?;
    let service = json!({ "name": "patient", "queue": "support", "confirm_window_s": 120 });
    world.centre.staff().ask(Method::POST, "services", Some(service)).await?;
    world.centre.staff().agent("ada", "ready").await?;
    world.centre.doubles.apns.script(vec![Fault::Stall])?;
    let callback = phone.client.request_callback(Phone::request("patient", number(0))).await?;
    let record = world.centre.doubles.apns.record().clone();
    record.wait_for_count(LIMIT, 1).await?;
    let first = world.centre.server_id().ok_or("a server")?.to_string();
    signal(&first, "STOP").await?;
    let second = world.centre.start_another_server().await?;
    record.wait_for_count(LIMIT, 2).await?;
    until(|| async {
        Ok(metric(&second, "ringback_pushes_total", &["outcome=\"delivered\""]).await? >= 1.0)
    })
    .await?;
    signal(&first, "CONT").await?;
    let url = world.centre.url.clone();
    until(|| async { Ok(metric(&url, "ringback_pushes_total", &["outcome=\"retry\""]).await? >= 1.0) })
        .await?;
    let pushes = world.centre.staff().pushes(&callback.id).await?;
    assert_eq!(pushes.len(), 1);
    assert_eq!((pushes[0]["state"].as_str(), pushes[0]["attempts"].as_u64()), (Some("delivered"), Some(2)));
    assert_eq!(record.received().len(), 2, "and it is not sent a third time");
    assert_eq!(world.centre.staff().callback(&callback.id).await?["phase"], "notified");
    Ok(())
}

async fn signal(process: &str, signal: &str) -> Result<(), Failure> {
    tokio::process::Command::new("kill").args([&format!("-{signal}"), process]).status().await?;
    Ok(())
}

support::on_both_engines! {
    cut_for_ten_minutes => |engine| the_network_is_cut_for_ten_minutes(engine);
    killed => |engine| killed_between_sending_and_writing_down(engine);
}

#[tokio::test]
async fn frozen() -> Result<(), Failure> {
    frozen_past_its_lease().await
}
