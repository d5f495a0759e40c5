//! People with several devices each, to whom something is to be said.

use crate::Failure;
use crate::create::app;
use crate::seed::{self, Ask};
use ringback_core::protocol::{
    ApnsEnvironment, FcmTokenKind, PushEvent, PushRegistration, PushTarget, PushToken,
};
use ringback_doubles::{Doubles, DoublesSettings};
use ringback_e2e::TOPIC;
use ringback_server::app::{App, Effects};
use ringback_server::callbacks;
use ringback_server::clock::now;
use ringback_server::config::PushSettings;
use ringback_server::push::credentials::{self, NewPushCredential, PushCredential};
use ringback_server::push::lane::Endpoints;
use ringback_server::push::texts::TextKey;
use ringback_server::push::{devices, outbox};
use ringback_server::refusal::Refusal;
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage};
use tempfile::TempDir;

/// How many devices each has.
const DEVICES: usize = 10;
pub(super) const SERVICE: &str = "crowd";

/// Whose push service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    Apns,
    Fcm,
}

impl Provider {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Apns => "apns",
            Self::Fcm => "fcm",
        }
    }

    pub(super) fn target(self, device: usize) -> PushTarget {
        match self {
            Self::Apns => PushTarget::Apns {
                token: PushToken::new(format!("{device:064x}")),
                environment: ApnsEnvironment::Sandbox,
                topic: TOPIC.to_owned(),
            },
            Self::Fcm => PushTarget::Fcm {
                token: PushToken::new(format!("token-{device:060}")),
                kind: FcmTokenKind::Token,
            },
        }
    }
}

/// A database with a crowd in it, the doubles, and the inside of a server that knows both.
pub(super) struct Crowd {
    pub(super) app: App,
    pub(super) doubles: Doubles,
    pub(super) endpoints: Endpoints,
    /// How many deliveries are in the outbox.
    pub(super) deliveries: usize,
    _folder: TempDir,
    _database: Scratch,
}

impl Crowd {
    /// So many deliveries wait.
    pub(super) async fn gather(provider: Provider, deliveries: usize) -> Result<Self, Failure> {
        let folder = TempDir::new()?;
        let mut settings = DoublesSettings::default();
        settings.apns.topics = vec![TOPIC.to_owned()];
        settings.apns.accept_any_device = true;
        settings.fcm.accept_any_device = true;
        let doubles = Doubles::start(settings).await?;
        let handout = doubles.write_credentials(folder.path())?;
        let endpoints = Endpoints::read(&PushSettings {
            apns_production_endpoint: handout.apns_endpoint.clone(),
            apns_sandbox_endpoint: handout.apns_endpoint.clone(),
            fcm_endpoint: handout.fcm_endpoint.clone(),
            trust_roots_file: Some(handout.ca_file.clone()),
            ..PushSettings::default()
        })?;
        let text = |path| std::fs::read_to_string(path).map(PushToken::new);
        let entered = [
            PushCredential::Apns {
                key_p8: text(&handout.apns_key_file)?,
                key_id: handout.apns_key_id,
                team_id: handout.apns_team_id,
                topics: vec![TOPIC.to_owned()],
            },
            PushCredential::Fcm { service_account: text(&handout.fcm_service_account_file)? },
        ];
        let database = Scratch::new(Engine::Sqlite);
        let app = app(&database.settings).await?;
        let vault = app.centre.vault.clone();
        app.storage
            .write(move |tx| {
                entered.iter().enumerate().try_for_each(|(index, credential)| {
                    let new = NewPushCredential { name: format!("c{index}"), credential: credential.clone() };
                    credentials::put(tx, &vault, &new, now())
                })
            })
            .await?;
        seed::service(&app.storage, SERVICE).await?;
        let crowd = Self { app, doubles, endpoints, deliveries, _folder: folder, _database: database };
        crowd.speak(provider).await?;
        Ok(crowd)
    }

    async fn speak(&self, provider: Provider) -> Result<(), Failure> {
        let installations = seed::installations(&self.app.storage, self.deliveries / DEVICES).await?;
        for (person, installation) in installations.iter().enumerate() {
            let ask = Ask::new(SERVICE, installation, person).await?;
            let (installation, centre) = (installation.clone(), self.app.centre.clone());
            self.app
                .storage
                .write(move |tx| {
                    for device in 0..DEVICES {
                        let target = provider.target(person * DEVICES + device);
                        let name = Some(format!("device-{device}"));
                        let registration = PushRegistration { name, ..PushRegistration::new(target) };
                        devices::register(tx, &centre.vault, &installation, &registration, now())?;
                    }
                    Effects::collect(tx, |tx, effects| {
                        ask.run(tx, effects, &centre)?;
                        let id: String = tx.query_one(
                            "select id from callbacks where installation_id = $1",
                            &[&installation],
                            |row| row.get(0),
                        )?;
                        let news = outbox::News {
                            event: PushEvent::CallbackChanged,
                            occasion: 1,
                            text: TextKey::CallbackRescheduled,
                            from: None,
                            until: None,
                        };
                        let record = callbacks::find(tx, &id)?;
                        outbox::enqueue(tx, effects, &record, &news, now())
                    })
                })
                .await?;
        }
        Ok(())
    }

    /// All that was delivered is to be said once more.
    pub(super) async fn again(&self) -> Result<(), Refusal> {
        again(&self.app.storage).await
    }
}

/// All that was delivered is to be said once more.
pub(super) async fn again(storage: &Storage) -> Result<(), Refusal> {
    storage
        .write(|tx| {
            tx.execute(
                "update push_deliveries set state = 'pending', due_at = $1, attempts = 0 \
                 where state = 'delivered' and event = 'callback_changed'",
                &[&now()],
            )?;
            Ok::<_, Refusal>(())
        })
        .await
}

/// Whether any is not yet written down as settled. Counting them all would be a load of its own.
pub(super) async fn any_pending(storage: &Storage) -> Result<bool, Refusal> {
    storage
        .read(|tx| {
            let found =
                tx.query_opt("select 1 from push_deliveries where state = 'pending' limit 1", &[], |_| {
                    Ok(())
                })?;
            Ok::<_, Refusal>(found.is_some())
        })
        .await
}

/// How many are not yet written down as settled.
pub(super) async fn pending(storage: &Storage) -> Result<usize, Refusal> {
    storage
        .read(|tx| {
            Ok::<_, Refusal>(tx.query_one(
                "select count(*) from push_deliveries where state = 'pending'",
                &[],
                |row| row.get::<u64>(0),
            )? as usize)
        })
        .await
}
