//! The live view, the code that the agent says first, and the number for when the server is away.

use reqwest::Method;
use ringback_core::client::{ClientConfig, ClientError, LiveCallback, LiveCallbacks, RingbackClient};
use ringback_core::host::{FileStore, Host};
use ringback_core::protocol::{CallInRequest, CallbackState, EventKind, SpokenCode};
use ringback_core::transport::{
    HttpRequest, HttpResponse, ReqwestTransport, StreamSink, Transport, TransportError,
};
use ringback_e2e::{Centre, LIMIT, Phone, PhoneKind, Staff, number};
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

mod support;
use support::{Failure, World};

/// Counts streams.
struct Counting {
    inner: ReqwestTransport,
    streams: AtomicUsize,
}

#[async_trait::async_trait]
impl Transport for Counting {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.inner.send(request).await
    }

    async fn stream(&self, request: HttpRequest, sink: Arc<StreamSink>) -> Result<(), TransportError> {
        self.streams.fetch_add(1, Ordering::SeqCst);
        self.inner.stream(request, sink).await
    }
}

fn client(centre: &Centre, folder: &Path) -> Result<(RingbackClient, Arc<Counting>), Failure> {
    let transport = Arc::new(Counting { inner: ReqwestTransport::new()?, streams: AtomicUsize::new(0) });
    let store = Arc::new(FileStore::new(folder.join("secrets")));
    let config = ClientConfig::new(&centre.url, &centre.app_key, folder.to_string_lossy());
    Ok((RingbackClient::new(config, Host::new(store, transport.clone()))?, transport))
}

/// The next state that is as wished.
async fn until<T, F>(mut next: impl FnMut() -> F, wished: impl Fn(&T) -> bool) -> Result<T, Failure>
where
    F: Future<Output = Result<Option<T>, ClientError>>,
{
    tokio::time::timeout(LIMIT, async {
        loop {
            let state = next().await?.ok_or("the subscription ended")?;
            if wished(&state) {
                return Ok(state);
            }
        }
    })
    .await?
}

fn state_of(live: &LiveCallbacks) -> Option<CallbackState> {
    live.callbacks.first().map(|callback| callback.state)
}

async fn all_see_what_happens_over_one_connection(engine: Engine) -> Result<(), Failure> {
    let mut world = World::start(engine).await?;
    let folder = world.folder("phone");
    let (client, transport) = client(&world.centre, &folder)?;
    let callback = client.request_callback(Phone::request("advice", number(0))).await?;
    let (one, two, of_it) =
        (client.live_callbacks()?, client.live_callbacks()?, client.live_callback(&callback.id)?);
    let (first, second) = tokio::join!(
        until(|| one.next(), |state: &LiveCallbacks| state.live),
        until(|| two.next(), |state: &LiveCallbacks| state.live)
    );
    assert_eq!(
        (state_of(&first?), state_of(&second?)),
        (Some(CallbackState::Queued), Some(CallbackState::Queued))
    );

    let staff = world.centre.staff();
    staff.agent("grace", "ready").await?;
    let due = |state: &LiveCallbacks| state_of(state) == Some(CallbackState::Routing);
    let seen = until(|| one.next(), due).await?;
    until(|| two.next(), due).await?;
    let code = seen.callbacks[0].spoken_code.clone().ok_or("the stream brings the code")?;
    assert_eq!(staff.desk("grace").await?["callback"]["spoken_code"], code.expose());
    assert_eq!(transport.streams.load(Ordering::SeqCst), 1, "one connection for all");

    // The server goes away; what is known stays, and says that it is old.
    world.centre.kill().await?;
    let lost = until(|| one.next(), |state| !state.live).await?;
    assert_eq!(state_of(&lost), Some(CallbackState::Routing));
    world.centre.start_server().await?;
    client.resume().await?;
    until(|| one.next(), |state| state.live).await?;
    staff.result(&callback.id, "connected").await?;
    staff.complete(&callback.id).await?;
    let over = |state: &LiveCallbacks| state_of(state) == Some(CallbackState::Completed);
    let seen = until(|| two.next(), over).await?;
    assert_eq!(seen.callbacks[0].spoken_code, None);
    until(|| of_it.next(), |state: &LiveCallback| state.callback.state == CallbackState::Completed).await?;
    assert_eq!(of_it.next().await?, None, "over is over");

    // The app is killed and starts without a network: what it knew is there at once, and holds no code.
    client.pause().await?;
    let kept = std::fs::read(folder.join("live.sealed"))?;
    assert!(
        !kept.windows(callback.id.len()).any(|part| part == callback.id.as_bytes()),
        "nobody can read it"
    );
    drop((one, two, of_it, client));
    world.centre.kill().await?;
    let (client, _) = self::client(&world.centre, &folder)?;
    let live = client.live_callbacks()?;
    let known = until(|| live.next(), |_: &LiveCallbacks| true).await?;
    assert_eq!((state_of(&known), known.live), (Some(CallbackState::Completed), false));
    assert!(known.as_of < jiff::Timestamp::now());
    Ok(())
}

/// What staff of this role see of a callback.
async fn seen_by(world: &World, role: &str, id: &str) -> Result<Value, Failure> {
    let key = world.centre.ringback(&["admin", "key", "create", role, "--role", role]).await?;
    Ok(Staff::new(&world.centre.url, &key).callback(id).await?)
}

