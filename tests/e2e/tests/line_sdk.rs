//! The line from an app: offer, slots, another time, "not now", position and wait; the same stands in Kotlin and in Swift.

use ringback_core::client::ClientError;
use ringback_core::protocol::{
    AvailabilityRequest, Callback, CallbackRequest, CallbackState, CompletedReason, PhoneNumber, Slot,
    WaitStatus,
};
use ringback_e2e::{Phone, PhoneKind, number};
use ringback_server::storage::Engine;
use std::time::Duration;

mod support;
use support::{Failure, World};

const LIMIT: Duration = Duration::from_secs(30);

fn phone(world: &World) -> Result<Phone, ClientError> {
    Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("phone"), None)
}

fn slots_of_the_week() -> AvailabilityRequest {
    AvailabilityRequest {
        service: "advice".into(),
        zone: "Europe/Berlin".into(),
        from: None,
        to: None,
        include_full: true,
        limit: None,
    }
}

async fn schedule(phone: &Phone, slot: &Slot, number: PhoneNumber) -> Result<Callback, ClientError> {
    let scheduled_for = Some(slot.wall_time.clone());
    let request = CallbackRequest { scheduled_for, ..Phone::request("advice", number) };
    phone.client.request_callback(request).await
}

async fn a_time_is_chosen_and_another_and_then_none(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let phone = phone(&world)?;

    // Nobody is logged in: no number of seconds would be honest.
    let offer = phone.client.offer("advice".into()).await?;
    assert!(offer.immediate.offered && offer.scheduled.offered);
    assert_eq!((offer.wait.status, offer.wait.p90_s), (WaitStatus::NoAgents, None));

    // Two people take both seats of a slot; the third is told where there is room.
    let slots = phone.client.availability(slots_of_the_week()).await?.slots;
    let wanted = &slots[slots.len() / 2];
    assert_eq!((wanted.capacity_left, wanted.capacity_total), (2, 2));
    let callback = schedule(&phone, wanted, number(40)).await?;
    assert_eq!(callback.state, CallbackState::Scheduled);
    assert_eq!(callback.scheduled.as_ref().map(|scheduled| scheduled.at), Some(wanted.start));
    schedule(&phone, wanted, number(41)).await?;
    let refused = schedule(&phone, wanted, number(42)).await;
    let Err(ClientError::Refused { code, slots: free, pending_key: None, .. }) = refused else {
        return Err(format!("the slot is full: {refused:?}").into());
    };
    assert_eq!(code, "slot_full");
    assert!(free.iter().any(|slot| slot.start < wanted.start), "room before it");
    assert!(free.iter().any(|slot| slot.start > wanted.start), "and after it");
    assert!(free.iter().all(|slot| slot.capacity_left > 0));

    // The first moves to one of these, and leaves a seat behind.
    let moved = phone.client.reschedule(callback.id.clone(), Some(free[0].wall_time.clone())).await?;
    assert_eq!(moved.scheduled.map(|scheduled| scheduled.at), Some(free[0].start));
    let slots = phone.client.availability(slots_of_the_week()).await?.slots;
    let left = slots.iter().find(|slot| slot.start == wanted.start).map(|slot| slot.capacity_left);
    assert_eq!(left, Some(1));

    // Then "now", "not now", on another number, and not at all.
    let queued = phone.client.reschedule(callback.id.clone(), None).await?;
    assert_eq!((queued.state, queued.position), (CallbackState::Queued, Some(1)));
    let snoozed = phone.client.snooze(callback.id.clone(), 600).await?;
    assert!(snoozed.not_before.is_some_and(|until| until > snoozed.created_at));
    phone.client.change_number(callback.id.clone(), number(43)).await?;
    let shown = world.centre.staff().callback(&callback.id).await?;
    assert_eq!(shown["number"], number(43).expose());
    let cancelled = phone.client.cancel(callback.id).await?;
    assert_eq!(cancelled.reason, Some(CompletedReason::CancelledByCustomer));
    Ok(())
}

async fn a_request_is_tried_out(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let phone = phone(&world)?;
    let accepted = phone.client.validate(CallbackRequest::new("advice", number(44))).await?;
    assert!(accepted.accepted && accepted.checks.iter().all(|check| check.passed));
    let refused = phone.client.validate(CallbackRequest::new("advice", "no number")).await?;
    let failed: Vec<_> = refused.checks.iter().filter(|check| !check.passed).collect();
    assert!(!refused.accepted);
    assert_eq!(failed[0].code.as_deref(), Some("number_not_e164"));
    assert!(phone.client.callbacks().await?.is_empty(), "nothing was asked for");
    Ok(())
}

async fn position_and_wait_are_live(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let phone = phone(&world)?;
    let first = phone.client.request_callback(Phone::request("advice", number(45))).await?;
    let second = phone.client.request_callback(Phone::request("advice", number(46))).await?;
    let line = phone.client.line(&second.id)?;
    let update = tokio::time::timeout(LIMIT, line.next()).await??.ok_or("an update")?;
    assert_eq!((&update.callback_id, update.position), (&second.id, Some(2)));
    assert_eq!(update.wait.map(|wait| wait.status), Some(WaitStatus::NoAgents));

    // Whoever stood before is gone.
    phone.client.cancel(first.id).await?;
    let moved = async {
        while let Some(update) = line.next().await? {
            if update.position == Some(1) {
                return Ok::<_, ClientError>(true);
            }
        }
        Ok(false)
    };
    assert!(tokio::time::timeout(LIMIT, moved).await??, "it moves up");

    phone.client.cancel(second.id).await?;
    let ended = async {
        while line.next().await?.is_some() {}
        Ok::<_, ClientError>(())
    };
    tokio::time::timeout(LIMIT, ended).await??;
    Ok(())
}

support::on_both_engines! {
    chosen_times => |engine| a_time_is_chosen_and_another_and_then_none(engine);
    validation => |engine| a_request_is_tried_out(engine);
    live_line => |engine| position_and_wait_are_live(engine);
}
