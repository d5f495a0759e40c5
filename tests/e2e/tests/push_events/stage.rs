//! A centre with people's devices in it: who is told what is seen here.

use crate::hall::{Hall, LIMIT};
use crate::support::Failure;
use jiff::Timestamp;
use reqwest::Method;
use ringback_core::protocol::{PUSH_DATA_KEY, PushData, PushEvent};
use ringback_doubles::{Fault, Received, Record};
use ringback_server::storage::Engine;
use serde_json::{Value, json};

pub(crate) const IPHONE: &str = "a1a1";
pub(crate) const ANDROID: &str = "android-token";
const LATER: &str = "ServiceUnavailable";
const LATER_S: u64 = 6;

pub(crate) struct Stage {
    pub(crate) hall: Hall,
}

impl Stage {
    pub(crate) async fn open(engine: Engine) -> Result<Self, Failure> {
        Ok(Self { hall: Hall::open(engine).await? })
    }

    /// With one service whose agent is `ann`, and the person's iPhone.
    pub(crate) async fn with_iphone(engine: Engine, service: &str, settings: Value) -> Result<Self, Failure> {
        let stage = Self::open(engine).await?;
        stage.hall.service(service, &[("ann", json!({}))], settings).await?;
        stage.iphone(IPHONE, json!({})).await?;
        Ok(stage)
    }

    /// Registers a device of the person; its id.
    pub(crate) async fn device(&self, target: Value, more: Value) -> Result<String, Failure> {
        let mut registration = json!({ "target": target });
        registration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let device = self.hall.answer(self.hall.app(Method::PUT, "devices").json(&registration)).await?;
        Ok(device["id"].as_str().ok_or("a device has an id")?.to_owned())
    }

    pub(crate) async fn iphone(&self, token: &str, more: Value) -> Result<String, Failure> {
        self.device(
            json!({ "apns": { "token": token, "environment": "sandbox", "topic": "com.example.ringback" } }),
            more,
        )
        .await
    }

    pub(crate) async fn android(&self, more: Value) -> Result<String, Failure> {
        self.device(json!({ "fcm": { "token": ANDROID, "kind": "token" } }), more).await
    }

    /// A Live Activity's token: the one that starts them, or that of a callback's.
    pub(crate) async fn activity(&self, token: &str, callback_id: Option<&str>) -> Result<String, Failure> {
        let mut target = json!({ "token": token, "environment": "sandbox", "topic": "com.example.ringback" });
        if let Some(callback_id) = callback_id {
            target["callback_id"] = json!(callback_id);
        }
        self.device(json!({ "live_activity": target }), json!({ "name": token })).await
    }

    pub(crate) fn apns(&self) -> &Record {
        self.hall.world.centre.doubles.apns.record()
    }

    pub(crate) fn fcm(&self) -> &Record {
        self.hall.world.centre.doubles.fcm.record()
    }

    /// Apple does not take the next pushes to this iPhone, and wants them some seconds later: time enough for the world to
    /// change.
    pub(crate) fn apple_wants_them_later(&self, token: &str, pushes: usize) -> Result<(), Failure> {
        let later = Fault::Refuse { reason: LATER.to_owned(), retry_after_s: Some(LATER_S), timestamp: None };
        Ok(self.hall.world.centre.doubles.apns.script_device(token, vec![later; pushes])?)
    }

    /// Waits until Apple has put off the only push of this event.
    pub(crate) async fn put_off(&self, id: &str, event: &str) -> Result<(), Failure> {
        self.only(id, event, "put off", |push| push["reason"] == LATER).await.map(drop)
    }

    /// The push of this event about this callback to an iPhone, once Apple has taken it.
    pub(crate) async fn to(&self, token: &str, id: &str, event: PushEvent) -> Result<Received, Failure> {
        let wanted = |push: &Received| {
            let said = said(push);
            push.device == token
                && push.accepted()
                && said.is_some_and(|said| said.event == event && said.callback_id == id)
        };
        let record = if token == ANDROID { self.fcm() } else { self.apns() };
        Ok(record.wait_for(LIMIT, wanted).await?)
    }

    /// Everything that was ever to be said about a callback, as staff see it.
    pub(crate) async fn pushes(&self, id: &str) -> Result<Vec<Value>, Failure> {
        Ok(self.hall.staff.pushes(id).await?)
    }

    /// The only push of this event, once it is as it should be.
    pub(crate) async fn only(
        &self,
        id: &str,
        event: &str,
        wanted: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Value, Failure> {
        let of_event = |pushes: &Value| {
            pushes.as_array().into_iter().flatten().filter(|push| push["event"] == event).cloned().collect()
        };
        let path = format!("callbacks/{id}/pushes");
        let pushes = self
            .hall
            .until_that(&path, wanted, |pushes| {
                let found: Vec<Value> = of_event(pushes);
                found.first().is_some_and(&is_so)
            })
            .await?;
        let found: Vec<Value> = of_event(&pushes);
        assert_eq!(found.len(), 1, "said once: {found:?}");
        Ok(found[0].clone())
    }

    /// The only push of this event, once it is no longer true and so was not sent.
    pub(crate) async fn skipped(&self, id: &str, event: &str) -> Result<(), Failure> {
        let push = self.only(id, event, "settled", |push| push["state"] != "pending").await?;
        assert_eq!((&push["state"], &push["reason"]), (&json!("skipped"), &json!("moved_on")), "{push}");
        Ok(())
    }

    /// Has `calls` of so many seconds each measured in a queue that has one service.
    pub(crate) async fn calls_last(&self, queue: &str, seconds: f64) -> Result<(), Failure> {
        let queue = queue.to_owned();
        self.hall
            .database(move |tx| {
                let fact = json!({ "fact": "spell", "busy_s": seconds }).to_string();
                for call in 0..10 {
                    tx.execute(
                        "insert into line_facts (id, requirement_id, at, fact) select $1, r.id, $2, $3 \
                         from requirements r join queues q on q.id = r.queue_id where q.name = $4",
                        &[&format!("{queue}-{call}"), &Timestamp::now(), &fact, &queue],
                    )?;
                }
                Ok(())
            })
            .await
    }

    /// The answer to a request of the app that may be refused: its status and body.
    pub(crate) async fn confirm(&self, id: &str, token: &str) -> Result<(u16, Value), Failure> {
        let body = json!({ "answer": "ready", "action_token": token });
        let answer =
            self.hall.app(Method::POST, &format!("callbacks/{id}/confirm")).json(&body).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }
}

/// What a push says to the app; a Live Activity's says nothing to it.
pub(crate) fn said(push: &Received) -> Option<PushData> {
    let apns = push.payload[PUSH_DATA_KEY].as_str();
    let text = apns.or_else(|| push.payload["message"]["data"][PUSH_DATA_KEY].as_str())?;
    serde_json::from_str(text).ok()
}

/// What an iPhone shows of it.
pub(crate) fn title(push: &Received) -> &str {
    push.payload["aps"]["alert"]["title"].as_str().unwrap_or_default()
}
