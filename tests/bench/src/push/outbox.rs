//! How fast the durable outbox empties, against the bare client; and how fast a question gets through meanwhile.

use super::crowd::{Crowd, Provider, SERVICE, any_pending};
use crate::create::per_second;
use crate::row::{Measure, Row, quantile};
use crate::seed::{self, Ask};
use crate::{Counts, Failure};
use futures_util::future::try_join_all;
use ringback_core::protocol::{PushRegistration, PushToken};
use ringback_doubles::Received;
use ringback_e2e::TOPIC;
use ringback_server::app::App;
use ringback_server::clock::now;
use ringback_server::push::apns::{
    ApnsClient, ApnsExpiration, ApnsKey, ApnsPriority, ApnsPush, ApnsPushType, ApnsSettings,
};
use ringback_server::push::connection::ConnectionSettings;
use ringback_server::push::fcm::{
    FcmClient, FcmNotification, FcmPriority, FcmPush, FcmSettings, FcmTarget, FcmText,
};
use ringback_server::push::outcome::Outcome;
use ringback_server::push::{devices, worker};
use ringback_server::refusal::Refusal;
use ringback_server::routing::agents::{ChosenState, choose_state, id_of};
use ringback_server::routing::matcher::reserve_for_agent;
use ringback_server::routing::resources::{AgentSetup, create_agent};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use sysinfo::{Pid, ProcessesToUpdate, System};

const IN_FLIGHT: usize = 256;
const LIMIT: Duration = Duration::from_secs(120);

pub(super) async fn rows(counts: &Counts) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for provider in [Provider::Apns, Provider::Fcm] {
        let crowd = Crowd::gather(provider, counts.queued).await?;
        let worker = tokio::spawn(worker::run(crowd.app.clone(), crowd.endpoints.clone()));
        empty(&crowd, || true).await?;
        let record = match provider {
            Provider::Apns => crowd.doubles.apns.record(),
            Provider::Fcm => crowd.doubles.fcm.record(),
        };
        let raw = Raw::new(&crowd, provider)?;
        raw.send(crowd.deliveries).await?;
        let (mut durable, mut bare) = (Vec::new(), Vec::new());
        let mut busy = [Duration::ZERO; 2];
        for _ in 0..counts.emptied {
            crowd.again().await?;
            let arrived = record.counts().accepted;
            let (started, was_busy) = (Instant::now(), processor_time()?);
            empty(&crowd, || record.counts().accepted >= arrived + crowd.deliveries).await?;
            durable.push(per_second(crowd.deliveries, started.elapsed()));
            busy[0] += processor_time()?.saturating_sub(was_busy);
            let (started, was_busy) = (Instant::now(), processor_time()?);
            raw.send(crowd.deliveries).await?;
            bare.push(per_second(crowd.deliveries, started.elapsed()));
            busy[1] += processor_time()?.saturating_sub(was_busy);
        }
        let name = provider.name();
        println!("push: {name}, a round each: {durable:.0?} /s of {bare:.0?} /s");
        let [durable_us, bare_us] =
            busy.map(|busy| busy.as_secs_f64() * 1e6 / (crowd.deliveries * counts.emptied) as f64);
        println!(
            "push: {name}, processor time a push, the double's included: {durable_us:.1} µs of {bare_us:.1} µs"
        );
        rows.push(Row {
            name: format!("push/outbox-{name}"),
            figure: Measure::PerSecond(middle(durable)),
            reference: Measure::PerSecond(middle(bare)),
            meaning: format!(
                "{} pushes that wait in the outbox on SQLite, until each has reached the double of {name} and is written \
                 down as delivered: claimed with a lease, sent, acknowledged. Reference: the same client sending as many \
                 pushes to the same double with {IN_FLIGHT} under way and nothing kept. Medians of rounds that take turns.",
                crowd.deliveries
            ),
        });
        if provider == Provider::Apns {
            rows.push(question(&crowd, counts, false).await?);
            rows.push(question(&crowd, counts, true).await?);
        }
        crowd.app.stopping.cancel();
        worker.await?;
        crowd.app.storage.close().await;
    }
    Ok(rows)
}

/// All that this process has taken of the processors.
fn processor_time() -> Result<Duration, Failure> {
    let pid = Pid::from_u32(std::process::id());
    let mut system = System::new()?;
    system.refresh_processes(ProcessesToUpdate::Some(&[pid]), true);
    Ok(Duration::from_millis(system.process(pid).ok_or("no process")?.accumulated_cpu_time()))
}

pub(super) fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

