//! A contact centre with one service, one person with two devices, and a clock of its own.

use jiff::{SignedDuration, Timestamp};
use ringback_core::protocol::{
    ApnsEnvironment, CallbackRequest, FcmTokenKind, PushRegistration, PushTarget, PushToken,
};
use ringback_server::app::Effects;
use ringback_server::callbacks::{self, NewCallback};
use ringback_server::centre::Centre;
use ringback_server::identity::admin::create_app_key;
use ringback_server::push::devices;
use ringback_server::push::ledger::{Tried, write_down};
use ringback_server::push::outbox::{self, Claim, Turn};
use ringback_server::push::outcome::Outcome;
use ringback_server::push::verdict::{Settled, Verdict, judge};
use ringback_server::refusal::Refusal;
use ringback_server::routing::agents::{self, ChosenState};
use ringback_server::routing::matcher;
use ringback_server::routing::resources::{AgentSetup, Named, create_agent, create_queue};
use ringback_server::services::{ServiceSetup, create_service};
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, Tx, Vault};
use std::sync::Arc;

pub(crate) const INSTALLATION: &str = "in_one";
const NUMBERS: [&str; 4] = ["+4930901820", "+4930901821", "+442079460018", "+14155552671"];

pub(crate) struct House {
    pub(crate) storage: Storage,
    pub(crate) now: Timestamp,
    centre: Arc<Centre>,
    _scratch: Scratch,
}

impl House {
    pub(crate) async fn open(engine: Engine) -> Self {
        let scratch = Scratch::new(engine);
        let storage = Storage::open(&scratch.settings).await.unwrap();
        let centre = Arc::new(Centre::new(Arc::new(Vault::open(&scratch.settings).unwrap())));
        let now = "2026-11-26T08:55:00Z".parse().unwrap();
        let house = Self { storage, now, centre, _scratch: scratch };
        house.change(|tx, _, _, now| furnish(tx, now)).await.unwrap();
        house.register_devices().await;
        house
    }

    /// Runs one transaction as a server does.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        mut body: impl FnMut(&mut Tx<'_>, &mut Effects, &Centre, Timestamp) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (centre, now) = (self.centre.clone(), self.now);
        self.storage
            .write(move |tx| {
                Effects::collect(tx, |tx, effects| body(tx, effects, &centre, now)).map(|(value, _)| value)
            })
            .await
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    /// A phone of each kind.
    pub(crate) async fn register_devices(&self) {
        let apns = PushTarget::Apns {
            token: PushToken::new("a1b2c3d4".to_owned()),
            environment: ApnsEnvironment::Production,
            topic: "com.example.app".to_owned(),
        };
        let fcm =
            PushTarget::Fcm { token: PushToken::new("fcm-token".to_owned()), kind: FcmTokenKind::Token };
        for target in [apns, fcm] {
            let mut registration = PushRegistration::new(target);
            registration.locale = Some("de-AT".to_owned());
            registration.app_version = Some("3.1".to_owned());
            self.change(move |tx, _, centre, now| {
                devices::register(tx, &centre.vault, INSTALLATION, &registration, now)
            })
            .await
            .unwrap();
        }
    }

    async fn requested(&self, which: usize) -> String {
        let request = CallbackRequest::new("support", NUMBERS[which]);
        let new = NewCallback::check(INSTALLATION.to_owned(), None, request).unwrap();
        let made =
            self.change(move |tx, effects, centre, now| callbacks::create(tx, effects, centre, &new, now));
        made.await.unwrap().id
    }

    /// A callback that staff took back: the person is told.
    pub(crate) async fn cancelled_by_staff(&self, which: usize) -> String {
        let id = self.requested(which).await;
        let cancelled = id.clone();
        self.change(move |tx, effects, centre, now| {
            callbacks::cancel_by_staff(tx, effects, centre, &cancelled, "staff", now).map(drop)
        })
        .await
        .unwrap();
        id
    }

    /// A callback for which an agent is ready: the person is asked.
    pub(crate) async fn asked(&self, which: usize) -> String {
        let id = self.requested(which).await;
        self.change(|tx, effects, centre, now| {
            let ada = agents::id_of(tx, "ada")?;
            agents::choose_state(tx, effects, &ada, (ChosenState::Ready, None), "staff", now)?;
            matcher::reserve_for_agent(tx, effects, centre, &ada, now).map(drop)
        })
        .await
        .unwrap();
        id
    }

    pub(crate) async fn cancelled_by_customer(&self, id: &str) {
        let id = id.to_owned();
        self.change(move |tx, effects, centre, now| {
            callbacks::cancel_own(tx, effects, centre, (INSTALLATION, &id), now).map(drop)
        })
        .await
        .unwrap();
    }

    /// What is due with a provider, claimed as the worker does.
    pub(crate) async fn claim(&self, provider: &'static str) -> Vec<Claim> {
        self.claim_from(provider, Turn::FIRST, 100).await
    }

    /// At most `limit` of them, after a turn.
    pub(crate) async fn claim_from(&self, provider: &'static str, after: Turn, limit: usize) -> Vec<Claim> {
        self.change(move |tx, _, _, now| {
            let mut claims = Vec::new();
            for lane in outbox::lanes(tx)?.into_iter().filter(|lane| lane.starts_with(provider)) {
                for urgency in 0..3 {
                    claims.extend(outbox::claim(tx, (&lane, urgency), (after, limit), now)?);
                }
            }
            Ok(claims)
        })
        .await
        .unwrap()
    }

    /// A provider answers.
    pub(crate) async fn note(&self, claim: &Claim, outcome: Outcome) {
        let verdict = judge(outcome, claim, self.now);
        self.write_down(claim, verdict).await;
    }

    /// A provider says the same about many, and all is written down at once.
    pub(crate) async fn note_all(&self, claims: &[Claim], outcome: &Outcome) {
        let tries: Vec<Tried> = claims
            .iter()
            .map(|claim| Tried {
                claim: claim.clone().into(),
                verdict: judge(outcome.clone(), claim, self.now),
                at: self.now,
                took_us: 1500,
            })
            .collect();
        self.change(move |tx, effects, _, now| write_down(tx, effects, &tries, now)).await.unwrap();
    }

    /// The worker settles it without asking a provider.
    pub(crate) async fn settle(&self, claim: &Claim, settled: Settled) {
        self.write_down(claim, Verdict::of(settled)).await;
    }

    async fn write_down(&self, claim: &Claim, verdict: Verdict) {
        let tried = Tried { claim: claim.clone().into(), verdict, at: self.now, took_us: 1500 };
        self.change(move |tx, effects, _, now| write_down(tx, effects, std::slice::from_ref(&tried), now))
            .await
            .unwrap();
    }
}

fn furnish(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Refusal> {
    create_app_key(tx, "app", now)?;
    tx.execute(
        "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
         select $1, k.id, $2, $2, 0, $3 from api_keys k where k.name = 'app'",
        &[&INSTALLATION, &INSTALLATION.as_bytes().to_vec(), &now],
    )?;
    create_queue(tx, &Named { name: "support".to_owned() }, now)?;
    let ada = AgentSetup {
        name: "ada".to_owned(),
        queues: vec!["support".to_owned()],
        skills: std::collections::BTreeMap::default(),
    };
    create_agent(tx, &ada, now)?;
    create_service(tx, &ServiceSetup::new("support".to_owned(), "support".to_owned()), now)
}
