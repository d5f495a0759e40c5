//! The webhook outbox in the database, on both engines.

use jiff::{SignedDuration, Timestamp};
use ringback_core::protocol::{CallbackRequest, EventKind};
use ringback_server::app::Effects;
use ringback_server::callbacks::{NewCallback, create, find_for_update};
use ringback_server::centre::Centre;
use ringback_server::config::WebhookSettings;
use ringback_server::events;
use ringback_server::identity::admin::create_app_key;
use ringback_server::public_net::PublicNet;
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{Named, create_queue};
use ringback_server::services::{ServiceSetup, create_service};
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, Tx};
use ringback_server::webhooks::endpoints::{self, WebhookSetup};
use ringback_server::webhooks::history::{self, DeliveryState};
use ringback_server::webhooks::outbox::{Claim, Outcome, claim, purge, settle};
use ringback_server::webhooks::replay::{Progress, replay_since};
use ringback_server::webhooks::retry::{self, Attempt};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

on_both_engines!(
    nothing_is_written_when_nobody_is_told,
    an_event_and_its_deliveries_are_one,
    a_callback_is_told_in_order_and_others_beside_it,
    a_lost_claim_says_nothing_any_more,
    what_was_given_up_lets_the_next_one_go,
    who_fails_for_days_is_disabled_and_keeps_what_waits,
    a_replay_tells_what_was_missed,
    what_is_old_is_forgotten,
    many_nodes_lose_nothing_and_keep_the_order,
);

const INSTALLATION: &str = "in_one";

#[derive(Clone)]
struct House {
    storage: Storage,
    centre: Arc<Centre>,
    settings: WebhookSettings,
    _scratch: Arc<Scratch>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn furnish(tx: &mut Tx<'_>) -> Result<(), Refusal> {
    create_app_key(tx, "app", at(0))?;
    tx.execute(
        "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
         select $1, k.id, $2, $2, 0, $3 from api_keys k where k.name = 'app'",
        &[&INSTALLATION, &INSTALLATION.as_bytes().to_vec(), &at(0)],
    )?;
    create_queue(tx, &Named { name: "support".to_owned() }, at(0))?;
    create_service(tx, &ServiceSetup::new("billing", "support"), at(0))
}

impl House {
    async fn open(engine: Engine) -> Self {
        let scratch = Arc::new(Scratch::new(engine));
        let (storage, vault) = Storage::open_sealed(&scratch.settings).await.unwrap();
        storage.write(furnish).await.unwrap();
        Self {
            storage,
            centre: Arc::new(Centre::new(vault)),
            settings: WebhookSettings::default(),
            _scratch: scratch,
        }
    }

    async fn change<T: Send + 'static>(
        &self,
        mut body: impl FnMut(&mut Tx<'_>, &mut Effects) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.storage.write(move |tx| Ok(Effects::collect(tx, |tx, effects| body(tx, effects))?.0)).await
    }

    async fn webhook(&self, name: &str, event_types: Option<&[&str]>) {
        let setup = WebhookSetup {
            name: name.to_owned(),
            url: "https://hooks.example.com/x".to_owned(),
            event_types: event_types.map(|types| types.iter().map(|&name| name.to_owned()).collect()),
            description: String::new(),
            enabled: true,
        };
        let vault = self.centre.vault.clone();
        self.change(move |tx, _| {
            endpoints::create(tx, &vault, &PublicNet::default(), &setup, at(0)).map(drop)
        })
        .await
        .unwrap();
    }

    /// Asks for a callback: its first event.
    async fn callback(&self, number: u32) -> String {
        let centre = self.centre.clone();
        self.change(move |tx, effects| {
            let request = CallbackRequest::new("billing", format!("+4930901820{number:03}"));
            let new = NewCallback::check(INSTALLATION.to_owned(), None, request)?;
            Ok(create(tx, effects, &centre, &new, at(0))?.id)
        })
        .await
        .unwrap()
    }

    /// One more event of a callback.
    async fn event(&self, callback: &str, kind: EventKind, now: Timestamp) -> Result<(), Refusal> {
        let callback = callback.to_owned();
        self.change(move |tx, effects| {
            let mut record = find_for_update(tx, &callback)?;
            tx.execute(
                "update callbacks set version = version + 1, changed_at = $1 where id = $2",
                &[&now, &callback],
            )?;
            record.version += 1;
            events::append(tx, effects, &record, kind, "system", now)
        })
        .await
    }

