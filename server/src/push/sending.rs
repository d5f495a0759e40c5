//! One push on its way: from the claim to what follows from the provider's answer.

use super::apns::InvalidApnsPush;
use super::fcm::InvalidFcmPush;
use super::lane::Lane;
use super::ledger::Tried;
use super::message;
use super::outbox::Claim;
use super::outcome::Outcome;
use super::verdict::{Settled, Verdict, judge};
use super::web_push::InvalidWebPush;
use crate::app::App;
use crate::callbacks::open_text;
use crate::clock::now;
use crate::refusal::Refusal;
use ringback_core::protocol::{PushToken, Timestamp};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// No try takes as long: its connection, its token and its answer each have a time-out of seconds. What is true for longer
/// needs no clock of its own.
const LONGER_THAN_A_TRY: Duration = Duration::from_secs(600);

/// Sends one delivery. If what came of it cannot be written down, the lease runs out and it is sent again under the same
/// ids.
pub(super) async fn deliver(app: &App, client: Option<&Lane>, claim: Arc<Claim>) -> Tried {
    let (at, started) = (now(), Instant::now());
    let verdict = verdict(app, client, &claim, at).await;
    let took_us = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
    Tried { claim, verdict, at, took_us }
}

async fn verdict(app: &App, client: Option<&Lane>, claim: &Claim, at: Timestamp) -> Verdict {
    if claim.expires_at <= at {
        return Verdict::of(Settled::Expired { reason: None });
    }
    if !claim.still_true {
        return Verdict::of(Settled::Skipped);
    }
    let Some(client) = client else {
        return Verdict::of(Settled::Failed { reason: "no_credential".to_owned() });
    };
    let left = Duration::try_from(claim.expires_at.duration_since(at)).unwrap_or_default();
    let sending = send(app, client, claim, at);
    let sent =
        if left < LONGER_THAN_A_TRY { tokio::time::timeout(left, sending).await } else { Ok(sending.await) };
    match sent {
        // Its time ran out on the way: a connection that opens later must not carry it.
        Err(_) => Verdict::of(Settled::Expired { reason: Some("timed_out".to_owned()) }),
        Ok(Ok(outcome)) => judge(outcome, claim, now()),
        Ok(Err(NotSent::Invalid(reason))) => Verdict::of(Settled::Failed { reason }),
        Ok(Err(NotSent::Fault(error))) => {
            tracing::error!(delivery = claim.id, %error, "a push cannot be made");
            Verdict::of(Settled::Failed { reason: "internal".to_owned() })
        }
    }
}

enum NotSent {
    Invalid(String),
    Fault(Refusal),
}

impl From<Refusal> for NotSent {
    fn from(fault: Refusal) -> Self {
        Self::Fault(fault)
    }
}

impl From<InvalidApnsPush> for NotSent {
    fn from(invalid: InvalidApnsPush) -> Self {
        Self::Invalid(invalid.to_string())
    }
}

impl From<InvalidWebPush> for NotSent {
    fn from(invalid: InvalidWebPush) -> Self {
        Self::Invalid(invalid.to_string())
    }
}

impl From<InvalidFcmPush> for NotSent {
    fn from(invalid: InvalidFcmPush) -> Self {
        Self::Invalid(invalid.to_string())
    }
}

async fn send(app: &App, client: &Lane, claim: &Claim, at: Timestamp) -> Result<Outcome, NotSent> {
    let token = PushToken::new(open_text(&app.centre.vault, &claim.token, "devices.token")?);
    let action_token = claim.action_token(&app.centre.vault);
    Ok(match client {
        Lane::Apns { production, sandbox, .. } => {
            let client = if &*claim.kind == "production" { production } else { sandbox };
            client.send(&message::for_apns(claim, token, action_token)?).await?
        }
        Lane::Fcm(client) => client.send(&message::for_fcm(claim, token, action_token, at)?).await?,
        Lane::WebPush(client) => {
            let subscription = serde_json::from_str(token.expose())
                .map_err(|_| Refusal::Damaged("a browser's subscription"))?;
            client.send(&message::for_browser(claim, subscription, action_token, at)?).await?
        }
    })
}
