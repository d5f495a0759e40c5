//! Lanes: one bad credential or one bad push holds up nobody else, a key is changed without losing a push, and nothing is
//! sent that the database does not know of.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use ringback_core::protocol::EventKind;
use ringback_doubles::Fault;
use ringback_e2e::{LIMIT, Phone, PhoneKind, TOPIC, metric, number, until};
use ringback_server::centre::Centre;
use ringback_server::refusal::Refusal;
use ringback_server::storage::{Engine, Storage, Vault};
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};

mod crowd;
mod support;
use crowd::{DEVICES, queue_up};
use support::{Failure, World};

const PEOPLE: usize = 200;
const PUSHES: usize = PEOPLE * DEVICES * 2;

/// A centre that stands still, with a crowd's pushes in its outbox, and the door to its database.
async fn full_outbox(engine: Engine) -> Result<(World, Storage), Failure> {
    let mut world = World::start(engine).await?;
    crowd::services(&world.centre.staff(), PEOPLE).await?;
    world.centre.stop().await?;
    let mut settings = world.database.settings.clone();
    settings.key_file = world.centre.folder().join("ringback.key");
    let storage = Storage::open(&settings).await?;
    let centre = Arc::new(Centre::new(Arc::new(Vault::open(&settings)?)));
    queue_up(&storage, &centre, PEOPLE).await?;
    Ok((world, storage))
}

/// How many deliveries stand how.
async fn states(storage: &Storage) -> Result<BTreeMap<String, usize>, Refusal> {
    let rows = storage
        .read(|tx| {
            Ok::<_, Refusal>(tx.query(
                "select state, count(*) from push_deliveries where event <> 'agent_ready' group by state",
                &[],
                |row| Ok((row.get::<String>(0)?, row.get::<u64>(1)? as usize)),
            )?)
        })
        .await?;
    Ok(rows.into_iter().collect())
}

/// Apple answers like this to everything; a question to an Android phone gets through all the same.
async fn one_lane_never_slows_another(engine: Engine, fault: Fault) -> Result<(), Failure> {
    let (mut world, storage) = full_outbox(engine).await?;
    world.centre.doubles.apns.every_push(Some(fault))?;
    world.centre.start_server().await?;
    world.centre.doubles.apns.record().wait_for_count(LIMIT, 1).await?;
    let phone = Phone::new(&world.centre, PhoneKind::Android, &world.folder("phone"), None)?;
    phone.register_push().await?;
    world.centre.staff().agent("ada", "ready").await?;
    let callback = phone.client.request_callback(Phone::request("billing", number(201))).await?;
    phone.until(&callback.id, EventKind::Notified).await?;
    let states = states(&storage).await?;
    assert_eq!(states.get("pending"), Some(&PUSHES), "and none of Apple's is lost: {states:?}");
    world.centre.doubles.apns.every_push(None)?;
    Ok(())
}

/// A push that Apple will never take is dead-lettered alone.
async fn a_poisoned_push_goes_alone(engine: Engine) -> Result<(), Failure> {
    let (mut world, storage) = full_outbox(engine).await?;
    let poisoned = format!("{:064x}", 17);
    world.centre.doubles.apns.script_device(&poisoned, vec![Fault::refuse("PayloadTooLarge"); 2])?;
    world.centre.start_server().await?;
    until(|| async { Ok(!states(&storage).await?.contains_key("pending")) }).await?;
    let states = states(&storage).await?;
    assert_eq!(states, BTreeMap::from([("delivered".to_owned(), PUSHES - 2), ("failed".to_owned(), 2)]));
    let tries = world.centre.doubles.apns.record().received();
    assert_eq!(tries.iter().filter(|push| push.device == poisoned).count(), 2, "each tried once");
    Ok(())
}

/// The key is entered anew while pushes leave: each arrives once, none is lost.
async fn a_key_is_changed_while_pushes_leave(engine: Engine) -> Result<(), Failure> {
    let (mut world, storage) = full_outbox(engine).await?;
    world.centre.start_server().await?;
    world.centre.doubles.apns.record().wait_for_count(LIMIT, 10).await?;
    let handout = world.centre.doubles.write_credentials(world.centre.folder())?;
    let file = handout.apns_key_file.to_string_lossy().into_owned();
    let (key_id, team_id) = (handout.apns_key_id.as_str(), handout.apns_team_id.as_str());
    for _ in 0..3 {
        let put = ["--key-file", &file, "--key-id", key_id, "--team-id", team_id, "--topic", TOPIC];
        world.centre.ringback(&[&["admin", "push", "apns", "team"][..], &put[..]].concat()).await?;
    }
    until(|| async { Ok(!states(&storage).await?.contains_key("pending")) }).await?;
    assert_eq!(states(&storage).await?, BTreeMap::from([("delivered".to_owned(), PUSHES)]));
    let arrived = world.centre.doubles.apns.record().received();
    let mut ids: Vec<&String> = arrived.iter().map(|push| &push.headers["apns-id"]).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), arrived.len()), (PUSHES, PUSHES));
    Ok(())
}

/// While the outbox cannot be written, nothing is sent; when it can, everything is. A server does not start on a file of
/// SQLite that is kept from it, so this is PostgreSQL's.
#[tokio::test]
async fn the_outbox_is_out_of_reach() -> Result<(), Failure> {
    let (mut world, storage) = full_outbox(Engine::Postgres).await?;
    let (held, is_held) = tokio::sync::oneshot::channel();
    let (release, released) = mpsc::channel::<()>();
    let (locking, mut held) = (storage.clone(), Some(held));
    let lock = tokio::spawn(async move {
        locking
            .write(move |tx| {
                tx.execute("lock table push_deliveries in access exclusive mode", &[])?;
                if let Some(held) = held.take() {
                    let _ = held.send(());
                    let _ = released.recv();
                }
                Ok::<_, Refusal>(())
            })
            .await
    });
    is_held.await?;
    world.centre.start_server().await?;
    // The worker stands before the lock.
    until(|| async {
        let waiting: u64 = storage
            .read(|tx| {
                Ok::<_, Refusal>(tx.query_one(
                    "select count(*) from pg_stat_activity where datname = current_database() \
                     and wait_event_type = 'Lock' and query like '%push_deliveries%'",
                    &[],
                    |row| row.get(0),
                )?)
            })
            .await?;
        Ok(waiting > 0)
    })
    .await?;
    assert!(world.centre.doubles.apns.record().received().is_empty(), "sent without a claim");
    release.send(())?;
    lock.await??;
    let url = world.centre.url.clone();
    until(|| async {
        let delivered = metric(&url, "ringback_pushes_total", &["outcome=\"delivered\""]).await?;
        Ok(delivered as usize == PUSHES)
    })
    .await?;
    Ok(())
}

support::on_both_engines! {
    refused_credential => |engine| one_lane_never_slows_another(engine, Fault::refuse("InvalidProviderToken"));
    no_answers => |engine| one_lane_never_slows_another(engine, Fault::Stall);
    poisoned => |engine| a_poisoned_push_goes_alone(engine);
    changed_key => |engine| a_key_is_changed_while_pushes_leave(engine);
}
