//! What networks and servers do to a sender, as it looks from the sender's side.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests only inside `mod tests`")]

mod common;

use std::time::Duration;

use common::{Raw, TOPIC, end, tls};
use h2::Reason;
use ringback_doubles::{ApnsDouble, ApnsDoubleSettings, Authority, ConnectionFault, Fault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMIT: Duration = Duration::from_secs(10);

async fn start() -> ApnsDouble {
    let double =
        ApnsDouble::start(ApnsDoubleSettings::default(), &Authority::generate().unwrap()).await.unwrap();
    for device in ["a", "b", "c"] {
        double.register(device, TOPIC);
    }
    double
}

#[tokio::test]
async fn an_answer_breaks_off_in_the_middle() {
    let double = start().await;
    double.script(vec![Fault::CutBody { reason: Some("TooManyRequests".into()) }]).unwrap();
    let mut raw = Raw::to(&double).await;
    let mut answer = raw.push("a").await.unwrap();
    assert_eq!(answer.status(), 429);
    let whole = br#"{"reason":"TooManyRequests"}"#;
    let half = answer.body_mut().data().await.unwrap().unwrap();
    assert_eq!(half[..], whole[..whole.len() / 2]);
    let error = answer.body_mut().data().await.unwrap().unwrap_err();
    assert!(error.is_io(), "{error}");
    assert!(raw.connection.await.unwrap().is_err());
    double.script(vec![Fault::CutBody { reason: None }]).unwrap();
    let mut raw = Raw::to(&double).await;
    let mut answer = raw.push("a").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.body_mut().data().await.unwrap().is_err());
    // Both were answered: what the sender cannot know, the record does.
    let statuses: Vec<_> =
        double.record().received().into_iter().map(|push| push.answer.unwrap().status).collect();
    assert_eq!(statuses, [429, 200]);
}

