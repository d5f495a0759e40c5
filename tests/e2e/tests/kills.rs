//! `kill -9` of the server at 25 random moments during 200 requests: nothing accepted is lost, no agent is reserved twice,
//! every push that is due leaves (I1, I2, I4, I8).

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use ringback_core::client::ClientError;
use ringback_core::protocol::{Callback, CallbackEvent, CompletedReason, EventKind};
use ringback_doubles::{Fault, Received};
use ringback_e2e::{Phone, PhoneKind, Staff, number};
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

mod floor;
mod support;
use floor::{Floor, push_data};
use support::{Failure, World};

const KILLS: usize = 25;
const PHONES: usize = 8;
const REQUESTS: usize = PHONES * KILLS;
const AGENTS: usize = 8;
/// How long APNs takes to answer, so that a push is under way for long enough to be hit.
const APNS_TAKES_MS: u64 = 400;
/// How long the story may take to end after the last kill.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);

/// The seed of everything random: given, so that a failure can be repeated, or made up.
fn seed() -> u64 {
    let given = std::env::var("RINGBACK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| fastrand::u64(..))
}

async fn killed_at_random_moments(engine: Engine) -> Result<(), Failure> {
    let seed = seed();
    println!("to repeat: RINGBACK_TEST_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut world = World::start(engine).await?;
    let doubles = world.centre.doubles.clone();
    doubles.apns.every_push(Some(Fault::Delay { delay_ms: APNS_TAKES_MS }))?;

    let mut phones = Vec::new();
    for index in 0..PHONES {
        let kind = if index % 2 == 0 { PhoneKind::Iphone } else { PhoneKind::Android };
        let phone = Phone::new(&world.centre, kind, &world.folder(&format!("phone-{index}")), None)?;
        phone.register_push().await?;
        phones.push(Arc::new(phone));
    }
    // Of questions alone: what is said of the wait comes and goes with the server.
    let service = json!({
        "name": "floor", "queue": "floor", "confirm_window_s": 30, "confirm_attempts": 10,
        "push": { "upcoming_below_s": null },
    });
    let mut floor = Floor::open(&world, &[world.centre.url.clone()], AGENTS, &service).await?;
    floor.agents_work(&mut rng, 0);
    floor.customers_answer(&world, &phones);

    // In each round every phone asks for one call, and the server is killed at some moment of it.
    let (rounds, round) = watch::channel(0);
    let mut asking = JoinSet::new();
    for (index, phone) in phones.iter().enumerate() {
        asking.spawn(ask(phone.clone(), index, round.clone()));
    }
    for kill in 1..=KILLS {
        rounds.send_replace(kill);
        if rng.u32(..4) == 0 {
            // One push that is never answered.
            doubles.apns.script(vec![Fault::Stall])?;
        }
        if kill % 3 == 0 {
            // The moment is that of a push: the agent is reserved, and the provider has not said that it took it.
            let so_far = doubles.apns.record().received().len();
            let _ = doubles.apns.record().wait_for_count(Duration::from_secs(2), so_far + 1).await;
            pause(rng.u64(..APNS_TAKES_MS)).await;
        } else {
            pause(rng.u64(..1500)).await;
        }
        world.centre.kill().await?;
        world.centre.start_server().await?;
    }
    let mut accepted: HashMap<usize, Vec<Callback>> = HashMap::new();
    while let Some(asked) = asking.join_next().await {
        let (index, callbacks) = asked??;
        accepted.insert(index, callbacks);
    }
    doubles.apns.every_push(None)?;

    let staff = world.centre.staff();
    for (index, phone) in phones.iter().enumerate() {
        let story = tokio::time::timeout(DRAIN_LIMIT, whole_story(phone))
            .await
            .map_err(|_| format!("phone {index}: a callback is stuck; seed {seed}"))??;
        nothing_accepted_is_lost(phone, &accepted[&index], &story).await?;
        every_question_was_put(&staff, &story, &world.centre.pushes()).await?;
    }
    let pushes = world.centre.pushes();
    let tried_again = at_most_one_notification_a_question(&pushes);
    for agent in &floor.agents {
        assert!(staff.desk(agent).await?["callback"].is_null(), "{agent} is left with a callback");
    }
    println!(
        "{REQUESTS} requests, {KILLS} kills, {} pushes, {tried_again} of them tried again, {} sightings",
        pushes.len(),
        floor.sightings.count()
    );
    assert!(tried_again > 0, "no kill fell between reservation and push: the test has lost its point");
    floor.close().await;
    Ok(())
}

/// Nothing is waited for here: this is what makes the moment of a kill random.
async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Asks for one call each round, and again until it is accepted. Everything that was accepted.
async fn ask(
    phone: Arc<Phone>,
    index: usize,
    mut round: watch::Receiver<usize>,
) -> Result<(usize, Vec<Callback>), ClientError> {
    let mut accepted = Vec::new();
    for request in 0..KILLS {
        // Ends early only when the test has failed already.
        if round.wait_for(|round| *round > request).await.is_err() {
            break;
        }
        let wanted = Phone::request("floor", number(index * KILLS + request));
        accepted.push(loop {
            match phone.client.request_callback(wanted.clone()).await {
                Err(error) if error.is_retryable() => {}
                answer => break answer?,
            }
        });
    }
    Ok((index, accepted))
}

/// Every event of a phone, until all its callbacks are over.
async fn whole_story(phone: &Phone) -> Result<Vec<CallbackEvent>, Failure> {
    let events = phone.client.events()?;
    let mut story: Vec<CallbackEvent> = Vec::new();
    while story.iter().filter(|event| event.kind == EventKind::Completed).count() < KILLS {
        story.push(events.next().await?.ok_or("the stream goes on")?);
    }
    Ok(story)
}

/// Each request that a client saw accepted is there, once, with its story from the first change to the last.
async fn nothing_accepted_is_lost(
    phone: &Phone,
    accepted: &[Callback],
    story: &[CallbackEvent],
) -> Result<(), Failure> {
    let accepted: BTreeSet<&str> = accepted.iter().map(|callback| callback.id.as_str()).collect();
    assert_eq!(accepted.len(), KILLS, "each request is a callback of its own");
    let kept = phone.client.callbacks().await?;
    assert_eq!(kept.iter().map(|callback| callback.id.as_str()).collect::<BTreeSet<_>>(), accepted);
    assert!(story.iter().zip(1..).all(|(event, seq)| event.seq == seq), "no event is missing");
    for callback in kept {
        assert_eq!(callback.reason, Some(CompletedReason::Handled), "{} is handled in the end", callback.id);
        let changes: Vec<u64> = events_of(story, &callback.id).map(|event| event.callback.version).collect();
        assert_eq!(changes, (1..=callback.version).collect::<Vec<_>>(), "every change has its event");
        assert_eq!(events_of(story, &callback.id).next().map(|event| event.kind), Some(EventKind::Requested));
    }
    Ok(())
}

fn events_of<'a>(story: &'a [CallbackEvent], id: &'a str) -> impl Iterator<Item = &'a CallbackEvent> {
    story.iter().filter(move |event| event.callback.id == id)
}

/// For each time an agent was reserved, a provider took a push, or the question was over before it could.
async fn every_question_was_put(
    staff: &Staff,
    story: &[CallbackEvent],
    pushes: &[Received],
) -> Result<(), Failure> {
    let ids: BTreeSet<&str> = story.iter().map(|event| event.callback.id.as_str()).collect();
    for id in ids {
        let questions = events_of(story, id).filter(|event| event.kind == EventKind::Reserved).count();
        let deliveries = settled(staff, id).await?;
        assert_eq!(deliveries.len(), questions, "each question has its push: {deliveries:?}");
        let taken = || pushes.iter().filter(|push| push.accepted());
        let put: BTreeSet<String> = taken()
            .filter_map(push_data)
            .filter(|data| data.callback_id == id)
            .map(|data| data.push_id)
            .collect();
        let over = deliveries.iter().filter(|delivery| delivery["state"] == "skipped").count();
        assert!(put.len() + over >= questions, "{id}: a push did not leave: {deliveries:?}");
        for delivery in deliveries.iter().filter(|delivery| delivery["provider"] == "apns") {
            let reached = taken()
                .any(|push| push.headers.get("apns-id").map(String::as_str) == delivery["id"].as_str());
            assert!(reached || delivery["state"] == "skipped", "{id}: this push did not leave: {delivery}");
        }
    }
    Ok(())
}

/// A callback's pushes once none is under way. Nothing tells staff of a push, so it is asked for until it is settled.
async fn settled(staff: &Staff, id: &str) -> Result<Vec<Value>, Failure> {
    let look = async {
        loop {
            let pushes = staff.pushes(id).await?;
            if pushes.iter().all(|push| push["state"] != "pending") {
                return Ok::<_, Failure>(pushes);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(DRAIN_LIMIT, look).await?
}

/// Whatever is sent again for the same question to the same device replaces what was sent before, and nothing is sent
/// when its time is over. Gives how many pushes were sent more than once.
fn at_most_one_notification_a_question(pushes: &[Received]) -> usize {
    let mut questions: BTreeMap<(String, String), Vec<&Received>> = BTreeMap::new();
    for push in pushes {
        let data = push_data(push).expect("a push of ours");
        assert!(
            push.at < data.expires_at,
            "a push left at {}, after its expiry {}",
            push.at,
            data.expires_at
        );
        questions.entry((push.device.clone(), data.push_id)).or_default().push(push);
    }
    for ((_, push_id), tries) in &questions {
        let data = push_data(tries[0]).map(|data| (data.expires_at, data.callback_id));
        for again in &tries[1..] {
            assert_eq!(push_data(again).map(|data| (data.expires_at, data.callback_id)), data, "{push_id}");
            assert_eq!(
                again.payload["message"]["android"]["notification"],
                tries[0].payload["message"]["android"]["notification"]
            );
            for header in ["apns-id", "apns-collapse-id", "apns-expiration"] {
                assert_eq!(again.headers.get(header), tries[0].headers.get(header), "{push_id}: {header}");
            }
        }
    }
    questions.values().filter(|tries| tries.len() > 1).count()
}

support::on_both_engines! {
    twenty_five_kills => |engine| killed_at_random_moments(engine);
}
