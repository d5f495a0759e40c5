//! What staff see of pushes, and what they can do about it, on both databases.

mod document;
mod house;

use futures_util::future::join_all;
use ringback_core::protocol::{ProblemCode, PushReceipt, ReceiptKind};
use ringback_server::push::faults::FAULTS;
use ringback_server::push::history::{DeliveryFilter, DeliveryPage, DeliverySummary, deliveries_of, list};
use ringback_server::push::outbox::{self, Claim, Turn};
use ringback_server::push::outcome::Outcome;
use ringback_server::push::replay::replay;
use ringback_server::push::summary::{PushSummary, SummaryFilter, summarize};
use ringback_server::push::verdict::{Settled, judge};
use ringback_server::push::{advice, receipts};
use ringback_server::storage::Engine;

use house::{House, INSTALLATION};
use std::collections::BTreeSet;
use std::time::Duration;

on_both_engines!(
    a_delivery_is_shown_with_every_try,
    failures_are_listed_newest_first_page_by_page,
    the_summary_counts_what_became_of_pushes,
    what_failed_is_sent_again_while_it_is_true,
    claims_go_on_where_the_last_ended,
    what_is_over_is_not_sent_again,
    of_many_replays_one_counts_and_an_old_claim_says_nothing,
    of_many_answers_at_once_each_looks_at_its_own_fence,
);

fn code(code: ProblemCode) -> String {
    code.code().to_owned()
}

fn unwell() -> Outcome {
    Outcome::RetryAt { after: Duration::from_secs(1), reason: "ServiceUnavailable".into() }
}

fn permanent(reason: &str) -> Outcome {
    Outcome::Permanent { reason: reason.into() }
}

fn delivered() -> Outcome {
    Outcome::Delivered { provider_id: "projects/p/messages/1".into() }
}

impl House {
    async fn shown(&self, callback_id: &str) -> Vec<DeliverySummary> {
        let id = callback_id.to_owned();
        self.storage.read(move |tx| deliveries_of(tx, &id)).await.unwrap()
    }

    async fn page(&self, filter: DeliveryFilter) -> Result<DeliveryPage, String> {
        let now = self.now;
        let page = self.storage.read(move |tx| list(tx, &filter, now)).await;
        page.map_err(|refusal| refusal.into_problem().code)
    }

    async fn summary(&self) -> PushSummary {
        let now = self.now;
        self.storage.read(move |tx| summarize(tx, &SummaryFilter::default(), now)).await.unwrap()
    }

    async fn replay(&self, delivery_id: &str) -> Result<bool, (String, String)> {
        let id = delivery_id.to_owned();
        let replayed = self.change(move |tx, effects, _, now| {
            replay(tx, effects, &id, now)?;
            Ok(effects.push)
        });
        replayed.await.map_err(|refusal| {
            let problem = refusal.into_problem();
            (problem.code, problem.detail)
        })
    }

    async fn receipt(&self, delivery_id: &str, kind: ReceiptKind) {
        let receipt = PushReceipt { delivery_id: delivery_id.to_owned(), kind };
        self.change(move |tx, _, _, now| receipts::note(tx, INSTALLATION, &receipt, now)).await.unwrap();
    }
}

