//! Limits and rule sets in the database, on both engines.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use ringback_core::protocol::{Check, Problem};
use ringback_server::refusal::Refusal;
use ringback_server::rules::rule_set::Pattern;
use ringback_server::rules::{
    Limits, Outdated, RuleSetSetup, Spending, Subjects, Window, announce_spend, peek, purge, spend, store,
};
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, Vault};
use std::net::IpAddr;
use std::sync::Arc;

on_both_engines!(
    a_request_is_limited_by_each_subject,
    a_dry_run_says_the_same_and_counts_nothing,
    first_uses_at_once_are_all_counted,
    subjects_that_cross_all_get_through,
    a_service_is_limited_as_a_whole,
    what_no_window_holds_is_forgotten,
    a_clock_put_back_frees_everybody_within_a_window,
    rule_sets_are_kept_sealed,
);

struct Centre {
    storage: Storage,
    vault: Arc<Vault>,
    _scratch: Scratch,
}

/// Who asks.
#[derive(Clone, Copy)]
struct Asker {
    service_id: &'static str,
    number: &'static str,
    installation_id: &'static str,
    address: [u8; 4],
}

const ANNA: Asker =
    Asker { service_id: "se_1", number: "+4930901820", installation_id: "in_anna", address: [192, 0, 2, 1] };

impl Asker {
    fn subjects(&self) -> Subjects<'static> {
        Subjects {
            service_id: self.service_id,
            number: self.number,
            installation_id: Some(self.installation_id),
            address: Some(IpAddr::from(self.address)),
        }
    }
}

impl Centre {
    async fn open(engine: Engine) -> Self {
        let scratch = Scratch::new(engine);
        let (storage, vault) = Storage::open_sealed(&scratch.settings).await.unwrap();
        Self { storage, vault, _scratch: scratch }
    }

    async fn ask(&self, limits: &Limits, asker: Asker, now: Timestamp) -> Result<(), Box<Problem>> {
        let (vault, limits) = (self.vault.clone(), limits.clone());
        let asked = self.storage.write(move |tx| {
            let spending = Spending::new(&vault, &limits, &asker.subjects());
            announce_spend(tx, &spending)?;
            spend(tx, &spending, now)
        });
        asked.await.map_err(|refusal: Refusal| Box::new(refusal.into_problem()))
    }

    async fn look(&self, limits: &Limits, asker: Asker, now: Timestamp) -> Vec<Check> {
        let (vault, limits) = (self.vault.clone(), limits.clone());
        let looked = self.storage.read(move |tx| peek(tx, &vault, &limits, &asker.subjects(), now)).await;
        looked.unwrap_or_else(|refusal: Refusal| panic!("{refusal}"))
    }

    async fn purge(&self, now: Timestamp) {
        let outdated = self.storage.read(move |tx| Outdated::find(tx, now)).await;
        let outdated: Outdated = outdated.unwrap_or_else(|refusal: Refusal| panic!("{refusal}"));
        let purged: Result<(), Refusal> = self
            .storage
            .write(move |tx| {
                outdated.mend(tx, now)?;
                purge(tx, now)
            })
            .await;
        purged.unwrap();
    }

