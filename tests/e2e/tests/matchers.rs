//! Three servers on one PostgreSQL, killed at random, and a hundred matchers beside them; or one server on SQLite and the
//! same hundred: a thousand callbacks, nobody reserved twice, nobody stuck (I2, I8).

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use jiff::Timestamp;
use reqwest::Method;
use ringback_e2e::number;
use ringback_server::app::Effects;
use ringback_server::callbacks::model::{DialResult, Input, Phase, Position};
use ringback_server::callbacks::{Completion, apply, find_of_agent, finish, report};
use ringback_server::centre::Centre;
use ringback_server::clock::now;
use ringback_server::refusal::Refusal;
use ringback_server::routing::agents::{ChosenState, choose_state, id_of};
use ringback_server::routing::matcher::{reserve, reserve_for_agent};
use ringback_server::storage::{Engine, Storage, Tx, Vault};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

mod support;
use support::{Failure, World};

const NUMBERS: usize = 200;
const EACH: usize = 5;
const CALLBACKS: usize = NUMBERS * EACH;
const MATCHERS: usize = 100;
/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(180);

/// What all matchers share.
#[derive(Clone)]
struct Node {
    storage: Storage,
    centre: Arc<Centre>,
}

impl Node {
    /// One transaction, as a server does it. A refusal only says that somebody was faster.
    async fn change<T: Send + 'static>(
        &self,
        mut body: impl FnMut(&mut Tx<'_>, &mut Effects, &Centre) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Option<T>, Refusal> {
        let centre = self.centre.clone();
        let done = self.storage.write(move |tx| {
            Effects::collect(tx, |tx, effects| body(tx, effects, &centre)).map(|(value, _)| value)
        });
        match done.await {
            Ok(value) => Ok(Some(value)),
            Err(Refusal::Problem(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn open_callbacks(&self) -> Result<u32, Refusal> {
        let open = self.storage.read(|tx| {
            Ok::<_, Refusal>(tx.query_one(
                "select count(*) from callbacks where state <> 'completed'",
                &[],
                |row| row.get(0),
            )?)
        });
        open.await
    }
}

/// One agent at work until nobody waits: becomes ready, looks for a callback, and does whatever the one on the desk
/// needs. Servers may reserve this agent at any time too.
async fn work(node: Node, agent: String, mut rng: fastrand::Rng) -> Result<(), Refusal> {
    while node.open_callbacks().await? > 0 {
        let (name, by_queue, walks_away) = (agent.clone(), rng.u32(..4) == 0, rng.u32(..20) == 0);
        node.change(move |tx, effects, _| {
            let id = id_of(tx, &name)?;
            let chosen = if walks_away { ChosenState::NotReady } else { ChosenState::Ready };
            choose_state(tx, effects, &id, (chosen, None), "agent", now())
        })
        .await?;
        let name = agent.clone();
        node.change(move |tx, effects, centre| {
            let at = now();
            if by_queue {
                let queue: String =
                    tx.query_one("select id from queues where name = 'floor'", &[], |row| row.get(0))?;
                return reserve(tx, effects, centre, &queue, at);
            }
            let id = id_of(tx, &name)?;
            reserve_for_agent(tx, effects, centre, &id, at)
        })
        .await?;
        let result = if rng.u32(..5) == 0 { DialResult::NoAnswer } else { DialResult::Connected };
        let name = agent.clone();
        node.change(move |tx, effects, _| {
            let id = id_of(tx, &name)?;
            let Some(mut record) = find_of_agent(tx, &id)? else { return Ok(()) };
            if record.at == Position::Routing(Phase::Confirmed) {
                apply(tx, effects, &mut record, Input::Dial, "agent", now())?;
            }
            report(tx, effects, &mut record, result, "agent", now())
        })
        .await?;
        let name = agent.clone();
        node.change(move |tx, effects, centre| {
            let id = id_of(tx, &name)?;
            let Some(mut record) = find_of_agent(tx, &id)? else { return Ok(()) };
            let said: Completion = serde_json::from_value(json!({})).unwrap();
            finish(tx, effects, centre, &mut record, &said, ("agent", now()))
        })
        .await?;
    }
    Ok(())
}

async fn ask_for_all(world: &World) -> Result<(), Failure> {
    let http = reqwest::Client::new();
    let url = &world.centre.url;
    let made = http
        .post(format!("{url}/v1/installations"))
        .header("Ringback-App-Key", &world.centre.app_key)
        .json(&json!({ "secret": "s".repeat(40) }))
        .send()
        .await?
        .error_for_status()?;
    let token = made.json::<serde_json::Value>().await?["token"].as_str().unwrap_or_default().to_owned();
    for turn in 0..EACH {
        let mut asking = JoinSet::new();
        for index in 0..NUMBERS {
            let request = http.post(format!("{url}/v1/callbacks")).bearer_auth(&token);
            let request = request.header("Idempotency-Key", format!("{turn}-{index}"));
            asking.spawn(request.json(&json!({ "service": "floor", "number": number(index) })).send());
        }
        while let Some(answer) = asking.join_next().await {
            answer??.error_for_status()?;
        }
    }
    Ok(())
}

async fn nobody_is_reserved_twice(engine: Engine) -> Result<(), Failure> {
    let given = std::env::var("RINGBACK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("to repeat: RINGBACK_TEST_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut world = World::start(engine).await?;
    // Without a network between, SQLite is done sooner.
    let (others, between_ms) = if engine == Engine::Postgres { (2, 50..1500) } else { (0, 20..200) };
    for _ in 0..others {
        world.centre.start_another_server().await?;
    }
    let staff = world.centre.staff();
    staff.ask(Method::POST, "queues", Some(json!({ "name": "floor" }))).await?;
    let service = json!({ "name": "floor", "queue": "floor", "ask_customer": false, "wrap_up_s": 0,
        "limits": { "open_per_number": EACH }, "connect_max_s": 10,
        "retry": { "no_answer": { "attempts": 20 }, "failed": { "attempts": 20 } } });
    staff.ask(Method::POST, "services", Some(service)).await?;
    let agents: Vec<String> = (0..MATCHERS).map(|index| format!("agent-{index}")).collect();
    for name in &agents {
        staff.ask(Method::POST, "agents", Some(json!({ "name": name, "queues": ["floor"] }))).await?;
    }
    ask_for_all(&world).await?;

    let settings = &world.database.settings;
    let vault = Arc::new(Vault::open(settings)?);
    let node = Node { storage: Storage::open(settings).await?, centre: Arc::new(Centre::new(vault)) };
    let mut working = JoinSet::new();
    for agent in agents {
        working.spawn(work(node.clone(), agent, rng.fork()));
    }
    let began = tokio::time::Instant::now();
    let mut kills = 0;
    while !working.is_empty() {
        // The moment of a kill is random; what is waited for is that everybody has gone home.
        let moment = Duration::from_millis(rng.u64(between_ms.clone()));
        match tokio::time::timeout(moment, working.join_next()).await {
            Ok(Some(done)) => done??,
            Ok(None) => break,
            Err(_) => {
                assert!(began.elapsed() < LIMIT, "{} are stuck; seed {seed}", node.open_callbacks().await?);
                world.centre.kill_any(rng.usize(..)).await?;
                kills += 1;
            }
        }
    }
    println!("{kills} kills in {:?}", began.elapsed());
    assert!(kills > 0, "nothing was killed: the test has lost its point");
    check(&node).await
}

/// What the database says of it afterwards.
async fn check(node: &Node) -> Result<(), Failure> {
    let (handled, tied, calls) = node
        .storage
        .read(|tx| {
            let handled: u32 = tx.query_one(
                "select count(*) from callbacks where state = 'completed' and reason = 'handled'",
                &[],
                |row| row.get(0),
            )?;
            let tied: u32 =
                tx.query_one("select count(*) from agents where state in ('reserved', 'on_call')", &[], |row| {
                    row.get(0)
                })?;
            // A call that was answered lasts until the callback is over, any other until its result.
            let calls = tx.query(
                "select a.agent_id, a.began_at, case when a.result = 'connected' then c.changed_at else a.ended_at end \
                 from attempts a join callbacks c on c.id = a.callback_id order by a.agent_id, a.began_at",
                &[],
                |row| Ok((row.get::<String>(0)?, row.get::<Timestamp>(1)?, row.get::<Timestamp>(2)?)),
            )?;
            Ok::<_, Refusal>((handled, tied, calls))
        })
        .await?;
    assert_eq!((handled as usize, tied), (CALLBACKS, 0), "everybody was called, and every desk is empty");
    assert!(calls.len() > CALLBACKS, "some had to be tried again");
    let mut free_from: BTreeMap<String, Timestamp> = BTreeMap::new();
    for (agent, began_at, ended_at) in calls {
        let before = free_from.insert(agent.clone(), ended_at);
        assert!(before.is_none_or(|before| before <= began_at), "{agent} had two callbacks at {began_at}");
    }
    Ok(())
}

support::on_both_engines! {
    a_hundred_matchers_and_random_kills => |engine| nobody_is_reserved_twice(engine);
}