async fn a_delivery_is_shown_with_every_try(engine: Engine) {
    let mut house = House::open(engine).await;
    let callback = house.cancelled_by_staff(0).await;
    let apple = house.claim("apns").await.remove(0);
    house.note(&apple, unwell()).await;
    house.pass(3);
    let again = house.claim("apns").await.remove(0);
    assert_eq!((&again.id, again.attempts), (&apple.id, 2));
    let gone = Outcome::TokenGone { invalid_since: None, reason: "Unregistered".into() };
    house.note(&again, gone).await;
    let google = house.claim("fcm").await.remove(0);
    house.note(&google, delivered()).await;
    house.pass(2);
    house.receipt(&google.id, ReceiptKind::Received).await;
    house.pass(5);
    house.receipt(&google.id, ReceiptKind::Opened).await;

    let shown = house.shown(&callback).await;
    assert_eq!(shown.len(), 2);
    let of = |provider: &str| shown.iter().find(|delivery| delivery.provider == provider).unwrap();
    let lost = of("apns");
    assert_eq!(
        (lost.state.as_str(), lost.attempts, lost.reason.as_deref()),
        ("failed", 2, Some("Unregistered"))
    );
    assert_eq!(lost.advice, advice::exact("apns", "Unregistered"));
    assert!(lost.advice.is_some());
    let tries: Vec<_> = lost
        .tries
        .iter()
        .map(|tried| (tried.outcome.as_str(), tried.reason.as_str(), tried.took_us))
        .collect();
    assert_eq!(tries, [("retry", "ServiceUnavailable", 1500), ("failed", "Unregistered", 1500)]);
    assert!(lost.tries[0].at < lost.tries[1].at);
    assert_eq!(lost.lane, "apns/production/com.example.app");
    let device = &lost.device;
    assert_eq!((device.channel.as_str(), device.state.as_str()), ("apns", "gone"));
    assert_eq!((device.locale.as_deref(), device.app_version.as_deref()), (Some("de-AT"), Some("3.1")));
    let taken = of("fcm");
    assert_eq!(
        (taken.state.as_str(), taken.provider_id.as_deref()),
        ("delivered", Some("projects/p/messages/1"))
    );
    assert!(taken.advice.is_none() && taken.tries.is_empty() && taken.answered_at.is_none());
    let sent_at = taken.sent_at.unwrap();
    assert_eq!(taken.received_at.unwrap().duration_since(sent_at).as_secs(), 2);
    assert_eq!(taken.opened_at.unwrap().duration_since(sent_at).as_secs(), 7);
    // The tokens are in nothing that staff see.
    let json = serde_json::to_string(&shown).unwrap();
    assert!(!json.contains("a1b2c3") && !json.contains("fcm-token"), "{json}");
}

async fn failures_are_listed_newest_first_page_by_page(engine: Engine) {
    let mut house = House::open(engine).await;
    for callback in 0..3 {
        house.cancelled_by_staff(callback).await;
        house.pass(60);
        let reason = if callback == 1 { "PayloadTooLarge" } else { "BadTopic" };
        for claim in house.claim("apns").await {
            house.note(&claim, permanent(reason)).await;
        }
        for claim in house.claim("fcm").await {
            house.note(&claim, permanent("http_413")).await;
        }
    }
    let whole = house.page(DeliveryFilter::default()).await.unwrap();
    assert_eq!((whole.pushes.len(), &whole.next), (6, &None));
    assert!(whole.pushes.is_sorted_by(|a, b| (a.created_at, &a.id) > (b.created_at, &b.id)));
    // Page by page they are the same, though two of them were said at the same instant.
    let (mut paged, mut after) = (Vec::new(), None);
    for shown in [1, 1, 1, 1, 1, 1] {
        let filter = DeliveryFilter { after: after.clone(), limit: Some(shown), ..DeliveryFilter::default() };
        let page = house.page(filter).await.unwrap();
        paged.extend(page.pushes.into_iter().map(|delivery| delivery.id));
        after = page.next;
    }
    assert_eq!(after, None);
    assert_eq!(paged, whole.pushes.iter().map(|delivery| delivery.id.clone()).collect::<Vec<_>>());

    let some = |text: &str| Some(text.to_owned());
    for (filter, count) in [
        (DeliveryFilter { provider: some("apns"), ..DeliveryFilter::default() }, 3),
        (DeliveryFilter { reason: some("BadTopic"), ..DeliveryFilter::default() }, 2),
        (DeliveryFilter { event: some("callback_changed"), ..DeliveryFilter::default() }, 6),
        (DeliveryFilter { event: some("agent_ready"), ..DeliveryFilter::default() }, 0),
        (DeliveryFilter { state: some("delivered"), ..DeliveryFilter::default() }, 0),
        (
            DeliveryFilter {
                since: Some(house.now - jiff::SignedDuration::from_secs(60)),
                ..DeliveryFilter::default()
            },
            2,
        ),
    ] {
        let page = house.page(filter.clone()).await.unwrap();
        assert_eq!(page.pushes.len(), count, "{filter:?}");
    }
    for wrong in [
        DeliveryFilter { state: some("lost"), ..DeliveryFilter::default() },
        DeliveryFilter { after: some("yesterday"), ..DeliveryFilter::default() },
        DeliveryFilter { limit: Some(0), ..DeliveryFilter::default() },
        DeliveryFilter { limit: Some(201), ..DeliveryFilter::default() },
        DeliveryFilter { since: Some(jiff::Timestamp::UNIX_EPOCH), ..DeliveryFilter::default() },
    ] {
        assert_eq!(house.page(wrong.clone()).await.err(), Some(code(ProblemCode::FieldInvalid)), "{wrong:?}");
    }
    house.pass(25 * 3600);
    assert!(house.page(DeliveryFilter::default()).await.unwrap().pushes.is_empty());
}

