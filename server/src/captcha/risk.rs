//! How suspicious a request is, by how often its installation and its network asked of late on this node. It makes work
//! dearer and decides where a service asks only on risk; the limits are exact, this is not.

use crate::rules::uses::network;
use ringback_core::protocol::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Attempts are counted in this stretch and the one before it.
const STRETCH_S: i64 = 300;
/// More subjects than this in a stretch are an attack of its own; the memory stays bounded and new ones count as new.
const SUBJECTS_MAX: usize = 100_000;
/// From so many attempts in five to ten minutes. One request with its challenge is two.
const INSTALLATION: [u32; 2] = [9, 25];
/// The same for a network, behind which a whole mobile carrier may be.
const NETWORK: [u32; 2] = [300, 3000];
/// So many challenges are given to an installation in five to ten minutes.
pub(super) const CHALLENGES: u32 = 60;

/// How suspicious a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub enum Risk {
    /// As most are.
    #[default]
    Low,
    /// More often than a person asks.
    Elevated,
    /// Much more often.
    High,
}

impl Risk {
    /// The risk of a subject with so many attempts.
    fn of(attempts: u32, [elevated, high]: [u32; 2]) -> Self {
        if attempts >= high {
            Self::High
        } else if attempts >= elevated {
            Self::Elevated
        } else {
            Self::Low
        }
    }

    /// Counters are drawn from so many, so that half as many must be tried on average.
    pub(super) fn counters(self) -> u32 {
        match self {
            Self::Low => 1000,
            Self::Elevated => 4000,
            Self::High => 16_000,
        }
    }
}

/// Who asked how often of late, on this node.
pub struct Watch {
    attempts: Mutex<Attempts>,
    /// Each challenge costs a derivation: they take no more than a core.
    pub(super) derivations: Semaphore,
}

impl Default for Watch {
    fn default() -> Self {
        Self { attempts: Mutex::default(), derivations: Semaphore::new(1) }
    }
}

impl Watch {
    /// How suspicious they are, without counting anything.
    pub fn risk(&self, installation_id: &str, address: IpAddr, now: Timestamp) -> Risk {
        let mut attempts = self.lock();
        attempts.turn(now);
        let (installation, network) = (of_installation(installation_id), of_network(address));
        Risk::of(attempts.count(&installation), INSTALLATION).max(Risk::of(attempts.count(&network), NETWORK))
    }

    /// Counts an attempt, and says how suspicious it is.
    pub(super) fn note(&self, installation_id: &str, address: IpAddr, now: Timestamp) -> Risk {
        let mut attempts = self.lock();
        attempts.turn(now);
        let installation = attempts.add(of_installation(installation_id));
        Risk::of(installation, INSTALLATION).max(Risk::of(attempts.add(of_network(address)), NETWORK))
    }

    /// Counts a challenge; false when the installation had its share.
    pub(super) fn note_challenge(&self, installation_id: &str, now: Timestamp) -> bool {
        let mut attempts = self.lock();
        attempts.turn(now);
        attempts.add(format!("challenge/{installation_id}")) <= CHALLENGES
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_installation(id: &str) -> String {
    format!("installation/{id}")
}

fn of_network(address: IpAddr) -> String {
    format!("network/{}", network(address))
}

#[derive(Default)]
struct Attempts {
    stretch: i64,
    current: HashMap<String, u32>,
    before: HashMap<String, u32>,
}

impl Attempts {
    fn turn(&mut self, now: Timestamp) {
        let stretch = now.as_second().div_euclid(STRETCH_S);
        if stretch != self.stretch {
            let current = std::mem::take(&mut self.current);
            self.before = if stretch == self.stretch + 1 { current } else { HashMap::new() };
            self.stretch = stretch;
        }
    }

    fn count(&self, subject: &str) -> u32 {
        let of = |stretch: &HashMap<String, u32>| stretch.get(subject).copied().unwrap_or(0);
        of(&self.current).saturating_add(of(&self.before))
    }

    fn add(&mut self, subject: String) -> u32 {
        let count = self.count(&subject).saturating_add(1);
        if self.current.len() < SUBJECTS_MAX || self.current.contains_key(&subject) {
            let current = self.current.entry(subject).or_default();
            *current = current.saturating_add(1);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn who_asks_often_is_suspicious_for_a_while() {
        let watch = Watch::default();
        let risks: Vec<Risk> = (0..30).map(|_| watch.note("in_a", ADDRESS, at(1000))).collect();
        assert_eq!((risks[0], risks[7], risks[8]), (Risk::Low, Risk::Low, Risk::Elevated));
        assert_eq!((risks[23], risks[24]), (Risk::Elevated, Risk::High));
        assert_eq!(watch.risk("in_b", ADDRESS, at(1000)), Risk::Low);
        assert_eq!(watch.risk("in_a", ADDRESS, at(1400)), Risk::High, "the stretch before counts");
        assert_eq!(watch.risk("in_a", ADDRESS, at(1900)), Risk::Low);
    }

    #[test]
    fn many_installations_of_one_network_are_suspicious_together() {
        let watch = Watch::default();
        let last = (0..300).map(|n| watch.note(&format!("in_{n}"), ADDRESS, at(0))).last();
        assert_eq!(last, Some(Risk::Elevated));
        let elsewhere = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));
        assert_eq!(watch.note("in_x", elsewhere, at(0)), Risk::Low);
    }

    #[test]
    fn challenges_run_out() {
        let watch = Watch::default();
        assert!((0..CHALLENGES).all(|_| watch.note_challenge("in_a", at(0))));
        assert!(!watch.note_challenge("in_a", at(0)));
        assert!(watch.note_challenge("in_b", at(0)));
        assert!(watch.note_challenge("in_a", at(600)));
    }
}