    async fn claim(&self, now: Timestamp) -> Vec<Claim> {
        let vault = self.centre.vault.clone();
        self.change(move |tx, _| {
            let mut claims = Vec::new();
            for target in endpoints::targets(tx, &vault, now)? {
                claims.extend(claim(tx, &target, 8, now)?);
            }
            Ok(claims)
        })
        .await
        .unwrap()
    }

    async fn settle(&self, claim: &Claim, status: u16, now: Timestamp) -> bool {
        let attempt = Attempt::Answered { status, retry_after: None };
        let settled = retry::settle(&self.settings, &attempt, claim.attempts, 0.0, now);
        let outcome = Outcome { attempt, settled, began_at: now, duration_ms: 1 };
        let (claim, settings) = (claim.clone(), self.settings.clone());
        self.change(move |tx, effects| settle(tx, effects, &settings, &claim, &outcome, now)).await.unwrap()
    }

    /// The versions that are in this state at an endpoint, in order.
    async fn versions(&self, name: &'static str, state: DeliveryState) -> Vec<String> {
        let mut ids: Vec<_> = self
            .change(move |tx, _| history::deliveries(tx, name, Some(state), None))
            .await
            .unwrap()
            .into_iter()
            .map(|delivery| delivery.id)
            .collect();
        ids.sort();
        ids
    }

    async fn enabled(&self, name: &'static str) -> (bool, Option<String>) {
        let vault = self.centre.vault.clone();
        let shown = self.change(move |tx, _| endpoints::show(tx, &vault, name, at(0))).await.unwrap();
        (shown.setup.enabled, shown.disabled_reason)
    }
}

fn ids(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|claim| claim.message_id.as_str()).collect()
}

async fn nothing_is_written_when_nobody_is_told(engine: Engine) {
    let house = House::open(engine).await;
    house.callback(1).await;
    assert!(house.claim(at(1)).await.is_empty());
    house.webhook("ends", Some(&["callback.completed", "callback.attempt_failed"])).await;
    let callback = house.callback(2).await;
    house.event(&callback, EventKind::Completed, at(1)).await.unwrap();
    let claims = house.claim(at(2)).await;
    assert_eq!(ids(&claims), [format!("{callback}_2")], "only what it wants");
    assert!(claims[0].body.as_ref().unwrap().contains("\"callback.completed\""));
}

async fn an_event_and_its_deliveries_are_one(engine: Engine) {
    let house = House::open(engine).await;
    house.webhook("crm", None).await;
    let callback = house.callback(1).await;
    let doomed = callback.clone();
    let undone: Result<(), Refusal> = house
        .change(move |tx, effects| {
            let mut record = find_for_update(tx, &doomed)?;
            record.version += 1;
            events::append(tx, effects, &record, EventKind::Snoozed, "system", at(1))?;
            assert!(effects.webhooks);
            Err(Refusal::Damaged("the rest"))
        })
        .await;
    assert!(undone.is_err());
    assert_eq!(ids(&house.claim(at(2)).await), [format!("{callback}_1")]);
    assert!(house.versions("crm", DeliveryState::Waiting).await.is_empty());
}

async fn a_callback_is_told_in_order_and_others_beside_it(engine: Engine) {
    let house = House::open(engine).await;
    house.webhook("crm", None).await;
    house.webhook("slow", None).await;
    let (one, two) = (house.callback(1).await, house.callback(2).await);
    house.event(&one, EventKind::Snoozed, at(1)).await.unwrap();
    house.event(&one, EventKind::Completed, at(2)).await.unwrap();
    let mut claims = house.claim(at(3)).await;
    assert_eq!(claims.len(), 4, "the first of each callback, to each");
    claims.sort_by(|a, b| (&a.endpoint_id, &a.message_id).cmp(&(&b.endpoint_id, &b.message_id)));
    assert_eq!(ids(&claims[..2]), [format!("{one}_1"), format!("{two}_1")]);
    assert!(house.claim(at(4)).await.is_empty());
    assert!(house.settle(&claims[0], 204, at(5)).await);
    let next = house.claim(at(5)).await;
    assert_eq!(
        (ids(&next), &next[0].endpoint_id),
        (vec![format!("{one}_2").as_str()], &claims[0].endpoint_id)
    );
    assert!(house.settle(&next[0], 500, at(6)).await);
    assert!(house.claim(at(7)).await.is_empty(), "the third waits for the second");
    let again = house.claim(at(12)).await;
    assert_eq!((ids(&again), again[0].attempts), (vec![format!("{one}_2").as_str()], 2));
    assert_eq!(again[0].body, next[0].body);
}

