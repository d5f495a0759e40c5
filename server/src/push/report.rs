//! What became of pushes, in logs and metrics.

use super::ledger::Tried;
use super::verdict::{DELIVERED, Verdict};
use crate::clock::now;
use crate::words::word;
use ringback_core::protocol::PushEvent;
use std::collections::BTreeMap;

/// Counts pushes that came to the same.
pub(super) fn count(provider: &str, event: &str, outcome: &'static str, times: u64) {
    metrics::counter!(
        "ringback_pushes_total",
        "provider" => provider.to_owned(), "event" => event.to_owned(), "outcome" => outcome
    )
    .increment(times);
}

/// Says what became of pushes, in logs and metrics. A metric is looked up once for all that it counts.
pub(super) fn report(tries: &[Tried]) {
    let mut alike: BTreeMap<(&str, PushEvent, &'static str), Vec<&Tried>> = BTreeMap::new();
    for tried in tries {
        let Tried { claim, verdict, .. } = tried;
        alike.entry((&claim.provider, claim.event, verdict.settled.label())).or_default().push(tried);
    }
    let now = now();
    for ((provider, event, outcome), tries) in alike {
        let event = word(event).unwrap_or_default();
        count(provider, &event, outcome, tries.len() as u64);
        if outcome != DELIVERED {
            tries.into_iter().for_each(report_failure);
            continue;
        }
        let waited = metrics::histogram!(
            "ringback_push_delivered_seconds", "provider" => provider.to_owned(), "event" => event
        );
        for Tried { claim, took_us, .. } in tries {
            waited.record(now.duration_since(claim.created_at).as_secs_f64());
            tracing::debug!(
                delivery = claim.id,
                callback = claim.callback_id,
                took_us,
                "a push is delivered"
            );
        }
    }
}

fn report_failure(Tried { claim, verdict: Verdict { settled, .. }, .. }: &Tried) {
    // What our own clients refuse to send is said in a sentence, which is no label.
    let reason = settled.reason().filter(|reason| !reason.contains(' ')).unwrap_or("not_made");
    metrics::counter!(
        "ringback_push_failures_total",
        "provider" => claim.provider.to_string(), "reason" => reason.to_owned()
    )
    .increment(1);
    tracing::warn!(
        delivery = claim.id,
        callback = claim.callback_id,
        lane = &*claim.lane,
        reason = settled.reason(),
        outcome = settled.label(),
        "a push did not get through"
    );
}
