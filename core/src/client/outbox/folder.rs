//! The folder that kept requests lie in: one file each, named by its idempotency key.

use super::PendingKind;
use super::record::{Draft, Record, is_key};
use crate::protocol::Timestamp;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// More than anybody taps; beyond it something is wrong with the app.
const MAX_RECORDS: usize = 256;
/// Beyond it the oldest receipts are given up: they never take the room of what a person asked for.
const MAX_RECEIPTS: usize = 64;
/// More than the server takes as a body, with room for the rest of a record.
const MAX_RECORD_BYTES: u64 = 512 * 1024;

/// Kept requests on disk. All methods block.
pub(crate) struct Folder {
    records: PathBuf,
    damaged: PathBuf,
    /// One at a time, so that two equal requests become one record.
    turn: Mutex<()>,
}

/// What a look into the folder brought.
#[derive(Default)]
pub(crate) struct Listing {
    /// Oldest first.
    pub(crate) records: Vec<Record>,
    /// How many files could not be read and were moved aside.
    pub(crate) damaged: usize,
}

/// A request that is now on disk.
pub(crate) struct KeptRequest {
    pub(crate) record: Record,
    /// It was there before: the same wish, not yet answered.
    pub(crate) reused: bool,
    pub(crate) damaged: usize,
}

impl Folder {
    /// A folder inside the app's data folder; made when first needed.
    pub(crate) fn new(data_dir: &Path) -> Self {
        let records = data_dir.join("outbox");
        Self { damaged: records.join("damaged"), records, turn: Mutex::new(()) }
    }

    /// Puts a request on disk before anything else happens to it. An equal one that is there and not too old is taken
    /// instead; what the new one makes pointless is forgotten.
    pub(crate) fn keep(&self, draft: Draft, max_age_s: u32, now: Timestamp) -> io::Result<KeptRequest> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        make_private_dir(&self.records)?;
        let Listing { records, damaged } = self.read_all()?;
        let same = records
            .iter()
            .find(|record| record.is_same_intent(&draft) && !record.is_older_than(max_age_s, now));
        if let Some(record) = same {
            return Ok(KeptRequest { record: record.clone(), reused: true, damaged });
        }
        let (receipts, requests): (Vec<&Record>, Vec<&Record>) =
            records.iter().partition(|old| old.kind == PendingKind::PushReceipt);
        let superseded: Vec<PathBuf> = if draft.kind == PendingKind::PushReceipt {
            let too_many = (receipts.len() + 1).saturating_sub(MAX_RECEIPTS);
            receipts.iter().take(too_many).map(|old| self.path(&old.key)).collect()
        } else if requests.len() >= MAX_RECORDS {
            return Err(io::ErrorKind::QuotaExceeded.into());
        } else {
            let pointless = |old: &&&Record| old.is_superseded_by(&draft) || old.is_same_intent(&draft);
            requests.iter().filter(pointless).map(|old| self.path(&old.key)).collect()
        };
        let record = Record::new(draft, now);
        self.write(&record)?;
        for path in superseded {
            fs::remove_file(path)?;
        }
        Ok(KeptRequest { record, reused: false, damaged })
    }

    /// All kept requests. Files that are none are moved aside.
    pub(crate) fn list(&self) -> io::Result<Listing> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        match self.read_all() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Listing::default()),
            listing => listing,
        }
    }

    /// Forgets a request. Forgetting one that is not there is no error.
    pub(crate) fn forget(&self, key: &str) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.records.join(format!("{key}.json"))
    }

    /// Wholly on disk under its own name, or not at all.
    fn write(&self, record: &Record) -> io::Result<()> {
        let unfinished = self.records.join(format!("{}.tmp", record.key));
        let mut file = private_file(&unfinished)?;
        file.write_all(&record.encode()?)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.path(&record.key))?;
        sync_dir(&self.records)
    }

    fn read_all(&self) -> io::Result<Listing> {
        let mut listing = Listing::default();
        for entry in fs::read_dir(&self.records)? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => match read(&path)? {
                    Some(record) => listing.records.push(record),
                    None => {
                        self.set_aside(&path)?;
                        listing.damaged += 1;
                    }
                },
                // Left by a process that was killed before the request counted as made.
                Some("tmp") => fs::remove_file(&path)?,
                _ => {}
            }
        }
        listing.records.sort_by(|a, b| (a.requested_at, &a.key).cmp(&(b.requested_at, &b.key)));
        Ok(listing)
    }

    fn set_aside(&self, path: &Path) -> io::Result<()> {
        make_private_dir(&self.damaged)?;
        fs::rename(path, self.damaged.join(path.file_name().unwrap_or_default()))
    }
}

/// `None` for a file that is not a record, or whose name is not its key.
fn read(path: &Path) -> io::Result<Option<Record>> {
    if fs::metadata(path)?.len() > MAX_RECORD_BYTES {
        return Ok(None);
    }
    let record = Record::decode(&fs::read(path)?);
    let name = path.file_stem().and_then(|name| name.to_str()).filter(|name| is_key(name));
    Ok(record.filter(|record| name == Some(record.key.as_str())))
}

fn make_private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    dir.parent().map_or(Ok(()), sync_dir)
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a new name in a folder outlive a power cut, where the platform can.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(dir)?.sync_all() } else { Ok(()) }
}
