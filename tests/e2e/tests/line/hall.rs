//! A contact centre with one app: services set up as a case needs them, people who ask, staff who serve.

use crate::support::{Failure, World};
use reqwest::{Method, RequestBuilder, Response};
use ringback_core::protocol::Problem;
use ringback_e2e::{CentreSettings, Staff, StaffError, number};
use ringback_server::storage::{Engine, Storage, StorageError, Tx};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long anything may take to happen.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// Staff have no stream of events; whoever waits for a callback looks this often.
const GLANCE: Duration = Duration::from_millis(40);

pub(crate) struct Hall {
    pub(crate) world: World,
    pub(crate) staff: Staff,
    http: reqwest::Client,
    token: String,
    next: AtomicU32,
}

impl Hall {
    pub(crate) async fn open(engine: Engine) -> Result<Self, Failure> {
        let world = World::start_with(engine, CentreSettings::default()).await?;
        let http = reqwest::Client::new();
        let answer = http
            .post(format!("{}/v1/installations", world.centre.url))
            .header("Ringback-App-Key", &world.centre.app_key)
            .json(&json!({ "secret": "s".repeat(40) }))
            .send()
            .await?
            .error_for_status()?;
        let token = answer.json::<Value>().await?["token"].as_str().unwrap_or_default().to_owned();
        let staff = world.centre.staff();
        Ok(Self { world, staff, http, token, next: AtomicU32::new(1) })
    }

    /// A service with a queue of its own that calls without asking, unless the settings say otherwise, and its agents.
    pub(crate) async fn service(
        &self,
        name: &str,
        agents: &[(&str, Value)],
        settings: Value,
    ) -> Result<(), Failure> {
        self.post("queues", json!({ "name": name })).await?;
        for (agent, skills) in agents {
            let agent = json!({ "name": agent, "queues": [name], "skills": skills });
            self.post("agents", agent).await?;
        }
        self.another_service(name, name, settings).await
    }

    /// One more service in a queue.
    pub(crate) async fn another_service(
        &self,
        name: &str,
        queue: &str,
        settings: Value,
    ) -> Result<(), Failure> {
        let mut service = json!({ "name": name, "queue": queue, "ask_customer": false, "wrap_up_s": 0 });
        merge(&mut service, settings);
        self.post("services", service).await.map(drop)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Value, Failure> {
        Ok(self.staff.ask(Method::POST, path, Some(body)).await?)
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Result<Value, Failure> {
        Ok(self.staff.ask(Method::PUT, path, Some(body)).await?)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        Ok(self.staff.ask(Method::GET, path, None).await?)
    }

    /// A request of the app.
    pub(crate) fn app(&self, method: Method, path: &str) -> RequestBuilder {
        let key = format!("key-{}", self.next.fetch_add(1, Ordering::Relaxed));
        self.http
            .request(method, format!("{}/v1/{path}", self.world.centre.url))
            .bearer_auth(&self.token)
            .header("Idempotency-Key", key)
    }

    /// What the app is answered; a refusal is a failure that names its code.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> Result<Value, Failure> {
        taken(request.send().await?).await
    }

    /// A request for a call, not sent yet.
    pub(crate) fn request(&self, service: &str, index: usize, more: Value) -> RequestBuilder {
        let mut body = json!({ "service": service, "number": number(index) });
        merge(&mut body, more);
        self.app(Method::POST, "callbacks").json(&body)
    }

    /// Somebody asks for a call; the id of the callback.
    pub(crate) async fn ask(&self, service: &str, index: usize, more: Value) -> Result<String, Failure> {
        let callback = self.answer(self.request(service, index, more)).await?;
        Ok(callback["id"].as_str().ok_or("a callback has an id")?.to_owned())
    }

    /// A callback as its owner sees it.
    pub(crate) async fn own(&self, id: &str) -> Result<Value, Failure> {
        self.answer(self.app(Method::GET, &format!("callbacks/{id}"))).await
    }

    /// A callback as staff see it, once it is where it is waited for: a state, or a phase of `routing`.
    pub(crate) async fn until(&self, id: &str, place: &str) -> Result<Value, Failure> {
        self.until_that(&format!("callbacks/{id}"), place, |callback| {
            callback["state"] == place || callback["phase"] == place
        })
        .await
    }

    /// An agent's desk, once the agent is in this state.
    pub(crate) async fn until_agent(&self, agent: &str, state: &str) -> Result<Value, Failure> {
        self.until_that(&format!("agents/{agent}"), state, |desk| desk["state"] == state).await
    }

    /// What staff see, once it is as it should be. A server that is away is waited for.
    pub(crate) async fn until_that(
        &self,
        path: &str,
        wanted: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Value, Failure> {
        let mut last = Value::Null;
        let look = async {
            loop {
                match self.staff.ask(Method::GET, path, None).await {
                    Ok(seen) if is_so(&seen) => return Ok::<_, Failure>(seen),
                    Ok(seen) => last = seen,
                    Err(StaffError::NoAnswer(_)) => {}
                    Err(refused) => return Err(refused.into()),
                }
                tokio::time::sleep(GLANCE).await;
            }
        };
        match tokio::time::timeout(LIMIT, look).await {
            Ok(seen) => seen,
            Err(_) => Err(format!("{path} is not \"{wanted}\" in time: {last}").into()),
        }
    }

    /// Takes the next call at a desk to its end, and says which callback it was.
    pub(crate) async fn serve(&self, agent: &str) -> Result<String, Failure> {
        if self.staff.desk(agent).await?["state"] == "offline" {
            self.staff.agent(agent, "ready").await?;
        }
        let id = self.ringing(agent).await?;
        self.staff.result(&id, "connected").await?;
        self.staff.complete(&id).await?;
        Ok(id)
    }

    /// The callback that an agent is to dial, once there is one.
    pub(crate) async fn ringing(&self, agent: &str) -> Result<String, Failure> {
        let path = format!("agents/{agent}");
        let desk =
            self.until_that(&path, "at a call", |desk| desk["callback"]["phase"] == "connecting").await?;
        Ok(desk["callback"]["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Looks into the database, or turns its clocks.
    pub(crate) async fn database<T: Send + 'static>(
        &self,
        body: impl FnMut(&mut Tx<'_>) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, Failure> {
        let storage = Storage::open(&self.world.database.settings).await?;
        let value = storage.write(body).await?;
        storage.close().await;
        Ok(value)
    }
}

async fn taken(answer: Response) -> Result<Value, Failure> {
    if answer.status().is_success() {
        return Ok(answer.json().await?);
    }
    let problem: Problem = answer.json().await?;
    Err(format!("{}: {} ({:?})", problem.code, problem.detail, problem.field).into())
}

fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}

/// A time so many seconds from now, as the clock in UTC shows it.
pub(crate) fn in_seconds(seconds: i64) -> (jiff::Timestamp, Value) {
    let now = jiff::Timestamp::now();
    let at = jiff::Timestamp::from_second(now.as_second() + seconds).unwrap();
    let local = jiff::tz::Offset::UTC.to_datetime(at).to_string();
    (at, json!({ "local": local, "zone": "UTC" }))
}

/// Seats all day and all week, so many in each slot.
pub(crate) fn always(name: &str, capacity: u32) -> Value {
    let seats = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        .map(|day| json!({ "day": day, "from": "00:00", "to": "24:00", "capacity": capacity }));
    json!({ "name": name, "zone": "UTC", "slot_minutes": 120, "seats": seats })
}
