//! What arrived, and how to wait for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Apple Push Notification service.
    Apns,
    /// Firebase Cloud Messaging.
    Fcm,
    /// A push service of a browser.
    WebPush,
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
    /// `false` if the double told the sender, by HTTP/2, that it has not worked on it.
    pub processed: bool,
}

/// What a double answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The provider's word, when it refused.
    pub reason: Option<String>,
}

impl Answer {
    pub(crate) fn is_acceptance(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Received {
    /// Whether the double took it.
    pub fn accepted(&self) -> bool {
        self.answer.as_ref().is_some_and(Answer::is_acceptance)
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

/// How many requests there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All of them.
    pub received: usize,
    /// Those that were accepted.
    pub accepted: usize,
}

#[derive(Default)]
struct Kept {
    all: Vec<Received>,
    last: Option<usize>,
}

impl Kept {
    /// The oldest go; not one by one, so that a request costs the same however many are kept.
    fn trim(&mut self, slack: usize) {
        if let Some(last) = self.last
            && self.all.len() > last + slack
        {
            self.all.drain(..self.all.len() - last);
        }
    }
}

/// Everything a double has received, oldest first. Clones share it.
#[derive(Clone)]
pub struct Record {
    kept: Arc<Mutex<Kept>>,
    counts: Arc<watch::Sender<Counts>>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self { kept: Arc::default(), counts: Arc::new(watch::Sender::default()) }
    }

    /// Only counts if nothing is to be kept: `received` is not called then.
    pub(crate) fn add(&self, accepted: bool, received: impl FnOnce() -> Received) {
        if self.with(|kept| kept.last) != Some(0) {
            let received = received();
            self.with(|kept| {
                kept.all.push(received);
                kept.trim(kept.last.unwrap_or(0));
            });
        }
        self.counts.send_modify(|counts| {
            counts.received += 1;
            counts.accepted += usize::from(accepted);
        });
    }

    fn with<R>(&self, look: impl FnOnce(&mut Kept) -> R) -> R {
        look(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on keeps the last `count` requests only, so that memory stays flat however many come; with 0, none. All
    /// are counted.
    pub fn keep_last(&self, count: usize) {
        self.with(|kept| {
            kept.last = Some(count);
            kept.trim(0);
            kept.all.shrink_to_fit();
        });
    }

    /// How many there were, kept or not.
    pub fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// A copy of what is kept.
    pub fn received(&self) -> Vec<Received> {
        self.with(|kept| {
            kept.trim(0);
            kept.all.clone()
        })
    }

    /// Waits until so many were accepted, kept or not.
    pub async fn wait_for_accepted(&self, timeout: Duration, count: usize) -> Result<(), WaitTimedOut> {
        let mut counts = self.counts.subscribe();
        let enough = counts.wait_for(|counts| counts.accepted >= count);
        match tokio::time::timeout(timeout, enough).await {
            Ok(_) => Ok(()),
            Err(_) => Err(self.timed_out(timeout)),
        }
    }

    fn timed_out(&self, timeout: Duration) -> WaitTimedOut {
        WaitTimedOut { timeout_ms: timeout.as_millis(), received: self.counts().received }
    }

    /// Waits until `found` finds what it looks for among all that is kept so far.
    pub async fn wait_until<R>(
        &self,
        timeout: Duration,
        mut found: impl FnMut(&[Received]) -> Option<R>,
    ) -> Result<R, WaitTimedOut> {
        let mut counts = self.counts.subscribe();
        let search = async {
            loop {
                if let Some(result) = self.with(|kept| found(&kept.all)) {
                    return result;
                }
                if counts.changed().await.is_err() {
                    // Never: this record holds the sender.
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::time::timeout(timeout, search).await.map_err(|_| self.timed_out(timeout))
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