#[tokio::test]
async fn a_connection_ends_without_an_answer() {
    let double = start().await;
    for fault in [Fault::Disconnect, Fault::Reset, Fault::Garbage] {
        double.script(vec![fault.clone()]).unwrap();
        let mut raw = Raw::to(&double).await;
        let error = raw.push("a").await.unwrap_err();
        let reset = error.get_io().map(std::io::Error::kind) == Some(std::io::ErrorKind::ConnectionReset);
        assert_eq!(reset, fault == Fault::Reset, "{fault:?}: {error}");
        let too_long = error.reason() == Some(Reason::FRAME_SIZE_ERROR);
        assert_eq!(too_long, fault == Fault::Garbage, "{fault:?}: {error}");
    }
    let received = double.record().received();
    assert!(received.iter().all(|push| push.answer.is_none() && push.processed));
    assert_eq!(received.iter().map(|push| push.connection).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn answers_can_be_wrong() {
    let double = start().await;
    let answer = |status, body: &str, content_type: Option<&str>| Fault::Answer {
        status,
        body: body.to_owned(),
        content_type: content_type.map(str::to_owned),
    };
    double
        .script(vec![
            answer(502, "<html></html>", Some("text/html")),
            answer(400, r#"{"reason":"MoonPhase"}"#, None),
            answer(418, "", None),
            answer(200, "", None),
        ])
        .unwrap();
    let mut raw = Raw::to(&double).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let mut answer = raw.push("a").await.unwrap();
        assert!(!answer.headers().contains_key("apns-id"));
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let body = match answer.body_mut().data().await {
            Some(body) => String::from_utf8(body.unwrap().to_vec()).unwrap(),
            None => String::new(),
        };
        seen.push((answer.status().as_u16(), body, kind));
    }
    assert_eq!(
        seen,
        [
            (502, "<html></html>".to_owned(), Some("text/html".to_owned())),
            (400, r#"{"reason":"MoonPhase"}"#.to_owned(), None),
            (418, String::new(), None),
            (200, String::new(), None),
        ]
    );
}

#[tokio::test]
async fn a_stream_is_refused_and_the_connection_lives() {
    let double = start().await;
    double.script(vec![Fault::RefuseStream]).unwrap();
    let mut raw = Raw::to(&double).await;
    let error = raw.push("a").await.unwrap_err();
    assert!(error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM), "{error}");
    assert_eq!(raw.push("a").await.unwrap().status(), 200);
    let received = double.record().received();
    assert_eq!(received.iter().map(|push| push.processed).collect::<Vec<_>>(), [false, true]);
    assert_eq!(received[0].connection, received[1].connection);
}

#[tokio::test]
async fn a_goaway_leaves_later_streams_unprocessed() {
    let double = start().await;
    double.script_device("a", vec![Fault::Delay { delay_ms: 50 }]).unwrap();
    double.script_device("b", vec![Fault::GoAwayUnprocessed]).unwrap();
    let mut raw = Raw::to(&double).await;
    let (a, b, c) = (raw.push("a"), raw.push("b"), raw.push("c"));
    let (a, b, c) = tokio::join!(a, b, c);
    assert_eq!(a.unwrap().status(), 200);
    for left in [b.unwrap_err(), c.unwrap_err()] {
        assert!(left.is_go_away() && left.is_remote(), "{left}");
        assert_eq!(left.reason(), Some(Reason::NO_ERROR));
    }
    let all = double.record().wait_for_count(LIMIT, 2).await.unwrap();
    for push in &all {
        assert_eq!(push.processed, push.device == "a", "{}", push.device);
        assert_eq!(push.accepted(), push.device == "a", "{}", push.device);
    }
    raw.connection.await.unwrap().unwrap();
    let mut again = Raw::to(&double).await;
    assert_eq!(again.push("b").await.unwrap().status(), 200);
}

#[tokio::test]
async fn no_goaway_disowns_what_was_answered() {
    let double = start().await;
    double.script_device("a", vec![Fault::GoAwayUnprocessed]).unwrap();
    let mut raw = Raw::to(&double).await;
    let (early, body) = raw.begin("a");
    assert_eq!(raw.push("b").await.unwrap().status(), 200);
    end(body);
    assert_eq!(early.await.unwrap_err().reason(), Some(Reason::REFUSED_STREAM));
    assert_eq!(raw.push("c").await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_stream_limit_holds_and_can_change() {
    let double = start().await;
    double.server().set_stream_limit(1);
    // This client does not wait to be told the limit.
    let mut builder = h2::client::Builder::new();
    builder.initial_max_send_streams(3);
    double.script(vec![Fault::Stall]).unwrap();
    let mut raw = Raw::with(&double, builder).await;
    let (stalled, b, c) = (raw.push("a"), raw.push("b"), raw.push("c"));
    for refused in [b.await, c.await] {
        assert_eq!(refused.unwrap_err().reason(), Some(Reason::REFUSED_STREAM));
    }
    let counts = double.server().counts();
    assert_eq!((counts.most_streams, counts.refused_streams), (1, 2));
    // Now it has been told, and waits until it may.
    assert_eq!(raw.sender.current_max_send_streams(), 1);
    let waiting = raw.push("b");
    double.server().set_stream_limit(2);
    assert_eq!(waiting.await.unwrap().status(), 200);
    assert_eq!(raw.sender.current_max_send_streams(), 2);
    assert_eq!(double.server().counts().refused_streams, 2);
    drop(stalled);
    double.server().set_stream_limit(5);
    let mut new = Raw::to(&double).await;
    assert_eq!(new.push("a").await.unwrap().status(), 200);
    assert_eq!(new.sender.current_max_send_streams(), 5);
}

/// A frame by hand, for a client that does what no library would do.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

#[tokio::test]
async fn a_client_that_ignores_the_stream_limit_is_noticed() {
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const REFUSED_STREAM: u8 = 7;
    let double = start().await;
    double.server().set_stream_limit(1);
    let mut io = tls(&double.endpoint(), double.ca_pem()).await.unwrap();
    let post = [0x83, 0x87, 0x84];
    let words = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        frame(SETTINGS, 1, 0, &[]),
        frame(HEADERS, 4, 1, &post),
        frame(HEADERS, 4, 3, &post),
    ];
    io.write_all(&words.concat()).await.unwrap();
    let refusal = loop {
        let mut head = [0; 9];
        io.read_exact(&mut head).await.unwrap();
        let mut payload = vec![0; usize::from(head[2])];
        io.read_exact(&mut payload).await.unwrap();
        if head[3] == RST_STREAM {
            break (head[8], payload);
        }
    };
    assert_eq!(refusal, (3, vec![0, 0, 0, REFUSED_STREAM]));
    assert_eq!(double.server().counts().beyond_limit, 1);
}

#[tokio::test]
async fn an_outage_refuses_connections_and_ends() {
    let double = start().await;
    let endpoint = double.endpoint();
    let mut raw = Raw::to(&double).await;
    assert_eq!(raw.push("a").await.unwrap().status(), 200);
    double.server().go_down().await.unwrap();
    // The connection that was there has ended, with or without a word.
    let _ = raw.connection.await.unwrap();
    let refused = tls(&endpoint, double.ca_pem()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    double.server().go_down().await.unwrap();
    double.server().come_back().await.unwrap();
    assert_eq!(double.endpoint(), endpoint);
    let mut raw = Raw::to(&double).await;
    assert_eq!(raw.push("b").await.unwrap().status(), 200);
    assert_eq!(double.record().counts().accepted, 2);
}

#[tokio::test]
async fn idle_connections_are_closed_and_busy_ones_are_not() {
    let double = start().await;
    let mut idle = Raw::to(&double).await;
    assert_eq!(idle.push("a").await.unwrap().status(), 200);
    let mut busy = Raw::to(&double).await;
    double.script(vec![Fault::Stall]).unwrap();
    let stalled = busy.push("b");
    double.record().wait_for_count(LIMIT, 2).await.unwrap();
    double.server().close_idle();
    idle.connection.await.unwrap().unwrap();
    assert_eq!(busy.push("c").await.unwrap().status(), 200);
    drop(stalled);
}

#[tokio::test]
async fn tls_goes_wrong_in_every_way() {
    let double = start().await;
    let connect = async || tls(&double.endpoint(), double.ca_pem()).await;
    for (fault, expected) in [
        (ConnectionFault::WrongName, "NotValidForName"),
        (ConnectionFault::ExpiredCertificate, "Expired"),
        (ConnectionFault::UntrustedCertificate, "UnknownIssuer"),
        (ConnectionFault::CutHandshake, "UnexpectedEof"),
        (ConnectionFault::Reset, "ConnectionReset"),
        (ConnectionFault::NoHttp2, "UnexpectedEof"),
    ] {
        double.server().script(vec![fault]);
        let error = format!("{:?}", connect().await.unwrap_err());
        assert!(error.contains(expected), "{fault:?}: {error}");
    }
    double.server().every_connection(Some(ConnectionFault::StallHandshake));
    assert!(tokio::time::timeout(Duration::from_millis(50), connect()).await.is_err());
    double.server().every_connection(None);
    let mut raw = Raw::to(&double).await;
    assert_eq!(raw.push("a").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_record_can_be_bounded() {
    let double = start().await;
    let mut raw = Raw::to(&double).await;
    double.record().keep_last(2);
    for device in ["a", "b", "c", "a", "b"] {
        assert_eq!(raw.push(device).await.unwrap().status(), 200);
    }
    let devices: Vec<_> = double.record().received().into_iter().map(|push| push.device).collect();
    assert_eq!(devices, ["a", "b"]);
    double.record().keep_last(0);
    let record = double.record().clone();
    let waiting = tokio::spawn(async move { record.wait_for_accepted(LIMIT, 6).await });
    assert_eq!(raw.push("c").await.unwrap().status(), 200);
    waiting.await.unwrap().unwrap();
    assert!(double.record().received().is_empty());
    assert_eq!(double.record().counts().received, 6);
    let too_many = double.record().wait_for_accepted(Duration::from_millis(10), 7).await;
    assert_eq!(too_many.unwrap_err().received, 6);
}
