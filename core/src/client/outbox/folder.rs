//! The folder that kept requests lie in. A request has one file, named by its idempotency key: `spare` while it is only
//! room and when it is sent as soon as it is written there, `kept` where it waits to be first sent, `tried` from then on,
//! `outcome` once it has ended and the app is yet to see how.
//! What is written is then only renamed or removed; whoever sends a request has its file locked.

use super::age::Moment;
use super::record::{Draft, Ended, Ending, Limits, Record};
use super::spare::{Spare, frame};
use super::state::{PendingKind, PendingRequest, RequestState};
use crate::client::disk::{Disk, Locked};
use crate::client::seal::Seal;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More than anybody taps; beyond it something is wrong with the app.
const MAX_RECORDS: usize = 64;
/// Beyond it the oldest receipts are given up: they never take the room of what a person asked for.
const MAX_RECEIPTS: usize = 64;
/// Beyond it the oldest endings are given up.
const MAX_ENDINGS: usize = 64;
/// More than the server takes as a body, with room for the rest of a record.
pub(super) const MAX_FILE_BYTES: u64 = 512 * 1024;

/// Why the folder could not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// `MAX_RECORDS` are there.
    #[error("too many requests wait")]
    Crowded,
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self::Io(error.into())
    }
}

/// Kept requests on disk. All methods block.
pub(crate) struct Folder {
    pub(super) disk: Arc<Disk>,
    pub(super) records: PathBuf,
    pub(super) damaged: PathBuf,
}

/// A request that has yet to be answered.
#[derive(Clone)]
pub(crate) struct Open {
    pub(crate) record: Record,
    pub(crate) is_tried: bool,
}

/// What a look into the folder brought.
#[derive(Default)]
pub(crate) struct Listing {
    /// In the order they were asked for.
    pub(crate) open: Vec<Open>,
    /// In the order they ended.
    pub(crate) ended: Vec<Ended>,
    /// How many files could not be read and were moved aside.
    pub(crate) damaged: usize,
    /// What the next request may be written into.
    pub(crate) spare: Option<Spare>,
}

/// A request that is now on disk.
pub(crate) struct KeptRequest {
    pub(crate) record: Record,
    /// It was there before: the same wish, not yet answered.
    pub(crate) reused: bool,
    /// Whether it may be sent at once.
    pub(crate) turn: Result<Turn, Trouble>,
    pub(crate) damaged: usize,
}

/// Whose turn it is to be sent. What is said to be claimed counts as tried from now on.
pub(crate) enum Turn {
    /// That of the request that was asked about.
    Now(Claim),
    /// That of one that was asked for before it.
    After(Record, Claim),
    /// Nobody's: the request that was asked about outlived its use.
    Expired { may_have_arrived: bool },
    /// Somebody is sending it, or one before it.
    Wait,
    /// It is not kept any more.
    Gone,
}

/// The right to send a request, until it is dropped. No other task and no other process has it.
pub(crate) struct Claim {
    _file: File,
    /// Nobody had tried before.
    pub(crate) is_first_try: bool,
}

impl Folder {
    /// A folder inside the app's data folder; made when first needed.
    pub(crate) fn new(disk: Arc<Disk>) -> Self {
        let records = disk.root().join("outbox");
        Self { damaged: records.join("damaged"), disk, records }
    }

    /// Puts a request on disk before anything else happens to it. An equal one that waits is taken instead; what the new
    /// one makes pointless is forgotten. `meanwhile` is told of a new one just before the disk is waited for.
    pub(crate) fn keep(
        &self,
        seal: &Seal,
        draft: Draft,
        (limits, now): (Limits, Moment),
        meanwhile: impl FnOnce(&Record),
    ) -> Result<KeptRequest, Trouble> {
        let locked = self.disk.lock()?;
        let mut listing = self.read_all(seal, &locked)?;
        let same = |open: &&Open| open.record.is_same_intent(&draft) && !open.record.is_expired(limits, now);
        let (record, reused, turn) = match listing.open.iter().find(same) {
            Some(open) => (open.record.clone(), true, None),
            None => {
                let (record, turn) = self.keep_new(seal, (draft, now), &mut listing, &locked, meanwhile)?;
                (record, false, turn)
            }
        };
        let turn =
            turn.unwrap_or_else(|| self.turn_of(seal, &record.key, &listing.open, (limits, now), &locked));
        Ok(KeptRequest { record, reused, turn, damaged: listing.damaged })
    }