async fn the_summary_counts_what_became_of_pushes(engine: Engine) {
    let mut house = House::open(engine).await;
    for callback in 0..4 {
        house.cancelled_by_staff(callback).await;
    }
    // Apple takes the first after 1 s, the second after 3 s, refuses the third and is unwell at the fourth.
    let apple = house.claim("apns").await;
    house.pass(1);
    house.note(&apple[0], delivered()).await;
    house.pass(2);
    house.note(&apple[1], delivered()).await;
    let rejected = Outcome::TokenRejected { reason: "BadDeviceToken".into() };
    house.note(&apple[2], rejected).await;
    house.note(&apple[3], unwell()).await;
    house.pass(4);
    house.receipt(&apple[0].id, ReceiptKind::Opened).await;
    let google = house.claim("fcm").await;
    let no_credential = Settled::Failed { reason: "no_credential".into() };
    house.settle(&google[0], no_credential).await;

    let summary = house.summary().await;
    let apns = summary.events.iter().find(|row| row.provider == "apns").unwrap();
    assert_eq!(apns.event, "callback_changed");
    assert_eq!([apns.said, apns.pending, apns.delivered, apns.failed], [4, 1, 2, 1]);
    assert_eq!([apns.received, apns.opened, apns.answered, apns.expired, apns.skipped], [1, 1, 0, 0, 0]);
    assert_eq!((apns.delivered_rate, apns.received_rate), (Some(2.0 / 3.0), Some(0.5)));
    let (delivery_s, receipt_s) = (apns.delivery_s.unwrap(), apns.receipt_s.unwrap());
    assert_eq!((delivery_s.p50, delivery_s.p99, delivery_s.of), (1.0, 3.0, 2));
    assert_eq!((receipt_s.p50, receipt_s.of), (6.0, 1));
    let fcm = summary.events.iter().find(|row| row.provider == "fcm").unwrap();
    assert_eq!([fcm.said, fcm.pending, fcm.failed], [4, 3, 1]);
    assert_eq!((fcm.delivered_rate, fcm.received_rate, fcm.delivery_s), (Some(0.0), None, None));

    let reasons: BTreeSet<_> = summary
        .reasons
        .iter()
        .map(|row| (row.provider.as_str(), row.state.as_str(), row.reason.as_str(), row.count))
        .collect();
    let wanted = BTreeSet::from([
        ("apns", "failed", "BadDeviceToken", 1),
        ("apns", "pending", "ServiceUnavailable", 1),
        ("fcm", "failed", "no_credential", 1),
    ]);
    assert_eq!(reasons, wanted);
    let lost: Vec<_> = summary
        .devices
        .iter()
        .map(|row| (row.provider.as_str(), row.state.as_str(), row.reason.as_str(), row.count))
        .collect();
    assert_eq!(lost, [("apns", "quarantined", "BadDeviceToken", 1)]);
    house.pass(25 * 3600);
    assert!(house.summary().await.events.is_empty());
}

