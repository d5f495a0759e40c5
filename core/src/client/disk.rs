//! Every file operation of the client, one by one, so that a test can stop the process or fail the disk at each.

#[cfg(feature = "fault-injection")]
use super::fault_injection::DiskFaults;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
#[cfg(feature = "fault-injection")]
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long another process of the app is waited for: it holds the lock for a few file operations only.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// The client's folder. All methods block.
pub(crate) struct Disk {
    root: PathBuf,
    /// One thread of this process at a time.
    turn: Mutex<()>,
    #[cfg(feature = "fault-injection")]
    faults: Option<Arc<dyn DiskFaults>>,
}

/// The client's folder is ours: no other thread and no other process of the app is in it.
pub(crate) struct Locked<'a> {
    _process: File,
    _thread: MutexGuard<'a, ()>,
}

impl Disk {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            turn: Mutex::new(()),
            #[cfg(feature = "fault-injection")]
            faults: None,
        }
    }

    #[cfg(feature = "fault-injection")]
    pub(crate) fn with_faults(self, faults: Option<Arc<dyn DiskFaults>>) -> Self {
        Self { faults, ..self }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Waits until the folder is ours; makes it when it is not there. To be held for a few file operations, never over
    /// the network.
    ///
    /// # Errors
    /// `ResourceBusy` when another process does not let go of it.
    pub(crate) fn lock(&self) -> io::Result<Locked<'_>> {
        let thread = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match self.open_lock() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make_private_dir(&self.root)?;
                self.open_lock()?
            }
            file => file?,
        };
        let began = Instant::now();
        while !self.try_lock(&file)? {
            if began.elapsed() > LOCK_LIMIT {
                return Err(io::ErrorKind::ResourceBusy.into());
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        Ok(Locked { _process: file, _thread: thread })
    }

    fn open_lock(&self) -> io::Result<File> {
        self.op("open lock", || private().create(true).open(self.root.join("lock")))
    }

    /// True when nobody else had this file locked; from now on it is, until it is closed.
    pub(crate) fn try_lock(&self, file: &File) -> io::Result<bool> {
        self.op("lock", || try_lock(file))
    }

    pub(crate) fn open(&self, path: &Path) -> io::Result<File> {
        self.op("open", || File::open(path))
    }

    pub(crate) fn read(&self, path: &Path, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
        let length = self.op("look at", || fs::metadata(path))?.len();
        if length > max_bytes { Ok(None) } else { self.op("read", || fs::read(path)).map(Some) }
    }

    pub(crate) fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.op("list", || fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect())
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.op("rename", || fs::rename(from, to))
    }

    /// True when it was there.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<bool> {
        self.op("remove", || match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true),
        })
    }

    pub(crate) fn make_private_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        self.op("make folder", || builder.create(dir))?;
        dir.parent().map_or(Ok(()), |parent| self.sync_dir(parent))
    }

    /// Wholly on disk under its own name, or, after an error, not at all.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.replace(path, bytes, true)?;
        let Some(dir) = path.parent() else { return Ok(()) };
        match self.sync_dir(dir) {
            // One that cannot be taken back stands.
            Err(error) => self.remove(path).map_or(Ok(()), |_| Err(error)),
            synced => synced,
        }
    }

    /// Wholly there or not at all. Not pressed onto the disk: for what can be had again after a power cut.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.replace(path, bytes, false)
    }

    fn replace(&self, path: &Path, bytes: &[u8], pressed: bool) -> io::Result<()> {
        let unfinished = path.with_extension("tmp");
        let written =
            self.write_beside(&unfinished, bytes, pressed).and_then(|()| self.rename(&unfinished, path));
        if written.is_err() {
            // What cannot be removed now is when somebody looks into the folder.
            let _ = self.remove(&unfinished);
        }
        written
    }

    fn write_beside(&self, unfinished: &Path, bytes: &[u8], pressed: bool) -> io::Result<()> {
        let mut options = private();
        let mut file = self.op("create", || options.create(true).truncate(true).open(unfinished))?;
        self.write_all(&mut file, bytes)?;
        if pressed { self.op("sync", || file.sync_all()) } else { Ok(()) }
    }

    /// Opens a file that [`fill`](Self::fill) may write into, and reads the first bytes of it; zeros where there are fewer.
    pub(crate) fn open_room<const N: usize>(&self, path: &Path) -> io::Result<(File, [u8; N])> {
        let mut file = self.op("open spare", || private().read(true).open(path))?;
        let mut head = [0; N];
        let read = self.op("read spare", || file.read(&mut head))?;
        head[read..].fill(0);
        Ok((file, head))
    }

    /// Overwrites the beginning of a file that lies on disk already, room and name, and then gives it another name, if it
    /// shall have one: wholly there under one name or the other, or, after an error, not at all. One sync, for the bytes alone.
    pub(crate) fn fill(
        &self,
        mut file: File,
        spare: &Path,
        named: Option<&Path>,
        bytes: &[u8],
    ) -> io::Result<File> {
        let mut is_whole = false;
        let filled = (|| {
            file.rewind()?;
            self.write_all(&mut file, bytes)?;
            is_whole = true;
            self.op("sync bytes", || file.sync_data())?;
            named.map_or(Ok(()), |path| self.rename(spare, path))
        })();
        match filled {
            Ok(()) => Ok(file),
            // One that cannot be taken back stands.
            Err(error) => match self.remove(spare) {
                Err(_) if is_whole => Ok(file),
                _ => Err(error),
            },
        }
    }

    fn write_all(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        // In two parts where a test wants to see what becomes of half a file.
        #[cfg(feature = "fault-injection")]
        let half = if self.faults.is_some() { bytes.len() / 2 } else { 0 };
        #[cfg(not(feature = "fault-injection"))]
        let half = 0;
        let (half, rest) = bytes.split_at(half);
        if !half.is_empty() {
            self.op("write half", || file.write_all(half))?;
        }
        self.op("write", || file.write_all(rest))
    }

    /// Makes a new name in a folder outlive a power cut, where the platform can.
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // The parent of a relative path's first part is written so.
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        if cfg!(unix) { self.op("sync folder", || File::open(dir)?.sync_all()) } else { Ok(()) }
    }

    fn op<T>(&self, _what: &'static str, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        #[cfg(feature = "fault-injection")]
        if let Some(faults) = &self.faults {
            faults.before(_what)?;
            let done = work();
            faults.after(_what);
            return done;
        }
        work()
    }
}

/// The name of a file without its extension, and the extension.
pub(crate) fn split_name(path: &Path) -> Option<(&str, &str)> {
    Some((path.file_stem()?.to_str()?, path.extension().and_then(OsStr::to_str)?))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn try_lock(file: &File) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            // A file system without locks has one process in it: better that than nothing sent.
            Err(Errno::NOSYS | Errno::OPNOTSUPP) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(unix))]
fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_lies_in_the_working_folder() {
        let path = Path::new("data");
        assert!(Disk::new(path).sync_dir(path.parent().expect("an empty one")).is_ok());
    }
}
