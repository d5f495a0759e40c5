//! What becomes of old callbacks, on both databases.

use jiff::{SignedDuration, Timestamp};
use ringback_core::protocol::{CallbackRequest, ContextValue};
use ringback_server::app::Effects;
use ringback_server::callbacks::{NewCallback, archive, cancel_by_staff, create};
use ringback_server::centre::Centre;
use ringback_server::identity::admin::create_app_key;
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{Named, create_queue};
use ringback_server::services::{ServiceSetup, create_service};
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, Tx};
use std::sync::Arc;

const INSTALLATION: &str = "in_one";
/// More than are archived in one transaction.
const ENDED: usize = 130;

fn after_days(days: i64) -> Timestamp {
    let start: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    start.checked_add(SignedDuration::from_hours(24 * days)).unwrap()
}

fn furnish(tx: &mut Tx<'_>, effects: &mut Effects, centre: &Centre) -> Result<(), Refusal> {
    let now = after_days(0);
    create_app_key(tx, "app", now)?;
    tx.execute(
        "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
         select $1, k.id, $2, $2, 0, $3 from api_keys k where k.name = 'app'",
        &[&INSTALLATION, &INSTALLATION.as_bytes().to_vec(), &now],
    )?;
    create_queue(tx, &Named { name: "support".to_owned() }, now)?;
    create_service(tx, &ServiceSetup::new("billing", "support"), now)?;
    // One more than ends: it stays in line.
    for index in 0..=ENDED {
        let mut request = CallbackRequest::new("billing", format!("+4930901820{index:03}"));
        request.context.insert("cart".to_owned(), ContextValue::new("full"));
        let new = NewCallback::check(INSTALLATION.to_owned(), None, request)?;
        let callback = create(tx, effects, centre, &new, now)?;
        if index < ENDED {
            cancel_by_staff(tx, effects, centre, &callback.id, "staff", now)?;
        }
    }
    Ok(())
}

/// How many callbacks there are, how many in the archive, and how many of these still have what the app knew.
async fn counts(storage: &Storage) -> (u32, u32, u32) {
    let counted = storage.read(|tx| {
        let (archived, with_context) = tx.query_one(
            "select count(*), count(case when context_sealed is not null then 1 end) from callbacks_archive",
            &[],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let live = tx.query_one("select count(*) from callbacks", &[], |row| row.get(0))?;
        Ok::<_, Refusal>((live, archived, with_context))
    });
    counted.await.unwrap()
}

async fn archive_at(storage: &Storage, centre: &Arc<Centre>, now: Timestamp) -> bool {
    let centre = centre.clone();
    storage.write(move |tx| archive(tx, &centre, now)).await.unwrap()
}

async fn what_ended_is_archived_and_then_erased(engine: Engine) {
    let scratch = Scratch::new(engine);
    let (storage, vault) = Storage::open_sealed(&scratch.settings).await.unwrap();
    let centre = Arc::new(Centre::new(vault));
    let for_setup = centre.clone();
    let furnished = storage
        .write(move |tx| Effects::collect(tx, |tx, effects| furnish(tx, effects, &for_setup)).map(|_| ()));
    furnished.await.unwrap();
    let all = ENDED as u32;

    assert!(!archive_at(&storage, &centre, after_days(30)).await);
    assert_eq!(counts(&storage).await, (all + 1, 0, 0), "the thirtieth day is not over");
    assert!(archive_at(&storage, &centre, after_days(31)).await, "there are more");
    assert_eq!(counts(&storage).await, (all - 99, 100, 100));
    assert!(!archive_at(&storage, &centre, after_days(31)).await);
    assert_eq!(counts(&storage).await, (1, all, all), "who waits, stays");
    let traces = storage.read(|tx| {
        let left: u32 =
            tx.query_one("select count(*) from events where version = 2", &[], |row| row.get(0))?;
        Ok::<_, Refusal>(left)
    });
    assert_eq!(traces.await.unwrap(), 0, "nothing is left that leads to them");

    archive_at(&storage, &centre, after_days(90)).await;
    assert_eq!(counts(&storage).await, (1, all, all));
    archive_at(&storage, &centre, after_days(91)).await;
    assert_eq!(counts(&storage).await, (1, all, 0), "the record stays without what the app knew");
    storage.close().await;
}

on_both_engines!(what_ended_is_archived_and_then_erased);
