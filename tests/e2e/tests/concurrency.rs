//! Four servers on one PostgreSQL, forty restless agents, two hundred callbacks: nobody is reserved twice, and everybody is
//! called in the end (I2).

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use ringback_core::protocol::{CompletedReason, EventKind};
use ringback_e2e::{Phone, PhoneKind, number};
use ringback_server::storage::Engine;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

mod floor;
mod support;
use floor::Floor;
use support::{Failure, World};

const SERVERS: usize = 4;
const AGENTS: usize = 40;
const PHONES: usize = 8;
const CALLS_EACH: usize = 25;
/// One in so many glances, an agent who is ready or reserved walks away.
const RESTLESS: u32 = 10;
const LIMIT: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reserved_twice_by_four_servers() -> Result<(), Failure> {
    let seed = std::env::var("RINGBACK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("to repeat: RINGBACK_TEST_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut world = World::start(Engine::Postgres).await?;
    let mut urls = vec![world.centre.url.clone()];
    while urls.len() < SERVERS {
        urls.push(world.centre.start_another_server().await?);
    }
    // Agents who walk away cost an attempt each; the customer is asked again as often as it takes.
    let service =
        json!({ "name": "floor", "queue": "floor", "confirm_window_s": 60, "confirm_attempts": 10 });
    let mut floor = Floor::open(&world, &urls, AGENTS, &service).await?;
    let mut phones = Vec::new();
    for index in 0..PHONES {
        let kind = if index % 2 == 0 { PhoneKind::Iphone } else { PhoneKind::Android };
        let folder = world.folder(&format!("phone-{index}"));
        let phone = Arc::new(Phone::at(&urls[index % SERVERS], &world.centre, kind, &folder, None)?);
        phone.register_push().await?;
        phones.push(phone);
    }
    floor.agents_work(&mut rng, RESTLESS);
    floor.customers_answer(&world, &phones);

    let mut customers = JoinSet::new();
    for (index, phone) in phones.iter().cloned().enumerate() {
        customers.spawn(async move {
            for call in 0..CALLS_EACH {
                phone
                    .client
                    .request_callback(Phone::request("floor", number(index * CALLS_EACH + call)))
                    .await?;
            }
            let events = phone.client.events()?;
            let (mut completed, mut lost) = (0, 0);
            while completed < CALLS_EACH {
                let event = events.next().await?.ok_or("the stream goes on")?;
                completed += usize::from(event.kind == EventKind::Completed);
                lost += usize::from(event.kind == EventKind::Requeued);
            }
            let ended = phone.client.callbacks().await?;
            assert_eq!(ended.len(), CALLS_EACH);
            assert!(
                ended.iter().all(|callback| callback.reason == Some(CompletedReason::Handled)),
                "{ended:?}"
            );
            Ok::<_, Failure>(lost)
        });
    }
    let mut walked_away = 0;
    let all = async {
        while let Some(customer) = customers.join_next().await {
            walked_away += customer??;
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(LIMIT, all).await.map_err(|_| format!("a callback is stuck; seed {seed}"))??;
    let staff = world.centre.staff();
    for agent in &floor.agents {
        assert!(staff.desk(agent).await?["callback"].is_null(), "{agent} is left with a callback");
    }
    println!("{walked_away} reservations were given back, {} sightings", floor.sightings.count());
    assert!(walked_away > 0, "nobody walked away from a reservation: the test has lost its point");
    floor.close().await;
    Ok(())
}
