//! What every [`Transport`] has to keep, checked against servers that do what networks do. For whoever writes one; the same
//! cases run over the hosts' stacks.

mod pins;

pub use pins::{PinServer, check_pins};

use super::{HttpHeader, HttpRequest, HttpResponse, Streaming, Transport, TransportError, header};
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

/// No case may take longer; an exchange that should have ended has not.
const LIMIT: Duration = Duration::from_secs(20);
/// `Ringback` in gzip.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x0b, 0xca, 0xcc, 0x4b, 0x4f, 0x4a, 0x4c,
    0xce, 0x06, 0x00, 0xb8, 0xf9, 0x69, 0x39, 0x08, 0x00, 0x00, 0x00,
];

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ContractFinding {
    /// What is asked, in words.
    pub case: String,
    /// What was found instead; `None` when it holds.
    pub fault: Option<String>,
}

type Outcome = Result<(), String>;
type Case = (&'static str, Pin<Box<dyn Future<Output = Outcome> + Send>>);

/// Checks every case, one after the other. Needs a tokio runtime with I/O and time.
pub async fn check(transport: Arc<dyn Transport>) -> Vec<ContractFinding> {
    findings_of(cases(&transport)).await
}

async fn findings_of(cases: Vec<Case>) -> Vec<ContractFinding> {
    let mut findings = Vec::new();
    for (case, outcome) in cases {
        let fault = match tokio::time::timeout(LIMIT, outcome).await {
            Ok(outcome) => outcome.err(),
            Err(_) => Some("it does not end".to_owned()),
        };
        findings.push(ContractFinding { case: case.to_owned(), fault });
    }
    findings
}

macro_rules! cases {
    ($transport:expr, $($name:ident),+ $(,)?) => {
        vec![$((stringify!($name), Box::pin($name(Arc::clone($transport))) as Pin<Box<_>>)),+]
    };
}

fn cases(transport: &Arc<dyn Transport>) -> Vec<Case> {
    cases!(
        transport,
        a_request_arrives_as_it_is_and_so_does_its_answer,
        a_get_has_no_body,
        an_error_is_an_answer,
        a_redirect_is_not_followed,
        a_cookie_is_not_sent_back,
        a_compressed_answer_is_unpacked,
        many_at_once_get_their_own_answers,
        silence_is_not_waited_for,
        a_dropped_request_is_called_off,
        a_port_where_nobody_listens_is_unreachable,
        an_answer_that_breaks_off_is_lost,
        an_endless_answer_is_too_large,
        a_server_without_tls_is_not_trusted,
        a_stream_hands_over_what_came_before_more_comes,
        a_stream_that_ends_is_well,
        a_stream_that_breaks_off_is_lost,
        a_stream_that_is_not_read_is_called_off,
    )
}

/// A server for one case: `serve` is given every request with its connection.
async fn server<F, S>(serve: S) -> Result<String, String>
where
    S: Fn(String, TcpStream) -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let serve = Arc::new(serve);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let serve = Arc::clone(&serve);
            tokio::spawn(async move {
                let request = read(&mut stream).await?;
                serve(request, stream).await
            });
        }
    });
    Ok(format!("http://{address}"))
}

/// Head and body of a request.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines().filter_map(|line| line.split_once(':'));
            let length = lines.rfind(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length = length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return Ok(text.into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Answers and ends the connection.
async fn say(mut stream: impl AsyncWrite + Unpin, head: &str, body: &[u8]) -> io::Result<()> {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.shutdown().await
}

/// Returns when the other side is gone.
async fn gone(stream: &mut TcpStream) {
    while !matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_)) {}
}

fn get(url: String) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url,
        headers: Vec::new(),
        body: None,
        timeout_ms: 15_000,
        max_answer_bytes: 100_000,
        pins: Vec::new(),
    }
}

/// Takes what is compared by value, so that a case reads like a sentence.
#[expect(clippy::needless_pass_by_value, reason = "most of it is small, and made for this")]
fn equal<T: PartialEq + Debug>(found: T, asked: T) -> Outcome {
    if found == asked { Ok(()) } else { Err(format!("{found:?} instead of {asked:?}")) }
}

fn failed<T>(outcome: Result<T, TransportError>, asked: TransportError) -> Outcome {
    match outcome.err() {
        None => Err(format!("an answer instead of {asked:?}")),
        Some(error) => equal(error, asked),
    }
}

fn answered(outcome: Result<HttpResponse, TransportError>) -> Result<HttpResponse, String> {
    outcome.map_err(|error| format!("{error:?} instead of an answer"))
}