async fn claims_go_on_where_the_last_ended(engine: Engine) {
    let mut house = House::open(engine).await;
    for callback in 0..4 {
        house.cancelled_by_staff(callback).await;
        // Two are due at one instant.
        house.pass(i64::from(callback > 0));
    }
    let first = house.claim_from("fcm", Turn::FIRST, 3).await;
    assert!(first.is_sorted_by_key(|claim| (claim.due_at, claim.expires_at, claim.seq)));
    let rest = house.claim_from("fcm", first[2].turn(), 3).await;
    assert_eq!((first.len(), rest.len()), (3, 1));
    assert!(house.claim("fcm").await.is_empty(), "all have a lease");
    // What is before the turn when the leases are over is found from the beginning only.
    house.pass(6);
    assert!(house.claim_from("fcm", rest[0].turn(), 4).await.is_empty());
    let again: BTreeSet<_> = house.claim("fcm").await.into_iter().map(|claim| claim.seq).collect();
    assert_eq!(again, first.iter().chain(&rest).map(|claim| claim.seq).collect());
}

async fn what_failed_is_sent_again_while_it_is_true(engine: Engine) {
    let mut house = House::open(engine).await;
    let callback = house.asked(0).await;
    let failed = house.claim("fcm").await.remove(0);
    house.settle(&failed, Settled::Failed { reason: "no_credential".into() }).await;
    assert!(house.claim("fcm").await.is_empty());
    house.pass(2);
    assert_eq!(house.replay(&failed.id).await, Ok(true));
    let again = house.claim("fcm").await.remove(0);
    assert_eq!((&again.id, again.attempts, again.still_true), (&failed.id, 2, true));
    assert!(again.fence > failed.fence);
    house.note(&again, delivered()).await;
    let shown = house.shown(&callback).await;
    let taken = shown.iter().find(|delivery| delivery.provider == "fcm").unwrap();
    assert_eq!((taken.state.as_str(), taken.attempts), ("delivered", 2));
    assert_eq!(
        house.replay(&failed.id).await,
        Err((code(ProblemCode::DeliveryOver), "It was delivered.".to_owned()))
    );
}

async fn what_is_over_is_not_sent_again(engine: Engine) {
    let mut house = House::open(engine).await;
    let over = |detail: &str| Err((code(ProblemCode::DeliveryOver), detail.to_owned()));
    let (unknown, _) = house.replay("nothing").await.unwrap_err();
    assert_eq!(unknown, code(ProblemCode::DeliveryNotFound));

    // The person takes the callback back: nobody is to be asked any more.
    let callback = house.asked(0).await;
    let (apple, google) = (house.claim("apns").await.remove(0), house.claim("fcm").await.remove(0));
    assert_eq!(house.replay(&google.id).await, over("It is on its way already, or waits for its next try."));
    house.note(&apple, permanent("BadTopic")).await;
    house.note(&google, permanent("http_413")).await;
    house.cancelled_by_customer(&callback).await;
    assert_eq!(house.replay(&apple.id).await, over("What it says is no longer true."));

    // Its time runs out.
    house.cancelled_by_staff(1).await;
    let late = house.claim("apns").await.remove(0);
    house.note(&late, permanent("BadTopic")).await;
    // Its device is set aside.
    let aside = house.claim("fcm").await.remove(0);
    house.note(&aside, Outcome::TokenRejected { reason: "SENDER_ID_MISMATCH".into() }).await;
    let detail = "Its device is gone or set aside: the app must register again first.";
    assert_eq!(house.replay(&aside.id).await, over(detail));
    house.register_devices().await;
    assert_eq!(house.replay(&aside.id).await, Ok(true), "the app registered again");
    let left = late.expires_at.duration_since(house.now).as_secs();
    house.pass(left);
    assert_eq!(house.replay(&late.id).await, over("Its time has run out since it failed."));
}

