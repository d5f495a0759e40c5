//! The last known state on disk. It is a copy: what cannot be read is as if it had never been there.

use super::story::Story;
use crate::client::copy::SealedCopy;
use crate::protocol::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The file's name.
pub(crate) const FILE: &str = "live.sealed";
const FORMAT: u32 = 1;

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
fn encode(known: &Known) -> Option<Zeroizing<Vec<u8>>> {
    let mut known = known.clone();
    known.story.callbacks.iter_mut().for_each(|callback| callback.spoken_code = None);
    let file = File { format: FORMAT, known };
    serde_json::to_vec(&file).ok().map(Zeroizing::new)
}

/// What a file says; `None` when it is of another version. Nothing in it is believed to be in order.
fn decode(bytes: &[u8]) -> Option<Known> {
    let file = serde_json::from_slice::<File>(bytes).ok().filter(|file| file.format == FORMAT)?;
    Some(Known { story: file.known.story.in_order(), ..file.known })
}

/// What was put there last; `None` when nothing was, or nothing that can be read.
pub(super) async fn get(copy: &SealedCopy) -> Option<Known> {
    let known = decode(&copy.get().await?);
    if known.is_none() {
        copy.drop_damaged().await;
    }
    known
}

/// Puts it there.
pub(super) async fn put(copy: &SealedCopy, known: &Known) {
    if let Some(clear) = encode(known) {
        copy.put(clear).await;
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
        let mut story = Story::default();
        story.seq = 7;
        story.learn(serde_json::from_value(callback).unwrap());
        Known { installation_id: "in_1".to_owned(), as_of: Timestamp::UNIX_EPOCH, story }
    }

    #[test]
    fn what_is_encoded_comes_back_without_the_code() {
        let mut expected = known();
        expected.story.callbacks[0].spoken_code = None;
        let bytes = encode(&known()).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"0042"));
        assert_eq!(decode(&bytes), Some(expected));
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_nothing_or_a_sound_story(
            cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte: u8,
        ) {
            let mut bytes = encode(&known()).unwrap().to_vec();
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
