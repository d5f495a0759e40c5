//! What arrived, and how to wait for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Apple Push Notification service.
    Apns,
    /// Firebase Cloud Messaging.
    Fcm,
}

/// One request that reached a double, and what it was told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Received {
    /// When it was there in full.
    pub at: Timestamp,
    /// By which double.
    pub provider: Provider,
    /// Connections are numbered from 1 in the order they were accepted.
    pub connection: u64,
    /// The device token or installation id; empty if there was none to find.
    pub device: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, or `null` if it was not JSON.
    pub payload: Value,
    /// What the double answered; `None` if it was told to leave the sender without an answer.
    pub answer: Option<Answer>,
}

/// What a double answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The provider's word, when it refused.
    pub reason: Option<String>,
}

impl Received {
    /// Whether the double took it.
    pub fn accepted(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.status == 200)
    }
}

/// What was waited for did not come in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not within {timeout_ms} ms; {received} requests had arrived")]
pub struct WaitTimedOut {
    /// How long was waited.
    pub timeout_ms: u128,
    /// How many requests there were at the end.
    pub received: usize,
}

/// Everything a double has received, oldest first. Clones share it.
#[derive(Clone)]
pub struct Record {
    all: Arc<Mutex<Vec<Received>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self { all: Arc::default(), count: Arc::new(watch::Sender::new(0)) }
    }

    pub(crate) fn add(&self, received: Received) {
        self.with(|all| all.push(received));
        self.count.send_modify(|count| *count += 1);
    }

    fn with<R>(&self, look: impl FnOnce(&mut Vec<Received>) -> R) -> R {
        look(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A copy of it.
    pub fn received(&self) -> Vec<Received> {
        self.with(|all| all.clone())
    }

    /// Waits until `found` finds what it looks for among all that was received so far.
    pub async fn wait_until<R>(
        &self,
        timeout: Duration,
        mut found: impl FnMut(&[Received]) -> Option<R>,
    ) -> Result<R, WaitTimedOut> {
        let mut count = self.count.subscribe();
        let search = async {
            loop {
                if let Some(result) = self.with(|all| found(all)) {
                    return result;
                }
                if count.changed().await.is_err() {
                    // Never: this record holds the sender.
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::time::timeout(timeout, search).await.map_err(|_| WaitTimedOut {
            timeout_ms: timeout.as_millis(),
            received: self.with(|all| all.len()),
        })
    }

    /// Waits for the first request that `wanted` accepts, one already there included.
    pub async fn wait_for(
        &self,
        timeout: Duration,
        mut wanted: impl FnMut(&Received) -> bool,
    ) -> Result<Received, WaitTimedOut> {
        self.wait_until(timeout, |all| all.iter().find(|received| wanted(received)).cloned()).await
    }

    /// Waits until `count` requests are there.
    pub async fn wait_for_count(
        &self,
        timeout: Duration,
        count: usize,
    ) -> Result<Vec<Received>, WaitTimedOut> {
        self.wait_until(timeout, |all| (all.len() >= count).then(|| all.to_vec())).await
    }
}

pub(crate) fn header_map(headers: &hyper::HeaderMap) -> BTreeMap<String, String> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
