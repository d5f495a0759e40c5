//! The number to call when the server cannot be reached, as it was last known.

use super::copy::SealedCopy;
use super::{ClientError, RingbackClient, services};
use crate::protocol::{Offer, PhoneNumber, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// The file's name.
pub(super) const FILE: &str = "services.sealed";
const FORMAT: u32 = 1;
/// More services than an app has.
const MAX_SERVICES: usize = 64;

/// A contact centre's own number, for whoever wants to call by themselves. It comes from this device, not from the server
/// now, and nobody at the other end will know who calls or why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct FallbackNumber {
    /// The service's name.
    pub service: String,
    /// The number, E.164.
    pub number: PhoneNumber,
    /// What the dialer takes: `tel:` and the number (RFC 3966).
    pub tel_uri: PhoneNumber,
    /// Always true: it was kept from an earlier offer. An offer that arrives has its own number.
    pub from_cache: bool,
    /// When the server last said so, by this device's clock.
    pub as_of: Timestamp,
}

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    service: String,
    number: PhoneNumber,
    #[serde(deserialize_with = "crate::protocol::instant::read")]
    as_of: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    /// Last heard of first.
    numbers: Vec<Kept>,
}

/// The numbers on disk: one file, which is nothing when it cannot be read.
pub(super) struct Fallbacks {
    file: SealedCopy,
    /// One reads and writes at a time.
    turn: Mutex<()>,
}

impl Fallbacks {
    pub(super) fn new(file: SealedCopy) -> Self {
        Self { file, turn: Mutex::default() }
    }

    /// Keeps what an offer says, also that there is no number any more.
    pub(super) async fn keep(&self, offer: &Offer, now: Timestamp) {
        let (service, number) = (offer.service.clone(), offer.fallback_number.clone());
        let _turn = self.turn.lock().await;
        let before = self.read().await;
        let is_news = number.is_some() || before.iter().any(|kept| kept.service == service);
        if let Some(clear) = is_news.then(|| encode(changed(before, service, number, now))).flatten() {
            self.file.put(clear).await;
        }
    }

    /// The number of a service.
    pub(super) async fn get(&self, service: &str) -> Option<FallbackNumber> {
        let kept = self.read().await.into_iter().find(|kept| kept.service == service)?;
        let Kept { service, number, as_of } = kept;
        let tel_uri = PhoneNumber::new(format!("tel:{}", number.expose()));
        Some(FallbackNumber { service, number, tel_uri, from_cache: true, as_of })
    }

    async fn read(&self) -> Vec<Kept> {
        let Some(clear) = self.file.get().await else { return Vec::new() };
        let numbers = decode(&clear);
        if numbers.is_none() {
            self.file.drop_damaged().await;
        }
        numbers.unwrap_or_default()
    }

    /// The same error, with the number to call instead if it says that the server cannot be reached.
    pub(super) async fn attach(&self, error: ClientError, service: &str) -> ClientError {
        if error.takes_fallback() { error.with_fallback(self.get(service).await) } else { error }
    }
}

fn changed(
    mut numbers: Vec<Kept>,
    service: String,
    number: Option<PhoneNumber>,
    as_of: Timestamp,
) -> Vec<Kept> {
    numbers.retain(|kept| kept.service != service);
    if let Some(number) = number {
        numbers.insert(0, Kept { service, number, as_of });
    }
    numbers.truncate(MAX_SERVICES);
    numbers
}

fn encode(numbers: Vec<Kept>) -> Option<Zeroizing<Vec<u8>>> {
    serde_json::to_vec(&File { format: FORMAT, numbers }).ok().map(Zeroizing::new)
}

/// `None` for what is of another version.
fn decode(clear: &[u8]) -> Option<Vec<Kept>> {
    let file = serde_json::from_slice::<File>(clear).ok().filter(|file| file.format == FORMAT)?;
    // It goes to the dialer: whatever is not plainly a number is none.
    let is_number = |number: &PhoneNumber| {
        number.expose().strip_prefix('+').is_some_and(|digits| {
            (3..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let mut numbers = file.numbers;
    numbers.retain(|kept| is_number(&kept.number));
    Some(numbers)
}

impl RingbackClient {
    /// The number to call when the server cannot be reached, as the last offer of this service had it. Asks nobody.
    ///
    /// # Errors
    /// [`ClientError::InvalidRequest`] for what is no service's name.
    pub async fn fallback(&self, service: String) -> Result<Option<FallbackNumber>, ClientError> {
        Ok(self.fallbacks.get(services::checked_service(&service)?).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(service: &str) -> Vec<Kept> {
        changed(Vec::new(), service.to_owned(), Some("+4930901820".into()), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut numbers = Vec::new();
        for service in 0..100 {
            let number = Some("+4930901820".into());
            numbers = changed(numbers, service.to_string(), number, Timestamp::UNIX_EPOCH);
        }
        assert_eq!((numbers.len(), numbers[0].service.as_str()), (64, "99"));
        let fewer = changed(numbers, "99".to_owned(), None, Timestamp::UNIX_EPOCH);
        assert_eq!(fewer[0].service, "98");
    }

    proptest! {
        #[test]
        fn what_is_not_ours_is_nothing_or_numbers(at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = encode(kept("billing")).unwrap().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let read = decode(&bytes).unwrap_or_default();
            prop_assert!(read.iter().all(|kept| kept.number.expose().starts_with('+')));
            bytes.truncate(at);
            prop_assert!(decode(&bytes).is_none());
        }
    }
}