    /// Whose turn it is comes with it where that is plain.
    fn keep_new(
        &self,
        seal: &Seal,
        (draft, now): (Draft, Moment),
        listing: &mut Listing,
        locked: &Locked<'_>,
        meanwhile: impl FnOnce(&Record),
    ) -> Result<(Record, Option<Result<Turn, Trouble>>), Trouble> {
        let (receipts, requests): (Vec<&Open>, Vec<&Open>) =
            listing.open.iter().partition(|open| open.record.kind == PendingKind::PushReceipt);
        let pointless: Vec<Open> = if draft.kind == PendingKind::PushReceipt {
            let too_many = (receipts.len() + 1).saturating_sub(MAX_RECEIPTS);
            receipts.into_iter().take(too_many).cloned().collect()
        } else if requests.len() >= MAX_RECORDS {
            return Err(Trouble::Crowded);
        } else {
            let is_pointless =
                |open: &Open| open.record.is_superseded_by(&draft) || open.record.is_same_intent(&draft);
            requests.into_iter().filter(|open| is_pointless(open)).cloned().collect()
        };
        let told = listing.ended.iter().filter(|ended| ended.record.is_same_intent(&draft));
        let told: Vec<PathBuf> = told.map(|ended| self.outcome(&ended.record.key)).collect();
        let seq = listing.open.iter().map(|open| open.record.seq).max().unwrap_or(0) + 1;
        let Spare { key, file } = self.room(listing.spare.take(), locked)?;
        let record = Record::new(draft, key, seq, now);
        let key = &record.key;
        let framed = frame(&seal.seal(&sealed_as(key), &record.encode()?)?)?;
        // Where nothing goes before it, it is sent at once, and its name stays: written into its room, it counts as tried.
        let goes_first = !listing.open.iter().any(|other| record.comes_after(&other.record));
        if goes_first {
            meanwhile(&record);
        }
        let (spare, kept) = (self.spare(key), self.kept(key));
        let file = self.disk.fill(file, &spare, (!goes_first).then_some(kept.as_path()), &framed)?;
        let turn = goes_first.then(|| match self.disk.try_lock(&file) {
            Ok(true) => Ok(Turn::Now(Claim { _file: file, is_first_try: true })),
            Ok(false) => Ok(Turn::Wait),
            Err(error) => Err(error.into()),
        });
        // One that is being sent goes its way, and so does one that cannot be removed: the new one waits for it, and has the
        // last word.
        for old in pointless {
            let removed = self.claim_file(&self.path(&old), locked).and_then(|claim| match claim {
                Some(_claim) => self.disk.remove(&self.path(&old)),
                None => Ok(false),
            });
            if removed.is_ok_and(|removed| removed) {
                listing.open.retain(|open| open.record.key != old.record.key);
            }
        }
        for path in told {
            // One that stays is told of twice.
            let _ = self.disk.remove(&path);
        }
        listing.open.push(Open { record: record.clone(), is_tried: goes_first });
        Ok((record, turn))
    }

    /// Whose turn it is, seen from this request.
    pub(crate) fn turn(&self, seal: &Seal, key: &str, limits: Limits, now: Moment) -> Result<Turn, Trouble> {
        let locked = self.disk.lock()?;
        let listing = self.read_all(seal, &locked)?;
        self.turn_of(seal, key, &listing.open, (limits, now), &locked)
    }

    fn turn_of(
        &self,
        seal: &Seal,
        key: &str,
        open: &[Open],
        (limits, now): (Limits, Moment),
        locked: &Locked<'_>,
    ) -> Result<Turn, Trouble> {
        let Some(this) = open.iter().find(|open| open.record.key == key) else { return Ok(Turn::Gone) };
        // Listed in their order: the first of the lane goes first.
        for earlier in open.iter().filter(|other| this.record.comes_after(&other.record)) {
            let Some(file) = self.claim_file(&self.path(earlier), locked)? else { return Ok(Turn::Wait) };
            if !earlier.record.is_expired(limits, now) {
                let claim = self.about_to_try(earlier, file)?;
                return Ok(Turn::After(earlier.record.clone(), claim));
            }
            self.end_open(seal, earlier, Ending::Expired, now)?;
        }
        let Some(file) = self.claim_file(&self.path(this), locked)? else { return Ok(Turn::Wait) };
        if this.record.is_expired(limits, now) {
            return Ok(Turn::Expired { may_have_arrived: this.is_tried });
        }
        Ok(Turn::Now(self.about_to_try(this, file)?))
    }

    /// Writes down that the request is about to be sent, before it is.
    fn about_to_try(&self, open: &Open, file: File) -> io::Result<Claim> {
        if !open.is_tried {
            self.disk.rename(&self.kept(&open.record.key), &self.tried(&open.record.key))?;
        }
        Ok(Claim { _file: file, is_first_try: !open.is_tried })
    }

