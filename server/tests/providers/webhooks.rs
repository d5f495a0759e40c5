//! What a webhook may lead to, and what an endpoint can do to whoever sends to it.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use futures_util::stream;
use jiff::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use ringback_server::public_net::PublicNet;
use ringback_server::webhooks::client::Client;
use ringback_server::webhooks::endpoints::{Target, WebhookSetup};
use ringback_server::webhooks::retry::Attempt;
use ringback_server::webhooks::secret::Secret;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;
use tokio::net::TcpListener;

/// What the tests take for the public internet, and what for the inside.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const PRIVATE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn net() -> PublicNet {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails only when there is one already, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    PublicNet::new(&["127.0.0.1/32".parse().unwrap()]).with_http()
}

/// A name server that says something else each time; its last words stay.
struct Fickle(Mutex<VecDeque<Vec<Ipv4Addr>>>);

impl Fickle {
    fn new<const N: usize>(answers: [&[Ipv4Addr]; N]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(answers.iter().map(|answer| answer.to_vec()).collect())))
    }
}

impl Resolve for Fickle {
    fn resolve(&self, _: Name) -> Resolving {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let found: Vec<_> =
            answer.unwrap().into_iter().map(|ip| SocketAddr::new(IpAddr::V4(ip), 0)).collect();
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

/// Counts the requests that arrive at an address.
async fn count_at(address: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let router = Router::new()
        .fallback(|State(count): State<Arc<AtomicUsize>>| async move {
            count.fetch_add(1, Ordering::SeqCst);
            ([("connection", "close")], "")
        })
        .with_state(count.clone());
    (serve(address, router).await, count)
}

async fn serve(address: SocketAddr, router: Router) -> SocketAddr {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn send(net: PublicNet, url: &str) -> Attempt {
    send_with(&Client::new(net).unwrap(), url).await
}

async fn send_with(client: &Client, url: &str) -> Attempt {
    let target = Target { id: "we_1".into(), url: url.into(), secrets: vec![Secret::generate().unwrap()] };
    client.send(&target, "cb_1_1", "{}", Timestamp::now()).await.unwrap()
}

fn answered(status: u16) -> Attempt {
    Attempt::Answered { status, retry_after: None }
}

#[tokio::test]
async fn a_name_that_turns_inwards_after_it_was_checked_is_not_followed() {
    let (outside, seen_outside) = count_at(SocketAddr::from((PUBLIC, 0))).await;
    let (_, seen_inside) = count_at(SocketAddr::from((PRIVATE, outside.port()))).await;
    let names = Fickle::new([&[PUBLIC], &[PRIVATE]]);
    let client = Client::new(net().with_names(names)).unwrap();
    let url = format!("http://hooks.example.com:{}/", outside.port());
    assert_eq!(send_with(&client, &url).await, answered(200));
    assert_eq!(send_with(&client, &url).await, Attempt::NoAnswer("address_not_allowed"));
    let seen = (seen_outside.load(Ordering::SeqCst), seen_inside.load(Ordering::SeqCst));
    assert_eq!(seen, (1, 0));
}

#[tokio::test]
async fn of_mixed_addresses_only_those_allowed_are_connected_to() {
    let (outside, seen_outside) = count_at(SocketAddr::from((PUBLIC, 0))).await;
    let (_, seen_inside) = count_at(SocketAddr::from((PRIVATE, outside.port()))).await;
    let names = Fickle::new([&[PRIVATE, PUBLIC]]);
    let url = format!("http://hooks.example.com:{}/", outside.port());
    assert_eq!(send(net().with_names(names), &url).await, answered(200));
    let seen = (seen_outside.load(Ordering::SeqCst), seen_inside.load(Ordering::SeqCst));
    assert_eq!(seen, (1, 0));
}

#[tokio::test]
async fn an_address_in_any_dress_is_seen_through() {
    let (inside, seen) = count_at(SocketAddr::from((PRIVATE, 0))).await;
    let port = inside.port();
    for host in ["127.0.0.2", "2130706434", "0x7f.2", "0177.0.0.2", "127.2", "[::ffff:7f00:2]", "127.0.0.2."]
    {
        let url = format!("http://{host}:{port}/");
        assert_eq!(send(net(), &url).await, Attempt::NoAnswer("address_not_allowed"), "{url}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (inside, seen) = count_at(SocketAddr::from((PUBLIC, 0))).await;
    let router =
        Router::new().route(
            "/",
            post(move || async move {
                (axum::http::StatusCode::FOUND, [("location", format!("http://{inside}/"))])
            }),
        );
    let outside = serve(SocketAddr::from((PUBLIC, 0)), router).await;
    let attempt = send(net(), &format!("http://{outside}/")).await;
    assert_eq!((attempt.reason(), attempt.status()), (Some("redirected"), Some(302)));
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let router = Router::new().route(
        "/",
        post(move || async move {
            let body = stream::repeat_with(move || {
                counted.fetch_add(1, Ordering::SeqCst);
                Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024])
            });
            Response::new(Body::from_stream(body))
        }),
    );
    let endpoint = serve(SocketAddr::from((PUBLIC, 0)), router).await;
    let url = format!("http://{endpoint}/");
    let attempt = tokio::time::timeout(Duration::from_secs(10), send(net(), &url)).await;
    assert_eq!(attempt.unwrap(), answered(200));
    // What the kernel's buffers hold, and no more.
    assert!(sent.load(Ordering::SeqCst) < 1000, "{sent:?} chunks of 64 KiB");
}

#[tokio::test]
async fn silence_ends_after_fifteen_seconds_and_a_refused_connection_at_once() {
    let listener = TcpListener::bind((PUBLIC, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let client = Client::new(net()).unwrap();
    let started = std::time::Instant::now();
    assert_eq!(send_with(&client, &url).await, Attempt::NoAnswer("timed_out"));
    assert!((14..=17).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    drop(listener);
    assert_eq!(send_with(&client, &url).await, Attempt::NoAnswer("connect_failed"));
}

#[tokio::test]
async fn what_is_put_off_says_so_in_the_standards_headers() {
    let heard = Arc::new(Mutex::new(HeaderMap::new()));
    let note = heard.clone();
    let router = Router::new().route(
        "/",
        post(move |headers: HeaderMap| async move {
            *note.lock().unwrap() = headers;
            (axum::http::StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "90")])
        }),
    );
    let endpoint = serve(SocketAddr::from((PUBLIC, 0)), router).await;
    let attempt = send(net(), &format!("http://{endpoint}/")).await;
    assert_eq!(attempt, Attempt::Answered { status: 503, retry_after: Some(Duration::from_secs(90)) });
    let heard = heard.lock().unwrap();
    assert_eq!(heard["webhook-id"], "cb_1_1");
    assert_eq!(heard["content-type"], "application/json");
    assert!(heard["webhook-signature"].to_str().unwrap().starts_with("v1,"));
    assert!(heard["webhook-timestamp"].to_str().unwrap().parse::<i64>().is_ok());
    assert!(heard["user-agent"].to_str().unwrap().starts_with("Ringback/"));
}

#[test]
fn only_what_can_be_sent_to_is_set_up() {
    let strict = PublicNet::default();
    let good = WebhookSetup {
        name: "crm".into(),
        url: "https://hooks.example.com:8443/x?y=z".into(),
        event_types: Some(vec!["callback.completed".into()]),
        description: String::new(),
        enabled: true,
    };
    good.check(&strict).unwrap();
    let field = |setup: &WebhookSetup| {
        let problem = setup.check(&strict).unwrap_err().into_problem();
        assert_eq!(problem.code, "field_invalid");
        problem.field.unwrap()
    };
    for url in [
        "http://hooks.example.com/",
        "https://user:word@hooks.example.com/",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/",
        "https://2852039166/",
        "ftp://hooks.example.com/",
        "nonsense",
        &format!("https://hooks.example.com/{}", "x".repeat(2048)),
    ] {
        assert_eq!(field(&WebhookSetup { url: url.into(), ..good.clone() }), "url", "{url}");
    }
    assert_eq!(field(&WebhookSetup { name: "CRM".into(), ..good.clone() }), "name");
    assert_eq!(field(&WebhookSetup { description: "x".repeat(501), ..good.clone() }), "description");
    for types in [vec![], vec!["callback.ended".into()]] {
        assert_eq!(field(&WebhookSetup { event_types: Some(types), ..good.clone() }), "event_types");
    }
}
