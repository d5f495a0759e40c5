//! The last known state on disk. It is a copy: what cannot be read is as if it had never been there.

use super::story::Story;
use crate::client::{private_file, private_folder};
use crate::protocol::{Callback, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const FORMAT: u32 = 1;
/// More than fifty callbacks take.
const MAX_BYTES: u64 = 512 * 1024;

/// What is known, of whom, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// Whose callbacks they are.
    pub(super) installation_id: String,
    /// When the server last said so.
    #[serde(deserialize_with = "crate::protocol::instant::read")]
    pub(super) as_of: Timestamp,
    pub(super) story: Story,
}

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    known: Known,
}

/// The bytes of a file. A code that an agent will say is not in it.
fn encode(known: &Known) -> Option<Vec<u8>> {
    let without_code = |callback: &Callback| Callback { spoken_code: None, ..callback.clone() };
    let callbacks = known.story.callbacks.iter().map(without_code).collect();
    let story = Story { callbacks, ..known.story };
    serde_json::to_vec(&File { format: FORMAT, known: Known { story, ..known.clone() } }).ok()
}

/// What a file says; `None` when it is damaged or of another version. Nothing in it is believed to be in order.
fn decode(bytes: &[u8]) -> Option<Known> {
    let file = serde_json::from_slice::<File>(bytes).ok().filter(|file| file.format == FORMAT)?;
    let mut story = Story { seq: file.known.story.seq, ..Story::default() };
    for callback in file.known.story.callbacks {
        story.learn(callback);
    }
    Some(Known { story, ..file.known })
}

/// One file. All methods block.
pub(super) struct Shelf {
    path: PathBuf,
    /// One writes at a time.
    turn: Mutex<()>,
}

impl Shelf {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join("live.json"), turn: Mutex::new(()) }
    }

    /// What was put there last; `None` when nothing was, or nothing that can be read.
    pub(super) fn get(&self) -> Option<Known> {
        let is_sound = fs::metadata(&self.path).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_BYTES);
        let bytes = is_sound.then(|| fs::read(&self.path).ok()).flatten()?;
        decode(&bytes)
    }

    /// Puts it there wholly or not at all. Not pressed onto the disk: after a power cut it is asked for anew.
    pub(super) fn put(&self, known: &Known) -> io::Result<()> {
        let bytes = encode(known).ok_or(io::ErrorKind::InvalidData)?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        private_folder(&self.path)?;
        let unfinished = self.path.with_extension("tmp");
        private_file(&unfinished)?.write_all(&bytes)?;
        fs::rename(&unfinished, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn known() -> Known {
        let callback = json!({"id": "cb_1", "service": "support", "state": "routing", "phase": "connecting",
            "direction": "customer_terminated", "created_at": "2026-11-23T10:00:00Z", "version": 4,
            "spoken_code": "0042"});
        let mut story = Story { seq: 7, ..Story::default() };
        story.learn(serde_json::from_value(callback).unwrap());
        Known { installation_id: "in_1".to_owned(), as_of: Timestamp::UNIX_EPOCH, story }
    }

    #[test]
    fn what_is_put_is_got_without_the_code() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(&folder.path().join("not yet there"));
        assert_eq!(shelf.get(), None);
        shelf.put(&known()).unwrap();
        shelf.put(&known()).unwrap();
        let mut expected = known();
        expected.story.callbacks[0].spoken_code = None;
        assert_eq!(shelf.get(), Some(expected));
        let bytes = fs::read(&shelf.path).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"0042"));
    }

    #[test]
    fn a_folder_in_its_place_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        fs::create_dir(&shelf.path).unwrap();
        assert_eq!(shelf.get(), None);
        assert!(shelf.put(&known()).is_err());
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_nothing_or_a_sound_story(
            cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte: u8,
        ) {
            let mut bytes = encode(&known()).unwrap();
            let whole = bytes.len();
            bytes.truncate(cut.index(whole + 1));
            if bytes.len() < whole {
                prop_assert_eq!(decode(&bytes), None);
            } else {
                let at = at.index(whole);
                bytes[at] = byte;
                prop_assert!(decode(&bytes).is_none_or(|known| known.story.callbacks.len() <= 1));
            }
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            prop_assert_eq!(decode(&bytes), None);
        }
    }
}
