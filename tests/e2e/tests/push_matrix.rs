//! Every row of `docs/push-faults.md`, provoked over the wire: what becomes of the push, of the device and of the lane, what is
//! counted, and what staff read.

use reqwest::Method;
use ringback_core::protocol::{ApnsEnvironment, FcmTokenKind, PushTarget, PushToken};
use ringback_doubles as doubles;
use ringback_e2e::{Phone, PhoneKind, TOPIC, metric, number, until};
use ringback_server::push::faults::{Answer, FAULTS, Fault};
use ringback_server::push::outcome::Outcome;
use ringback_server::storage::Engine;
use serde_json::{Value, json};

mod support;
use support::{Failure, World};

/// What the doubles do for a fault.
fn script(fault: &Fault) -> doubles::Fault {
    match fault.answer {
        Answer::Silence => doubles::Fault::Stall,
        Answer::Break => doubles::Fault::Disconnect,
        Answer::Browsers => {
            doubles::Fault::Answer { status: fault.status, body: String::new(), content_type: None }
        }
        _ => doubles::Fault::refuse(fault.reason),
    }
}

/// A provider as it is driven by these tests.
struct Scene {
    world: World,
    phone: Phone,
    provider: &'static str,
}

impl Scene {
    fn every_push(&self, fault: Option<doubles::Fault>) -> Result<(), Failure> {
        let doubles = &self.world.centre.doubles;
        match self.provider {
            "apns" => doubles.apns.every_push(fault)?,
            "fcm" => doubles.fcm.every_push(fault)?,
            _ => doubles.web_push.every_push(fault)?,
        }
        Ok(())
    }

    fn server(&self) -> &doubles::Server {
        let doubles = &self.world.centre.doubles;
        match self.provider {
            "apns" => doubles.apns.server(),
            "fcm" => doubles.fcm.server(),
            _ => doubles.web_push.server(),
        }
    }

    /// A device that nothing is held against.
    fn fresh_device(&self, index: usize) -> Result<PushTarget, Failure> {
        Ok(match self.provider {
            "apns" => PushTarget::Apns {
                token: PushToken::new(format!("{index:064x}")),
                environment: ApnsEnvironment::Sandbox,
                topic: TOPIC.to_owned(),
            },
            "fcm" => {
                PushTarget::Fcm { token: PushToken::new(format!("token-{index}")), kind: FcmTokenKind::Token }
            }
            _ => {
                let made = self.world.centre.doubles.web_push.subscribe(None)?;
                PushTarget::WebPush {
                    endpoint: made.endpoint.into(),
                    p256dh: made.p256dh.into(),
                    auth: made.auth.into(),
                }
            }
        })
    }

    /// The news of a callback as staff sees it.
    async fn news(&self, callback_id: &str) -> Result<Option<Value>, Failure> {
        let pushes = self.world.centre.staff().pushes(callback_id).await?;
        Ok(pushes.into_iter().find(|push| push["event"] == "callback_changed"))
    }

    /// One row: something is said while the fault lasts, and then it lasts no longer.
    async fn walk(&self, index: usize, fault: &Fault) -> Result<(), Failure> {
        let named = format!("{} {} {:?}", fault.provider, fault.reason, fault.answer);
        self.phone.register_target(self.fresh_device(index)?).await?;
        let request = Phone::request("billing", number(index));
        let callback = self.phone.client.request_callback(request).await?;
        if fault.answer == Answer::NoConnection {
            self.server().go_down().await?;
        } else {
            self.every_push(Some(script(fault)))?;
        }
        let url = &self.world.centre.url;
        let labels = [format!("provider=\"{}\"", fault.provider), format!("reason=\"{}\"", fault.word)];
        let labels = labels.each_ref().map(String::as_str);
        let counted = metric(url, "ringback_push_failures_total", &labels).await?;

        // What staff does is said to the customer: it stays true for a day.
        self.world
            .centre
            .staff()
            .ask(Method::POST, &format!("callbacks/{}/cancel", callback.id), None)
            .await?;
        until(|| async {
            let news = self.news(&callback.id).await?;
            Ok(news.is_some_and(|push| push["reason"] == fault.word && push["state"] == fault.state))
        })
        .await
        .map_err(|error| format!("{named}: {error}"))?;
        let news = self.news(&callback.id).await?.ok_or("no news")?;
        let tried = news["attempts_failed"].as_array().or_else(|| news["tries"].as_array());
        assert!(news.to_string().contains("to_do"), "{named}: staff are told what to do: {news}");
        assert!(tried.is_none_or(|tries| !tries.is_empty()), "{named}: {news}");
        until(|| async { Ok(metric(url, "ringback_push_failures_total", &labels).await? > counted) }).await?;

        // A token that is gone or wrong is not used again; all others are.
        let lost = matches!(fault.outcome(), Outcome::TokenGone { .. } | Outcome::TokenRejected { .. });
        assert_eq!(self.phone.client.devices().await?.is_empty(), lost, "{named}");

        // When it is over, what waited for the lane leaves.
        if fault.answer == Answer::NoConnection {
            self.server().come_back().await?;
        } else {
            self.every_push(None)?;
        }
        let waits_for_the_lane = fault.answer == Answer::NoConnection
            || matches!(fault.outcome(), Outcome::LaneBlocked { .. } | Outcome::RenewCredential);
        if waits_for_the_lane {
            until(|| async {
                Ok(self.news(&callback.id).await?.is_some_and(|push| push["state"] == "delivered"))
            })
            .await
            .map_err(|error| format!("{named}, afterwards: {error}"))?;
            let attempts = self.news(&callback.id).await?.map(|push| push["attempts"].clone());
            assert_eq!(attempts, Some(json!(1)), "{named}: what waits for its lane burns no attempt");
        }
        Ok(())
    }
}

async fn matrix(engine: Engine, provider: &'static str) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("phone"), None)?;
    let scene = Scene { world, phone, provider };
    let rows: Vec<&Fault> = FAULTS.iter().filter(|fault| fault.provider == provider).collect();
    assert!(rows.len() >= 10, "{provider} has {} faults", rows.len());
    for (index, fault) in rows.into_iter().enumerate() {
        scene.walk(index, fault).await?;
    }
    Ok(())
}

support::on_both_engines! {
    apns => |engine| matrix(engine, "apns");
    fcm => |engine| matrix(engine, "fcm");
    web_push => |engine| matrix(engine, "web_push");
}
