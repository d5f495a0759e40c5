//! How long a phone waits for its push once an agent is ready, with many customers in line.

use crate::row::{Measure, Row, quantile};
use crate::seed::{self, Ask, BATCH};
use crate::{Counts, Failure};
use jiff::Timestamp;
use reqwest::Method;
use ringback_core::protocol::{ApnsEnvironment, PushRegistration, PushTarget, PushToken};
use ringback_doubles::Received;
use ringback_e2e::{Centre, CentreSettings, Staff, TOPIC};
use ringback_server::app::Effects;
use ringback_server::clock::now;
use ringback_server::config::Settings;
use ringback_server::push::apns::{
    ApnsClient, ApnsExpiration, ApnsKey, ApnsPriority, ApnsPush, ApnsPushType, ApnsSettings,
};
use ringback_server::push::connection::ConnectionSettings;
use ringback_server::push::devices;
use ringback_server::push::outcome::Outcome;
use ringback_server::refusal::Refusal;
use ringback_server::storage::{Storage, Vault};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A service, and an agent who can serve it, of `tests/e2e/centre.toml`.
const SERVICE: &str = "billing";
const AGENT: &str = "ada";
/// Rounds that are not counted: connections are made in them.
const WARM_UP: usize = 5;
const LIMIT: Duration = Duration::from_secs(10);

/// Measures a server of its own with its SQLite file.
pub(super) async fn rows(counts: &Counts) -> Result<Vec<Row>, Failure> {
    let mut centre = Centre::start(CentreSettings::default()).await?;
    // Nobody else writes while the line fills.
    centre.stop().await?;
    log_as_shipped(&centre)?;
    let rounds = WARM_UP + counts.pushes;
    fill_line(&Settings::load(Some(&centre.config_file()))?, counts.waiting + rounds).await?;
    centre.start_server().await?;

    let staff = centre.staff();
    be_brief(&staff).await?;
    let mut waits = Vec::with_capacity(rounds);
    let mut last = None;
    for _ in 0..rounds {
        let (wait, push) = agent_ready(&centre, &staff).await?;
        waits.push(wait);
        last = Some(push);
    }
    let last = last.ok_or("no push was asked for")?;
    let raw = raw(&centre, &last, rounds).await?;
    centre.stop().await?;

    let row = |name: &str, share: f64, which: &str| Row {
        name: format!("push/{name}"),
        figure: Measure::Takes(quantile(&waits[WARM_UP..], share)),
        reference: Measure::Takes(quantile(&raw[WARM_UP..], share)),
        meaning: format!(
            "From the moment an agent's \"ready\" leaves for the server to the moment the push has reached the APNs \
             double, {which} of {} times, with {} callbacks waiting, on SQLite. Reference: {which} of the same push's way \
             there and back between the server's APNs client and the same double.",
            counts.pushes, counts.waiting
        ),
    };
    Ok(vec![row("p50", 0.5, "the median"), row("p99", 0.99, "the 99th percentile")])
}

/// Tests let the server log everything; people do not.
pub(crate) fn log_as_shipped(centre: &Centre) -> Result<(), Failure> {
    let file = centre.config_file();
    let text = std::fs::read_to_string(&file)?;
    let ours: Vec<&str> = text.lines().filter(|line| !line.starts_with("filter = ")).collect();
    Ok(std::fs::write(&file, ours.join("\n"))?)
}