async fn a_request_arrives_as_it_is_and_so_does_its_answer(transport: Arc<dyn Transport>) -> Outcome {
    let url = server(|request, stream| async move {
        say(stream, "201 Created\r\nx-contract: kept", request.as_bytes()).await
    })
    .await?;
    let headers = [("content-type", "application/json"), ("idempotency-key", "one-key-for-life")]
        .map(|(name, value)| HttpHeader { name: name.to_owned(), value: value.to_owned() })
        .to_vec();
    let body = "{\"name\":\"Ann \u{1f4de}\"}";
    let request = HttpRequest {
        method: "POST".to_owned(),
        headers,
        body: Some(body.as_bytes().to_vec()),
        ..get(format!("{url}/v1/callbacks?a=b%20c"))
    };
    let answer = answered(transport.send(request).await)?;
    equal(answer.status, 201)?;
    equal(header(&answer.headers, "X-Contract"), Some("kept"))?;
    let seen = String::from_utf8_lossy(&answer.body).into_owned();
    let (head, seen_body) = seen.split_once("\r\n\r\n").ok_or("the request has no end")?;
    equal(head.lines().next(), Some("POST /v1/callbacks?a=b%20c HTTP/1.1"))?;
    equal(seen_body, body)?;
    for line in ["content-type: application/json", "idempotency-key: one-key-for-life"] {
        let times = head.lines().filter(|seen| seen.eq_ignore_ascii_case(line)).count();
        equal((line, times), (line, 1))?;
    }
    Ok(())
}

async fn a_get_has_no_body(transport: Arc<dyn Transport>) -> Outcome {
    let url =
        server(|request, stream| async move { say(stream, "200 OK", request.as_bytes()).await }).await?;
    let answer = answered(transport.send(get(url)).await)?;
    let seen = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    equal(seen.starts_with("get / http/1.1\r\n"), true)?;
    equal(seen.contains("content-length:") && !seen.contains("content-length: 0"), false)
}

async fn an_error_is_an_answer(transport: Arc<dyn Transport>) -> Outcome {
    for (line, status) in
        [("401 Unauthorized", 401), ("404 Not Found", 404), ("503 Service Unavailable", 503)]
    {
        let url = server(move |_, stream| say_owned(stream, line, b"{}".to_vec())).await?;
        let answer = answered(transport.send(get(url)).await)?;
        equal((answer.status, answer.body.as_slice()), (status, b"{}".as_slice()))?;
    }
    Ok(())
}

async fn say_owned(stream: TcpStream, head: &'static str, body: Vec<u8>) -> io::Result<()> {
    say(stream, head, &body).await
}

async fn a_redirect_is_not_followed(transport: Arc<dyn Transport>) -> Outcome {
    let (followed, mut follows) = mpsc::unbounded_channel();
    let other = server(move |_, stream| {
        let _ = followed.send(());
        say_owned(stream, "200 OK", Vec::new())
    })
    .await?;
    let url = server(move |_, stream| {
        let head = format!("302 Found\r\nlocation: {other}/elsewhere");
        async move { say(stream, &head, b"").await }
    })
    .await?;
    let answer = answered(transport.send(get(url)).await)?;
    equal((answer.status, follows.try_recv().is_ok()), (302, false))
}

async fn a_cookie_is_not_sent_back(transport: Arc<dyn Transport>) -> Outcome {
    let url = server(|request, stream| async move {
        say(stream, "200 OK\r\nset-cookie: session=1; path=/", request.as_bytes()).await
    })
    .await?;
    answered(transport.send(get(url.clone())).await)?;
    let answer = answered(transport.send(get(url)).await)?;
    equal(String::from_utf8_lossy(&answer.body).to_ascii_lowercase().contains("\r\ncookie:"), false)
}

async fn a_compressed_answer_is_unpacked(transport: Arc<dyn Transport>) -> Outcome {
    let url = server(|request, stream| async move {
        let asked = request.to_ascii_lowercase();
        let takes_gzip =
            asked.lines().any(|line| line.starts_with("accept-encoding:") && line.contains("gzip"));
        if takes_gzip {
            say(stream, "200 OK\r\ncontent-encoding: gzip", GZIP).await
        } else {
            say(stream, "200 OK", b"Ringback").await
        }
    })
    .await?;
    let answer = answered(transport.send(get(url)).await)?;
    equal(String::from_utf8_lossy(&answer.body).as_ref(), "Ringback")
}

async fn many_at_once_get_their_own_answers(transport: Arc<dyn Transport>) -> Outcome {
    let url = server(|request, stream| async move {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        say(stream, "200 OK", path.as_bytes()).await
    })
    .await?;
    let sending: Vec<_> = (0..64)
        .map(|number| {
            let (transport, path) = (Arc::clone(&transport), format!("/{number}"));
            let request = get(format!("{url}{path}"));
            (path, tokio::spawn(async move { transport.send(request).await }))
        })
        .collect();
    for (path, sent) in sending {
        let answer = answered(sent.await.map_err(|error| error.to_string())?)?;
        equal(String::from_utf8_lossy(&answer.body).into_owned(), path)?;
    }
    Ok(())
}

async fn silence_is_not_waited_for(transport: Arc<dyn Transport>) -> Outcome {
    let url = server(|_, mut stream| async move {
        gone(&mut stream).await;
        Ok(())
    })
    .await?;
    let request = HttpRequest { timeout_ms: 300, ..get(url) };
    failed(transport.send(request).await, TransportError::TimedOut)
}