async fn of_many_replays_one_counts_and_an_old_claim_says_nothing(engine: Engine) {
    let mut house = House::open(engine).await;
    house.cancelled_by_staff(0).await;
    // The first holder stalls until its lease is over; the second is refused.
    let stale = house.claim("apns").await.remove(0);
    house.pass(6);
    let refused = house.claim("apns").await.remove(0);
    house.note(&refused, permanent("BadTopic")).await;

    let house = &house;
    let replays = join_all((0..8).map(|_| house.replay(&refused.id)));
    let claims = join_all((0..8).map(|_| house.claim("apns")));
    let (replays, claims) = tokio::join!(replays, claims);
    assert_eq!(replays.iter().filter(|replayed| replayed.is_ok()).count(), 1, "{replays:?}");
    assert!(
        replays
            .iter()
            .flat_map(|replayed| replayed.as_ref().err())
            .all(|(found, _)| *found == code(ProblemCode::DeliveryOver))
    );
    let mut claims: Vec<_> = claims.into_iter().flatten().collect();
    // All claims may have come before the replay.
    claims.extend(house.claim("apns").await);
    assert_eq!(claims.len(), 1);
    assert!(claims[0].fence > refused.fence + 1, "the replay has a fence of its own");
    // What the earlier holders say now counts for nothing.
    house.note(&stale, delivered()).await;
    house.note(&refused, permanent("PayloadTooLarge")).await;
    let shown = house.shown(&claims[0].callback_id).await;
    let pending = shown.iter().find(|delivery| delivery.id == refused.id).unwrap();
    assert_eq!((pending.state.as_str(), pending.reason.as_deref()), ("pending", Some("BadTopic")));
    house.note(&claims[0], delivered()).await;
    let shown = house.shown(&claims[0].callback_id).await;
    assert!(shown.iter().any(|delivery| delivery.id == refused.id && delivery.state == "delivered"));
}

async fn of_many_answers_at_once_each_looks_at_its_own_fence(engine: Engine) {
    let mut house = House::open(engine).await;
    house.cancelled_by_staff(0).await;
    house.cancelled_by_staff(1).await;
    house.cancelled_by_staff(2).await;
    let stale = house.claim("apns").await;
    assert!(stale.len() > 2, "several at once");
    // One lease is kept, the others run out and are claimed anew.
    let kept = stale[1].held();
    house.pass(3);
    house.change(move |tx, _, _, now| outbox::renew(tx, std::slice::from_ref(&kept), now)).await.unwrap();
    house.pass(3);
    let again = house.claim("apns").await;
    assert!(again.iter().all(|claim| claim.id != stale[1].id), "renewed");
    assert_eq!(again.len(), stale.len() - 1);
    house.note_all(&stale, &delivered()).await;
    let state = async |claim: &Claim| {
        let shown = house.shown(&claim.callback_id).await;
        let delivery = shown.into_iter().find(|delivery| delivery.id == claim.id).unwrap();
        (delivery.state, delivery.provider_id, delivery.attempts)
    };
    let name = Some("projects/p/messages/1".to_owned());
    for claim in &stale {
        if claim.id == stale[1].id {
            assert_eq!(state(claim).await, ("delivered".to_owned(), name.clone(), 1));
        } else {
            assert_eq!(state(claim).await, ("pending".to_owned(), None, 2), "its fence moved");
        }
    }
    house.note_all(&again, &delivered()).await;
    for claim in &again {
        assert_eq!(state(claim).await, ("delivered".to_owned(), name.clone(), 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_the_state_the_reason_and_the_advice_of_the_table() {
    let house = House::open(Engine::Sqlite).await;
    house.cancelled_by_staff(0).await;
    let claim = house.claim("fcm").await.remove(0);
    let mut rows = BTreeSet::new();
    for fault in FAULTS {
        let verdict = judge(fault.outcome(), &claim, house.now);
        let state = match verdict.settled {
            Settled::Retry { .. } => "pending",
            ref settled => settled.label(),
        };
        assert_eq!((state, verdict.settled.reason()), (fault.state, Some(fault.word)), "{fault:?}");
        assert!(advice::exact(fault.provider, fault.word).is_some(), "no advice for {fault:?}");
        assert!(rows.insert((fault.provider, fault.reason)), "twice: {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_faults_in_the_documents_is_this_one() {
    let house = House::open(Engine::Sqlite).await;
    house.cancelled_by_staff(0).await;
    let claim = house.claim("fcm").await.remove(0);
    document::compare(&claim, house.now);
}
