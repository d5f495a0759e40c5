//! Fresh databases for tests, in this crate and in others. Each is dropped with its [`Scratch`].

use super::{Engine, StorageSettings};
use std::str::FromStr;
use tempfile::TempDir;

/// The environment variable with the URL of a PostgreSQL server on which tests may create databases.
pub const POSTGRES_VARIABLE: &str = "RINGBACK_TEST_POSTGRES";

/// An empty database and a folder for the key, for one test.
pub struct Scratch {
    /// How to open it.
    pub settings: StorageSettings,
    folder: TempDir,
    /// The server's URL and the name of the database on it.
    on_server: Option<(postgres::Config, String)>,
}

impl Scratch {
    /// Makes an empty database.
    ///
    /// # Panics
    /// If it cannot be made, for PostgreSQL also if [`POSTGRES_VARIABLE`] is not set: a test that cannot run fails.
    #[allow(
        clippy::expect_used,
        clippy::panic,
        reason = "for tests only: what cannot be set up must fail the test"
    )]
    pub fn new(engine: Engine) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (url, on_server) = match engine {
            Engine::Sqlite => (format!("sqlite:{}", folder.path().join("ringback.db").display()), None),
            Engine::Postgres => {
                let Ok(server) = std::env::var(POSTGRES_VARIABLE) else {
                    panic!(
                        "{POSTGRES_VARIABLE} is not set: run `cargo xtask test`, which starts PostgreSQL for the tests"
                    );
                };
                let config = postgres::Config::from_str(&server).expect("a PostgreSQL URL");
                let name = format!("ringback_test_{}", uuid::Uuid::new_v4().simple());
                on_own_thread(&config, format!("create database {name}")).expect("a new database");
                (with_database(&server, &name), Some((config, name)))
            }
        };
        let key_file = folder.path().join("ringback.key");
        let settings = StorageSettings { url, key_file, postgres_connections: 8 };
        Self { settings, folder, on_server }
    }

    /// Cuts every connection to the database and lets none in, until [`Scratch::let_in`]. An SQLite file stays open.
    ///
    /// # Panics
    /// If the PostgreSQL server will not do it.
    pub fn shut_out(&self) {
        self.administer(|name| {
            format!(
                "alter database {name} with allow_connections false; \
                 select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
            )
        });
    }

    /// Lets connections in again.
    ///
    /// # Panics
    /// If the PostgreSQL server will not do it.
    pub fn let_in(&self) {
        self.administer(|name| format!("alter database {name} with allow_connections true"));
    }

    #[allow(clippy::expect_used, reason = "for tests only: what cannot be done must fail the test")]
    fn administer(&self, sql: impl FnOnce(&str) -> String) {
        if let Some((config, name)) = &self.on_server {
            on_own_thread(config, sql(name)).expect("the PostgreSQL server does as it is told");
        }
    }

    /// A folder that goes with the database.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some((config, name)) = &self.on_server
            && let Err(error) = on_own_thread(config, format!("drop database {name} with (force)"))
        {
            tracing::warn!(%error, name, "a test's database stays behind");
        }
    }
}

/// The client waits by itself, which a thread of an async runtime may not.
fn on_own_thread(config: &postgres::Config, sql: String) -> Result<(), postgres::Error> {
    let config = config.clone();
    let done = std::thread::spawn(move || config.connect(postgres::NoTls)?.batch_execute(&sql)).join();
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The same server, another database: `postgres://user@host:port/database?options`.
fn with_database(server: &str, name: &str) -> String {
    let (address, options) = server.split_once('?').map_or((server, None), |(a, o)| (a, Some(o)));
    let authority_end = address
        .find("://")
        .map(|start| start + 3)
        .and_then(|start| address[start..].find('/').map(|end| start + end));
    let address = &address[..authority_end.unwrap_or(address.len())];
    options.map_or_else(|| format!("{address}/{name}"), |options| format!("{address}/{name}?{options}"))
}
