//! The last seat of a slot, and two hundred who want it.

use crate::hall::{Hall, always, in_seconds};
use crate::support::Failure;
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const BOOKERS: usize = 200;

pub(crate) async fn the_last_seat_has_one_winner(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    hall.put("capacity-rules/last", always("last", 1)).await?;
    hall.service("last", &[], json!({ "capacity": "last" })).await?;
    let (_, tomorrow) = in_seconds(24 * 3600);
    let mut booking = JoinSet::new();
    for index in 0..BOOKERS {
        booking.spawn(hall.request("last", index, json!({ "scheduled_for": tomorrow })).send());
    }
    let (mut won, mut full) = (0, 0);
    while let Some(answer) = booking.join_next().await {
        let answer = answer??;
        match answer.status().as_u16() {
            201 => won += 1,
            409 => {
                let problem: Value = answer.json().await?;
                assert_eq!(problem["code"], "slot_full", "{problem}");
                assert!(problem["slots"].as_array().is_some_and(|slots| !slots.is_empty()), "{problem}");
                full += 1;
            }
            other => return Err(format!("{other}: {}", answer.text().await?).into()),
        }
    }
    assert_eq!((won, full), (1, BOOKERS - 1));
    Ok(())
}