    /// `None` when somebody else has it locked. The file cannot go away under it: that takes the folder's lock, too.
    fn claim_file(&self, path: &Path, _: &Locked<'_>) -> io::Result<Option<File>> {
        let file = self.disk.open(path)?;
        Ok(self.disk.try_lock(&file)?.then_some(file))
    }

    /// Takes back that it was tried: it did not leave the device.
    pub(crate) fn not_tried(&self, key: &str) -> Result<(), Trouble> {
        let _locked = self.disk.lock()?;
        for path in [self.spare(key), self.tried(key)] {
            match self.disk.rename(&path, &self.kept(key)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                renamed => return Ok(renamed?),
            }
        }
        Ok(())
    }

    /// Everything that is kept. Files that are none of ours are moved aside.
    pub(crate) fn list(&self, seal: &Seal) -> Result<Listing, Trouble> {
        let locked = self.disk.lock()?;
        Ok(self.read_all(seal, &locked)?)
    }

    /// What an app sees of it. Endings that have been there for as long as a request may wait are forgotten.
    pub(crate) fn describe(
        &self,
        seal: &Seal,
        limits: Limits,
        now: Moment,
    ) -> Result<(Vec<PendingRequest>, usize), Trouble> {
        let locked = self.disk.lock()?;
        let listing = self.read_all(seal, &locked)?;
        let mut seen = Vec::new();
        for ended in &listing.ended {
            if ended.when.age(now).is_over(limits.max_age_s) {
                self.disk.remove(&self.outcome(&ended.record.key))?;
            } else {
                seen.push((ended.record.seq, ended.pending()));
            }
        }
        for open in &listing.open {
            let is_free = self.claim_file(&self.path(open), &locked)?.is_some();
            let state = if is_free { RequestState::NotSent } else { RequestState::Sending };
            seen.push((open.record.seq, open.record.pending(state, open.is_tried)));
        }
        seen.sort_by(|(a, one), (b, other)| (a, &one.key).cmp(&(b, &other.key)));
        Ok((seen.into_iter().map(|(_, pending)| pending).collect(), listing.damaged))
    }

    /// Forgets a request and how it ended. Forgetting one that is not there is no error.
    pub(crate) fn forget(&self, key: &str) -> Result<(), Trouble> {
        let _locked = self.disk.lock()?;
        self.remove_open(key)?;
        self.disk.remove(&self.outcome(key))?;
        Ok(())
    }

    /// A request is over and nobody waited: how it ended is kept in its place, unless it is only a receipt.
    pub(crate) fn end(&self, seal: &Seal, key: &str, ending: Ending, now: Moment) -> Result<(), Trouble> {
        let locked = self.disk.lock()?;
        let listing = self.read_all(seal, &locked)?;
        // Discarded meanwhile: nobody wants to know.
        let Some(open) = listing.open.iter().find(|open| open.record.key == key) else { return Ok(()) };
        self.end_open(seal, open, ending, now)?;
        let too_many = (listing.ended.len() + 1).saturating_sub(MAX_ENDINGS);
        for oldest in listing.ended.iter().take(too_many) {
            self.disk.remove(&self.outcome(&oldest.record.key))?;
        }
        Ok(())
    }

    /// Ends a request that outlived its use. False when it did not, and when somebody is sending it.
    pub(crate) fn expire(
        &self,
        seal: &Seal,
        key: &str,
        limits: Limits,
        now: Moment,
    ) -> Result<bool, Trouble> {
        let locked = self.disk.lock()?;
        let listing = self.read_all(seal, &locked)?;
        let is_meant = |open: &&Open| open.record.key == key && open.record.is_expired(limits, now);
        let Some(open) = listing.open.iter().find(is_meant) else { return Ok(false) };
        let Some(_claim) = self.claim_file(&self.path(open), &locked)? else { return Ok(false) };
        self.end_open(seal, open, Ending::Expired, now)?;
        Ok(true)
    }

    fn end_open(&self, seal: &Seal, open: &Open, ending: Ending, now: Moment) -> Result<(), Trouble> {
        let key = &open.record.key;
        if open.record.kind != PendingKind::PushReceipt {
            let (record, may_have_arrived) = (open.record.clone(), open.is_tried);
            let ended = Ended { record, ending, may_have_arrived, when: now };
            self.disk.write(&self.outcome(key), &seal.seal(&ended_as(key), &ended.encode()?)?)?;
        }
        Ok(self.remove_open(key)?)
    }

    pub(super) fn remove_open(&self, key: &str) -> io::Result<()> {
        for path in [self.spare(key), self.tried(key), self.kept(key)] {
            if self.disk.remove(&path)? {
                break;
            }
        }
        Ok(())
    }