/// Customers with an iPhone each, in line.
async fn fill_line(settings: &Settings, count: usize) -> Result<(), Failure> {
    let storage = Storage::open(&settings.storage).await?;
    let centre = Arc::new(ringback_server::centre::Centre::new(Arc::new(Vault::open(&settings.storage)?)));
    let installations = seed::installations(&storage, count).await?;
    let mut customers = Vec::with_capacity(count);
    for (number, installation) in installations.into_iter().enumerate() {
        let target = PushTarget::Apns {
            token: PushToken::new(format!("{number:064x}")),
            environment: ApnsEnvironment::Sandbox,
            topic: TOPIC.to_owned(),
        };
        customers.push((
            Ask::new(SERVICE, &installation, number).await?,
            installation,
            PushRegistration::new(target),
        ));
    }
    for batch in customers.chunks(BATCH) {
        let (batch, centre) = (batch.to_vec(), Arc::clone(&centre));
        storage
            .write(move |tx| {
                for (ask, installation, registration) in &batch {
                    devices::register(tx, &centre.vault, installation, registration, now())?;
                    Effects::collect(tx, |tx, effects| ask.run(tx, effects, &centre))?;
                }
                Ok::<_, Refusal>(())
            })
            .await?;
    }
    storage.close().await;
    Ok(())
}

/// Nothing but questions is said: the server is idle between two of them.
async fn be_brief(staff: &Staff) -> Result<(), Failure> {
    let services = staff.ask(Method::GET, "services", None).await?;
    let named = |service: &&serde_json::Value| service["name"] == SERVICE;
    let mut setup = services.as_array().and_then(|all| all.iter().find(named)).cloned().ok_or("a service")?;
    setup["push"]["events"] = serde_json::json!({ "callback_changed": { "off": true } });
    setup["push"]["upcoming_below_s"] = serde_json::Value::Null;
    staff.ask(Method::PUT, &format!("services/{SERVICE}"), Some(setup)).await.map(drop)?;
    Ok(())
}

/// The agent is ready, the push comes, the agent leaves again and the callback with it.
async fn agent_ready(centre: &Centre, staff: &Staff) -> Result<(Duration, Received), Failure> {
    let record = centre.doubles.apns.record();
    let seen = record.received().len();
    let ready = Timestamp::now();
    staff.agent(AGENT, "ready").await?;
    // What becomes of the callback before is said as well, and not waited for.
    let is_question = |push: &&Received| push.payload.to_string().contains("\\\"agent_ready\\\"");
    let push = record
        .wait_until(LIMIT, |all| all.get(seen..).unwrap_or_default().iter().find(is_question).cloned())
        .await?;
    if !push.accepted() {
        return Err("the double refused a push".into());
    }
    let callback = push.headers.get("apns-collapse-id").ok_or("a push without apns-collapse-id")?;
    staff.agent(AGENT, "not_ready").await?;
    staff.ask(Method::POST, &format!("callbacks/{callback}/cancel"), None).await?;
    Ok((Duration::try_from(push.at.duration_since(ready))?, push))
}

/// The server's own client and nothing else, with a push that the server has sent.
async fn raw(centre: &Centre, sent: &Received, count: usize) -> Result<Vec<Duration>, Failure> {
    let apns = &centre.doubles.apns;
    let key = apns.credentials();
    let client = ApnsClient::new(&ApnsSettings {
        endpoint: apns.endpoint(),
        key: ApnsKey {
            p8_pem: key.p8_pem.clone().into(),
            key_id: key.key_id.clone(),
            team_id: key.team_id.clone(),
        },
        connection: ConnectionSettings {
            extra_roots_pem: Some(apns.ca_pem().to_owned()),
            ..ConnectionSettings::default()
        },
    })?;
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let push = ApnsPush {
            device_token: PushToken::new(sent.device.clone()),
            topic: TOPIC.to_owned(),
            push_type: ApnsPushType::Alert,
            priority: ApnsPriority::Immediate,
            expiration: ApnsExpiration::DoNotStore,
            collapse_id: sent.headers.get("apns-collapse-id").cloned(),
            apns_id: uuid::Uuid::new_v4(),
            payload: sent.payload.clone(),
        };
        let started = Instant::now();
        let outcome = client.send(&push).await?;
        took.push(started.elapsed());
        if !matches!(outcome, Outcome::Delivered { .. }) {
            return Err(format!("the double refused a push: {outcome:?}").into());
        }
    }
    Ok(took)
}
