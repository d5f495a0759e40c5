//! One attempt: a signed POST to an endpoint, to the public internet only.

use super::endpoints::Target;
use super::retry::Attempt;
use super::secret::signatures;
use crate::public_net::{PublicNet, is_forbidden};
use crate::push::outcome::parse_retry_after;
use crate::refusal::Refusal;
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use ringback_core::protocol::Timestamp;
use std::time::Duration;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// From the first look-up to the last byte of the answer.
const TOTAL_LIMIT: Duration = Duration::from_secs(15);
/// So much of an answer is read, so that its connection can be used again. What it says is not kept.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// Sends to endpoints.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    net: PublicNet,
}

impl Client {
    /// A client that keeps to this part of the network.
    pub fn new(net: PublicNet) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("Ringback/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .timeout(TOTAL_LIMIT);
        Ok(Self { http: net.guard(builder).build()?, net })
    }

    /// Sends a message once.
    pub async fn send(
        &self,
        target: &Target,
        id: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<Attempt, Refusal> {
        // Again, and not only when it was entered: what may be reached can have been set anew meanwhile.
        let Ok(url) = self.net.check_url(&target.url) else {
            return Ok(Attempt::NoAnswer("address_not_allowed"));
        };
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", signatures(&target.secrets, id, now, body)?)
            .body(body.to_owned());
        Ok(match request.send().await {
            Ok(response) => answered(response, now).await,
            Err(error) => Attempt::NoAnswer(reason(&error)),
        })
    }
}

async fn answered(mut response: Response, now: Timestamp) -> Attempt {
    let status = response.status().as_u16();
    let retry_after =
        response.headers().get(RETRY_AFTER).and_then(|value| parse_retry_after(value.to_str().ok()?, now));
    let mut read = 0;
    // An answer that breaks off has said all that counts: the status.
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER_MAX_BYTES {
            break;
        }
    }
    Attempt::Answered { status, retry_after }
}

fn reason(error: &reqwest::Error) -> &'static str {
    if is_forbidden(error) {
        "address_not_allowed"
    } else if error.is_timeout() {
        "timed_out"
    } else if error.is_connect() {
        "connect_failed"
    } else {
        "connection_lost"
    }
}
