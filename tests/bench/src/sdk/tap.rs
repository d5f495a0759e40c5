//! From the tap to the first bytes at the server, the request being safe on disk before.

use super::wire::Wire;
use crate::Failure;
use crate::row::{Measure, Row, quantile};
use ringback_core::client::{ClientConfig, RingbackClient};
use ringback_core::host::{FileStore, Host};
use ringback_core::protocol::CallbackRequest;
use ringback_core::transport::ReqwestTransport;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CREATE: &str = "POST /v1/callbacks ";
pub(super) const CALLBACK: &str = r#"{"id":"cb_1","service":"billing","state":"queued","direction":"customer_terminated","created_at":"2026-11-23T10:00:00Z","version":1}"#;
pub(super) const INSTALLATION: &str = r#"{"id":"in_1","token":"token-1"}"#;

/// A client on a phone of its own, over its own connections.
pub(super) fn client(url: &str, folder: &Path) -> Result<RingbackClient, Failure> {
    let store = Arc::new(FileStore::new(folder.join("secrets")));
    let host = Host::new(store, Arc::new(ReqwestTransport::new()?));
    let config = ClientConfig::new(url, "rb_pub_bench", folder.join("data").to_string_lossy());
    Ok(RingbackClient::new(config, host)?)
}

/// The median of so many taps, in turns with those of a client that somebody wrote by hand.
pub(super) async fn row(taps: usize) -> Result<Row, Failure> {
    let wire = Wire::start(|head| {
        let body = if head.starts_with("POST /v1/installations") { INSTALLATION } else { CALLBACK };
        (201, body.to_owned())
    })
    .await?;
    let folder = tempfile::tempdir()?;
    let client = client(&wire.url, folder.path())?;
    let by_hand = ByHand { http: reqwest::Client::new(), url: format!("{}/v1/callbacks", wire.url) };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // The first tenth warms both up: they register, connect, compile nothing.
    for number in 0..taps + taps / 10 {
        let request = CallbackRequest::new("billing", format!("+49309018{number:05}"));
        let begin = Instant::now();
        client.request_callback(request.clone()).await?;
        ours.push(reached(&wire, begin)?);
        let begin = Instant::now();
        by_hand.request(&request, folder.path()).await?;
        theirs.push(reached(&wire, begin)?);
    }
    let median = |times: &[Duration]| Measure::Takes(quantile(&times[taps / 10..], 0.5));
    Ok(Row {
        name: "sdk/tap".to_owned(),
        figure: median(&ours),
        reference: median(&theirs),
        meaning: format!(
            "From `request_callback` to the first bytes at the server, over `reqwest` on an open connection, the median of \
             {taps}: the request is in the outbox on disk before. Reference: the same request by hand, written to a file \
             with one `fsync` and posted by `reqwest`, in turns with ours."
        ),
    })
}

fn reached(wire: &Wire, begin: Instant) -> Result<Duration, Failure> {
    let [seen] = wire.take(CREATE).try_into().map_err(|_| "a tap was not one request")?;
    Ok(seen.at.duration_since(begin))
}

/// What a careful app would do without an SDK, and no more.
struct ByHand {
    http: reqwest::Client,
    url: String,
}

impl ByHand {
    async fn request(&self, request: &CallbackRequest, folder: &Path) -> Result<(), Failure> {
        let (body, key) = (serde_json::to_vec(request)?, uuid::Uuid::new_v4().to_string());
        let (file, kept) = (folder.join(&key), body.clone());
        let keep = file.clone();
        tokio::task::spawn_blocking(move || {
            let mut file = File::create_new(keep)?;
            file.write_all(&kept)?;
            file.sync_all()
        })
        .await??;
        let request = self.http.post(&self.url).header("Idempotency-Key", key).bearer_auth("token-1");
        let answer = request.header("Content-Type", "application/json").body(body).send().await?;
        answer.error_for_status()?.bytes().await?;
        fs::remove_file(file)?;
        Ok(())
    }
}