/// Wakes the worker and waits until nothing is left. The database is asked once they `have_arrived`: asking it all the time
/// would be a load of its own.
async fn empty(crowd: &Crowd, have_arrived: impl Fn() -> bool) -> Result<(), Failure> {
    crowd.app.pokes.push.notify_one();
    let emptied = async {
        let mut round = tokio::time::interval(Duration::from_millis(5));
        while !have_arrived() || any_pending(&crowd.app.storage).await? {
            round.tick().await;
        }
        Ok::<_, Refusal>(())
    };
    Ok(tokio::time::timeout(LIMIT, emptied).await??)
}

/// The client alone.
#[derive(Clone)]
enum Raw {
    Apns(Arc<ApnsClient>),
    Fcm(Arc<FcmClient>),
}

impl Raw {
    fn new(crowd: &Crowd, provider: Provider) -> Result<Self, Failure> {
        let connection = ConnectionSettings {
            extra_roots_pem: Some(crowd.doubles.ca_pem().to_owned()),
            ..ConnectionSettings::default()
        };
        Ok(match provider {
            Provider::Apns => {
                let key = crowd.doubles.apns.credentials();
                Self::Apns(Arc::new(ApnsClient::new(&ApnsSettings {
                    endpoint: crowd.doubles.apns.endpoint(),
                    key: ApnsKey {
                        p8_pem: key.p8_pem.clone().into(),
                        key_id: key.key_id.clone(),
                        team_id: key.team_id.clone(),
                    },
                    connection,
                })?))
            }
            Provider::Fcm => {
                let folder = tempfile::TempDir::new()?;
                let handout = crowd.doubles.write_credentials(folder.path())?;
                let account = std::fs::read_to_string(&handout.fcm_service_account_file)?;
                Self::Fcm(Arc::new(FcmClient::new(&FcmSettings {
                    endpoint: handout.fcm_endpoint,
                    service_account_json: account.into(),
                    connection,
                })?))
            }
        })
    }

    async fn send(&self, count: usize) -> Result<(), Failure> {
        let sending = (0..IN_FLIGHT).map(|lane| {
            let raw = self.clone();
            tokio::spawn(async move {
                for device in (lane..count).step_by(IN_FLIGHT) {
                    raw.send_one(device).await?;
                }
                Ok::<_, Failure>(())
            })
        });
        for sent in try_join_all(sending).await? {
            sent?;
        }
        Ok(())
    }

    async fn send_one(&self, device: usize) -> Result<(), Failure> {
        let data = json!({ "push_id": "pu_0192f0c0d1e27a3b8c4d5e6f70819203", "callback_id": "cb_0192f0c0d1e27a3b8c4d5e6f70819203",
            "delivery_id": uuid::Uuid::new_v4().to_string(), "event": "callback_changed", "expires_at": "2026-11-27T10:00:00Z" });
        let (title, body) = ("Your call has a new time", "Tap to see when you will be called.");
        let outcome = match self {
            Self::Apns(client) => {
                let push = ApnsPush {
                    device_token: PushToken::new(format!("{device:064x}")),
                    topic: TOPIC.to_owned(),
                    push_type: ApnsPushType::Alert,
                    priority: ApnsPriority::Immediate,
                    expiration: ApnsExpiration::DoNotStore,
                    collapse_id: Some("cb_0192f0c0d1e27a3b8c4d5e6f70819203:changed".to_owned()),
                    apns_id: uuid::Uuid::new_v4(),
                    payload: json!({
                        "aps": { "alert": { "title": title, "body": body }, "sound": "default",
                            "interruption-level": "active", "thread-id": "cb_0192f0c0d1e27a3b8c4d5e6f70819203" },
                        "ringback": data.to_string(),
                    }),
                };
                client.send(&push).await?
            }
            Self::Fcm(client) => {
                let push = FcmPush {
                    target: FcmTarget::Token(PushToken::new(format!("token-{device:060}"))),
                    data: BTreeMap::from([("ringback".to_owned(), data.to_string())]),
                    priority: FcmPriority::High,
                    ttl_s: 86_400,
                    collapse_key: Some("ringback_changed".to_owned()),
                    notification: Some(FcmNotification {
                        text: FcmText::Plain { title: title.to_owned(), body: body.to_owned() },
                        tag: "cb_0192f0c0d1e27a3b8c4d5e6f70819203:changed".to_owned(),
                        sound: Some("default".to_owned()),
                    }),
                };
                client.send(&push).await?
            }
        };
        match outcome {
            Outcome::Delivered { .. } => Ok(()),
            refused => Err(format!("the double refused a push: {refused:?}").into()),
        }
    }
}

