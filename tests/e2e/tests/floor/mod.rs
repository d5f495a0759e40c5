//! The people of a busy centre, each a task of its own: agents who take calls as they come, and customers who say "ready"
//! when their phone asks. Servers may go away under them at any time.

use crate::support::{Failure, World};
use reqwest::Method;
use ringback_core::protocol::{ConfirmAnswer, PUSH_DATA_KEY, ProblemCode, PushData};
use ringback_doubles::{Received, Record};
use ringback_e2e::{Phone, Staff, StaffError};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// A call is a matter of a moment here; nothing tells an agent's desk that it changed, so agents look this often.
const GLANCE: Duration = Duration::from_millis(30);
const FOREVER: Duration = Duration::from_secs(3600);

/// Whose desk each callback lay on, by its version: a callback at one version has one agent.
#[derive(Default)]
pub(crate) struct Sightings(Mutex<HashMap<(String, u64), String>>);

impl Sightings {
    /// Compares what is on a desk with everything that was seen before (I2).
    fn saw(&self, agent: &str, desk: &Value) {
        let state = desk["state"].as_str().unwrap_or_default();
        let callback = &desk["callback"];
        let tied = matches!(state, "reserved" | "on_call");
        assert_eq!(tied, callback.is_object(), "{agent}'s state and desk contradict each other: {state}");
        if tied {
            assert_eq!(callback["agent"].as_str(), Some(agent));
            let id = callback["id"].as_str().unwrap_or_default().to_owned();
            let version = callback["version"].as_u64().unwrap_or_default();
            let other = self.0.lock().unwrap().insert((id.clone(), version), agent.to_owned());
            assert!(other.as_deref().is_none_or(|other| other == agent), "{id} lay on two desks at once");
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Everybody who is at work.
pub(crate) struct Floor {
    pub(crate) sightings: Arc<Sightings>,
    pub(crate) agents: Vec<String>,
    staff: Vec<Staff>,
    people: JoinSet<()>,
}

impl Floor {
    /// Sets up a queue, a service and so many agents, all called `floor`. Agents ask the servers in turn.
    pub(crate) async fn open(
        world: &World,
        urls: &[String],
        agents: usize,
        service: &Value,
    ) -> Result<Self, Failure> {
        let boss = world.centre.staff();
        boss.ask(Method::POST, "queues", Some(json!({ "name": "floor" }))).await?;
        boss.ask(Method::POST, "services", Some(service.clone())).await?;
        let names: Vec<String> = (0..agents).map(|index| format!("agent-{index}")).collect();
        for name in &names {
            boss.ask(Method::POST, "agents", Some(json!({ "name": name, "queues": ["floor"] }))).await?;
        }
        let staff = urls.iter().map(|url| Staff::new(url, &world.centre.staff_key)).collect();
        Ok(Self { sightings: Arc::default(), agents: names, staff, people: JoinSet::new() })
    }

    /// Agents begin to work. One in `restless` glances a ready or reserved agent changes their mind; 0 means never.
    pub(crate) fn agents_work(&mut self, rng: &mut fastrand::Rng, restless: u32) {
        for (index, name) in self.agents.clone().into_iter().enumerate() {
            let mut staff = self.staff.clone();
            let turn = index % staff.len();
            staff.rotate_left(turn);
            let (sightings, mut rng) = (self.sightings.clone(), rng.fork());
            self.people.spawn(async move {
                for staff in staff.iter().cycle() {
                    let changes_mind = restless > 0 && rng.u32(..restless) == 0;
                    match work(staff, &name, &sightings, changes_mind).await {
                        Err(StaffError::Refused(problem)) if problem.code == ProblemCode::Internal.code() => {
                            panic!("{name}: {problem:?}")
                        }
                        // Somebody was faster, or the server is not there: look again.
                        Ok(()) | Err(_) => {}
                    }
                    tokio::time::sleep(GLANCE).await;
                }
            });
        }
    }

    /// Customers begin to answer what arrives on these phones.
    pub(crate) fn customers_answer(&mut self, world: &World, phones: &[Arc<Phone>]) {
        let by_token: HashMap<String, Arc<Phone>> =
            phones.iter().map(|phone| (phone.push_token().to_owned(), phone.clone())).collect();
        let by_token = Arc::new(by_token);
        let doubles = &world.centre.doubles;
        for record in [doubles.apns.record().clone(), doubles.fcm.record().clone()] {
            self.people.spawn(answer_all(record, by_token.clone()));
        }
    }

    /// Everybody stops; what one of them found wrong fails the test.
    pub(crate) async fn close(mut self) {
        self.people.abort_all();
        while let Some(ended) = self.people.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }
}

/// One glance at the desk, and what follows from it.
async fn work(
    staff: &Staff,
    name: &str,
    sightings: &Sightings,
    changes_mind: bool,
) -> Result<(), StaffError> {
    let desk = staff.desk(name).await?;
    sightings.saw(name, &desk);
    let callback = &desk["callback"];
    let id = callback["id"].as_str().unwrap_or_default();
    match (desk["state"].as_str().unwrap_or_default(), callback["phase"].as_str()) {
        ("ready" | "reserved", phase) if changes_mind && phase != Some("connecting") => {
            staff.agent(name, "not_ready").await.map(drop)
        }
        ("offline" | "not_ready" | "wrap_up", _) => staff.agent(name, "ready").await.map(drop),
        ("reserved", Some("connecting")) => staff.result(id, "connected").await.map(drop),
        ("on_call", _) => staff.complete(id).await.map(drop),
        _ => Ok(()),
    }
}

async fn answer_all(record: Record, phones: Arc<HashMap<String, Arc<Phone>>>) {
    let mut answering = JoinSet::new();
    for index in 0.. {
        let Ok(push) = record.wait_until(FOREVER, |all| all.get(index).cloned()).await else { return };
        if let Some(phone) = phones.get(&push.device).filter(|_| push.accepted()) {
            answering.spawn(answer(phone.clone(), push));
        }
    }
}

/// Says "ready" until the server has heard it, or says that it is too late.
async fn answer(phone: Arc<Phone>, push: Received) {
    // Other pushes ask nothing.
    let Some(data) = push_data(&push).filter(|data| data.action_token.is_some()) else { return };
    loop {
        let token = data.action_token.clone();
        match phone.client.confirm(data.callback_id.clone(), ConfirmAnswer::Ready, token).await {
            Err(error) if error.is_retryable() => {}
            Ok(_) | Err(_) => return,
        }
    }
}

/// What a push says to the app.
pub(crate) fn push_data(push: &Received) -> Option<PushData> {
    let apns = push.payload[PUSH_DATA_KEY].as_str();
    let text = apns.or_else(|| push.payload["message"]["data"][PUSH_DATA_KEY].as_str())?;
    serde_json::from_str(text).ok()
}
