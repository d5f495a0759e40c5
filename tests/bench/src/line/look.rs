//! What is looked at: free slots, and the server's memory.

use super::ground::STRICT;
use super::{Counts, Ground};
use crate::Failure;
use crate::row::{Measure, Row, quantile};
use jiff::SignedDuration;
use ringback_core::protocol::AvailabilityRequest;
use ringback_server::clock::now;
use ringback_server::refusal::Refusal;
use ringback_server::storage::Engine;
use std::time::{Duration, Instant};
use sysinfo::{Pid, ProcessesToUpdate, System};

const DAYS: i64 = 14;
const SLOT_S: i64 = 300;
const SLOTS: i64 = DAYS * 86_400 / SLOT_S;
const BOOKINGS: i64 = 100_000;
/// How often agents become ready before memory is looked at.
const READY: usize = 300;

/// Two weeks of slots of five minutes.
pub(super) async fn availability(counts: &Counts) -> Result<Vec<Row>, Failure> {
    let ground = Ground::new(Engine::Sqlite, 0).await?;
    let first = now().as_second().div_euclid(SLOT_S) * SLOT_S;
    let book = move |tx: &mut ringback_server::storage::Tx<'_>| {
        for slot in 0..=SLOTS {
            let booked = BOOKINGS * (slot + 1) / SLOTS - BOOKINGS * slot / SLOTS;
            tx.execute(
                "insert into slot_bookings (capacity_rule_id, slot_start, booked) \
                 select id, $1, $2 from capacity_rules where name = 'always'",
                &[&((first + slot * SLOT_S) * 1_000_000), &booked],
            )?;
        }
        Ok::<_, Refusal>(())
    };
    ground.app.storage.write(book).await?;
    let file = ground.storage.url.strip_prefix("sqlite:").ok_or("not a file")?;
    let plain = rusqlite::Connection::open(file)?;

    let (mut reads, mut writes, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..counts.looks {
        let request = AvailabilityRequest {
            service: STRICT.to_owned(),
            zone: "America/New_York".to_owned(),
            from: None,
            to: Some(now().checked_add(SignedDuration::from_hours(24 * DAYS))?),
            include_full: true,
            limit: Some(5000),
        };
        let centre = ground.app.centre.clone();
        let started = Instant::now();
        let found = ground
            .app
            .storage
            .read(move |tx| {
                let setup = centre.setup(tx)?;
                let timetable = setup.service(STRICT)?.timetable.as_ref();
                timetable.ok_or(Refusal::Damaged("a service without times"))?.availability(
                    tx,
                    &request,
                    now(),
                )
            })
            .await?;
        reads.push(started.elapsed());
        let started = Instant::now();
        let json = serde_json::to_vec(&found)?;
        writes.push(started.elapsed());
        let started = Instant::now();
        let rows: Vec<(i64, i64)> = plain
            .prepare_cached("select slot_start, booked from slot_bookings order by slot_start")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        bare.push(started.elapsed());
        if found.slots.len().abs_diff(rows.len()) > 2 || json.is_empty() {
            return Err(format!("{} slots are shown of {}", found.slots.len(), rows.len()).into());
        }
    }
    let p99 = |samples: &[Duration]| Measure::Takes(quantile(samples, 0.99));
    Ok(vec![
        Row {
            name: "line/availability".to_owned(),
            figure: p99(&reads),
            reference: p99(&bare),
            meaning: format!(
                "{SLOTS} slots of {DAYS} days in the caller's zone with {BOOKINGS} bookings on SQLite, opening hours and \
                 capacity looked at, the 99th percentile of {} times. Reference: the same bookings read by the plain \
                 client library, in turns with it.",
                reads.len()
            ),
        },
        Row {
            name: "line/availability-json".to_owned(),
            figure: p99(&writes),
            reference: p99(&reads),
            meaning: "The same slots written as JSON, the 99th percentile. Reference: the row above."
                .to_owned(),
        },
    ])
}

/// What each of those who wait takes in the server's memory.
pub(super) async fn memory(mut many: Ground) -> Result<Row, Failure> {
    let mut none = Ground::new(Engine::Sqlite, 0).await?;
    let file = many.storage.url.strip_prefix("sqlite:").ok_or("not a file")?.to_owned();
    let (with, without) = (resident(&mut many).await?, resident(&mut none).await?);
    let waiting = f64::from(many.waiting());
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let each = |bytes: u64| Measure::Bytes((bytes as f64 / waiting).max(0.0));
    Ok(Row {
        name: "line/memory".to_owned(),
        figure: each(with.saturating_sub(without).max(1)),
        reference: each(std::fs::metadata(file)?.len()),
        meaning: format!(
            "The server's resident memory for each of {waiting} callbacks in line, on SQLite, after {READY} agents became \
             ready: {} of them all less {} of a server without any. Reference: the database file, for each callback.",
            mib(with),
            mib(without)
        ),
    })
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

async fn resident(ground: &mut Ground) -> Result<u64, Failure> {
    ground.app.storage.close().await;
    ground.centre.start_server().await?;
    let staff = ground.centre.staff();
    for agent in 0..READY {
        staff.agent(&format!("agent-{}", 1999 - agent), "ready").await?;
    }
    let id = Pid::from_u32(ground.centre.server_id().ok_or("the server is gone")?);
    let mut system = System::new()?;
    system.refresh_processes(ProcessesToUpdate::Some(&[id]), true);
    let resident = system.process(id).ok_or("the server is gone")?.memory();
    ground.centre.stop().await?;
    Ok(resident)
}