async fn each_attempt_has_a_code_of_its_own(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let staff = world.centre.staff();
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("phone"), None)?;
    phone.register_push().await?;
    let callback = phone.client.request_callback(Phone::request("billing", number(1))).await?;
    assert_eq!(callback.spoken_code, None, "nobody is called yet");
    let mut codes: HashSet<SpokenCode> = HashSet::new();
    for _ in 0..3 {
        staff.agent("ada", "ready").await?;
        phone.until(&callback.id, EventKind::Reserved).await?;
        let due = phone.client.callback(callback.id.clone()).await?;
        let code = due.spoken_code.ok_or("a call is due")?;
        assert!(code.expose().len() == 4 && code.expose().bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(staff.desk("ada").await?["callback"]["spoken_code"], code.expose());
        assert_eq!(staff.callback(&callback.id).await?["spoken_code"], code.expose());
        codes.insert(code);
        // The agent leaves: this attempt is over before anybody was called.
        staff.agent("ada", "offline").await?;
        phone.until(&callback.id, EventKind::Requeued).await?;
        assert_eq!(phone.client.callback(callback.id.clone()).await?.spoken_code, None);
    }
    assert!(codes.len() > 1, "three alike are one in a hundred million");

    staff.agent("ada", "ready").await?;
    let reserved = phone.until(&callback.id, EventKind::Reserved).await?;
    let listed = phone.client.callbacks().await?.remove(0);
    let code = listed.spoken_code.ok_or("a call is due")?;
    for role in ["manager", "developer"] {
        assert_eq!(seen_by(&world, role, &callback.id).await?["spoken_code"], Value::Null, "{role}");
    }
    assert_eq!(seen_by(&world, "supervisor", &callback.id).await?["spoken_code"], code.expose());
    let list = staff.ask(Method::GET, "callbacks?state=routing", None).await?;
    assert_eq!((&list[0]["id"], &list[0]["spoken_code"]), (&json!(reserved.callback.id), &Value::Null));

    // It stays until the two have talked, and is nowhere else.
    phone.client.confirm(callback.id.clone(), ringback_core::protocol::ConfirmAnswer::Ready, None).await?;
    phone.until(&callback.id, EventKind::Connecting).await?;
    staff.result(&callback.id, "connected").await?;
    let talking = phone.client.callback(callback.id.clone()).await?;
    assert_eq!((talking.state, talking.spoken_code.as_ref()), (CallbackState::Processing, Some(&code)));
    staff.complete(&callback.id).await?;
    assert_eq!(phone.client.callback(callback.id.clone()).await?.spoken_code, None);
    assert_eq!(staff.callback(&callback.id).await?["spoken_code"], Value::Null);
    for push in world.centre.pushes() {
        assert!(!push.payload.to_string().contains("spoken"), "no push holds it");
    }
    let said = world.centre.log_text().unwrap_or_default();
    assert!(!said.contains("spoken_code"), "nor does the log");
    Ok(())
}

async fn a_number_to_call_when_the_server_is_away(engine: Engine) -> Result<(), Failure> {
    let mut world = World::start(engine).await?;
    let folder = world.folder("phone");
    let (client, _) = client(&world.centre, &folder)?;
    let offer = client.offer("billing".to_owned()).await?;
    assert_eq!(offer.fallback_number.ok_or("centre.toml names one")?.expose(), "+493023125000");
    assert_eq!(client.offer("advice".to_owned()).await?.fallback_number, None);
    world.centre.kill().await?;
    let request = |service: &str| CallInRequest {
        service: service.to_owned(),
        caller_number: None,
        name: None,
        context: HashMap::new(),
    };
    let away = client.request_call_in(request("billing")).await.err().ok_or("nobody is there")?;
    let number = away.fallback().ok_or("the last known number")?;
    assert_eq!((number.tel_uri.expose(), number.from_cache), ("tel:+493023125000", true));
    let away = client.request_call_in(request("advice")).await.err().ok_or("nobody is there")?;
    assert_eq!(away.fallback(), None);
    Ok(())
}

async fn the_code_follows_the_number_as_the_group_wants_it(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let staff = world.centre.staff();
    let (client, _) = client(&world.centre, &world.folder("phone"))?;
    for (code_entry, pause) in [("pause", Some(",")), ("wait", Some(";")), ("by_hand", None)] {
        let name = code_entry.replace('_', "-");
        let group = json!({ "name": name, "numbers": ["+493023125001"], "code_entry": code_entry });
        let made = staff.ask(Method::POST, "call-in-groups", Some(group)).await?;
        assert_eq!(made["code_entry"], code_entry);
        let service = json!({ "name": name, "queue": "support", "call_in_group": name });
        staff.ask(Method::POST, "services", Some(service)).await?;
        let request =
            CallInRequest { service: name, caller_number: None, name: None, context: HashMap::new() };
        let ticket = client.request_call_in(request).await?;
        let code = pause.map(|pause| format!("{pause}{}", ticket.access_code.expose())).unwrap_or_default();
        assert_eq!(ticket.tel_uri.expose(), format!("tel:+493023125001{code}"));
        assert!(ticket.expires_at > jiff::Timestamp::now());
    }
    let groups = staff.ask(Method::GET, "call-in-groups", None).await?;
    assert!(groups.as_array().is_some_and(|groups| groups.iter().any(|group| group["code_entry"] == "wait")));
    Ok(())
}

support::on_both_engines! {
    live_view => |engine| all_see_what_happens_over_one_connection(engine);
    spoken_code => |engine| each_attempt_has_a_code_of_its_own(engine);
    fallback_number => |engine| a_number_to_call_when_the_server_is_away(engine);
    code_entry => |engine| the_code_follows_the_number_as_the_group_wants_it(engine);
}
