//! Where the database is.

use super::StorageError;
use serde::Deserialize;
use std::path::PathBuf;
use std::str::FromStr;

/// Where and how the server keeps things.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageSettings {
    /// `sqlite:FILE` or `postgres://user:password@host/database`. With `sslmode=require` the server's certificate is
    /// checked against the system's authorities.
    pub url: String,
    /// Where the sealing key is, or is made. See [`super::Vault::open`].
    pub key_file: PathBuf,
    /// Connections to PostgreSQL, each with its own thread. Two more carry wake-ups.
    pub postgres_connections: usize,
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            url: "sqlite:ringback.db".to_owned(),
            key_file: PathBuf::from("ringback.key"),
            postgres_connections: 16,
        }
    }
}

// The URL may hold a password.
impl std::fmt::Debug for StorageSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StorageSettings")
            .field("url", &self.url.split_once(':').map_or("…", |(scheme, _)| scheme))
            .field("key_file", &self.key_file)
            .field("postgres_connections", &self.postgres_connections)
            .finish()
    }
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite, inside the process.
    Sqlite,
    /// PostgreSQL, which several nodes can share.
    Postgres,
}

pub(super) enum Place {
    Sqlite(PathBuf),
    Postgres(Box<tokio_postgres::Config>),
}

impl StorageSettings {
    pub(super) fn place(&self) -> Result<Place, StorageError> {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            if path.is_empty() || path.starts_with(':') {
                return Err(StorageError::Open("`sqlite:` wants the path of a file".to_owned()));
            }
            return Ok(Place::Sqlite(PathBuf::from(path)));
        }
        if self.url.starts_with("postgres://") || self.url.starts_with("postgresql://") {
            // The parser's own message could repeat the password.
            return tokio_postgres::Config::from_str(&self.url)
                .map(|config| Place::Postgres(Box::new(config)))
                .map_err(|_| StorageError::Open("the PostgreSQL URL is malformed".to_owned()));
        }
        Err(StorageError::Open("the URL begins neither with `sqlite:` nor with `postgres://`".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_refused_without_repeating_it() {
        for url in ["", "sqlite:", "sqlite::memory:", "mysql://u:hush@h/d", "postgres://u:hush@h:port/d"] {
            let settings = StorageSettings { url: url.to_owned(), ..StorageSettings::default() };
            let Err(error) = settings.place() else { panic!("{url} was accepted") };
            assert!(!error.to_string().contains("hush"));
            assert!(!format!("{settings:?}").contains("hush"));
        }
    }
}
