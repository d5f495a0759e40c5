//! A centre on either engine, for one test.

use ringback_e2e::{Centre, CentreSettings};
use ringback_server::storage::Engine;
use ringback_server::storage::scratch::Scratch;
use std::path::PathBuf;
use std::sync::Once;

/// Whatever made a test fail.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A centre and the database it runs on.
pub(crate) struct World {
    /// The centre; ends before its database.
    pub(crate) centre: Centre,
    /// The database.
    #[allow(dead_code, reason = "most tests only need it to live on")]
    pub(crate) database: Scratch,
}

impl World {
    /// A fresh centre on a fresh database.
    #[allow(dead_code, reason = "some tests have settings of their own")]
    pub(crate) async fn start(engine: Engine) -> Result<Self, Failure> {
        Self::start_with(engine, CentreSettings::default()).await
    }

    /// A fresh centre with these settings on a fresh database.
    pub(crate) async fn start_with(engine: Engine, settings: CentreSettings) -> Result<Self, Failure> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Fails only when there is one already, which is as good.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        });
        let database = Scratch::new(engine);
        let settings = CentreSettings { database_url: Some(database.settings.url.clone()), ..settings };
        Ok(Self { centre: Centre::start(settings).await?, database })
    }

    /// A folder of this world.
    #[allow(dead_code, reason = "not every test needs a phone of its own")]
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.centre.folder().join(name)
    }
}

/// Each case as one test on SQLite and one on PostgreSQL.
#[allow(unused_macros, reason = "some tests need several servers, and so PostgreSQL")]
macro_rules! on_both_engines {
    ($($name:ident => |$engine:ident| $body:expr;)+) => {
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $name() -> Result<(), Failure> { let $engine = Engine::Sqlite; $body.await })+
        }
        mod postgres {
            use super::*;
            $(#[tokio::test] async fn $name() -> Result<(), Failure> { let $engine = Engine::Postgres; $body.await })+
        }
    };
}
#[allow(unused_imports, reason = "see above")]
pub(crate) use on_both_engines;
