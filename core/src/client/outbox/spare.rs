//! Room on disk for the next request, made before it is needed: writing into it takes one sync, where a new file takes two.
//! What is written there says its length and a checksum, so that a write that was cut short is known for what it is: it was
//! never kept, and the room is still free.

use super::folder::{Folder, MAX_FILE_BYTES};
use crate::client::disk::{Locked, split_name};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Most requests fit; for a longer one the file grows.
const ROOM: usize = 4096;
const LENGTH_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 8;

/// The bytes as they stand on disk, with room behind them or without.
pub(super) fn frame(sealed: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(sealed.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    Ok([&length.to_be_bytes()[..], &checksum(sealed), sealed].concat())
}

/// What [`frame`] was given; `None` when it is not there as a whole.
pub(super) fn unframe(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    let (sum, rest) = rest.split_first_chunk::<CHECKSUM_BYTES>()?;
    let sealed = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    (checksum(sealed) == *sum).then_some(sealed)
}

fn checksum(sealed: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut sum = [0; CHECKSUM_BYTES];
    sum.iter_mut().zip(Sha256::digest(sealed)).for_each(|(sum, byte)| *sum = byte);
    sum
}

/// A file with room in it, open. The next request takes its key as its own.
pub(crate) struct Spare {
    pub(super) key: String,
    pub(super) file: File,
}

impl Folder {
    /// The room that lies there already, or that is made now.
    pub(super) fn room(&self, known: Option<Spare>, locked: &Locked<'_>) -> io::Result<Spare> {
        if let Some(spare) = known {
            return Ok(spare);
        }
        let key = self.new_room(locked)?;
        let (file, []) = self.disk.open_room(&self.spare(&key))?;
        Ok(Spare { key, file })
    }

    fn new_room(&self, _: &Locked<'_>) -> io::Result<String> {
        self.disk.make_private_dir(&self.records)?;
        let key = uuid::Uuid::new_v4().to_string();
        self.disk.write(&self.spare(&key), &[0; ROOM])?;
        Ok(key)
    }

    /// Opens what should be room. What was written into it, whole or not, comes beside it; `None` for what is too long to be
    /// one of our files.
    pub(super) fn look_at_room(&self, path: &Path, key: &str) -> io::Result<Option<(Spare, Vec<u8>)>> {
        let (file, head) = self.disk.open_room::<{ LENGTH_BYTES + CHECKSUM_BYTES }>(path)?;
        let spare = Spare { key: key.to_owned(), file };
        if head.iter().all(|byte| *byte == 0) {
            return Ok(Some((spare, Vec::new())));
        }
        Ok(self.disk.read(path, MAX_FILE_BYTES)?.map(|written| (spare, written)))
    }

    /// Makes room for the next request, if there is none.
    pub(crate) fn make_room(&self) -> io::Result<()> {
        let locked = self.disk.lock()?;
        let files = match self.disk.list(&self.records) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            files => files?,
        };
        let is_spare = |path: &PathBuf| split_name(path).is_some_and(|(_, kind)| kind == "spare");
        if files.iter().any(is_spare) { Ok(()) } else { self.new_room(&locked).map(drop) }
    }

    pub(super) fn spare(&self, key: &str) -> PathBuf {
        self.records.join(format!("{key}.spare"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn room_is_not_taken_for_a_request() {
        assert_eq!(unframe(&[0; ROOM]), None);
        assert_eq!(unframe(&[]), None);
    }

    proptest! {
        #[test]
        fn what_is_written_over_something_is_read_back(
            sealed in prop::collection::vec(any::<u8>(), 0..300), before in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let mut file = frame(&sealed).unwrap();
            file.extend(before.get(file.len()..).unwrap_or_default());
            prop_assert_eq!(unframe(&file), Some(sealed.as_slice()));
        }

        #[test]
        fn a_write_that_was_cut_short_is_none(
            sealed in prop::collection::vec(1_u8.., 1..300), at in any::<prop::sample::Index>(),
        ) {
            let whole = frame(&sealed).unwrap();
            let cut = at.index(whole.len());
            let mut file = [&whole[..cut], &vec![0; ROOM]].concat();
            // The zeros that stand where zeros would be written are as good.
            if whole[cut..].iter().any(|byte| *byte != 0) {
                prop_assert_eq!(unframe(&file), None);
            }
            file.truncate(cut);
            prop_assert_eq!(unframe(&file), None);
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(unframe(&bytes).is_none_or(|sealed| sealed.len() < bytes.len()));
        }
    }
}
