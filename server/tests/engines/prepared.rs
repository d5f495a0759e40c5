//! Requests that are judged before their transaction, on both databases.

use jiff::Timestamp;
use ringback_core::protocol::{Callback, CallbackRequest, ProblemCode};
use ringback_server::app::Effects;
use ringback_server::callbacks::{NewCallback, create};
use ringback_server::centre::Centre;
use ringback_server::identity::admin::create_app_key;
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{Named, create_queue};
use ringback_server::rules::{RuleSetSetup, store};
use ringback_server::services::{ServiceSetup, create_service};
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, Tx};
use std::sync::Arc;

const INSTALLATION: &str = "in_one";
const ANNE: &str = "+4930901820001";
const BERT: &str = "+4930901820002";

fn now() -> Timestamp {
    "2026-11-28T09:00:00Z".parse().unwrap()
}

fn rules(countries: &[&str]) -> RuleSetSetup {
    RuleSetSetup {
        name: "ours".to_owned(),
        countries: countries.iter().map(|country| (*country).to_owned()).collect(),
        blocked: Vec::new(),
        blocked_regex: Vec::new(),
        satellite: false,
    }
}

fn furnish(tx: &mut Tx<'_>, centre: &Centre) -> Result<(), Refusal> {
    create_app_key(tx, "app", now())?;
    tx.execute(
        "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
         select $1, k.id, $2, $2, 0, $3 from api_keys k where k.name = 'app'",
        &[&INSTALLATION, &INSTALLATION.as_bytes().to_vec(), &now()],
    )?;
    create_queue(tx, &Named { name: "support".to_owned() }, now())?;
    store::create(tx, &centre.vault, &rules(&["DE"]), now())?;
    let service =
        ServiceSetup { rule_sets: vec!["ours".to_owned()], ..ServiceSetup::new("billing", "support") };
    create_service(tx, &service, now())
}

struct House {
    storage: Storage,
    centre: Arc<Centre>,
    _scratch: Scratch,
}

impl House {
    async fn furnished(engine: Engine) -> Self {
        let scratch = Scratch::new(engine);
        let (storage, vault) = Storage::open_sealed(&scratch.settings).await.unwrap();
        let house = Self { storage, centre: Arc::new(Centre::new(vault)), _scratch: scratch };
        let centre = house.centre.clone();
        house.storage.write(move |tx| furnish(tx, &centre)).await.unwrap();
        house
    }

    fn prepared(&self, number: &str) -> NewCallback {
        let request = CallbackRequest::new("billing", number);
        NewCallback::check(INSTALLATION.to_owned(), None, request).unwrap().prepare(&self.centre)
    }

    async fn put_rules(&self, countries: &'static [&'static str]) {
        let vault = self.centre.vault.clone();
        let put = self.storage.write(move |tx| store::put(tx, &vault, &rules(countries), now()));
        put.await.unwrap_or_else(|refusal: Refusal| panic!("{refusal}"));
    }

    /// The code of the refusal, if it is one.
    async fn create(&self, new: NewCallback) -> Result<Callback, String> {
        let centre = self.centre.clone();
        let created = self.storage.write(move |tx| {
            Effects::collect(tx, |tx, effects| create(tx, effects, &centre, &new, now()))
                .map(|(callback, _)| callback)
        });
        created.await.map_err(|refusal: Refusal| refusal.into_problem().code)
    }
}

async fn rules_that_change_before_the_transaction_decide(engine: Engine) {
    let house = House::furnished(engine).await;
    // Nothing is remembered yet: the transaction does it all, and the node knows the rules from then on.
    house.create(house.prepared(ANNE)).await.unwrap();
    let new = house.prepared(BERT);
    house.put_rules(&["FR"]).await;
    let refused = house.create(new.clone()).await.unwrap_err();
    assert_eq!(refused, ProblemCode::NumberCountryNotAllowed.code());
    house.put_rules(&["DE"]).await;
    house.create(new).await.unwrap();
}

async fn a_number_is_the_same_whoever_judged_it(engine: Engine) {
    let house = House::furnished(engine).await;
    let by_the_transaction = house.prepared(ANNE);
    house.create(by_the_transaction).await.unwrap();
    let before_it = house.prepared(ANNE);
    let refused = house.create(before_it).await.unwrap_err();
    assert_eq!(refused, ProblemCode::CallbackAlreadyOpen.code());
    house.create(house.prepared(BERT)).await.unwrap();
}

on_both_engines!(rules_that_change_before_the_transaction_decide, a_number_is_the_same_whoever_judged_it);