async fn a_lost_claim_says_nothing_any_more(engine: Engine) {
    let house = House::open(engine).await;
    house.webhook("crm", None).await;
    house.callback(1).await;
    let lost = house.claim(at(0)).await;
    assert!(house.claim(at(19)).await.is_empty());
    let held = house.claim(at(21)).await;
    assert_eq!((ids(&held), held[0].fence), (ids(&lost), lost[0].fence + 1));
    assert!(!house.settle(&lost[0], 204, at(22)).await);
    assert_eq!(house.versions("crm", DeliveryState::Pending).await, ids(&held));
    assert!(house.settle(&held[0], 204, at(23)).await);
    assert!(!house.settle(&held[0], 204, at(24)).await, "once only");
}

async fn what_was_given_up_lets_the_next_one_go(engine: Engine) {
    let house = House::open(engine).await;
    house.webhook("crm", None).await;
    let callback = house.callback(1).await;
    house.event(&callback, EventKind::Completed, at(1)).await.unwrap();
    let mut now = at(2);
    for attempt in 1..=10 {
        let claims = house.claim(now).await;
        assert_eq!((ids(&claims), claims[0].attempts), (vec![format!("{callback}_1").as_str()], attempt));
        house.settle(&claims[0], 500, now).await;
        now = now.checked_add(SignedDuration::from_hours(24)).unwrap();
        if attempt == 5 {
            // Somebody looks after it, or it would be disabled by the end.
            house
                .storage
                .write(|tx| {
                    Ok::<_, Refusal>(tx.execute("update webhook_endpoints set failing_since = null", &[])?)
                })
                .await
                .unwrap();
        }
    }
    assert_eq!(house.versions("crm", DeliveryState::Dead).await, [format!("{callback}_1")]);
    let next = house.claim(now).await;
    assert_eq!(ids(&next), [format!("{callback}_2")]);
    let id = format!("{callback}_1");
    let story = house.change(move |tx, _| history::story(tx, "crm", &id)).await.unwrap();
    assert!(story.tries.len() == 10 && story.tries.iter().all(|attempt| attempt.status == Some(500)));
}

async fn who_fails_for_days_is_disabled_and_keeps_what_waits(engine: Engine) {
    let house = House::open(engine).await;
    house.webhook("crm", None).await;
    let callback = house.callback(1).await;
    let day = 24 * 3600;
    for (now, enabled) in [(0, true), (5 * day - 1, true), (10 * day, false)] {
        let claims = house.claim(at(now)).await;
        house.settle(&claims[0], 500, at(now)).await;
        assert_eq!(house.enabled("crm").await.0, enabled, "after {now} s");
    }
    assert_eq!(house.enabled("crm").await, (false, Some("failing".to_owned())));
    house.event(&callback, EventKind::Completed, at(10 * day)).await.unwrap();
    assert!(house.claim(at(20 * day)).await.is_empty());
    assert_eq!(house.versions("crm", DeliveryState::Pending).await, [format!("{callback}_1")]);
    let vault = house.centre.vault.clone();
    house
        .change(move |tx, _| {
            let setup = endpoints::show(tx, &vault, "crm", at(0))?.setup;
            let setup = WebhookSetup { enabled: true, ..setup };
            endpoints::update(tx, &vault, &PublicNet::default(), &setup, at(20 * day))
        })
        .await
        .unwrap();
    let claims = house.claim(at(20 * day)).await;
    assert_eq!((ids(&claims), claims[0].attempts), (vec![format!("{callback}_1").as_str()], 1));
    house.settle(&claims[0], 200, at(20 * day)).await;
    assert_eq!(house.enabled("crm").await, (true, None));
}

