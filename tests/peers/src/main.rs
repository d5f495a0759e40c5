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

/// One round.
#[derive(Clone, Copy)]
struct Rate {
    pushes_per_s: f64,
    /// Processor time of sender and double together. On a busy machine it tells more than the other.
    cpu_us_per_push: f64,
}

/// Processor time of this process so far.
fn cpu_s() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call fills the place it is given.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// A round with so many in flight; an error ends it.
async fn rate<S: Sender>(sender: &Arc<S>, in_flight: usize) -> Result<Rate, Failure> {
    sender.send().await?;
    let sent = Arc::new(AtomicU64::new(0));
    let (start, cpu_at_start) = (Instant::now(), cpu_s());
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
    let sent = sent.load(Ordering::Relaxed) as f64;
    Ok(Rate {
        pushes_per_s: sent / start.elapsed().as_secs_f64(),
        cpu_us_per_push: (cpu_s() - cpu_at_start) * 1e6 / sent,
    })
}

fn middle(mut rates: Vec<Rate>) -> Rate {
    rates.sort_by(|a, b| a.pushes_per_s.total_cmp(&b.pushes_per_s));
    rates[rates.len() / 2]
}

struct Peers {
    double: ApnsDouble,
    ours: Arc<Ours>,
    a2: Arc<A2>,
}

async fn peers(token_check: TokenCheck, authority: &Authority) -> Result<Peers, Failure> {
    let settings = ApnsDoubleSettings {
        topics: vec![TOPIC.to_owned()],
        accept_any_device: true,
        token_check,
        record_tokens_to: None,
    };
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
        let (mut of_ours, mut of_a2) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            of_ours.push(rate(&ours, in_flight).await?);
            of_a2.push(rate(&a2, in_flight).await?);
        }
        let (ours, a2) = (middle(of_ours), middle(of_a2));
        for (name, rate) in [("ours", ours), ("a2", a2)] {
            println!(
                "  {in_flight:>3} in flight, {name:<4} {:>6.0} a second, {:>5.0} µs of processor time each",
                rate.pushes_per_s, rate.cpu_us_per_push
            );
        }
        println!("  {in_flight:>3} in flight, ratio {:.1}", ours.pushes_per_s / a2.pushes_per_s);
    }
    let refused = double.record().received().iter().filter(|push| !push.accepted()).count();
    println!("refused by the double: {refused}");
    Ok(())
}
