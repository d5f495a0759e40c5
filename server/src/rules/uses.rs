//! Limits, kept in the database: they hold on every node and survive a restart. A request and its dry run share
//! [`limits::decide`]; the request also writes its uses down.

use super::limits::{self, Full, Limits, Window};
use super::service_uses;
use super::verdict::{failed, passed};
use crate::refusal::Refusal;
use crate::storage::{FewRows, ForEach, OfEach, Param, Tx, Vault, few_rows};
use ringback_core::protocol::{Check, Problem, ProblemCode, ReachedLimit, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;

/// Whose requests are counted.
#[derive(Clone, Copy)]
pub struct Subjects<'a> {
    /// The service that is asked; each counts for itself.
    pub service_id: &'a str,
    /// The number as it was classified, E.164.
    pub number: &'a str,
    /// The installation that asks; `None` when staff does.
    pub installation_id: Option<&'a str>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
}

/// One limited subject of a request.
#[derive(Debug)]
struct Subject {
    limit: &'static str,
    windows: Vec<Window>,
    /// What it is stored under: a keyed hash, or what it is counted by where that says nothing about a person.
    key: String,
}

impl Subjects<'_> {
    /// The subjects that have windows, in order of their keys: whoever locks several rows does it in one order.
    fn limited(&self, vault: &Vault, limits: &Limits) -> Vec<Subject> {
        let address = self.address.map(network);
        let values = [
            ("number", &limits.number, Some(self.number)),
            ("prefix", &limits.prefix, Some(prefix(self.number))),
            ("installation", &limits.installation, self.installation_id),
            ("address", &limits.address, address.as_deref()),
        ];
        let mut subjects: Vec<_> = values
            .into_iter()
            .filter(|(_, windows, _)| !windows.is_empty())
            .filter_map(|(limit, windows, value)| {
                let value = value?;
                let key = match limit {
                    // Ids rise with time, so those who came together lie together, and share pages when they are counted.
                    "installation" => format!("{value}/{}", self.service_id),
                    _ => vault.lookup(&format!("limit.{limit}"), &format!("{}/{value}", self.service_id)),
                };
                Some(Subject { limit, windows: windows.clone(), key })
            })
            .collect();
        subjects.sort_by(|one, other| one.key.cmp(&other.key));
        subjects
    }
}

/// A number without its last four digits.
fn prefix(e164: &str) -> &str {
    e164.len().checked_sub(4).and_then(|end| e164.get(..end)).unwrap_or(e164)
}

/// The network that counts as one caller.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// What is remembered of a subject.
#[derive(Default)]
struct Uses {
    recent: Vec<i64>,
    version: i64,
}

/// Says that [`spend`] will look at how busy the service is.
pub fn announce_busy(
    tx: &mut Tx<'_>,
    service_id: &str,
    limits: &Limits,
    now: Timestamp,
) -> Result<(), Refusal> {
    service_uses::announce_full(tx, service_id, &limits.service, now)
}

/// What a request is to be counted under.
#[derive(Debug)]
pub struct Spending {
    service_id: String,
    service: Vec<Window>,
    limited: Vec<Subject>,
}

impl Spending {
    /// By the limits of the service that is asked.
    pub fn new(vault: &Vault, limits: &Limits, subjects: &Subjects<'_>) -> Self {
        Self {
            service_id: subjects.service_id.to_owned(),
            service: limits.service.clone(),
            limited: subjects.limited(vault, limits),
        }
    }
}

/// Says that [`spend`] will look at the subjects, and lock them.
pub fn announce_spend(tx: &mut Tx<'_>, spending: &Spending) -> Result<(), Refusal> {
    if !spending.limited.is_empty() {
        let keys = keys(&spending.limited);
        tx.announce(LOCKED.all, &[&keys[0], &keys[1], &keys[2], &keys[3]])?;
    }
    Ok(())
}

/// Counts a request against every limit of the service, or refuses it and counts nothing: the caller's transaction must
/// then be rolled back, as it is when its body returns the refusal.
pub fn spend(tx: &mut Tx<'_>, spending: &Spending, now: Timestamp) -> Result<(), Refusal> {
    let Spending { service_id, service, limited } = spending;
    let busy = service_uses::full(tx, service_id, service, now)?;
    let known = read(tx, &LOCKED, limited)?;
    let (writes, full) = judge(limited, &known, now);
    let full = full.into_iter().chain(busy.map(|full| ("service", full)));
    if let Some((limit, full)) = full.max_by_key(|(_, full)| full.retry_at_us) {
        return Err(refused(limit, &full, now));
    }
    let rows: Vec<[&dyn Param; 5]> = writes.iter().map(Write::row).collect();
    tx.write_later(&WRITE, &rows)?;
    service_uses::count(tx, service_id, service, now)
}

