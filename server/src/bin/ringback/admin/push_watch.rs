//! What became of pushes, as an operator reads it.

use super::Direct;
use crate::{Failure, print};
use comfy_table::Cell;
use ringback_core::protocol::Timestamp;
use ringback_server::app::Effects;
use ringback_server::clock::now;
use ringback_server::push::advice::Advice;
use ringback_server::push::history::{self, DeliveryFilter, DeliverySummary, PAGE_MAX};
use ringback_server::push::replay::replay;
use ringback_server::push::summary::{Percentiles, PushSummary, SummaryFilter, summarize};
use std::collections::BTreeMap;

/// What failed and what expired, newest first, and under it what to do.
pub(super) async fn errors(direct: &Direct, since: Option<Timestamp>) -> Result<(), Failure> {
    let (mut errors, mut is_cut) = (Vec::new(), false);
    for state in ["failed", "expired"] {
        let filter = DeliveryFilter {
            state: Some(state.to_owned()),
            since,
            limit: Some(PAGE_MAX),
            ..DeliveryFilter::default()
        };
        let page = direct.read(move |tx| history::list(tx, &filter, now())).await?;
        is_cut |= page.next.is_some();
        errors.extend(page.pushes);
    }
    errors.sort_by_key(|error| std::cmp::Reverse(error.changed_at));
    if !direct.output.is_for_people() {
        return direct.output.columns(&errors, &[("DELIVERY", "/id")], "no push failed or expired");
    }
    if errors.is_empty() {
        return print::line("no push failed or expired");
    }
    let head = ["AT", "STATE", "PROVIDER", "EVENT", "TRIES", "REASON", "DELIVERY", "CALLBACK"];
    print::line(print::table(&head, errors.iter().map(|error| cells(error_row(error)))))?;
    if is_cut {
        print::line(format!("\nThere are more: only the newest {PAGE_MAX} of each state are listed."))?;
    }
    let told = errors.into_iter().filter_map(|error| Some((error.provider, error.reason?, error.advice?)));
    advise(told)
}

fn cells<const N: usize>(texts: [String; N]) -> Vec<Cell> {
    texts.into_iter().map(Cell::new_owned).collect()
}

fn error_row(error: &DeliverySummary) -> [String; 8] {
    [
        to_the_second(error.changed_at),
        error.state.clone(),
        error.provider.clone(),
        if error.withdrawn { format!("{} (taken back)", error.event) } else { error.event.clone() },
        error.attempts.to_string(),
        error.reason.clone().unwrap_or_default(),
        error.id.clone(),
        error.callback_id.clone(),
    ]
}

fn to_the_second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// Each reason once.
fn advise(told: impl Iterator<Item = (String, String, Advice)>) -> Result<(), Failure> {
    let told: BTreeMap<_, _> = told.map(|(provider, reason, advice)| ((provider, reason), advice)).collect();
    for ((provider, reason), Advice { meaning, to_do }) in told {
        print::line(format!("\n{provider} {reason}\n  {meaning}\n  To do: {to_do}"))?;
    }
    Ok(())
}

/// Figures by provider and event, then what did not get through and why.
pub(super) async fn summary(direct: &Direct, since: Option<Timestamp>) -> Result<(), Failure> {
    let summary = direct.read(move |tx| summarize(tx, &SummaryFilter { since }, now())).await?;
    if !direct.output.is_for_people() {
        return print::json(&summary);
    }
    print::line(format!("Pushes since {}\n", to_the_second(summary.since)))?;
    if summary.events.is_empty() {
        return print::line("nothing was said by push");
    }
    print_events(&summary)?;
    if !summary.reasons.is_empty() {
        print::line("\nNot through")?;
        let rows = summary.reasons.iter().map(|row| {
            let last = to_the_second(row.last_at);
            cells([row.count.to_string(), row.provider.clone(), row.state.clone(), row.reason.clone(), last])
        });
        print::line(print::table(&["COUNT", "PROVIDER", "STATE", "REASON", "LAST"], rows))?;
    }
    if !summary.devices.is_empty() {
        print::line("\nDevices lost")?;
        let rows = summary.devices.iter().map(|row| {
            cells([row.count.to_string(), row.provider.clone(), row.state.clone(), row.reason.clone()])
        });
        print::line(print::table(&["COUNT", "PROVIDER", "STATE", "REASON"], rows))?;
    }
    let reasons = summary.reasons.into_iter().map(|row| (row.provider, row.reason, row.advice));
    let devices = summary.devices.into_iter().map(|row| (row.provider, row.reason, row.advice));
    advise(reasons.chain(devices))
}

fn print_events(summary: &PushSummary) -> Result<(), Failure> {
    let percent = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{:.1}%", rate * 100.0));
    let both = |of: Option<Percentiles>| {
        of.map_or("-".to_owned(), |Percentiles { p50, p99, .. }| format!("{p50:.2} / {p99:.2}"))
    };
    let rows = summary.events.iter().map(|row| {
        cells([
            row.provider.clone(),
            row.event.clone(),
            row.said.to_string(),
            row.pending.to_string(),
            row.delivered.to_string(),
            percent(row.delivered_rate),
            percent(row.received_rate),
            percent(row.opened_rate),
            row.answered.to_string(),
            row.expired.to_string(),
            row.failed.to_string(),
            row.skipped.to_string(),
            both(row.delivery_s),
            both(row.receipt_s),
        ])
    });
    let head = [
        "PROVIDER",
        "EVENT",
        "SAID",
        "PENDING",
        "DELIVERED",
        "OF ENDED",
        "RECEIVED",
        "OPENED",
        "ANSWERED",
        "EXPIRED",
        "FAILED",
        "SKIPPED",
        "SENT p50 / p99 s",
        "RECEIPT p50 / p99 s",
    ];
    print::line(print::table(&head, rows))
}

/// Puts a failed delivery back. A running server finds it within a second.
pub(super) async fn send_again(direct: &Direct, delivery: String) -> Result<(), Failure> {
    let id = delivery.clone();
    direct
        .write(move |tx| Effects::collect(tx, |tx, effects| replay(tx, effects, &id, now())).map(drop))
        .await?;
    direct.done("push", &delivery, "is sent again")
}
