//! Calendars, capacity rules and seats, on both databases.

use futures_util::future::join_all;
use jiff::Timestamp;
use ringback_core::protocol::{AvailabilityRequest, Problem, WallTime};
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{Named, create_queue};
use ringback_server::schedule::calendar::CalendarSetup;
use ringback_server::schedule::capacity::CapacitySetup;
use ringback_server::schedule::{Promise, Timetable, bookings, store};
use ringback_server::services::{ServiceSetup, create_service, update_service};
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, Tx};
use std::collections::HashSet;

on_both_engines!(
    the_last_seat_goes_to_one_of_two_hundred,
    a_refusal_leads_to_the_nearest_free_slots,
    a_seat_given_back_is_free_again,
    what_is_booked_survives_a_change_of_the_rule,
    old_seats_are_forgotten,
    setups_are_kept_by_name,
    a_rule_goes_with_its_seats,
);

const MONDAYS: &str = r#"
    name = "mondays"
    zone = "Europe/Berlin"
    slot_minutes = 30
    seats = [{ day = "monday", from = "09:00", to = "12:00", capacity = 1 }]
"#;

/// Saturday before the Monday on which the cases book.
fn now() -> Timestamp {
    at("2026-11-28T12:00:00Z")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn rule(setup: &str) -> CapacitySetup {
    toml::from_str(setup).unwrap()
}

fn berlin(local: &str) -> WallTime {
    WallTime { local: local.to_owned(), zone: "Europe/Berlin".to_owned(), fold: None }
}

async fn write<T: Send + 'static>(
    storage: &Storage,
    body: impl FnMut(&mut Tx<'_>) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Problem> {
    storage.write(body).await.map_err(Refusal::into_problem)
}

/// A database with this rule, and its timetable without opening hours.
async fn with_rule(engine: Engine, setup: &str) -> (Scratch, Storage, Timetable) {
    let scratch = Scratch::new(engine);
    let storage = Storage::open(&scratch.settings).await.unwrap();
    let timetable = set_rule(&storage, setup).await;
    (scratch, storage, timetable)
}

async fn set_rule(storage: &Storage, setup: &str) -> Timetable {
    let setup = rule(setup);
    let name = setup.name.clone();
    write(storage, move |tx| store::put(tx, &setup, now())).await.unwrap();
    let rules = storage.read(store::load_capacities).await.unwrap();
    Timetable { calendar: None, capacity: rules[&name].clone(), horizon_days: 30 }
}

async fn promise(storage: &Storage, timetable: &Timetable, local: &str) -> Result<Promise, Problem> {
    let (timetable, wanted) = (timetable.clone(), berlin(local));
    write(storage, move |tx| timetable.promise(tx, &wanted, now())).await
}

/// The free seats of each slot of that Monday.
async fn seats_left(storage: &Storage, timetable: &Timetable) -> Vec<u32> {
    let timetable = timetable.clone();
    let request = AvailabilityRequest {
        service: "billing".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        from: None,
        to: Some(at("2026-12-01T00:00:00Z")),
        include_full: true,
        limit: None,
    };
    let shown = storage.read(move |tx| timetable.availability(tx, &request, now())).await;
    shown.unwrap().slots.iter().map(|slot| slot.capacity_left).collect()
}

fn locals(problem: &Problem) -> Vec<&str> {
    problem.slots.iter().map(|slot| slot.wall_time.local.as_str()).collect()
}

async fn the_last_seat_goes_to_one_of_two_hundred(engine: Engine) {
    let (_scratch, storage, timetable) = with_rule(engine, MONDAYS).await;
    let asking = (0..200).map(|_| promise(&storage, &timetable, "2026-11-30T10:00"));
    let answers = join_all(asking).await;
    let promised: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(promised.len(), 1);
    assert_eq!(promised[0].chosen.at, at("2026-11-30T09:00:00Z"));
    let codes: HashSet<_> =
        answers.iter().filter_map(|answer| answer.as_ref().err()).map(|problem| &problem.code).collect();
    assert_eq!(codes, HashSet::from([&"slot_full".to_owned()]));
    assert_eq!(seats_left(&storage, &timetable).await, [1, 1, 0, 1, 1, 1]);
}

async fn a_refusal_leads_to_the_nearest_free_slots(engine: Engine) {
    let (_scratch, storage, timetable) = with_rule(engine, MONDAYS).await;
    for local in ["2026-11-30T10:00", "2026-11-30T09:30", "2026-11-30T10:45"] {
        promise(&storage, &timetable, local).await.unwrap();
    }
    let full = promise(&storage, &timetable, "2026-11-30T10:15").await.unwrap_err();
    assert_eq!((full.code.as_str(), full.field.as_deref()), ("slot_full", Some("scheduled_for")));
    // One before on that day, none on the days before, which are past; and three after.
    assert_eq!(
        locals(&full),
        ["2026-11-30T09:00:00", "2026-11-30T11:00:00", "2026-11-30T11:30:00", "2026-12-07T09:00:00"]
    );
    for slot in full.slots {
        promise(&storage, &timetable, &slot.wall_time.local).await.unwrap();
    }
    let closed = promise(&storage, &timetable, "2026-12-05T09:00").await.unwrap_err();
    assert_eq!(closed.code, "slot_closed");
    assert_eq!(
        locals(&closed),
        ["2026-12-07T09:30:00", "2026-12-07T10:00:00", "2026-12-07T10:30:00"],
        "the Monday before is full"
    );

    let (asked, wanted) = (timetable.clone(), berlin("2026-11-30T10:15"));
    let checked = write(&storage, move |tx| asked.check(tx, &wanted, now())).await.unwrap_err();
    assert_eq!(checked.code, "slot_full");
    let (asked, wanted) = (timetable.clone(), berlin("2026-12-14T10:15"));
    write(&storage, move |tx| asked.check(tx, &wanted, now())).await.unwrap();
    promise(&storage, &timetable, "2026-12-14T10:15").await.expect("asking took no seat");

    for (local, code) in [("2026-11-27T10:00", "time_past"), ("2027-01-04T10:00", "time_beyond_horizon")] {
        assert_eq!(promise(&storage, &timetable, local).await.unwrap_err().code, code);
    }
}

async fn a_seat_given_back_is_free_again(engine: Engine) {
    let (_scratch, storage, timetable) = with_rule(engine, MONDAYS).await;
    let promised = promise(&storage, &timetable, "2026-11-30T10:10").await.unwrap();
    assert_eq!(promised.slot_start, at("2026-11-30T09:00:00Z"), "the slot that holds the time");
    promise(&storage, &timetable, "2026-11-30T10:10").await.unwrap_err();
    // Twice is no more than once.
    for _ in 0..2 {
        let Promise { capacity_rule_id, slot_start, .. } = promised.clone();
        write(&storage, move |tx| Ok(bookings::release(tx, &capacity_rule_id, slot_start)?)).await.unwrap();
    }
    assert_eq!(seats_left(&storage, &timetable).await, [1; 6]);
    promise(&storage, &timetable, "2026-11-30T10:10").await.unwrap();
    promise(&storage, &timetable, "2026-11-30T10:10").await.unwrap_err();
}

async fn what_is_booked_survives_a_change_of_the_rule(engine: Engine) {
    let of = |minutes: u32, capacity: u32| {
        MONDAYS
            .replace("= 30", &format!("= {minutes}"))
            .replace("capacity = 1", &format!("capacity = {capacity}"))
    };
    let (_scratch, storage, timetable) = with_rule(engine, &of(30, 2)).await;
    for local in ["2026-11-30T09:00", "2026-11-30T09:00", "2026-11-30T09:30"] {
        promise(&storage, &timetable, local).await.unwrap();
    }
    let lowered = set_rule(&storage, &of(30, 1)).await;
    assert_eq!(lowered.capacity.id, timetable.capacity.id);
    assert_eq!(seats_left(&storage, &lowered).await, [0, 0, 1, 1, 1, 1]);
    promise(&storage, &lowered, "2026-11-30T09:00").await.unwrap_err();
    // Longer slots hold what was booked in the shorter ones.
    let longer = set_rule(&storage, &of(60, 4)).await;
    assert_eq!(seats_left(&storage, &longer).await, [1, 4, 4]);
    promise(&storage, &longer, "2026-11-30T09:00").await.unwrap();
    assert_eq!(promise(&storage, &longer, "2026-11-30T09:00").await.unwrap_err().code, "slot_full");
    // Also a slot in which nothing was booked at its very beginning.
    let shifted = set_rule(&storage, &of(60, 1).replace("09:00", "08:00")).await;
    assert_eq!(seats_left(&storage, &shifted).await, [1, 0, 1, 1]);
    let late = set_rule(&storage, &of(120, 1).replace("09:00", "08:00")).await;
    assert_eq!(promise(&storage, &late, "2026-11-30T08:00").await.unwrap_err().code, "slot_full");
}

async fn old_seats_are_forgotten(engine: Engine) {
    let (_scratch, storage, timetable) = with_rule(engine, MONDAYS).await;
    promise(&storage, &timetable, "2026-11-30T09:00").await.unwrap();
    promise(&storage, &timetable, "2026-11-30T09:30").await.unwrap();
    let purged = write(&storage, |tx| Ok(bookings::purge(tx, at("2026-11-30T08:30:00Z"))?)).await;
    assert_eq!(purged.unwrap(), 1);
    assert_eq!(seats_left(&storage, &timetable).await, [1, 0, 1, 1, 1, 1]);
}

fn billing(calendar: Option<&str>) -> ServiceSetup {
    let mut service: ServiceSetup = toml::from_str("name = \"billing\"\nqueue = \"support\"").unwrap();
    service.calendar = calendar.map(str::to_owned);
    service
}

async fn setups_are_kept_by_name(engine: Engine) {
    let scratch = Scratch::new(engine);
    let storage = Storage::open(&scratch.settings).await.unwrap();
    let setup: CalendarSetup = toml::from_str(
        r#"
        name = "berlin"
        zone = "Europe/Berlin"
        hours = [{ day = "monday", from = "09:00", to = "24:00" }]
        special_days = [{ date = "2026-12-24", hours = [] }]
        holidays = [{ name = "Christmas", yearly = "12-25" }, { name = "Jubilee", date = "2026-10-05" }]
        "#,
    )
    .unwrap();
    let made = setup.clone();
    write(&storage, move |tx| store::create(tx, &made, now())).await.unwrap();
    let again = setup.clone();
    let taken = write(&storage, move |tx| store::create(tx, &again, now())).await.unwrap_err();
    assert_eq!(taken.code, "name_taken");
    assert_eq!(storage.read(store::list::<CalendarSetup>).await.unwrap(), std::slice::from_ref(&setup));

    let monday = at("2026-11-30T09:00:00Z");
    let is_open = |storage: Storage| async move {
        storage.read(store::load_calendars).await.unwrap()["berlin"].is_open(monday)
    };
    assert!(is_open(storage.clone()).await);
    let closed = CalendarSetup { hours: Vec::new(), ..setup };
    let changed = closed.clone();
    write(&storage, move |tx| store::put(tx, &changed, now())).await.unwrap();
    assert!(!is_open(storage.clone()).await);
    assert_eq!(write(&storage, |tx| store::find::<CalendarSetup>(tx, "berlin")).await.unwrap(), closed);

    write(&storage, |tx| {
        create_queue(tx, &Named { name: "support".to_owned() }, now())?;
        create_service(tx, &billing(Some("berlin")), now())
    })
    .await
    .unwrap();
    let delete = |storage: Storage| async move {
        write(&storage, |tx| store::delete::<CalendarSetup>(tx, "berlin")).await
    };
    assert_eq!(delete(storage.clone()).await.unwrap_err().code, "in_use");
    write(&storage, |tx| update_service(tx, &billing(None))).await.unwrap();
    delete(storage.clone()).await.unwrap();
    let gone = delete(storage.clone()).await.unwrap_err();
    assert_eq!((gone.code.as_str(), gone.field.as_deref()), ("reference_unknown", Some("name")));
    assert!(storage.read(store::load_calendars).await.unwrap().is_empty());
}

async fn a_rule_goes_with_its_seats(engine: Engine) {
    let (_scratch, storage, timetable) = with_rule(engine, MONDAYS).await;
    promise(&storage, &timetable, "2026-11-30T09:00").await.unwrap();
    write(&storage, |tx| store::delete::<CapacitySetup>(tx, "mondays")).await.unwrap();
    let anew = set_rule(&storage, MONDAYS).await;
    assert_ne!(anew.capacity.id, timetable.capacity.id);
    assert_eq!(seats_left(&storage, &anew).await, [1; 6]);
}