    async fn rows(&self) -> u32 {
        let rows = self.storage.read(|tx| {
            Ok::<_, Refusal>(tx.query_one("select count(*) from limit_uses", &[], |row| row.get(0))?)
        });
        rows.await.unwrap()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn windows(list: &[(u32, u32)]) -> Vec<Window> {
    list.iter().map(|(count, window_s)| Window { count: *count, window_s: *window_s }).collect()
}

fn limit(problem: &Problem) -> (&str, Option<u32>) {
    (problem.limit.as_ref().map_or("", |limit| limit.limit.as_str()), problem.retry_after_s)
}

async fn a_request_is_limited_by_each_subject(engine: Engine) {
    let centre = Centre::open(engine).await;
    let limits = Limits {
        number: windows(&[(1, 60), (3, 3600)]),
        prefix: windows(&[(4, 600)]),
        installation: windows(&[(5, 600)]),
        address: windows(&[(6, 600)]),
        ..Limits::default()
    };
    centre.ask(&limits, ANNA, at(0)).await.unwrap();
    let problem = centre.ask(&limits, ANNA, at(10)).await.unwrap_err();
    assert_eq!((problem.code.as_str(), problem.status), ("limit_reached", 429));
    assert_eq!(limit(&problem), ("number", Some(50)));
    // The refused request counted for nobody: at 60 the number has room, and the prefix has three more.
    centre.ask(&limits, ANNA, at(60)).await.unwrap();
    centre.ask(&limits, ANNA, at(120)).await.unwrap();
    let problem = centre.ask(&limits, ANNA, at(180)).await.unwrap_err();
    assert_eq!(limit(&problem), ("number", Some(3600 - 180)));
    let neighbour = Asker { number: "+4930901821", ..ANNA };
    centre.ask(&limits, neighbour, at(200)).await.unwrap();
    let problem = centre.ask(&limits, Asker { number: "+4930901822", ..ANNA }, at(201)).await.unwrap_err();
    assert_eq!(limit(&problem), ("prefix", Some(600 - 201)));
    centre.ask(&limits, Asker { number: "+498990182000", ..ANNA }, at(202)).await.unwrap();
    let problem = centre.ask(&limits, Asker { number: "+494090182000", ..ANNA }, at(203)).await.unwrap_err();
    assert_eq!(limit(&problem), ("installation", Some(600 - 203)));
    let other = Asker { installation_id: "in_ben", address: [192, 0, 2, 200], ..ANNA };
    centre.ask(&limits, Asker { number: "+494090182000", ..other }, at(204)).await.unwrap();
    let problem = centre.ask(&limits, Asker { number: "+497111820000", ..other }, at(205)).await.unwrap_err();
    assert_eq!(limit(&problem), ("address", Some(600 - 205)));
    // Another service counts for itself.
    centre.ask(&limits, Asker { service_id: "se_2", ..ANNA }, at(206)).await.unwrap();
}

async fn a_dry_run_says_the_same_and_counts_nothing(engine: Engine) {
    let centre = Centre::open(engine).await;
    let limits = Limits { number: windows(&[(1, 60)]), address: windows(&[(9, 60)]), ..Limits::default() };
    for _ in 0..3 {
        let checks = centre.look(&limits, ANNA, at(0)).await;
        let names: Vec<_> = checks.iter().map(|check| (check.check.as_str(), check.passed)).collect();
        assert_eq!(names, [("limit.number", true), ("limit.address", true)]);
    }
    assert_eq!(centre.rows().await, 0);
    centre.ask(&limits, ANNA, at(0)).await.unwrap();
    let checks = centre.look(&limits, ANNA, at(1)).await;
    assert_eq!(checks[0].code.as_deref(), Some("limit_reached"));
    assert_eq!(checks[0].retry_at, Some(at(60)));
    assert_eq!(checks[0].rule.as_deref(), Some("number: 1 in 60 s"));
    assert!(checks[1].passed);
    assert!(centre.look(&limits, ANNA, at(60)).await[0].passed);
}

async fn first_uses_at_once_are_all_counted(engine: Engine) {
    let centre = Centre::open(engine).await;
    let limits = Limits {
        number: windows(&[(5, 60)]),
        prefix: windows(&[(50, 60)]),
        installation: windows(&[(50, 60)]),
        address: windows(&[(50, 60)]),
        ..Limits::default()
    };
    for round in 0..5 {
        let now = at(1000 * round);
        centre.purge(now).await;
        assert_eq!(centre.rows().await, 0);
        let asked = join_all((0..40).map(|_| centre.ask(&limits, ANNA, now))).await;
        assert_eq!(asked.iter().filter(|asked| asked.is_ok()).count(), 5);
        assert!(problems(&asked).iter().all(|problem| problem.code == "limit_reached"));
    }
}

fn problems(asked: &[Result<(), Box<Problem>>]) -> Vec<&Problem> {
    asked.iter().filter_map(|asked| asked.as_ref().err()).map(|problem| &**problem).collect()
}

/// Numbers, installations and addresses in all combinations: whoever locks rows in another order would deadlock.
async fn subjects_that_cross_all_get_through(engine: Engine) {
    let centre = Centre::open(engine).await;
    let many = windows(&[(100, 60)]);
    let limits = Limits {
        number: many.clone(),
        prefix: many.clone(),
        installation: many.clone(),
        address: many,
        ..Limits::default()
    };
    let numbers = ["+4930901820", "+498990182000", "+494090182000"];
    let installations = ["in_anna", "in_ben", "in_cleo"];
    let askers = (0..81).map(|place| Asker {
        number: numbers[place % 3],
        installation_id: installations[place / 3 % 3],
        address: [192, 0, 2 + u8::try_from(place / 9 % 3).unwrap(), 1],
        ..ANNA
    });
    let asked = join_all(askers.map(|asker| centre.ask(&limits, asker, at(0)))).await;
    assert_eq!(problems(&asked), [] as [&Problem; 0]);
    assert_eq!(centre.rows().await, 12);
    // Each of 81 is counted: 27 for each number, so 73 more fit.
    for _ in 0..73 {
        centre
            .ask(&Limits { number: windows(&[(100, 60)]), ..Limits::default() }, ANNA, at(1))
            .await
            .unwrap();
    }
    let problem = centre.ask(&limits, ANNA, at(1)).await.unwrap_err();
    assert_eq!(limit(&problem), ("number", Some(59)));
}

async fn a_service_is_limited_as_a_whole(engine: Engine) {
    let centre = Centre::open(engine).await;
    let limits = Limits { service: windows(&[(3, 60), (5, 3600)]), ..Limits::default() };
    for second in 0..3 {
        centre.ask(&limits, ANNA, at(second)).await.unwrap();
    }
    let problem = centre.ask(&limits, ANNA, at(3)).await.unwrap_err();
    assert_eq!(limit(&problem), ("service", Some(58)));
    let checks = centre.look(&limits, ANNA, at(3)).await;
    assert_eq!(
        (checks.len(), checks[0].check.as_str(), checks[0].retry_at),
        (1, "limit.service", Some(at(61)))
    );
    centre.ask(&limits, ANNA, at(61)).await.unwrap();
    centre.ask(&limits, ANNA, at(62)).await.unwrap();
    let problem = centre.ask(&limits, ANNA, at(200)).await.unwrap_err();
    assert_eq!(limit(&problem), ("service", Some(3660 - 200)));
    centre.ask(&limits, Asker { service_id: "se_2", ..ANNA }, at(200)).await.unwrap();
    // Put back by an hour, the clock frees nobody at once, and everybody a window after the sweep.
    centre.purge(at(-3600)).await;
    assert!(centre.ask(&limits, ANNA, at(-3600)).await.is_err());
    centre.ask(&limits, ANNA, at(60)).await.unwrap();
    centre.purge(at(20_000)).await;
    let rows = centre.storage.read(|tx| {
        Ok::<_, Refusal>(tx.query_one("select count(*) from service_uses", &[], |row| row.get::<u32>(0))?)
    });
    assert_eq!(rows.await.unwrap(), 0);
}

async fn what_no_window_holds_is_forgotten(engine: Engine) {
    let centre = Centre::open(engine).await;
    let limits = Limits { number: windows(&[(2, 60), (3, 600)]), ..Limits::default() };
    centre.ask(&limits, ANNA, at(0)).await.unwrap();
    centre.purge(at(599)).await;
    assert_eq!(centre.rows().await, 1);
    centre.purge(at(600)).await;
    assert_eq!(centre.rows().await, 0);
}

async fn a_clock_put_back_frees_everybody_within_a_window(engine: Engine) {
    let centre = Centre::open(engine).await;
    let limits = Limits { number: windows(&[(1, 60)]), ..Limits::default() };
    let year = at(0) + SignedDuration::from_hours(24 * 365);
    centre.ask(&limits, ANNA, year).await.unwrap();
    let problem = centre.ask(&limits, ANNA, at(0)).await.unwrap_err();
    assert_eq!(limit(&problem), ("number", Some(60)));
    centre.purge(at(5)).await;
    assert!(centre.ask(&limits, ANNA, at(64)).await.is_err());
    centre.ask(&limits, ANNA, at(65)).await.unwrap();
}

async fn rule_sets_are_kept_sealed(engine: Engine) {
    let centre = Centre::open(engine).await;
    let set = |name: &str, countries: &[&str]| RuleSetSetup {
        name: name.to_owned(),
        countries: countries.iter().map(|code| (*code).to_owned()).collect(),
        blocked: vec![Pattern::from("+4930901820")],
        blocked_regex: Vec::new(),
        satellite: false,
    };
    let vault = centre.vault.clone();
    let (europe, changed) = (set("europe", &["DE"]), set("europe", &["DE", "FR"]));
    let kept = centre.storage.write(move |tx| {
        store::create(tx, &vault, &europe, at(0))?;
        let again = store::create(tx, &vault, &europe, at(0)).unwrap_err().into_problem();
        assert_eq!(again.code, "name_taken");
        store::put(tx, &vault, &changed, at(1))?;
        assert_eq!(store::get(tx, &vault, "europe")?, changed);
        assert_eq!(store::list(tx, &vault)?.len(), 1);
        let sets = store::load(tx, &vault)?;
        assert_eq!(store::of_names(&sets, &["europe".to_owned()])?[0].name(), "europe");
        let missing = store::of_names(&sets, &["europe".to_owned(), "asia".to_owned()]);
        assert_eq!(missing.unwrap_err().into_problem().code, "reference_unknown");
        let sealed: Vec<u8> =
            tx.query_one("select definition_sealed from rule_sets", &[], |row| row.get(0))?;
        assert!(!String::from_utf8_lossy(&sealed).contains("4930901820"));
        store::delete(tx, "europe")?;
        assert_eq!(store::delete(tx, "europe").unwrap_err().into_problem().code, "reference_unknown");
        Ok::<_, Refusal>(store::list(tx, &vault)?.len())
    });
    assert_eq!(kept.await.unwrap(), 0);
}