async fn a_replay_tells_what_was_missed(engine: Engine) {
    let house = House::open(engine).await;
    let callbacks = [house.callback(1).await, house.callback(2).await];
    house.event(&callbacks[0], EventKind::Snoozed, at(10)).await.unwrap();
    house.event(&callbacks[0], EventKind::Completed, at(20)).await.unwrap();
    for number in 3..=130 {
        let callback = house.callback(number).await;
        house.event(&callback, EventKind::Snoozed, at(10)).await.unwrap();
    }
    house.webhook("crm", Some(&["callback.snoozed", "callback.completed"])).await;
    let mut progress = Progress::default();
    let mut rounds = 0;
    loop {
        rounds += 1;
        progress = house
            .change(move |tx, effects| replay_since(tx, effects, "crm", at(10), &progress, at(30)))
            .await
            .unwrap();
        if progress.after.is_none() {
            break;
        }
    }
    assert_eq!((progress.events, rounds), (130, 2), "129 snoozed and one completed");
    let waiting = house.versions("crm", DeliveryState::Waiting).await;
    assert_eq!(waiting, [format!("{}_3", callbacks[0])], "the later one of the same callback");
    let claims = house.claim(at(30)).await;
    assert_eq!(claims.len(), 8, "no more than there is room for");
    // What is on its way is not started anew.
    let again = house
        .change(|tx, effects| replay_since(tx, effects, "crm", at(10), &Progress::default(), at(31)))
        .await
        .unwrap();
    assert_eq!(again.events, 0);
    assert!(house.settle(&claims[0], 200, at(31)).await);
    let again = house
        .change(|tx, effects| replay_since(tx, effects, "crm", at(10), &Progress::default(), at(32)))
        .await
        .unwrap();
    assert_eq!(again.events, 1);
}

async fn what_is_old_is_forgotten(engine: Engine) {
    let house = House::open(engine).await;
    house.webhook("crm", None).await;
    for number in 1..=3 {
        house.callback(number).await;
    }
    let claims = house.claim(at(0)).await;
    house.settle(&claims[0], 200, at(0)).await;
    let dead = Claim { attempts: 10, ..claims[1].clone() };
    house.settle(&dead, 500, at(0)).await;
    let left = |state| house.versions("crm", state);
    for (delivered, dead, wanted) in [(0, 0, (1, 1)), (1, 0, (0, 1)), (1, 1, (0, 0))] {
        house.change(move |tx, _| purge(tx, at(delivered), at(dead))).await.unwrap();
        let found = (left(DeliveryState::Delivered).await.len(), left(DeliveryState::Dead).await.len());
        assert_eq!(found, wanted);
    }
    assert_eq!(left(DeliveryState::Pending).await.len(), 1, "what is open stays");
    house.change(|tx, _| endpoints::delete(tx, "crm")).await.unwrap();
    let rows = house.storage.read(|tx| {
        Ok::<_, Refusal>(
            tx.query_one("select count(*) from webhook_deliveries", &[], |row| row.get::<u32>(0))?,
        )
    });
    assert_eq!(rows.await.unwrap(), 0);
    house.callback(4).await;
    assert!(house.claim(at(1)).await.is_empty());
}

/// Events are written while several nodes deliver: each callback's events arrive in order, and none is left waiting.
async fn many_nodes_lose_nothing_and_keep_the_order(engine: Engine) {
    const CALLBACKS: u32 = 4;
    const EVENTS: u32 = 12;
    let house = House::open(engine).await;
    house.webhook("crm", None).await;
    let mut callbacks = Vec::new();
    for number in 0..CALLBACKS {
        callbacks.push(house.callback(number).await);
    }
    let arrived = Arc::new(std::sync::Mutex::new(HashMap::<String, Vec<u32>>::new()));
    let count = Arc::new(AtomicU32::new(0));
    let mut people = tokio::task::JoinSet::new();
    for callback in callbacks {
        let house = house.clone();
        people.spawn(async move {
            for second in 1..EVENTS {
                house.event(&callback, EventKind::Snoozed, at(second.into())).await.unwrap();
            }
        });
    }
    for _ in 0..3 {
        let (house, arrived, count) = (house.clone(), arrived.clone(), count.clone());
        people.spawn(async move {
            while count.load(Ordering::SeqCst) < CALLBACKS * EVENTS {
                for claim in house.claim(at(100)).await {
                    let (callback, version) = claim.message_id.rsplit_once('_').unwrap();
                    arrived
                        .lock()
                        .unwrap()
                        .entry(callback.to_owned())
                        .or_default()
                        .push(version.parse().unwrap());
                    assert!(house.settle(&claim, 200, at(100)).await);
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
    }
    let done = async {
        while let Some(ended) = people.join_next().await {
            ended.unwrap();
        }
    };
    let stuck = tokio::time::timeout(std::time::Duration::from_secs(60), done).await;
    let arrived = arrived.lock().unwrap();
    assert!(stuck.is_ok(), "something is left waiting: {arrived:?}");
    for versions in arrived.values() {
        assert_eq!(*versions, (1..=EVENTS).collect::<Vec<_>>());
    }
}