/// What [`spend`] would say, limit by limit, without counting anything.
pub fn peek(
    tx: &mut Tx<'_>,
    vault: &Vault,
    limits: &Limits,
    subjects: &Subjects<'_>,
    now: Timestamp,
) -> Result<Vec<Check>, Refusal> {
    let limited = subjects.limited(vault, limits);
    let known = read(tx, &KNOWN, &limited)?;
    let (_, full) = judge(&limited, &known, now);
    let mut checks = Vec::new();
    for limit in ["number", "prefix", "installation", "address"] {
        if limited.iter().any(|subject| subject.limit == limit) {
            let full = full.iter().find(|(name, _)| *name == limit).map(|(_, full)| full);
            checks.push(check(limit, full));
        }
    }
    if !limits.service.is_empty() {
        let full = service_uses::full(tx, subjects.service_id, &limits.service, now)?;
        checks.push(check("service", full.as_ref()));
    }
    Ok(checks)
}

fn check(limit: &str, full: Option<&Full>) -> Check {
    let name = format!("limit.{limit}");
    match full {
        None => passed(&name),
        Some(full) => Check {
            retry_at: Timestamp::from_microsecond(full.retry_at_us).ok(),
            ..failed(&name, ProblemCode::LimitReached, Some(in_words(limit, full.window)))
        },
    }
}

fn in_words(limit: &str, window: Window) -> String {
    format!("{limit}: {} in {} s", window.count, window.window_s)
}

fn refused(limit: &str, full: &Full, now: Timestamp) -> Refusal {
    let mut problem = Problem::new(ProblemCode::LimitReached, ProblemCode::LimitReached.advice());
    let wait_s = (full.retry_at_us - now.as_microsecond()).max(1).unsigned_abs().div_ceil(1_000_000);
    problem.retry_after_s = u32::try_from(wait_s).ok();
    problem.limit = Some(ReachedLimit {
        limit: limit.to_owned(),
        count: full.window.count,
        window_s: full.window.window_s,
    });
    Refusal::Problem(Box::new(problem))
}

struct Write<'a> {
    key: &'a str,
    recent: Vec<u8>,
    version: i64,
    newest_at: i64,
    expires_at: i64,
}

impl Write<'_> {
    fn row(&self) -> [&dyn Param; 5] {
        [&self.key, &self.recent, &self.version, &self.newest_at, &self.expires_at]
    }
}

/// What is to be written if nothing is full, and what is full.
fn judge<'a>(
    subjects: &'a [Subject],
    known: &HashMap<String, Uses>,
    now: Timestamp,
) -> (Vec<Write<'a>>, Vec<(&'static str, Full)>) {
    let now_us = now.as_microsecond();
    let never = Uses::default();
    let (mut writes, mut full) = (Vec::new(), Vec::new());
    for subject in subjects {
        let uses = known.get(&subject.key).unwrap_or(&never);
        match limits::decide(&uses.recent, &subject.windows, now_us) {
            Ok(recent) => writes.push(Write {
                key: &subject.key,
                recent: to_bytes(&recent),
                version: uses.version + 1,
                newest_at: now_us,
                expires_at: now_us.saturating_add(limits::longest_us(&subject.windows)),
            }),
            Err(found) => full.push((subject.limit, found)),
        }
    }
    (writes, full)
}

const ONE: &str = "select subject, recent, version from limit_uses where subject = $1";
const KNOWN: OfEach = OfEach {
    one: ONE,
    all: "select subject, recent, version from limit_uses where subject in ($1, $2, $3, $4)",
};
const LOCKED: OfEach = OfEach {
    one: ONE,
    all: "select subject, recent, version from limit_uses where subject in ($1, $2, $3, $4) \
          order by subject for update",
};

/// No key is empty, so what fills up finds nothing.
fn keys(subjects: &[Subject]) -> [&str; 4] {
    std::array::from_fn(|place| subjects.get(place).map_or("", |subject| subject.key.as_str()))
}

