//! A hundred matchers at once over a thousand callbacks, in processes that are killed at random moments: no agent has two
//! callbacks, no callback two agents, and none is stuck (I2, I8). On SQLite one process holds them all, on PostgreSQL four.
//!
//! PostgreSQL's case wants `RINGBACK_TEST_POSTGRES`, which `cargo xtask test` sets.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use ringback_core::protocol::CallbackRequest;
use ringback_server::app::Effects;
use ringback_server::callbacks::model::{DialResult, Disposition, Input, Phase, Position};
use ringback_server::callbacks::{self, Completion, NewCallback, find_of_agent};
use ringback_server::centre::Centre;
use ringback_server::clock::now;
use ringback_server::identity::admin::create_app_key;
use ringback_server::refusal::Refusal;
use ringback_server::routing::agents::{self, ChosenState};
use ringback_server::routing::matcher;
use ringback_server::routing::resources::{self, AgentSetup, Named};
use ringback_server::services::{ServiceSetup, create_service};
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, StorageSettings, Tx, Vault};
use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CALLBACKS: usize = 1000;
const MATCHERS: usize = 100;
const AGENTS: usize = 60;
const KILLS: usize = 12;
const LIMIT: Duration = Duration::from_secs(150);
/// Where a process of matchers finds its database: URL, key file, and how many matchers it runs.
const HOUSE: &str = "RINGBACK_TEST_MATCHERS";

#[test]
fn on_sqlite() {
    a_hundred_matchers(Engine::Sqlite, 1);
}

#[test]
fn on_postgresql() {
    a_hundred_matchers(Engine::Postgres, 4);
}