    fn kept(&self, key: &str) -> PathBuf {
        self.records.join(format!("{key}.kept"))
    }

    pub(super) fn tried(&self, key: &str) -> PathBuf {
        self.records.join(format!("{key}.tried"))
    }

    fn outcome(&self, key: &str) -> PathBuf {
        self.records.join(format!("{key}.outcome"))
    }

    fn path(&self, open: &Open) -> PathBuf {
        if open.is_tried { self.tried(&open.record.key) } else { self.kept(&open.record.key) }
    }
}

pub(super) fn sealed_as(key: &str) -> String {
    format!("outbox/{key}")
}

pub(super) fn ended_as(key: &str) -> String {
    format!("outcome/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { max_age_s: 86_400, immediate_useful_s: 900 };

    fn folder(root: &Path) -> Folder {
        Folder::new(Arc::new(Disk::new(root)))
    }

    fn about(callback: u8, kind: PendingKind, body: usize) -> Draft {
        let callback_id = Some(format!("cb_{callback}"));
        let path = format!("/v1/callbacks/cb_{callback}/{kind:?}");
        Draft { kind, path, callback_id, body: format!("{{\"number\":{body}}}") }
    }

    #[test]
    fn a_claim_is_one_of_a_kind_until_it_is_dropped() {
        let (root, seal) = (tempfile::tempdir().unwrap(), Seal::new(&[1; 32]));
        let (app, extension, now) = (folder(root.path()), folder(root.path()), Moment::at(0, 0));
        let kept = app.keep(&seal, about(1, PendingKind::Cancel, 0), (LIMITS, now), |_| {}).unwrap();
        let Ok(Turn::Now(claim)) = kept.turn else { panic!("it is its turn") };
        let turn = |folder: &Folder| folder.turn(&seal, &kept.record.key, LIMITS, now).unwrap();
        assert!(claim.is_first_try && matches!(turn(&extension), Turn::Wait));
        assert!(matches!(turn(&app), Turn::Wait));
        drop(claim);
        assert!(matches!(turn(&extension), Turn::Now(claim) if !claim.is_first_try));
        app.forget(&kept.record.key).unwrap();
        assert!(matches!(turn(&extension), Turn::Gone));
    }

    #[test]
    fn an_end_that_was_cut_short_is_an_end() {
        let (root, seal) = (tempfile::tempdir().unwrap(), Seal::new(&[1; 32]));
        let (folder, now) = (folder(root.path()), Moment::at(0, 0));
        let key =
            folder.keep(&seal, about(1, PendingKind::Cancel, 0), (LIMITS, now), |_| {}).unwrap().record.key;
        assert_eq!(folder.list(&seal).unwrap().open.len(), 1, "which gives it its name");
        let copy = std::fs::read(folder.tried(&key)).unwrap();
        folder.end(&seal, &key, Ending::Expired, now).unwrap();
        std::fs::write(folder.tried(&key), copy).unwrap();
        let listing = folder.list(&seal).unwrap();
        assert_eq!((listing.open.len(), listing.ended.len(), listing.damaged), (0, 1, 0));
        assert!(listing.ended[0].may_have_arrived && !folder.tried(&key).exists());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn whoever_is_asked_about_the_first_of_a_lane_goes_first(
            asked in prop::collection::vec((0_u8..3, prop::bool::ANY), 1..12), picks in prop::collection::vec(any::<prop::sample::Index>(), 12),
        ) {
            let (root, seal) = (tempfile::tempdir().unwrap(), Seal::new(&[1; 32]));
            let (folder, now) = (folder(root.path()), Moment::at(0, 0));
            for (number, (callback, confirms)) in asked.iter().enumerate() {
                let kind = if *confirms { PendingKind::Confirm } else { PendingKind::Cancel };
                folder.keep(&seal, about(*callback, kind, number), (LIMITS, now), |_| {}).unwrap();
            }
            let mut left: Vec<Vec<u64>> = vec![Vec::new(); 3];
            for pick in picks.iter().take(asked.len()) {
                let open = folder.list(&seal).unwrap().open;
                let picked = &pick.get(&open).record;
                let sent = match folder.turn(&seal, &picked.key, LIMITS, now).unwrap() {
                    Turn::Now(_) => picked.clone(),
                    Turn::After(earlier, _) => earlier,
                    _ => return Err(TestCaseError::fail("nobody else is there")),
                };
                folder.forget(&sent.key).unwrap();
                left[usize::from(sent.lane().unwrap().as_bytes()[3] - b'0')].push(sent.seq);
            }
            prop_assert!(folder.list(&seal).unwrap().open.is_empty());
            prop_assert!(left.iter().all(|lane| lane.is_sorted()), "{left:?}");
        }
    }
}