/// The uses of up to four subjects.
fn read(tx: &mut Tx<'_>, sql: &OfEach, subjects: &[Subject]) -> Result<HashMap<String, Uses>, Refusal> {
    if subjects.is_empty() {
        return Ok(HashMap::new());
    }
    let keys = keys(subjects);
    let rows = tx.query_each(sql, &[&keys[0], &keys[1], &keys[2], &keys[3]], |row| {
        let recent: Vec<u8> = row.get(1)?;
        Ok((row.get(0)?, Uses { recent: from_bytes(&recent), version: row.get(2)? }))
    })?;
    Ok(rows.into_iter().collect())
}

/// Those that were there are locked. Two first uses at once find no row to lock: then the later one finds another version
/// than it knows, has none to write, and its transaction is tried again.
const WRITE: FewRows = few_rows!(
    "insert into limit_uses (subject, recent, version, newest_at, expires_at) values ",
    5,
    " on conflict (subject) do update set recent = excluded.recent, newest_at = excluded.newest_at, \
     expires_at = excluded.expires_at, \
     version = case when limit_uses.version = excluded.version - 1 then excluded.version end"
);

fn to_bytes(recent: &[i64]) -> Vec<u8> {
    recent.iter().flat_map(|made| made.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<i64> {
    bytes.as_chunks().0.iter().map(|made| i64::from_le_bytes(*made)).collect()
}

/// Subjects that are to be seen to once in a while.
pub struct Outdated {
    /// No window holds any of their uses any more.
    over: Vec<String>,
    /// Their uses lie in the future because the clock was put back.
    ahead: Vec<String>,
}

impl Outdated {
    /// At once.
    const MOST: i64 = 5000;

    /// Reads the whole table, so that no request has to keep an index for this; to be asked once an hour, by nobody who
    /// waits.
    pub fn find(tx: &mut Tx<'_>, now: Timestamp) -> Result<Self, Refusal> {
        let mut found = tx.query(
            "select subject, newest_at from limit_uses where expires_at <= $1 or newest_at > $1 limit $2",
            &[&now, &Self::MOST],
            |row| Ok((row.get::<String>(0)?, row.get::<Timestamp>(1)?)),
        )?;
        // In the order in which requests lock them.
        found.sort_unstable();
        let (ahead, over): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, newest_at)| *newest_at > now);
        let subjects =
            |list: Vec<(String, Timestamp)>| list.into_iter().map(|(subject, _)| subject).collect();
        Ok(Self { over: subjects(over), ahead: subjects(ahead) })
    }

    /// Whether there may be more of them.
    pub fn has_more(&self) -> bool {
        i64::try_from(self.over.len() + self.ahead.len()).is_ok_and(|found| found >= Self::MOST)
    }

    /// Forgets those that are over and winds back those that are ahead, as far as they still are.
    pub fn mend(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Refusal> {
        let over: Vec<[&dyn Param; 2]> =
            self.over.iter().map(|subject| [subject as &dyn Param, &now]).collect();
        tx.execute_each(&FORGET, &over)?;
        for subject in &self.ahead {
            wind_back(tx, subject, now)?;
        }
        Ok(())
    }
}

const FORGET: ForEach = ForEach {
    one: "delete from limit_uses where subject = $1 and expires_at <= $2",
    all: "delete from limit_uses using (select value ->> 0 as subject, cast(value ->> 1 as bigint) as now \
          from json_rows($1)) over_now \
          where limit_uses.subject = over_now.subject and limit_uses.expires_at <= over_now.now",
};

fn wind_back(tx: &mut Tx<'_>, subject: &str, now: Timestamp) -> Result<(), Refusal> {
    let recent = tx.query_opt(
        "select recent from limit_uses where subject = $1 and newest_at > $2 for update",
        &[&subject, &now],
        |row| row.get::<Vec<u8>>(0),
    )?;
    let Some(recent) = recent else { return Ok(()) };
    let recent = to_bytes(&limits::wound_back(&from_bytes(&recent), now.as_microsecond()));
    tx.execute(
        "update limit_uses set recent = $2, version = version + 1, expires_at = $3 + (expires_at - newest_at), \
         newest_at = $3 where subject = $1",
        &[&subject, &recent, &now],
    )?;
    Ok(())
}
