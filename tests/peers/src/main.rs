//! Measures our APNs client and `a2` on the same double in one run.

mod detour;
mod push;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use a2::{DefaultNotificationBuilder, NotificationBuilder, NotificationOptions};
use ringback_doubles::{ApnsDouble, ApnsDoubleSettings, Authority, TokenCheck};
use serde_json::json;

use push::apns::{ApnsClient, ApnsExpiration, ApnsKey, ApnsPriority, ApnsPush, ApnsPushType, ApnsSettings};
use push::connection::ConnectionSettings;
use push::outcome::Outcome;

const TOPIC: &str = "com.example.ringback";
const DEVICE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";
const ROUND: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;

type Failure = Box<dyn std::error::Error>;

trait Sender: Send + Sync + 'static {
    /// Sends one push; an error is anything but its delivery.
    fn send(&self) -> impl Future<Output = Result<(), String>> + Send;
}

struct Ours(ApnsClient);

impl Sender for Ours {
    async fn send(&self) -> Result<(), String> {
        let push = ApnsPush {
            device_token: DEVICE.into(),
            topic: TOPIC.to_owned(),
            push_type: ApnsPushType::Alert,
            priority: ApnsPriority::Immediate,
            expiration: ApnsExpiration::DoNotStore,
            collapse_id: Some("cb_1".to_owned()),
            apns_id: uuid::Uuid::new_v4(),
            payload: json!({"aps": {"alert": "Your call is ready"}}),
        };
        match self.0.send(&push).await {
            Ok(Outcome::Delivered { .. }) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }
}

struct A2(a2::Client);

impl Sender for A2 {
    async fn send(&self) -> Result<(), String> {
        let id = uuid::Uuid::new_v4().to_string();
        let options = NotificationOptions {
            apns_id: Some(&id),
            apns_topic: Some(TOPIC),
            apns_push_type: Some(a2::PushType::Alert),
            apns_priority: Some(a2::Priority::High),
            apns_expiration: Some(0),
            apns_collapse_id: Some(a2::CollapseId::new("cb_1").map_err(|error| error.to_string())?),
        };
        let push = DefaultNotificationBuilder::new().set_body("Your call is ready").build(DEVICE, options);
        self.0.send(push).await.map(drop).map_err(|error| error.to_string())
    }
}

/// Pushes a second with so many in flight; an error ends it.
async fn rate<S: Sender>(sender: &Arc<S>, in_flight: usize) -> Result<f64, Failure> {
    sender.send().await?;
    let sent = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..in_flight)
        .map(|_| {
            let (sender, sent) = (sender.clone(), sent.clone());
            tokio::spawn(async move {
                while start.elapsed() < ROUND {
                    sender.send().await?;
                    sent.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<(), String>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    #[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    Ok(sent.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
}

struct Peers {
    double: ApnsDouble,
    ours: Arc<Ours>,
    a2: Arc<A2>,
}

async fn peers(token_check: TokenCheck, authority: &Authority) -> Result<Peers, Failure> {
    let settings =
        ApnsDoubleSettings { topics: vec![TOPIC.to_owned()], accept_any_device: true, token_check };
    let double = ApnsDouble::start(settings, authority).await?;
    let key = double.credentials();
    let port = double.endpoint().rsplit(':').next().ok_or("no port")?.parse()?;
    detour::lead_to(port);
    let ours = ApnsClient::new(&ApnsSettings {
        endpoint: double.endpoint(),
        key: ApnsKey {
            p8_pem: key.p8_pem.clone().into(),
            key_id: key.key_id.clone(),
            team_id: key.team_id.clone(),
        },
        connection: ConnectionSettings {
            extra_roots_pem: Some(authority.pem()),
            ..ConnectionSettings::default()
        },
    })?;
    let config = a2::ClientConfig::new(a2::Endpoint::Production);
    let a2 = a2::Client::token(key.p8_pem.as_bytes(), &key.key_id, &key.team_id, config)?;
    Ok(Peers { double, ours: Arc::new(Ours(ours)), a2: Arc::new(A2(a2)) })
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let authority = Authority::generate()?;
    webpki_roots::trust(&authority.pem());

    let strict = peers(TokenCheck::Strict, &authority).await?;
    println!("provider token read to the letter of RFC 7515:");
    println!("  ours: {}", strict.ours.send().await.map_or_else(|error| error, |()| "accepted".to_owned()));
    println!("  a2:   {}", strict.a2.send().await.map_or_else(|error| error, |()| "accepted".to_owned()));
    drop(strict);

    let Peers { double, ours, a2 } = peers(TokenCheck::Lenient, &authority).await?;
    println!("pushes a second, {ROUNDS} rounds of {} s, taking turns:", ROUND.as_secs());
    for in_flight in [1, 256] {
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            rates.push((rate(&ours, in_flight).await?, rate(&a2, in_flight).await?));
        }
        let middle = |rate: fn(&(f64, f64)) -> f64| {
            let mut rates: Vec<f64> = rates.iter().map(rate).collect();
            rates.sort_by(f64::total_cmp);
            rates[ROUNDS / 2]
        };
        let (ours, a2) = (middle(|both| both.0), middle(|both| both.1));
        println!("  {in_flight:>3} in flight: ours {ours:.0}, a2 {a2:.0}, ratio {:.1}", ours / a2);
    }
    let refused = double.record().received().iter().filter(|push| !push.accepted()).count();
    println!("refused by the double: {refused}");
    Ok(())
}
