//! A small file that is a copy of what the server said: sealed, dropped and reported when it cannot be read, and never more
//! than a copy.

use super::ClientError;
use super::busy::Busy;
use super::disk::Disk;
use super::seal::Seal;
use super::vault::Vault;
use crate::host::{LogLevel, Stalled, blocking};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// More than a copy takes.
const MAX_BYTES: u64 = 512 * 1024;
const LOG_TARGET: &str = "ringback::copy";

/// See above. Clones are the same file.
#[derive(Clone)]
pub(crate) struct SealedCopy {
    /// The file's name, and what it is sealed as.
    name: &'static str,
    disk: Arc<Disk>,
    vault: Vault,
    busy: Busy,
}

impl SealedCopy {
    pub(crate) fn new(name: &'static str, disk: Arc<Disk>, vault: Vault, busy: Busy) -> Self {
        Self { name, disk, vault, busy }
    }

    /// What was put there last; `None` when nothing was, or nothing that is sealed as this very file.
    pub(crate) async fn get(&self) -> Option<Zeroizing<Vec<u8>>> {
        let (name, disk, path) = (self.name, self.disk.clone(), self.path());
        let read = self.with_seal(move |seal| match disk.read(&path, MAX_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(sealed) => Ok(Some(sealed.and_then(|sealed| seal.open(name, &sealed)))),
        });
        match read.await {
            Ok(None) => None,
            Ok(Some(None)) => {
                self.drop_damaged().await;
                None
            }
            Ok(Some(clear)) => clear,
            Err(error) => {
                self.log(LogLevel::Warn, &format!("cannot be read: {error}"));
                None
            }
        }
    }

    /// Puts it there, wholly or not at all. What cannot be kept is reported.
    pub(crate) async fn put(&self, clear: Zeroizing<Vec<u8>>) {
        let (name, disk, path) = (self.name, self.disk.clone(), self.path());
        let put = self.with_seal(move |seal| {
            let sealed = seal.seal(name, &clear)?;
            let _locked = disk.lock()?;
            disk.put(&path, &sealed)
        });
        if let Err(error) = put.await {
            self.log(LogLevel::Warn, &format!("could not be kept: {error}"));
        }
    }

    /// It is not what it should be: it goes, and is told of once.
    pub(crate) async fn drop_damaged(&self) {
        self.log(LogLevel::Error, "is damaged and dropped");
        let (disk, path) = (self.disk.clone(), self.path());
        // One that stays is told of again.
        drop(self.with_seal(move |_| disk.remove(&path)).await);
    }

    fn path(&self) -> PathBuf {
        self.disk.root().join(self.name)
    }

