//! A large contact centre on a database of its own: 2000 agents, 50 skills, 100 lines in four queues, and as many
//! callbacks in line as are wanted.

use crate::Failure;
use crate::create::app;
use crate::push::log_as_shipped;
use crate::seed::{self, Ask};
use ringback_e2e::{Centre, CentreSettings};
use ringback_server::app::App;
use ringback_server::clock::now;
use ringback_server::config::Settings;
use ringback_server::refusal::Refusal;
use ringback_server::routing::matching::Levels;
use ringback_server::routing::resources::{AgentSetup, Named, create_agent, create_queue, create_skill};
use ringback_server::rules::{self, RuleSetSetup};
use ringback_server::schedule::calendar::CalendarSetup;
use ringback_server::schedule::capacity::CapacitySetup;
use ringback_server::schedule::store;
use ringback_server::services::{ServiceSetup, create_service};
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, StorageSettings, Tx};
use serde_json::json;

const QUEUES: u32 = 4;
const SKILLS: u32 = 50;
const LINES: u32 = 100;
const AGENTS: u32 = 2000;
const ANALYZE: [&str; 5] = [
    "analyze callbacks",
    "analyze installations",
    "analyze events",
    "analyze agents",
    "analyze agent_requirements",
];
/// How long ago the first asked for a call.
const OLDEST_US: i64 = 10 * 3600 * 1_000_000;

/// So that each request can have an address of its own.
const CONFIG: &str = "[http]\ntrusted_proxies = [\"127.0.0.1/32\"]";

/// The service that has every rule there is.
pub(super) const STRICT: &str = "strict";

/// A centre whose server does not run, and its inside.
pub(super) struct Ground {
    pub(super) centre: Centre,
    pub(super) app: App,
    pub(super) storage: StorageSettings,
    /// Those who fit some line, not ready.
    pub(super) agents: Vec<String>,
    waiting: u32,
    /// Goes after whoever has it open.
    _database: Option<Scratch>,
}

impl Ground {
    /// With so many callbacks in line, a multiple of the lines.
    pub(super) async fn new(engine: Engine, waiting: u32) -> Result<Self, Failure> {
        let database = (engine == Engine::Postgres).then(|| Scratch::new(engine));
        let database_url = database.as_ref().map(|scratch| scratch.settings.url.clone());
        let mut centre = Centre::start(CentreSettings {
            database_url,
            config: CONFIG.to_owned(),
            ..CentreSettings::default()
        })
        .await?;
        centre.stop().await?;
        log_as_shipped(&centre)?;
        let storage = Settings::load(Some(&centre.config_file()))?.storage;
        let app = app(&storage).await?;
        set_up(&app).await?;
        let mut ground = Self { centre, app, storage, agents: Vec::new(), waiting: 0, _database: database };
        if waiting > 0 {
            ground.fill(waiting).await?;
        }
        ground.agents = ground.app.storage.read(agents_who_fit).await?;
        Ok(ground)
    }

    /// Who asks first stands for all who ask for the same: the rows of one real request, again with other ids, numbers
    /// and times.
    async fn fill(&mut self, waiting: u32) -> Result<(), Failure> {
        let each = waiting / LINES;
        let installations = seed::installations(&self.app.storage, waiting as usize).await?;
        let first = now().as_microsecond() - OLDEST_US;
        let step = OLDEST_US / i64::from(each);
        for (line, part) in (0..LINES).zip(installations.chunks(each as usize)) {
            let [model, others @ ..] = part else { continue };
            let ask = Ask::new(&service_of(line), model, 9_000_000 + line as usize).await?;
            let centre = self.app.centre.clone();
            self.app.change(move |tx, effects| ask.run(tx, effects, &centre)).await?;
            let Some((from, to)) = others.first().cloned().zip(others.last().cloned()) else { continue };
            let (model, first) = (model.clone(), first + i64::from(line));
            self.app.storage.write(move |tx| copy(tx, &model, (&from, &to), (first, step))).await?;
        }
        if self.app.storage.engine() == Engine::Postgres {
            // It does so by itself, sooner or later. SQLite goes without, as it does in service.
            let analyze = |tx: &mut Tx<'_>| {
                ANALYZE.iter().try_for_each(|sql| tx.execute(sql, &[]).map(drop)).map_err(Refusal::from)
            };
            self.app.storage.write(analyze).await?;
        }
        self.waiting = waiting;
        Ok(())
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> u32 {
        self.waiting
    }
}

fn service_of(line: u32) -> String {
    format!("line-{line}")
}