/// One process of matchers; started and killed by the tests above.
#[test]
#[ignore = "the other tests run it"]
fn matchers() {
    let house = std::env::var(HOUSE).expect("the other tests say where");
    let [url, key_file, count] = house.split('\n').collect::<Vec<_>>()[..] else { panic!("not a house") };
    let settings =
        StorageSettings { url: url.to_owned(), key_file: key_file.into(), postgres_connections: 8 };
    let count: usize = count.parse().unwrap();
    runtime().block_on(async {
        let storage = Storage::open(&settings).await.unwrap();
        let centre = Arc::new(Centre::new(Arc::new(Vault::open(&settings).unwrap())));
        let matchers = (0..count).map(|_| tokio::spawn(match_until_done(storage.clone(), centre.clone())));
        for matcher in matchers.collect::<Vec<_>>() {
            matcher.await.unwrap().unwrap();
        }
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

fn a_hundred_matchers(engine: Engine, processes: usize) {
    let scratch = Scratch::new(engine);
    let settings = scratch.settings.clone();
    runtime().block_on(async {
        let storage = Storage::open(&settings).await.unwrap();
        let centre = Arc::new(Centre::new(Arc::new(Vault::open(&settings).unwrap())));
        furnish(&storage, &centre).await;
        // An SQLite file has one process that writes.
        storage.close().await;
    });
    let start = || start(&settings, MATCHERS / processes);
    let mut running: Vec<Child> = (0..processes).map(|_| start()).collect();
    let (mut kills, began) = (0, Instant::now());
    while kills < KILLS {
        // This makes the moment of a kill random.
        std::thread::sleep(Duration::from_millis(fastrand::u64(50..600)));
        let hit = fastrand::usize(..running.len());
        if running[hit].try_wait().unwrap().is_some() {
            // Everybody was served before the last kill.
            break;
        }
        running[hit].kill().unwrap();
        running[hit].wait().unwrap();
        running[hit] = start();
        kills += 1;
    }
    assert!(kills > 2, "everything was over before it could be disturbed: the test has lost its point");
    for process in &mut running {
        let ended = loop {
            match process.try_wait().unwrap() {
                Some(ended) => break ended,
                None if began.elapsed() > LIMIT => {
                    process.kill().unwrap();
                    panic!("a callback is stuck");
                }
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        assert!(ended.success(), "a process of matchers failed");
    }
    runtime().block_on(async {
        let storage = Storage::open(&settings).await.unwrap();
        storage.read(everybody_was_served_once).await.unwrap();
        storage.close().await;
    });
    println!("{CALLBACKS} callbacks, {kills} kills, {:?}", began.elapsed());
}

fn start(settings: &StorageSettings, matchers: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "matchers", "--ignored", "--quiet"])
        .env(HOUSE, format!("{}\n{}\n{matchers}", settings.url, settings.key_file.display()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

async fn furnish(storage: &Storage, centre: &Arc<Centre>) {
    storage
        .write(|tx| {
            let now = now();
            create_app_key(tx, "app", now)?;
            tx.execute(
                "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
                 select 'in_app', k.id, $1, $1, 0, $2 from api_keys k where k.name = 'app'",
                &[&b"app".to_vec(), &now],
            )?;
            resources::create_queue(tx, &Named { name: "floor".to_owned() }, now)?;
            resources::create_skill(tx, &Named { name: "english".to_owned() }, now)?;
            let service = |name: &str, level: u32| ServiceSetup {
                ask_customer: false,
                wrap_up_s: Some(0),
                skills: [("english".to_owned(), level)].into(),
                ..ServiceSetup::new(name, "floor")
            };
            create_service(tx, &service("plain", 1), now)?;
            create_service(tx, &service("hard", 3), now)?;
            for agent in 0..AGENTS {
                let level = u32::try_from(agent % 5).unwrap() + 1;
                let setup = AgentSetup {
                    name: format!("agent-{agent}"),
                    queues: vec!["floor".to_owned()],
                    skills: [("english".to_owned(), level)].into(),
                };
                resources::create_agent(tx, &setup, now)?;
            }
            Ok::<_, Refusal>(())
        })
        .await
        .unwrap();
    for number in 0..CALLBACKS {
        let service = if number % 3 == 0 { "hard" } else { "plain" };
        let request = CallbackRequest::new(service, format!("+49151{number:08}"));
        let new = NewCallback::check("in_app".to_owned(), None, request).unwrap();
        let centre = centre.clone();
        let made = storage.write(move |tx| {
            Effects::collect(tx, |tx, effects| callbacks::create(tx, effects, &centre, &new, now())).map(drop)
        });
        made.await.unwrap();
    }
}

/// Lets agents, chosen at random, do what comes next, until nobody waits any more.
async fn match_until_done(storage: Storage, centre: Arc<Centre>) -> Result<(), Refusal> {
    while storage.read(anybody_open).await? {
        let agent = format!("agent-{}", fastrand::usize(..AGENTS));
        let by_queue = fastrand::bool();
        let centre = centre.clone();
        let done = storage
            .write(move |tx| {
                Effects::collect(tx, |tx, effects| next_step(tx, effects, &centre, &agent, by_queue))
                    .map(drop)
            })
            .await;
        match done {
            // Somebody else was faster.
            Ok(()) | Err(Refusal::Problem(_)) => {}
            Err(Refusal::Storage(error)) if error.is_transient() => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

fn anybody_open(tx: &mut Tx<'_>) -> Result<bool, Refusal> {
    let open = tx.query_opt("select 1 from callbacks where state <> 'completed' limit 1", &[], |_| Ok(()))?;
    Ok(open.is_some())
}

/// What a server and an agent do next: match, dial, talk, finish; each a transaction of its own.
fn next_step(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    agent: &str,
    by_queue: bool,
) -> Result<(), Refusal> {
    let (now, agent_id) = (now(), agents::id_of(tx, agent)?);
    if let Some(mut record) = find_of_agent(tx, &agent_id)? {
        let record = &mut record;
        return match record.at {
            Position::Routing(Phase::Confirmed) => {
                callbacks::apply(tx, effects, record, Input::Dial, "system", now)
            }
            Position::Routing(Phase::Connecting) => {
                callbacks::report(tx, effects, record, DialResult::Connected, agent, now)
            }
            Position::Processing => {
                let said = Completion { disposition: Disposition::Handled, note: None, scheduled_for: None };
                callbacks::finish(tx, effects, centre, record, &said, (agent, now))
            }
            at => panic!("a callback with an agent is {at:?}"),
        };
    }
    let state: String =
        tx.query_one("select state from agents where id = $1", &[&agent_id], |row| row.get(0))?;
    if state == "offline" {
        return agents::choose_state(tx, effects, &agent_id, (ChosenState::Ready, None), agent, now);
    }
    if by_queue {
        let queue: String = tx.query_one("select id from queues", &[], |row| row.get(0))?;
        return matcher::reserve(tx, effects, centre, &queue, now).map(drop);
    }
    matcher::reserve_for_agent(tx, effects, centre, &agent_id, now).map(drop)
}

/// Every callback was handled by one agent at one time, who could do what it needed and had no other at that time.
fn everybody_was_served_once(tx: &mut Tx<'_>) -> Result<(), Refusal> {
    let handled: usize = tx.query_one(
        "select count(*) from callbacks where state = 'completed' and reason = 'handled'",
        &[],
        |row| Ok(usize::try_from(row.get::<i64>(0)?).unwrap()),
    )?;
    assert_eq!(handled, CALLBACKS, "not everybody was served");
    let spells = tx.query(
        "select c.id, t.agent_id, f.surplus, \
         (select min(e.seq) from events e where e.callback_id = c.id and e.kind = 'confirmed'), \
         (select min(e.seq) from events e where e.callback_id = c.id and e.kind = 'completed'), \
         (select count(*) from events e where e.callback_id = c.id and e.kind = 'confirmed'), \
         (select count(*) from attempts a where a.callback_id = c.id) \
         from callbacks c join attempts t on t.callback_id = c.id \
         left join agent_requirements f on f.agent_id = t.agent_id and f.requirement_id = c.requirement_id",
        &[],
        |row| {
            Ok((
                (row.get::<String>(0)?, row.get::<String>(1)?, row.get::<Option<i64>>(2)?),
                (row.get::<i64>(3)?, row.get::<i64>(4)?),
                (row.get::<i64>(5)?, row.get::<i64>(6)?),
            ))
        },
    )?;
    assert_eq!(spells.len(), CALLBACKS);
    // All belong to one installation, whose events are numbered in the order of their commits.
    let mut of_agent: HashMap<String, Vec<(i64, i64)>> = HashMap::new();
    for ((callback, agent, fits), (from, to), (reserved, dialed)) in spells {
        assert_eq!(
            (reserved, dialed),
            (1, 1),
            "{callback} was reserved {reserved} times and dialed {dialed} times"
        );
        assert!(fits.is_some(), "{callback} went to {agent}, who cannot do it");
        of_agent.entry(agent).or_default().push((from, to));
    }
    for (agent, mut spells) in of_agent {
        spells.sort();
        for pair in spells.windows(2) {
            assert!(pair[0].1 < pair[1].0, "{agent} had two callbacks at once: {pair:?}");
        }
    }
    Ok(())
}
