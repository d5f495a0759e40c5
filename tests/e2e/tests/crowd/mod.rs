//! People with several devices each, to whom something is to be said.

use crate::support::Failure;
use reqwest::Method;
use ringback_core::protocol::{
    ApnsEnvironment, CallbackRequest, PushEvent, PushRegistration, PushTarget, PushToken,
};
use ringback_e2e::{Staff, TOPIC, number};
use ringback_server::app::Effects;
use ringback_server::callbacks::{self, NewCallback, create};
use ringback_server::centre::Centre;
use ringback_server::clock::now;
use ringback_server::push::{devices, outbox, texts::TextKey};
use ringback_server::refusal::Refusal;
use ringback_server::storage::{Storage, Tx};
use serde_json::json;
use std::sync::Arc;

/// How many devices each has.
pub(crate) const DEVICES: usize = 5;

/// The services of a crowd: a number has one open callback in each.
pub(crate) async fn services(staff: &Staff, people: usize) -> Result<(), Failure> {
    // In a queue where nobody serves: no agent of a test is taken by the crowd.
    staff.ask(Method::POST, "queues", Some(json!({ "name": "crowd" }))).await?;
    for crowd in 0..people.div_ceil(200) {
        // Nobody is there: the server would tell people so.
        let push = json!({ "upcoming_below_s": null });
        let service = json!({ "name": format!("crowd-{crowd}"), "queue": "crowd", "push": push });
        staff.ask(Method::POST, "services", Some(service)).await?;
    }
    Ok(())
}

/// Each is told one thing that is true for five minutes, and one that is true for a day.
pub(crate) async fn queue_up(storage: &Storage, centre: &Arc<Centre>, people: usize) -> Result<(), Refusal> {
    for batch in 0..people / 50 {
        let centre = centre.clone();
        storage
            .write(move |tx| {
                for person in batch * 50..(batch + 1) * 50 {
                    Effects::collect(tx, |tx, effects| say_twice(tx, effects, &centre, person))?;
                }
                Ok::<_, Refusal>(())
            })
            .await?;
    }
    Ok(())
}

fn say_twice(tx: &mut Tx<'_>, effects: &mut Effects, centre: &Centre, index: usize) -> Result<(), Refusal> {
    let installation = format!("in_{index}");
    tx.execute(
        "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
         select $1, min(k.id), $2, $2, 0, $3 from api_keys k where k.kind = 'app'",
        &[&installation, &installation.as_bytes().to_vec(), &now()],
    )?;
    for device in 0..DEVICES {
        let target = PushTarget::Apns {
            token: PushToken::new(format!("{:064x}", index * DEVICES + device)),
            environment: ApnsEnvironment::Sandbox,
            topic: TOPIC.to_owned(),
        };
        let name = Some(format!("device-{device}"));
        let registration = PushRegistration { name, ..PushRegistration::new(target) };
        devices::register(tx, &centre.vault, &installation, &registration, now())?;
    }
    let request = CallbackRequest::new(format!("crowd-{}", index / 200), number(index % 200));
    let new = NewCallback::check(installation, None, request)?;
    let callback = create(tx, effects, centre, &new, now())?;
    let record = callbacks::find(tx, &callback.id)?;
    tx.execute("update callbacks set upcoming_told = 1 where id = $1", &[&record.id])?;
    for (event, occasion, text) in [
        (PushEvent::CallbackUpcoming, 1, TextKey::CallbackUpcoming),
        (PushEvent::CallbackChanged, 1, TextKey::CallbackRescheduled),
    ] {
        let news = outbox::News { event, occasion, text, from: None, until: None };
        outbox::enqueue(tx, effects, &record, &news, now())?;
    }
    Ok(())
}