/// Everybody's request after the model's.
fn copy(
    tx: &mut Tx<'_>,
    model: &str,
    (from, to): (&str, &str),
    (first, step): (i64, i64),
) -> Result<(), Refusal> {
    tx.execute(
        "insert into callbacks (id, installation_id, service_id, queue_id, requirement_id, number_hash, number_sealed, \
         name_sealed, context_sealed, direction, state, priority, open_place, waiting_since, rank_us, expires_at, due_at, \
         promise, promise_model, entered_at, asked, created_at, changed_at, version) \
         select 'cb_' || substr(i.id, 4), i.id, c.service_id, c.queue_id, c.requirement_id, \
         substr(i.id, 24) || substr(i.id, 4, 20), c.number_sealed, c.name_sealed, c.context_sealed, c.direction, c.state, \
         c.priority, 0, i.at, i.at, i.at + 86400000000, i.at + 86400000000, c.promise, c.promise_model, i.at, 0, i.at, i.at, 1 \
         from (select id, $4 + $5 * row_number() over (order by id) as at from installations where id >= $2 and id <= $3) i \
         join callbacks c on c.installation_id = $1",
        &[&model, &from, &to, &first, &step],
    )?;
    tx.execute(
        "insert into events (installation_id, seq, callback_id, version, kind, actor, at, snapshot) \
         select i.id, 1, 'cb_' || substr(i.id, 4), 1, e.kind, e.actor, e.at, e.snapshot \
         from installations i join events e on e.installation_id = $1 where i.id >= $2 and i.id <= $3",
        &[&model, &from, &to],
    )?;
    tx.execute("update installations set event_seq = 1 where id >= $1 and id <= $2", &[&from, &to])?;
    for sql in [
        "insert into tallies (key, shard, n) select 'line/' || c.queue_id || '/' || c.requirement_id, 1000, \
         (select count(*) from installations where id >= $2 and id <= $3) from callbacks c where c.installation_id = $1 \
         on conflict (key, shard) do update set n = tallies.n + excluded.n",
        "insert into tallies (key, shard, n) select 'open/' || c.service_id, 1000, \
         (select count(*) from installations where id >= $2 and id <= $3) from callbacks c where c.installation_id = $1",
    ] {
        tx.execute(sql, &[&model, &from, &to])?;
    }
    Ok(())
}

fn agents_who_fit(tx: &mut Tx<'_>) -> Result<Vec<String>, Refusal> {
    Ok(tx.query("select distinct r.agent_id from agent_requirements r join agents a on a.id = r.agent_id where a.name like 'agent-%' order by 1", &[], |row| row.get(0))?)
}

/// Draws that are the same in every run.
struct Draws(fastrand::Rng);

impl Draws {
    fn queue(&mut self) -> String {
        format!("queue-{}", self.0.u32(0..QUEUES))
    }

    fn skills(
        &mut self,
        count: std::ops::RangeInclusive<u32>,
        levels: std::ops::RangeInclusive<u32>,
    ) -> Levels {
        let count = self.0.u32(count) as usize;
        let mut skills = Levels::new();
        while skills.len() < count {
            skills.insert(format!("skill-{}", self.0.u32(0..SKILLS)), self.0.u32(levels.clone()));
        }
        skills
    }
}

async fn set_up(app: &App) -> Result<(), Failure> {
    let mut draws = Draws(fastrand::Rng::with_seed(4));
    let mut services: Vec<ServiceSetup> = (0..LINES)
        .map(|line| ServiceSetup {
            skills: draws.skills(1..=2, 1..=5),
            ..ServiceSetup::new(service_of(line), draws.queue())
        })
        .collect();
    services.push(strict()?);
    let calendar: CalendarSetup = serde_json::from_value(json!({
        "name": "always", "zone": "Europe/Berlin", "hours": week(&json!({})) }))?;
    let capacity: CapacitySetup = serde_json::from_value(json!({
        "name": "always", "zone": "Europe/Berlin", "slot_minutes": 5, "seats": week(&json!({ "capacity": 50 })) }))?;
    let rule_set: RuleSetSetup = serde_json::from_value(json!({
        "name": "germany", "countries": ["DE"], "blocked": ["+49900*", "+4930555*"],
        "blocked_regex": ["^\\+49180\\d+$"] }))?;
    let centre = app.centre.clone();
    app.storage
        .write(move |tx| {
            for queue in 0..QUEUES {
                create_queue(tx, &Named { name: format!("queue-{queue}") }, now())?;
            }
            for skill in 0..SKILLS {
                create_skill(tx, &Named { name: format!("skill-{skill}") }, now())?;
            }
            store::create(tx, &calendar, now())?;
            store::create(tx, &capacity, now())?;
            rules::store::create(tx, &centre.vault, &rule_set, now())?;
            services.iter().try_for_each(|service| create_service(tx, service, now()))
        })
        .await?;
    let agents: Vec<AgentSetup> = (0..AGENTS)
        .map(|agent| AgentSetup {
            name: format!("agent-{agent}"),
            queues: vec![draws.queue(), draws.queue()],
            skills: draws.skills(3..=8, 1..=10),
        })
        .collect();
    app.storage
        .write(move |tx| {
            agents.iter().try_for_each(|agent| create_agent(tx, agent, now()))?;
            tx.execute("update agents set state = 'not_ready'", &[])?;
            Ok::<_, Refusal>(())
        })
        .await?;
    Ok(())
}

/// Every rule there is, with room for all.
fn strict() -> Result<ServiceSetup, Failure> {
    Ok(serde_json::from_value(json!({
        "name": STRICT, "queue": "queue-0", "skills": { "skill-1": 1 }, "unstaffed": "refuse",
        "calendar": "always", "capacity": "always", "rule_sets": ["germany"], "default_country": "DE",
        "limits": {
            "number": [{ "count": 1, "window_s": 60 }, { "count": 3, "window_s": 3600 }, { "count": 6, "window_s": 86400 }],
            "prefix": [{ "count": 100, "window_s": 3600 }],
            "installation": [{ "count": 100, "window_s": 3600 }],
            "address": [{ "count": 100, "window_s": 3600 }],
            "service": [{ "count": 1_000_000, "window_s": 3600 }, { "count": 1_000_000, "window_s": 86400 }],
            "open_callbacks": 2_000_000 },
    }))?)
}

/// The whole day of every day.
fn week(also: &serde_json::Value) -> Vec<serde_json::Value> {
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        .iter()
        .map(|day| {
            let mut hours = json!({ "day": day, "from": "00:00", "to": "24:00" });
            if let (Some(hours), Some(also)) = (hours.as_object_mut(), also.as_object()) {
                hours.extend(also.clone());
            }
            hours
        })
        .collect()
}
