//! A thousand phones that lose the network, are killed and are tapped too often: exactly the callbacks that were meant.

use crate::app::{app, open_service, transport, waiting};
use crate::support::{Failure, World};
use fastrand::Rng;
use ringback_core::client::fault_injection::DiskFaults;
use ringback_core::client::{ClientError, RingbackClient};
use ringback_core::host::{Host, HostError, SecureStore};
use ringback_core::protocol::CallbackRequest;
use ringback_core::transport::{HttpRequest, HttpResponse, StreamSink, Transport, TransportError};
use ringback_e2e::{Phone, number};
use ringback_server::storage::Engine;
use std::collections::{BTreeSet, HashMap};
use std::future::{Future, poll_fn};
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

const PHONES: usize = 1000;
/// So many are awake at once.
const AT_ONCE: usize = 100;
/// What each phone's owner wants.
const WISHES: [&str; 2] = ["phones-now", "phones-too"];

/// A secure store that outlives the app.
#[derive(Default)]
struct Keystore(Mutex<HashMap<String, String>>);

impl SecureStore for Keystore {
    fn get(&self, key: String) -> Result<Option<String>, HostError> {
        Ok(self.0.lock().unwrap().get(&key).cloned())
    }

    fn put(&self, key: String, value: String) -> Result<(), HostError> {
        self.0.lock().unwrap().insert(key, value);
        Ok(())
    }

    fn delete(&self, key: String) -> Result<(), HostError> {
        self.0.lock().unwrap().remove(&key);
        Ok(())
    }
}

/// Counts how often somebody looked through the outbox: each tap does, with the folder locked.
#[derive(Default)]
struct Looks(watch::Sender<usize>);

impl DiskFaults for Looks {
    fn before(&self, _: &'static str) -> io::Result<()> {
        Ok(())
    }

    fn after(&self, operation: &'static str) {
        if operation == "list" {
            self.0.send_modify(|looks| *looks += 1);
        }
    }
}

#[derive(Default)]
struct Tally {
    offline: AtomicU32,
    lost_answers: AtomicU32,
    kills: AtomicU32,
    repeated_taps: AtomicU32,
    double_taps: AtomicU32,
}

impl Tally {
    fn count(of: &AtomicU32) {
        of.fetch_add(1, Ordering::Relaxed);
    }
}

/// A network that comes and goes.
struct Network {
    inner: Arc<dyn Transport>,
    rng: Mutex<Rng>,
    /// So many requests still find none.
    offline: AtomicU32,
    /// A request is held until the outbox was looked through so often.
    hold_until_looks: watch::Sender<Option<usize>>,
    looks: Arc<Looks>,
    tally: Arc<Tally>,
}

#[async_trait::async_trait]
impl Transport for Network {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let hold_until = *self.hold_until_looks.borrow();
        if let Some(least) = hold_until {
            let mut looks = self.looks.0.subscribe();
            let _ = looks.wait_for(|looks| *looks >= least).await;
        }
        let (spell, loses) = {
            let mut rng = self.rng.lock().unwrap();
            (if rng.u32(..6) == 0 { rng.u32(1..6) } else { 0 }, rng.u32(..6) == 0)
        };
        self.offline.fetch_add(spell, Ordering::Relaxed);
        let still = |left: u32| left.checked_sub(1);
        if self.offline.fetch_update(Ordering::Relaxed, Ordering::Relaxed, still).is_ok() {
            Tally::count(&self.tally.offline);
            return Err(TransportError::Unreachable);
        }
        let answer = self.inner.send(request).await;
        if loses {
            Tally::count(&self.tally.lost_answers);
            return Err(TransportError::ConnectionLost);
        }
        answer
    }

    async fn stream(&self, request: HttpRequest, sink: Arc<StreamSink>) -> Result<(), TransportError> {
        self.inner.stream(request, sink).await
    }
}

/// One phone and its owner.
struct Owner {
    url: String,
    app_key: String,
    folder: PathBuf,
    store: Arc<Keystore>,
    network: Arc<Network>,
    looks: Arc<Looks>,
    rng: Rng,
    tally: Arc<Tally>,
}

impl Owner {
    fn start(&self) -> RingbackClient {
        let host = Host {
            disk_faults: Some(self.looks.clone()),
            ..Host::new(self.store.clone(), self.network.clone())
        };
        app(&self.url, &self.app_key, &self.folder, host).expect("a client")
    }

    /// Does what is to be done until the phone shows each wish as a callback.
    async fn live(mut self, index: usize) -> Result<Vec<String>, ClientError> {
        let mut app = self.start();
        for service in WISHES {
            let wish = Phone::request(service, number(index % 400));
            loop {
                app = self.tap(app, &wish).await;
                while app.pending().await?.iter().any(|kept| kept.is_open()) {
                    if self.rng.u32(..3) == 0 {
                        Tally::count(&self.tally.repeated_taps);
                        app = self.tap(app, &wish).await;
                    } else {
                        app.resume().await?;
                    }
                }
                if self.shown(&app).await.iter().any(|shown| shown == service) {
                    break;
                }
            }
        }
        assert_eq!(app.outbox_status().await?.damaged, 0, "every file could be read");
        Ok(self.shown(&app).await)
    }

