//! What an installation changes is signed: a stolen token opens nothing but a look, a request that was overheard works once,
//! and neither a wrong clock nor a road that doubles requests gets in the way.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use jiff::SignedDuration;
use reqwest::{Method, RequestBuilder, StatusCode};
use ringback_core::client::{ClientConfig, RingbackClient};
use ringback_core::host::{Clock, FileStore, Host};
use ringback_core::protocol::{Callback, CallbackState, Problem, Timestamp};
use ringback_core::transport::{
    HttpRequest, HttpResponse, ReqwestTransport, StreamSink, Transport, TransportError,
};
use ringback_e2e::{CentreSettings, Phone, Signing, number};
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

mod support;
use support::{Failure, World};

/// A road on which everything is overheard and, where that is wanted, all but what was on it before is sent twice.
struct Overheard {
    road: ReqwestTransport,
    doubles: bool,
    heard: Mutex<Vec<HttpRequest>>,
}

#[async_trait::async_trait]
impl Transport for Overheard {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let key = |request: &HttpRequest| {
            request.headers.iter().find(|header| header.name == "idempotency-key").cloned()
        };
        let is_new = {
            let mut heard = self.heard.lock().unwrap();
            let is_new = !heard.iter().any(|earlier| key(earlier) == key(&request));
            heard.push(request.clone());
            is_new
        };
        if self.doubles && is_new {
            self.road.send(request.clone()).await?;
        }
        self.road.send(request).await
    }

    async fn stream(&self, request: HttpRequest, sink: Arc<StreamSink>) -> Result<(), TransportError> {
        self.road.stream(request, sink).await
    }
}

impl Overheard {
    fn open(doubles: bool) -> Result<Arc<Self>, Failure> {
        let road = ReqwestTransport::new().map_err(|error| error.to_string())?;
        Ok(Arc::new(Self { road, doubles, heard: Mutex::default() }))
    }

    fn heard(&self, path: &str) -> Vec<HttpRequest> {
        self.heard.lock().unwrap().iter().filter(|request| request.url.ends_with(path)).cloned().collect()
    }
}

/// A clock that goes wrong by this much.
struct Wrong(SignedDuration);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(self.0).unwrap()
    }
}

fn app(
    world: &World,
    folder: &Path,
    road: Arc<Overheard>,
    wrong: SignedDuration,
) -> Result<RingbackClient, Failure> {
    let config = ClientConfig::new(&world.centre.url, &world.centre.app_key, folder.to_string_lossy());
    let mut host = Host::new(Arc::new(FileStore::new(folder.join("secrets"))), road);
    host.clock = Arc::new(Wrong(wrong));
    Ok(RingbackClient::new(config, host)?)
}

async fn code_of(request: RequestBuilder) -> Result<(StatusCode, String), Failure> {
    let answer = request.send().await?;
    let status = answer.status();
    Ok((
        status,
        serde_json::from_str::<Problem>(&answer.text().await?)
            .map_or_else(|_| String::new(), |problem| problem.code),
    ))
}

async fn waiting(world: &World) -> Result<usize, Failure> {
    let queued = world.centre.staff().ask(Method::GET, "callbacks?state=queued", None).await?;
    Ok(queued.as_array().map_or(0, Vec::len))
}

async fn a_stolen_token_is_not_enough(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let (folder, road) = (world.folder("phone"), Overheard::open(false)?);
    let phone = app(&world, &folder, road.clone(), SignedDuration::ZERO)?;
    let callback = phone.request_callback(Phone::request("billing", number(0))).await?;

    let kept = std::fs::read_to_string(folder.join("secrets").join("ringback.installation"))?;
    let kept: Value = serde_json::from_str(&kept)?;
    let token = kept["installation"]["token"].as_str().ok_or("a token")?;
    let thief = reqwest::Client::new();
    let ask = |method, path: &str| {
        let url = format!("{}{path}", world.centre.url);
        thief.request(method, url).bearer_auth(token).header("Idempotency-Key", "of-the-thief")
    };
    let cancel = format!("/v1/callbacks/{}/cancel", callback.id);
    let missing = (StatusCode::UNAUTHORIZED, "signature_missing".to_owned());
    assert_eq!(code_of(ask(Method::POST, &cancel)).await?, missing);
    assert_eq!(code_of(ask(Method::DELETE, "/v1/devices/dv_none")).await?, missing);
    let receipt = json!({ "push_id": "pu_none", "kind": "received" });
    assert_eq!(code_of(ask(Method::POST, "/v1/push/receipts").json(&receipt)).await?, missing);
    let another = json!({ "service": "billing", "number": number(1) });
    assert_eq!(code_of(ask(Method::POST, "/v1/callbacks").json(&another)).await?, missing);
    let with_a_key_of_its_own = Signing::p256()?.sign_now(ask(Method::POST, &cancel))?;
    assert_eq!(code_of(with_a_key_of_its_own).await?.1, "signature_invalid");
    // Nor is the secret, which would bring a new token.
    let secret = json!({ "secret": kept["secret"], "public_key": kept["key"]["public"] });
    let register = thief.post(format!("{}/v1/installations", world.centre.url)).json(&secret);
    let register = register.header("Ringback-App-Key", &world.centre.app_key);
    assert_eq!(code_of(register).await?, missing);

    // What was overheard was used up when it was first sent.
    let [overheard] = &road.heard("/v1/callbacks")[..] else { return Err("one request".into()) };
    let mut again = thief.post(&overheard.url).body(overheard.body.clone().unwrap_or_default());
    for header in &overheard.headers {
        again = again.header(&header.name, &header.value);
    }
    assert_eq!(code_of(again).await?.1, "signature_replayed");
    assert_eq!(phone.callback(callback.id.clone()).await?.state, CallbackState::Queued);
    assert_eq!(phone.cancel(callback.id).await?.state, CallbackState::Completed);
    Ok(())
}

