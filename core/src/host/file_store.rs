//! A store for programs on machines without a keychain: one file a secret, readable by its owner alone.

use super::{HostError, SecureStore};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// Keeps each secret in a file of its own, mode 0600 where files have modes. A phone has something better.
#[derive(Debug, Clone)]
pub struct FileStore {
    folder: PathBuf,
}

impl FileStore {
    /// A store in this folder, which is made when something is first kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, key: &str) -> Result<PathBuf, HostError> {
        let plain = !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if plain && !key.starts_with('.') { Ok(self.folder.join(key)) } else { Err(HostError::Failed) }
    }
}

impl SecureStore for FileStore {
    fn get(&self, key: String) -> Result<Option<String>, HostError> {
        match fs::read_to_string(self.path(&key)?) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(_) => Err(HostError::Failed),
        }
    }

    fn put(&self, key: String, value: String) -> Result<(), HostError> {
        let path = self.path(&key)?;
        let written = (|| {
            fs::create_dir_all(&self.folder)?;
            // Written beside and renamed over: a crash leaves the old value or the new one.
            let beside = self.folder.join(format!("{key}.{}.new", std::process::id()));
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&beside)?;
            file.write_all(value.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            fs::File::open(&self.folder)?.sync_all()
        })();
        written.map_err(|_: std::io::Error| HostError::Failed)
    }

    fn delete(&self, key: String) -> Result<(), HostError> {
        match fs::remove_file(self.path(&key)?) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(HostError::Failed),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path().join("secrets"));
        assert_eq!(store.get("token".into()).unwrap(), None);
        store.put("token".into(), "one".into()).unwrap();
        store.put("token".into(), "two".into()).unwrap();
        assert_eq!(store.get("token".into()).unwrap().as_deref(), Some("two"));
        store.delete("token".into()).unwrap();
        store.delete("token".into()).unwrap();
        assert_eq!(store.get("token".into()).unwrap(), None);
    }

    #[test]
    fn a_key_cannot_leave_the_folder() {
        let store = FileStore::new("/nowhere");
        for key in ["", "../x", "a/b", ".x"] {
            assert!(store.put(key.into(), "value".into()).is_err(), "{key}");
        }
    }
}
