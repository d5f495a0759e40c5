//! The attestation keys that Google has revoked or suspended: the list, and where it comes from.

use super::AttestationError;
use crate::config::AttestationSettings;
use crate::push::connection::ConnectionSettings;
use jiff::SignedDuration;
use ringback_core::protocol::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

const ADDRESS: &str = "https://android.googleapis.com/attestation/status";
/// Google's has some hundred kilobytes.
const LIST_MAX_BYTES: usize = 16 * 1024 * 1024;
/// It is had anew after an hour, counts for a day, and is not asked for again within a minute of having failed.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
const COUNTS: SignedDuration = SignedDuration::from_hours(24);
const REST: SignedDuration = SignedDuration::from_mins(1);

/// Serial numbers of certificates that count no more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StatusList {
    serials: HashSet<String>,
}

#[derive(Deserialize)]
struct Listed {
    entries: HashMap<String, IgnoredAny>,
}

impl StatusList {
    /// Reads it as Google publishes it. Whoever is in it is revoked or suspended: both count.
    pub(super) fn read(json: &[u8]) -> Result<Self, ListError> {
        let listed: Listed = serde_json::from_slice(json).map_err(ListError::Unreadable)?;
        let serials = listed.entries.into_keys().map(|serial| plain(&serial)).collect();
        Ok(Self { serials })
    }

    /// Whether this serial number is in it.
    pub(super) fn names(&self, serial: &[u8]) -> bool {
        let digits: String = serial.iter().map(|byte| format!("{byte:02x}")).collect();
        self.serials.contains(&plain(&digits))
    }
}

/// Hexadecimal as the list has it: small letters, no zeros before.
fn plain(serial: &str) -> String {
    serial.trim_start_matches('0').to_ascii_lowercase()
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is not what Google publishes.
    #[error("it is not the JSON that was expected: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// It is larger than it should be.
    #[error("it has more than {} bytes", LIST_MAX_BYTES)]
    TooLarge,
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// Nobody answers.
    #[error("it cannot be had: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// Somebody answers something else.
    #[error("the answer is {0}")]
    Answer(u16),
}

enum Source {
    File(PathBuf),
    Address { http: reqwest::Client, url: String },
}

#[derive(Default)]
struct State {
    list: Option<(Arc<StatusList>, Timestamp)>,
    tried_at: Option<Timestamp>,
}

/// Has the list, and has it anew from time to time.
pub(super) struct Revocations {
    source: Source,
    state: Mutex<State>,
}

impl Revocations {
    /// As the settings want it. A file has to be right from the start.
    pub(super) fn new(
        settings: &AttestationSettings,
        connection: &ConnectionSettings,
    ) -> Result<Self, AttestationError> {
        let source = match &settings.android_key_status_file {
            Some(path) => {
                let list = |error| AttestationError::StatusList { path: path.clone(), source: error };
                StatusList::read(&std::fs::read(path).map_err(ListError::from).map_err(list)?)
                    .map_err(list)?;
                Source::File(path.clone())
            }
            None => {
                let http = connection.client_builder()?.timeout(Duration::from_secs(5)).build();
                let url = match settings.android_key_status_url.as_str() {
                    "" => ADDRESS.to_owned(),
                    other => other.to_owned(),
                };
                Source::Address { http: http.map_err(AttestationError::Tls)?, url }
            }
        };
        Ok(Self { source, state: Mutex::default() })
    }

    /// The list, if there is one that counts now. Of many callers one asks for it and the others wait.
    pub(super) async fn list(&self, now: Timestamp) -> Option<Arc<StatusList>> {
        let mut state = self.state.lock().await;
        let within = |at: Timestamp, limit| now.duration_since(at).abs() < limit;
        let is_fresh = state.list.as_ref().is_some_and(|(_, at)| within(*at, FRESH));
        let rests = state.tried_at.is_some_and(|at| within(at, REST));
        if !is_fresh && !rests {
            state.tried_at = Some(now);
            match self.source.fetch().await {
                Ok(list) => state.list = Some((Arc::new(list), now)),
                Err(error) => tracing::warn!(%error, "no list of revoked Android keys"),
            }
        }
        state.list.as_ref().filter(|(_, at)| within(*at, COUNTS)).map(|(list, _)| list.clone())
    }
}

impl Source {
    async fn fetch(&self) -> Result<StatusList, ListError> {
        let (http, url) = match self {
            Self::File(path) => return StatusList::read(&std::fs::read(path)?),
            Self::Address { http, url } => (http, url),
        };
        let mut answer = http.get(url).header("accept", "application/json").send().await?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(ListError::Answer(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > LIST_MAX_BYTES {
                return Err(ListError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        StatusList::read(&body)
    }
}

#[cfg(test)]
#[path = "revocation_tests.rs"]
mod tests;