async fn of_twenty_copies_one_counts(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let signing = Signing::ed25519()?;
    let token = signing.register(&world.centre.url, &world.centre.app_key, &"s".repeat(40)).await?;
    let body = json!({ "service": "billing", "number": number(2) });
    let request = reqwest::Client::new().post(format!("{}/v1/callbacks", world.centre.url));
    let request = request.bearer_auth(token).header("Idempotency-Key", "one").json(&body);
    let signed = signing.sign_now(request)?;
    let mut copies = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let copy = signed.try_clone().ok_or("a request that can be sent again")?;
        copies.spawn(async move { code_of(copy).await });
    }
    let (mut taken, mut replayed) = (0, 0);
    while let Some(copy) = copies.join_next().await {
        match copy?? {
            (StatusCode::CREATED, _) => taken += 1,
            (_, code) if code == "signature_replayed" => replayed += 1,
            (status, code) => return Err(format!("{status} {code}").into()),
        }
    }
    assert_eq!((taken, replayed, waiting(&world).await?), (1, 19, 1));
    Ok(())
}

async fn a_wrong_clock_is_corrected(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    for (index, hours) in [-30, 30].into_iter().enumerate() {
        let road = Overheard::open(false)?;
        let folder = world.folder(&format!("phone-{index}"));
        let phone = app(&world, &folder, road.clone(), SignedDuration::from_hours(hours))?;
        let callback = phone.request_callback(Phone::request("billing", number(3 + index))).await?;
        // The clock was learned once, with the first request.
        assert_eq!(road.heard("/v1/installations").len(), 2);
        assert_eq!(road.heard("/v1/callbacks").len(), 1);
        phone.cancel(callback.id).await?;
    }
    Ok(())
}

async fn a_road_that_doubles_requests(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let phone = app(&world, &world.folder("phone"), Overheard::open(true)?, SignedDuration::ZERO)?;
    let callback: Callback = phone.request_callback(Phone::request("billing", number(5))).await?;
    assert_eq!(phone.callbacks().await?.len(), 1);
    assert!(phone.pending().await?.is_empty());
    assert_eq!(phone.cancel(callback.id).await?.state, CallbackState::Completed);
    Ok(())
}

async fn the_address_is_the_one_that_is_set(engine: Engine) -> Result<(), Failure> {
    let config = "[http]\npublic_urls = [\"https://calls.example.com\"]\n".to_owned();
    let world = World::start_with(engine, CentreSettings { config, ..Default::default() }).await?;
    let phone = app(&world, &world.folder("phone"), Overheard::open(false)?, SignedDuration::ZERO)?;
    let refused = phone.request_callback(Phone::request("billing", number(6))).await.unwrap_err();
    assert_eq!(refused.code(), "signature_invalid");
    assert_eq!(phone.pending().await?.len(), 1, "the request itself was not refused");
    Ok(())
}

support::on_both_engines! {
    a_token_alone_changes_nothing => |engine| a_stolen_token_is_not_enough(engine);
    a_signature_counts_once => |engine| of_twenty_copies_one_counts(engine);
    a_clock_that_is_wrong_by_a_day => |engine| a_wrong_clock_is_corrected(engine);
    every_request_arrives_twice => |engine| a_road_that_doubles_requests(engine);
    another_address_is_another_request => |engine| the_address_is_the_one_that_is_set(engine);
}