    async fn with_seal<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Seal) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ClientError> {
        let (seal, under_way) = (self.vault.seal().await?, self.busy.begin());
        let done = blocking(move || {
            let _under_way = under_way;
            work(&seal)
        });
        match done.await {
            Ok(done) => done.map_err(|error| ClientError::outbox(&error)),
            Err(Stalled) => Err(ClientError::outbox_detail("the disk gave no answer")),
        }
    }

    fn log(&self, level: LogLevel, what: &str) {
        self.vault.log.log(level, LOG_TARGET, format!("{} {what}", self.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{HostError, LogSink, Logger, SecureStore};
    use std::collections::HashMap;
    use std::path::Path;
    use std::sync::Mutex;
    use tokio::sync::watch;

    #[derive(Default)]
    struct Store(Mutex<HashMap<String, String>>);

    impl SecureStore for Store {
        fn get(&self, key: String) -> Result<Option<String>, HostError> {
            Ok(self.0.lock().unwrap().get(&key).cloned())
        }

        fn put(&self, key: String, value: String) -> Result<(), HostError> {
            self.0.lock().unwrap().insert(key, value);
            Ok(())
        }

        fn delete(&self, key: String) -> Result<(), HostError> {
            self.0.lock().unwrap().remove(&key);
            Ok(())
        }
    }

    #[derive(Default)]
    struct Lines(watch::Sender<Vec<String>>);

    impl LogSink for Lines {
        fn log(&self, _: LogLevel, _: String, message: String) -> Result<(), HostError> {
            self.0.send_modify(|lines| lines.push(message));
            Ok(())
        }
    }

    struct Phone {
        root: tempfile::TempDir,
        store: Arc<Store>,
        lines: Arc<Lines>,
    }

    impl Phone {
        fn new() -> Self {
            Self { root: tempfile::tempdir().unwrap(), store: Arc::default(), lines: Arc::default() }
        }

        fn copy(&self, name: &'static str) -> SealedCopy {
            self.copy_on(name, Disk::new(self.root.path()))
        }

        fn copy_on(&self, name: &'static str, disk: Disk) -> SealedCopy {
            let (disk, log) = (Arc::new(disk), Logger::new(Some(self.lines.clone())));
            let vault = Vault::new(self.store.clone(), disk.clone(), Busy::default(), log);
            SealedCopy::new(name, disk, vault, Busy::default())
        }

        fn file(&self, name: &str) -> PathBuf {
            Path::join(self.root.path(), name)
        }

        async fn said(&self, line: &str) {
            let mut lines = self.lines.0.subscribe();
            lines.wait_for(|lines| lines.iter().any(|said| said.starts_with(line))).await.unwrap();
        }
    }

    async fn text(copy: &SealedCopy) -> Option<String> {
        copy.get().await.map(|clear| String::from_utf8(clear.to_vec()).unwrap())
    }

    fn clear(text: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn what_is_put_is_got_and_cannot_be_read_by_others() {
        let phone = Phone::new();
        let copy = phone.copy("one.sealed");
        assert_eq!(text(&copy).await, None);
        for said in ["first", "second"] {
            copy.put(clear(said)).await;
            assert_eq!(text(&phone.copy("one.sealed")).await.as_deref(), Some(said));
        }
        let bytes = std::fs::read(phone.file("one.sealed")).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"second"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(phone.file("one.sealed")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_dropped_and_told_of_once() {
        let phone = Phone::new();
        let copy = phone.copy("one.sealed");
        copy.put(clear("sound")).await;
        let sound = std::fs::read(phone.file("one.sealed")).unwrap();
        let mut changed = sound.clone();
        changed[30] ^= 1;
        phone.copy("another.sealed").put(clear("sound")).await;
        let of_another = std::fs::read(phone.file("another.sealed")).unwrap();
        let too_large = vec![1; usize::try_from(MAX_BYTES).unwrap() + 1];
        for bytes in [&sound[..20], b"", &changed, &of_another, b"{\"format\":1}", &too_large] {
            std::fs::write(phone.file("one.sealed"), bytes).unwrap();
            assert_eq!(text(&copy).await, None);
            assert!(!phone.file("one.sealed").exists());
        }
        assert_eq!(text(&copy).await, None);
        phone.said("one.sealed is damaged").await;
        copy.put(clear("again")).await;
        assert_eq!(text(&copy).await.as_deref(), Some("again"));
        // Whoever loses the key begins anew.
        phone.store.0.lock().unwrap().clear();
        assert_eq!(text(&phone.copy("one.sealed")).await, None);
    }

    #[tokio::test]
    async fn a_folder_in_its_place_is_nothing() {
        let phone = Phone::new();
        std::fs::create_dir(phone.file("one.sealed")).unwrap();
        let copy = phone.copy("one.sealed");
        assert_eq!(text(&copy).await, None);
        copy.put(clear("nothing")).await;
        phone.said("one.sealed could not be kept").await;
        assert_eq!(text(&copy).await, None);
    }

    #[cfg(feature = "fault-injection")]
    mod faults {
        use super::*;
        use crate::client::fault_injection::DiskFaults;
        use std::sync::atomic::{AtomicUsize, Ordering};

        /// From the n-th file operation on the disk fails so often. For ever is as a process that is killed there: nothing
        /// that comes after it is done.
        struct Failing {
            left: AtomicUsize,
            times: AtomicUsize,
        }

        impl Failing {
            fn at(nth: usize, times: usize) -> Arc<Self> {
                Arc::new(Self { left: AtomicUsize::new(nth), times: AtomicUsize::new(times) })
            }

            fn has_failed(&self, times: usize) -> bool {
                self.times.load(Ordering::SeqCst) < times
            }
        }

        impl DiskFaults for Failing {
            fn before(&self, _: &'static str) -> io::Result<()> {
                let lower = |count: usize| count.checked_sub(1);
                if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lower).is_ok()
                    || self.times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lower).is_err()
                {
                    return Ok(());
                }
                Err(io::ErrorKind::StorageFull.into())
            }

            fn after(&self, _: &'static str) {}
        }

        #[tokio::test]
        async fn wherever_the_disk_fails_the_old_or_the_new_is_there() {
            for times in [1, usize::MAX] {
                let (mut old, mut new) = (0, 0);
                for nth in 0.. {
                    let phone = Phone::new();
                    phone.copy("one.sealed").put(clear("old")).await;
                    let failing = Failing::at(nth, times);
                    let disk = Disk::new(phone.root.path()).with_faults(Some(failing.clone()));
                    phone.copy_on("one.sealed", disk).put(clear("new")).await;
                    match text(&phone.copy("one.sealed")).await.as_deref() {
                        Some("old") => old += 1,
                        Some("new") => new += 1,
                        other => panic!("{other:?} at {nth}"),
                    }
                    if !failing.has_failed(times) {
                        break;
                    }
                    phone.said("one.sealed could not be kept: ").await;
                }
                assert!(old >= 5 && new == 1, "{old} {new}");
            }
        }
    }
}