    /// The services of this phone's callbacks, once the network lets it see them.
    async fn shown(&self, app: &RingbackClient) -> Vec<String> {
        loop {
            if let Ok(callbacks) = app.callbacks().await {
                return callbacks.into_iter().map(|callback| callback.service).collect();
            }
        }
    }

    /// A tap, during which the app may be killed, or tapped once more. The app that runs after it.
    async fn tap(&mut self, app: RingbackClient, wish: &CallbackRequest) -> RingbackClient {
        match self.rng.u32(..4) {
            0 => {
                let moments = self.rng.u32(1..12);
                if dropped_after(moments, app.request_callback(wish.clone())).await {
                    Tally::count(&self.tally.kills);
                }
                // A process that is killed leaves no thread behind that still writes.
                app.pause().await.expect("at rest");
                drop(app);
                self.start()
            }
            1 => {
                // The answer to the first tap is held back until the second has found it.
                Tally::count(&self.tally.double_taps);
                let looks = *self.looks.0.borrow();
                self.network.hold_until_looks.send_replace(Some(looks + 2));
                let (first, second) =
                    tokio::join!(app.request_callback(wish.clone()), app.request_callback(wish.clone()));
                self.network.hold_until_looks.send_replace(None);
                if let (Ok(first), Ok(second)) = (first, second) {
                    assert_eq!(first.id, second.id, "two taps at once are one wish");
                }
                app
            }
            _ => {
                // What comes of it is shown by the phone.
                drop(app.request_callback(wish.clone()).await);
                app
            }
        }
    }
}

/// Polls a future until it has waited so many times, then drops it. True when it was dropped.
async fn dropped_after<T>(moments: u32, future: impl Future<Output = T>) -> bool {
    let (mut future, mut left) = (pin!(future), moments);
    poll_fn(|context| {
        if future.as_mut().poll(context).is_ready() {
            return Poll::Ready(false);
        }
        left -= 1;
        if left == 0 { Poll::Ready(true) } else { Poll::Pending }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_phones_get_exactly_the_callbacks_they_meant() -> Result<(), Failure> {
    let given = std::env::var("RINGBACK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| fastrand::u64(..));
    println!("to repeat: RINGBACK_TEST_SEED={seed}");
    let world = World::start(Engine::Sqlite).await?;
    for service in WISHES {
        open_service(&world, service, 5).await?;
    }
    let (inner, tally, awake) = (transport(), Arc::new(Tally::default()), Arc::new(Semaphore::new(AT_ONCE)));
    let mut phones = JoinSet::new();
    for index in 0..PHONES {
        let mut rng = Rng::with_seed(seed.wrapping_add(index as u64));
        let looks = Arc::new(Looks::default());
        let owner = Owner {
            url: world.centre.url.clone(),
            app_key: world.centre.app_key.clone(),
            folder: world.folder(&format!("phone-{index}")),
            store: Arc::default(),
            network: Arc::new(Network {
                inner: inner.clone(),
                rng: Mutex::new(rng.fork()),
                offline: AtomicU32::new(rng.u32(..4)),
                hold_until_looks: watch::Sender::new(None),
                looks: looks.clone(),
                tally: tally.clone(),
            }),
            looks,
            rng,
            tally: tally.clone(),
        };
        let awake = awake.clone();
        phones.spawn(async move {
            let _awake = awake.acquire().await.expect("open");
            owner.live(index).await
        });
    }
    while let Some(phone) = phones.join_next().await {
        let shown = phone??;
        assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), WISHES.len());
        assert_eq!(shown.len(), WISHES.len(), "a phone has just what was meant: {shown:?}; seed {seed}");
    }
    for service in WISHES {
        assert_eq!(waiting(&world, service).await?.len(), PHONES, "{service}; seed {seed}");
    }
    let of = |count: &AtomicU32| count.load(Ordering::Relaxed);
    println!(
        "{PHONES} phones, {} callbacks: {} requests found no network, {} answers were lost, {} kills, {} taps repeated, {} \
         double",
        PHONES * WISHES.len(),
        of(&tally.offline),
        of(&tally.lost_answers),
        of(&tally.kills),
        of(&tally.repeated_taps),
        of(&tally.double_taps),
    );
    for count in [&tally.offline, &tally.lost_answers, &tally.kills, &tally.repeated_taps, &tally.double_taps]
    {
        assert!(of(count) > 50, "the test has lost its point");
    }
    Ok(())
}