/// An agent is reserved while nothing else is to be said, or while the outbox is full of other things: from the commit to
/// the double.
async fn question(crowd: &Crowd, counts: &Counts, flooded: bool) -> Result<Row, Failure> {
    let app = &crowd.app;
    let count = counts.pushes.min(200);
    let agents: Vec<String> = (0..count).map(|agent| format!("agent-{flooded}-{agent}")).collect();
    let first = 9_000_000 + if flooded { count } else { 0 };
    let named = agents.clone();
    app.storage
        .write(move |tx| {
            named.iter().try_for_each(|name| {
                let setup = AgentSetup {
                    name: name.clone(),
                    queues: vec![SERVICE.to_owned()],
                    skills: BTreeMap::new(),
                };
                create_agent(tx, &setup, now()).map(drop)
            })
        })
        .await?;
    // People of their own, with a device each, first in line.
    let mut customers = Vec::new();
    for (index, installation) in seed::installations(&app.storage, count).await?.into_iter().enumerate() {
        let ask = Ask::new(SERVICE, &installation, first + index).await?;
        let (centre, target) = (app.centre.clone(), Provider::Apns.target(first + index));
        let asker = installation.clone();
        app.change(move |tx, effects| {
            devices::register(tx, &centre.vault, &asker, &PushRegistration::new(target.clone()), now())?;
            ask.run(tx, effects, &centre)?;
            tx.execute("update callbacks set rank_us = 0 where installation_id = $1", &[&asker])?;
            Ok(())
        })
        .await?;
        customers.push(installation);
    }

    // The flood does not end before the questions do.
    let flood = flooded.then(|| tokio::spawn(flood(app.clone(), crowd.deliveries)));
    let record = crowd.doubles.apns.record();
    // Looking through all that ever arrived would be what is measured.
    record.keep_last(4000);
    let (mut waits, mut bare) = (Vec::new(), Vec::new());
    let raw = Raw::new(crowd, Provider::Apns)?;
    for agent in &agents {
        let (name, centre) = (agent.clone(), app.centre.clone());
        app.change(move |tx, effects| {
            let id = id_of(tx, &name)?;
            choose_state(tx, effects, &id, (ChosenState::Ready, None), "agent", now())?;
            reserve_for_agent(tx, effects, &centre, &id, now())
        })
        .await?;
        let committed = jiff::Timestamp::now();
        // Those who are first in line come in the order in which they asked.
        let device = format!("{:064x}", first + waits.len());
        let is_question = |push: &&Received| push.device == device;
        let push = record.wait_until(LIMIT, |all| all.iter().rev().find(is_question).cloned()).await?;
        waits.push(Duration::try_from(push.at.duration_since(committed)).unwrap_or_default());
        let started = Instant::now();
        raw.send_one(0).await?;
        bare.push(started.elapsed());
    }
    if let Some(flood) = flood {
        flood.abort();
    }
    empty(crowd, || true).await?;
    let meanwhile = if flooded {
        format!(
            "while the outbox holds up to {} other pushes of the same lane and sends them all the time. Reference: a bare \
             push in the same flood.",
            crowd.deliveries
        )
    } else {
        "on a server with nothing else to do. Reference: a bare push.".to_owned()
    };
    Ok(Row {
        name: if flooded { "push/question-in-flood" } else { "push/question" }.to_owned(),
        figure: Measure::Takes(quantile(&waits, 0.99)),
        reference: Measure::Takes(quantile(&bare, 0.99)),
        meaning: format!(
            "From the committed reservation to the question at the APNs double, the 99th percentile of {count}, {meanwhile}"
        ),
    })
}

/// Keeps the outbox half full: a few more again and again, so that the flood is the worker's and not the database's.
async fn flood(app: App, full: usize) {
    loop {
        let filled = app.storage.write(move |tx| {
            let waiting: u64 =
                tx.query_one("select count(*) from push_deliveries where state = 'pending'", &[], |row| row.get(0))?;
            if waiting as usize >= full / 2 {
                return Ok::<_, Refusal>(());
            }
            tx.execute(
                "update push_deliveries set state = 'pending', due_at = $1, attempts = 0 where id in \
                 (select id from push_deliveries where state = 'delivered' and event = 'callback_changed' limit 300)",
                &[&now()],
            )?;
            Ok(())
        });
        if filled.await.is_err() {
            return;
        }
        app.pokes.push.notify_one();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
