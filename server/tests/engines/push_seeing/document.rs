//! `docs/push-faults.md`: made by asking the code about every fault.

use jiff::Timestamp;
use ringback_server::push::advice::{Advice, advice};
use ringback_server::push::breaker::Signal;
use ringback_server::push::faults::{Answer, FAULTS, Fault};
use ringback_server::push::outbox::Claim;
use ringback_server::push::outcome::Outcome;
use ringback_server::push::verdict::{Settled, Verdict, judge};
use std::fmt::Write as _;

const HEAD: &str = "\
# When pushes fail

Every answer a provider documents, and what follows from it. Made by running the code over `server/src/push/faults.rs`;
do not edit. `cargo test -p ringback-server --test engines faults` compares, and `RINGBACK_UPDATE_DOCS=1` before it
writes this file anew.

*Delivery* is its state after the try: `pending` is tried again until it is delivered, is no longer true, or its time has run
out (`expired`, with the last reason). *Again* is the first wait where the provider names none; waits double with each try up
to 15 minutes, and get up to a quarter longer so that not all come back at once. A `Retry-After` takes its place. A try that does
not count leaves `attempts` as it was. *Lane* is what all pushes with the same credential, and for Apple the same app and
environment, feel of it. A refused lane rests for 2 s, then 4 s, up to 30 s, and sends one push to find out; an unreached one
looks every second; after 8 breaks in a row a lane counts as unreached. Its pushes wait and are not lost. *Label* is
`outcome` of `ringback_pushes_total`.
";

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered { .. } => "delivered",
        Outcome::TokenGone { .. } => "token gone",
        Outcome::TokenRejected { .. } => "token rejected",
        Outcome::RetryAt { .. } => "retry",
        Outcome::LaneBlocked { .. } => "lane blocked",
        Outcome::RenewCredential => "renew credential",
        Outcome::Permanent { .. } => "permanent",
    }
}

/// The first wait as asked for, before it is spread.
fn again(outcome: &Outcome, verdict: &Verdict) -> String {
    let Settled::Retry { counts, .. } = verdict.settled else { return "no".to_owned() };
    let wait = match outcome {
        _ if !counts => "when the lane is open".to_owned(),
        Outcome::RetryAt { after, .. } if after.is_zero() => "at once".to_owned(),
        Outcome::RetryAt { after, .. } => format!("after {} s", after.as_secs()),
        _ => "at once".to_owned(),
    };
    format!("{wait}, {}", if counts { "counts" } else { "does not count" })
}

fn lane_word(signal: Option<Signal>) -> &'static str {
    match signal {
        None | Some(Signal::Through) => "stays open",
        Some(Signal::Refused) => "rests, refused",
        Some(Signal::Unreached) => "rests, unreached",
        Some(Signal::Broken) => "rests after 8 in a row",
    }
}

fn happening(fault: &Fault) -> String {
    match fault.answer {
        Answer::NoConnection => "no connection".to_owned(),
        Answer::Silence => "no answer".to_owned(),
        Answer::Break => "the connection breaks".to_owned(),
        _ => fault.status.to_string(),
    }
}

fn document(claim: &Claim, now: Timestamp) -> String {
    let mut text = HEAD.to_owned();
    for (provider, title) in [("apns", "APNs"), ("fcm", "FCM"), ("web_push", "Web Push")] {
        let faults: Vec<_> = FAULTS.iter().filter(|fault| fault.provider == provider).collect();
        if faults.is_empty() {
            continue;
        }
        let _ = write!(
            text,
            "\n## {title}\n\n| Status | Reason | Outcome | Delivery | Device | Again | Lane | Label | What it means | What to do |\n\
             |---|---|---|---|---|---|---|---|---|---|\n"
        );
        for fault in faults {
            let outcome = fault.outcome();
            let verdict = judge(outcome.clone(), claim, now);
            let state = if matches!(verdict.settled, Settled::Retry { .. }) {
                "pending"
            } else {
                verdict.settled.label()
            };
            let reason = verdict.settled.reason().unwrap_or_default();
            let Advice { meaning, to_do } = advice(provider, reason);
            let _ = writeln!(
                text,
                "| {} | `{}` | {} | `{state}`, `{reason}` | {} | {} | {} | `{}` | {meaning} | {to_do} |",
                happening(fault),
                fault.reason,
                outcome_word(&outcome),
                verdict.device.as_ref().map_or("stays", |news| news.state),
                again(&outcome, &verdict),
                lane_word(verdict.signal),
                verdict.settled.label(),
            );
        }
    }
    text
}

pub(crate) fn compare(claim: &Claim, now: Timestamp) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/push-faults.md");
    let document = document(claim, now);
    if std::env::var_os("RINGBACK_UPDATE_DOCS").is_some() {
        std::fs::write(path, &document).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap_or_default() == document,
        "docs/push-faults.md is not what the code says: run with RINGBACK_UPDATE_DOCS=1"
    );
}