async fn a_dropped_request_is_called_off(transport: Arc<dyn Transport>) -> Outcome {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let url = server(move |_, mut stream| {
        let arrived = arrived.clone();
        async move {
            let (left, leaves) = oneshot::channel::<()>();
            let _ = arrived.send(leaves);
            gone(&mut stream).await;
            drop(left);
            Ok(())
        }
    })
    .await?;
    let sending = tokio::spawn(async move { transport.send(get(url)).await });
    let left = arrivals.recv().await.ok_or("the request does not arrive")?;
    sending.abort();
    let _ = left.await;
    Ok(())
}

async fn a_port_where_nobody_listens_is_unreachable(transport: Arc<dyn Transport>) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    drop(listener);
    failed(transport.send(get(format!("http://{address}/"))).await, TransportError::Unreachable)
}

async fn an_answer_that_breaks_off_is_lost(transport: Arc<dyn Transport>) -> Outcome {
    let url = server(|_, mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"id\":").await?;
        stream.shutdown().await
    })
    .await?;
    failed(transport.send(get(url)).await, TransportError::ConnectionLost)
}

async fn an_endless_answer_is_too_large(transport: Arc<dyn Transport>) -> Outcome {
    let url = server(|_, mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
        loop {
            stream.write_all(&[b' '; 4096]).await?;
        }
    })
    .await?;
    failed(transport.send(get(url)).await, TransportError::AnswerTooLarge)
}

async fn a_server_without_tls_is_not_trusted(transport: Arc<dyn Transport>) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // All of the greeting is read: what is left unread would turn the end into a reset.
            let _ = stream.read(&mut [0; 8192]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
            let _ = stream.shutdown().await;
            gone(&mut stream).await;
        }
    });
    failed(transport.send(get(format!("https://{address}/"))).await, TransportError::TlsFailed)
}

const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// Reads from a stream until this many bytes are there.
async fn take(streaming: &mut Streaming, bytes: usize) -> Result<Vec<u8>, String> {
    let mut taken = Vec::new();
    while taken.len() < bytes {
        let chunk = streaming.chunk().await.map_err(|error| format!("{error:?} in the body"))?;
        taken.extend(chunk.ok_or("the body ends early")?);
    }
    Ok(taken)
}

async fn head_of(streaming: &mut Streaming) -> Outcome {
    let head = streaming.head().await.map_err(|error| format!("{error:?} instead of a head"))?;
    equal((head.status, header(&head.headers, "content-type")), (200, Some("text/event-stream")))
}

async fn a_stream_hands_over_what_came_before_more_comes(transport: Arc<dyn Transport>) -> Outcome {
    let (more, wanted) = mpsc::channel::<()>(1);
    let wanted = Arc::new(tokio::sync::Mutex::new(wanted));
    let url = server(move |_, mut stream| {
        let wanted = Arc::clone(&wanted);
        async move {
            stream.write_all(STREAM_HEAD).await?;
            for event in ["one!!", "two!!", "three"] {
                let _ = wanted.lock().await.recv().await;
                stream.write_all(format!("5\r\n{event}\r\n").as_bytes()).await?;
            }
            gone(&mut stream).await;
            Ok(())
        }
    })
    .await?;
    let mut streaming = Streaming::begin(transport, get(url));
    head_of(&mut streaming).await?;
    for event in ["one!!", "two!!", "three"] {
        more.send(()).await.map_err(|error| error.to_string())?;
        let taken = take(&mut streaming, 5).await?;
        equal(String::from_utf8_lossy(&taken).as_ref(), event)?;
    }
    Ok(())
}

async fn a_stream_that_ends_is_well(transport: Arc<dyn Transport>) -> Outcome {
    let url = server(|_, mut stream| async move {
        stream.write_all(STREAM_HEAD).await?;
        stream.write_all(b"3\r\nend\r\n0\r\n\r\n").await?;
        gone(&mut stream).await;
        Ok(())
    })
    .await?;
    let mut streaming = Streaming::begin(transport, get(url));
    head_of(&mut streaming).await?;
    equal(take(&mut streaming, 3).await?, b"end".to_vec())?;
    equal(streaming.chunk().await, Ok(None))
}

async fn a_stream_that_breaks_off_is_lost(transport: Arc<dyn Transport>) -> Outcome {
    let url = server(|_, mut stream| async move {
        stream.write_all(STREAM_HEAD).await?;
        stream.write_all(b"3\r\nend\r\n").await?;
        stream.shutdown().await
    })
    .await?;
    let mut streaming = Streaming::begin(transport, get(url));
    head_of(&mut streaming).await?;
    equal(take(&mut streaming, 3).await?, b"end".to_vec())?;
    failed(streaming.chunk().await, TransportError::ConnectionLost)
}

async fn a_stream_that_is_not_read_is_called_off(transport: Arc<dyn Transport>) -> Outcome {
    let (left, mut leaves) = mpsc::unbounded_channel();
    let url = server(move |_, mut stream| {
        let left = left.clone();
        async move {
            stream.write_all(STREAM_HEAD).await?;
            gone(&mut stream).await;
            let _ = left.send(());
            Ok(())
        }
    })
    .await?;
    let mut streaming = Streaming::begin(transport, get(url));
    head_of(&mut streaming).await?;
    drop(streaming);
    leaves.recv().await.ok_or_else(|| "the server is gone".to_owned())
}
