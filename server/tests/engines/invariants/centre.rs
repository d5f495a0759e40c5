//! A small contact centre with a service of each kind, and its clock.

use jiff::{SignedDuration, Timestamp};
use ringback_server::app::Effects;
use ringback_server::call_in::{NewCallInGroup, create_group};
use ringback_server::centre::Centre;
use ringback_server::identity::admin::create_app_key;
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{self, AgentSetup, Named};
use ringback_server::schedule::calendar::CalendarSetup;
use ringback_server::schedule::capacity::CapacitySetup;
use ringback_server::schedule::store;
use ringback_server::services::{ServiceSetup, create_service};
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, Tx, Vault};
use serde_json::json;
use std::sync::Arc;

pub(crate) const SERVICES: [&str; 6] = ["plain", "asked", "previewed", "ahead", "hours", "dialed"];
pub(crate) const INSTALLATIONS: [&str; 2] = ["in_one", "in_two"];
pub(crate) const AGENTS: [&str; 3] = ["ada", "grace", "joan"];
pub(crate) const QUEUES: [&str; 2] = ["support", "sales"];

/// A database, what a node knows, and the time.
pub(crate) struct House {
    pub(crate) storage: Storage,
    pub(crate) centre: Arc<Centre>,
    pub(crate) now: Timestamp,
    _scratch: Scratch,
}

impl House {
    /// Opens on a Monday morning.
    pub(crate) async fn open(engine: Engine) -> Self {
        let scratch = Scratch::new(engine);
        let storage = Storage::open(&scratch.settings).await.unwrap();
        let centre = Arc::new(Centre::new(Arc::new(Vault::open(&scratch.settings).unwrap())));
        let now = "2026-11-23T08:55:00Z".parse().unwrap();
        storage.write(move |tx| furnish(tx, now)).await.unwrap();
        Self { storage, centre, now, _scratch: scratch }
    }

    pub(crate) async fn close(self) {
        self.storage.close().await;
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    /// Runs one transaction as a server does. A refusal is an answer like any other; a fault is not.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        mut body: impl FnMut(&mut Tx<'_>, &mut Effects, &Centre, Timestamp) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Option<T>, Refusal> {
        let (centre, now) = (self.centre.clone(), self.now);
        let done = self
            .storage
            .write(move |tx| {
                Effects::collect(tx, |tx, effects| body(tx, effects, &centre, now)).map(|(value, _)| value)
            })
            .await;
        match done {
            Ok(value) => Ok(Some(value)),
            Err(Refusal::Problem(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

fn furnish(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Refusal> {
    create_app_key(tx, "app", now)?;
    for id in INSTALLATIONS {
        tx.execute(
            "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
             select $1, k.id, $2, $2, 0, $3 from api_keys k where k.name = 'app'",
            &[&id, &id.as_bytes().to_vec(), &now],
        )?;
    }
    for name in QUEUES {
        resources::create_queue(tx, &Named { name: name.to_owned() }, now)?;
    }
    for name in ["english", "billing"] {
        resources::create_skill(tx, &Named { name: name.to_owned() }, now)?;
    }
    let agents = [
        json!({"name": "ada", "queues": ["support", "sales"], "skills": {"english": 3, "billing": 2}}),
        json!({"name": "grace", "queues": ["support"], "skills": {"english": 1}}),
        json!({"name": "joan", "queues": ["sales"]}),
    ];
    for agent in agents {
        let agent: AgentSetup = serde_json::from_value(agent).unwrap();
        resources::create_agent(tx, &agent, now)?;
    }
    let group: NewCallInGroup =
        serde_json::from_value(json!({"name": "door", "numbers": ["+493023125001"], "expires_after_s": 60}))
            .unwrap();
    create_group(tx, &group, now)?;
    let hours = |key: &str, extra: serde_json::Value| {
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday"];
        let hours: Vec<_> = days
            .iter()
            .map(|day| {
                let mut hours = json!({"day": day, "from": "09:00", "to": "17:00"});
                hours.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
                hours
            })
            .collect();
        let mut setup = json!({"name": "office", "zone": "Europe/Berlin"});
        setup[key] = json!(hours);
        setup
    };
    let calendar: CalendarSetup = serde_json::from_value(hours("hours", json!({}))).unwrap();
    store::create(tx, &calendar, now)?;
    let mut seats = hours("seats", json!({"capacity": 1}));
    seats["slot_minutes"] = json!(30);
    let capacity: CapacitySetup = serde_json::from_value(seats).unwrap();
    store::create(tx, &capacity, now)?;
    let services = [
        json!({"name": "plain", "queue": "support", "ask_customer": false, "capacity": "office", "wrap_up_s": 0}),
        json!({"name": "asked", "queue": "support", "skills": {"english": 2}, "priority": 5, "capacity": "office",
            "snooze_place": "end", "limits": {"open_per_number": 2, "number": [{"count": 9, "window_s": 3600}]}}),
        json!({"name": "previewed", "queue": "sales", "preview_s": 20, "agent_choice": "best_fit", "wrap_up_s": 60,
            "preview_not_ready": false, "app_priority_max": 9, "confirm_timeout": "connect"}),
        json!({"name": "ahead", "queue": "sales", "connect_order": "customer_first", "pacing": {"surplus_max": 2},
            "ask_customer": false, "retry": {"busy": {"attempts": 3, "delay_s": 60, "place": "end"}}}),
        json!({"name": "hours", "queue": "support", "calendar": "office", "capacity": "office", "ask_customer": false,
            "inbound": "resolve", "expires_after_s": 7200}),
        json!({"name": "dialed", "queue": "sales", "direction": "customer_originated", "call_in_group": "door",
            "inbound": "leave", "confirm_timeout": "complete"}),
    ];
    for service in services {
        let service: ServiceSetup = serde_json::from_value(service).unwrap();
        create_service(tx, &service, now)?;
    }
    Ok(())
}
