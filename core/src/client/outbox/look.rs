//! What lies in the outbox's folder, whatever was done to it.

use super::folder::{Folder, Listing, MAX_FILE_BYTES, Open, Trouble, ended_as, sealed_as};
use super::record::{Ended, Record, is_key};
use super::spare::unframe;
use crate::client::disk::{Locked, split_name};
use crate::client::seal::Seal;
use std::io;
use std::path::Path;

/// Beyond it the oldest damaged files are given up.
const MAX_DAMAGED: usize = 16;

impl Folder {
    pub(super) fn read_all(&self, seal: &Seal, _: &Locked<'_>) -> io::Result<Listing> {
        let mut listing = Listing::default();
        let paths = match self.disk.list(&self.records) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(listing),
            paths => paths?,
        };
        for path in paths {
            let Some((key, kind)) = split_name(&path) else { continue };
            let is_understood = match kind {
                "kept" | "tried" => {
                    let record = self.read(&path)?.and_then(|bytes| record_in(seal, key, unframe(&bytes)?));
                    let open = record.map(|record| Open { record, is_tried: kind == "tried" });
                    let is_some = open.is_some();
                    listing.open.extend(open);
                    is_some
                }
                "spare" => self.take_spare(seal, &path, key, &mut listing)?,
                "outcome" => {
                    let clear = self.read(&path)?.and_then(|sealed| seal.open(&ended_as(key), &sealed));
                    let ended = clear.and_then(|clear| Ended::decode(&clear));
                    let ended = ended.filter(|ended| ended.record.key == key);
                    let is_some = ended.is_some();
                    listing.ended.extend(ended);
                    is_some
                }
                "tmp" => {
                    // Left by a process that was killed before what it wrote counted.
                    self.disk.remove(&path)?;
                    true
                }
                _ => true,
            };
            if !is_understood {
                self.set_aside(&path)?;
                listing.damaged += 1;
            }
        }
        listing.open.sort_by(|a, b| (a.record.seq, &a.record.key).cmp(&(b.record.seq, &b.record.key)));
        listing.ended.sort_by_key(|ended| ended.when.at);
        // The process was killed between writing how it ended and forgetting that it waited.
        let over = |open: &Open| listing.ended.iter().any(|ended| ended.record.key == open.record.key);
        let (over, open): (Vec<Open>, Vec<Open>) = listing.open.into_iter().partition(over);
        for open in over {
            self.remove_open(&open.record.key)?;
        }
        Ok(Listing { open, ..listing })
    }

    /// A request that lies whole in a spare file is kept and may have been sent: it went first, or a power cut took back the
    /// name it had. From now on its name says so. False for what is not ours.
    fn take_spare(&self, seal: &Seal, path: &Path, key: &str, listing: &mut Listing) -> io::Result<bool> {
        if !is_key(key) {
            return Ok(false);
        }
        let looked = match self.look_at_room(path, key) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => None,
            looked => looked?,
        };
        let Some((spare, written)) = looked else { return Ok(false) };
        let Some(sealed) = unframe(&written) else {
            listing.spare = Some(spare);
            return Ok(true);
        };
        let Some(record) = record_in(seal, key, sealed) else { return Ok(false) };
        self.disk.rename(path, &self.tried(key))?;
        listing.open.push(Open { record, is_tried: true });
        Ok(true)
    }

    /// `None` for what cannot be one of our files.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        match self.disk.read(path, MAX_FILE_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(None),
            bytes => bytes,
        }
    }

    fn set_aside(&self, path: &Path) -> io::Result<()> {
        self.disk.make_private_dir(&self.damaged)?;
        self.disk.rename(path, &self.damaged.join(path.file_name().unwrap_or_default()))?;
        let mut aside = self.disk.list(&self.damaged)?;
        if aside.len() > MAX_DAMAGED {
            aside.sort_by_cached_key(|path| path.metadata().and_then(|file| file.modified()).ok());
            for oldest in &aside[..aside.len() - MAX_DAMAGED] {
                self.disk.remove(oldest)?;
            }
        }
        Ok(())
    }

    /// How many damaged files lie aside.
    pub(crate) fn count_damaged(&self) -> Result<usize, Trouble> {
        match self.disk.list(&self.damaged) {
            Ok(files) => Ok(files.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

fn record_in(seal: &Seal, key: &str, sealed: &[u8]) -> Option<Record> {
    let clear = seal.open(&sealed_as(key), sealed)?;
    Record::decode(&clear).filter(|record| record.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::disk::Disk;
    use crate::client::outbox::age::Moment;
    use crate::client::outbox::folder::{KeptRequest, Turn};
    use crate::client::outbox::record::{Draft, Limits};
    use crate::client::outbox::state::PendingKind;
    use std::sync::Arc;

    const LIMITS: Limits = Limits { max_age_s: 86_400, immediate_useful_s: 900 };

    struct Phone {
        root: tempfile::TempDir,
        folder: Folder,
        seal: Seal,
    }

    impl Phone {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let folder = Folder::new(Arc::new(Disk::new(root.path())));
            Self { root, folder, seal: Seal::new(&[1; 32]) }
        }

        fn tap(&self, body_bytes: usize) -> KeptRequest {
            let draft = Draft {
                kind: PendingKind::Cancel,
                path: "/v1/callbacks/cb_1/cancel".to_owned(),
                callback_id: Some("cb_1".to_owned()),
                body: "x".repeat(body_bytes),
            };
            self.folder.keep(&self.seal, draft, (LIMITS, Moment::at(0, 0)), |_| {}).unwrap()
        }

        /// The extensions of the files that are there.
        fn kinds(&self) -> Vec<String> {
            let paths = self.folder.disk.list(&self.root.path().join("outbox")).unwrap();
            let mut kinds: Vec<_> =
                paths.iter().filter_map(|path| split_name(path)).map(|(_, kind)| kind.to_owned()).collect();
            kinds.sort();
            kinds
        }

        fn listing(&self) -> Listing {
            self.folder.list(&self.seal).unwrap()
        }
    }

    #[test]
    fn the_next_request_takes_the_room_that_is_there() {
        let phone = Phone::new();
        phone.folder.make_room().unwrap();
        phone.folder.make_room().unwrap();
        let spare = phone.listing().spare.unwrap().key;
        for body_bytes in [10, 10_000] {
            let kept = phone.tap(body_bytes);
            assert!(matches!(kept.turn, Ok(Turn::Now(_))));
            assert_eq!(phone.kinds(), ["spare"], "with room for one there is none left");
            assert!(phone.listing().open[0].record == kept.record);
            assert_eq!(phone.kinds(), ["tried"]);
            phone.folder.forget(&kept.record.key).unwrap();
            assert_eq!(body_bytes == 10, kept.record.key == spare);
        }
    }

    #[test]
    fn a_request_that_was_cut_short_was_never_kept_and_its_room_is_free() {
        let phone = Phone::new();
        let key = phone.tap(10).record.key;
        let spare = phone.folder.spare(&key);
        let whole = std::fs::read(&spare).unwrap();
        let used = unframe(&whole).unwrap().len() + 12;
        for cut in [0, 1, 5, 12, used / 2, used - 1] {
            let mut bytes = vec![0; whole.len()];
            bytes[..cut].copy_from_slice(&whole[..cut]);
            std::fs::write(&spare, bytes).unwrap();
            let listing = phone.listing();
            let spare = listing.spare.map(|spare| spare.key);
            assert_eq!((listing.open.len(), listing.damaged, spare.as_ref()), (0, 0, Some(&key)), "{cut}");
        }
        assert_eq!(phone.tap(20).record.key, key);
        assert_eq!(phone.listing().open.len(), 1);
    }

    #[test]
    fn a_request_that_lies_whole_in_the_room_is_kept_and_may_have_arrived() {
        let phone = Phone::new();
        let kept = phone.tap(10);
        assert_eq!(phone.kinds(), ["spare"]);
        let listing = phone.listing();
        assert!(listing.open.len() == 1 && listing.open[0].record == kept.record && listing.open[0].is_tried);
        assert_eq!((phone.kinds(), listing.spare.is_none()), (vec!["tried".to_owned()], true));
    }

    #[test]
    fn what_is_whole_and_not_ours_is_put_aside() {
        let phone = Phone::new();
        let key = phone.tap(10).record.key;
        let other = "0b9f2a52-5a8e-4a53-9e0b-9d8f7b0a3c11";
        std::fs::rename(phone.folder.spare(&key), phone.folder.spare(other)).unwrap();
        std::fs::write(phone.folder.spare("a-note"), "of somebody").unwrap();
        let listing = phone.listing();
        assert_eq!((listing.open.len(), listing.damaged, listing.spare.is_none()), (0, 2, true));
        assert_eq!(phone.folder.count_damaged().unwrap(), 2);
    }
}
