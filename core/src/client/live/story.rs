//! What is known of the callbacks, and how knowledge adds up. No clock, no disk, no network.

use crate::protocol::{Callback, CallbackEvent, CallbackState};
use serde::{Deserialize, Serialize};
use std::mem;

/// As many callbacks as the server lists at once: more than anybody scrolls through.
pub(super) const MAX_CALLBACKS: usize = 50;

/// The newest callbacks, each as it was last heard of. Copies may come in any order and any number of times: of two the
/// one with the higher version counts, so that every order leads to the same story.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Story {
    /// The last event that was heard; 0 before the first.
    pub(super) seq: u64,
    /// Newest first. Ids rise with time.
    pub(super) callbacks: Vec<Callback>,
    /// Ids of what a list has taken away, newest first: an event that is still on its way does not bring it back.
    #[serde(default)]
    gone: Vec<String>,
}

impl Story {
    /// Takes in an event. True when that is news.
    pub(super) fn hear(&mut self, event: CallbackEvent) -> bool {
        self.seq = self.seq.max(event.seq);
        self.learn(event.callback)
    }

    /// The same story as if each callback had come by itself: what a file says is not believed to be in order.
    pub(super) fn in_order(self) -> Self {
        let mut story = Self { seq: self.seq, gone: newest(self.gone), ..Self::default() };
        for callback in self.callbacks {
            story.learn(callback);
        }
        story
    }

    /// Takes in a copy of a callback. True when that is news.
    pub(super) fn learn(&mut self, copy: Callback) -> bool {
        if self.gone.contains(&copy.id) {
            return false;
        }
        // They move without events: kept, they would soon be wrong.
        let copy = Callback { position: None, wait: None, ..copy };
        match self.callbacks.binary_search_by(|known| copy.id.cmp(&known.id)) {
            Ok(at) => match self.callbacks.get_mut(at) {
                Some(known) if copy.version > known.version => {
                    *known = copy;
                    true
                }
                Some(known) if copy.version == known.version => complete(known, copy),
                _ => false,
            },
            Err(at) if at < MAX_CALLBACKS => {
                self.callbacks.insert(at, copy);
                self.callbacks.truncate(MAX_CALLBACKS);
                true
            }
            Err(_) => false,
        }
    }

    /// Ids of all that is known.
    pub(super) fn ids(&self) -> Vec<String> {
        self.callbacks.iter().map(|known| known.id.clone()).collect()
    }

    /// Takes in the server's list of the newest, which also says what is no longer there: what was known `before` the list
    /// was asked for and is not in it went to the archive. True when that is news.
    pub(super) fn learn_list(&mut self, list: Vec<Callback>, is_whole: bool, before: &[String]) -> bool {
        let oldest = list.iter().map(|listed| listed.id.clone()).min().filter(|_| !is_whole);
        let is_listed = |known: &Callback| list.iter().any(|listed| listed.id == known.id);
        let within = |known: &Callback| oldest.as_ref().is_none_or(|oldest| known.id > *oldest);
        let is_gone = |known: &mut Callback| before.contains(&known.id) && !is_listed(known) && within(known);
        let gone: Vec<String> = self.callbacks.extract_if(.., is_gone).map(|known| known.id).collect();
        let mut is_news = !gone.is_empty();
        self.gone.extend(gone);
        self.gone.retain(|id| list.iter().all(|listed| listed.id != *id));
        self.gone = newest(mem::take(&mut self.gone));
        for listed in list {
            is_news |= self.learn(listed);
        }
        is_news
    }

    pub(super) fn get(&self, id: &str) -> Option<&Callback> {
        self.callbacks.iter().find(|known| known.id == id)
    }

    /// Whether anything may still happen.
    pub(super) fn is_open(&self) -> bool {
        self.callbacks.iter().any(|known| known.state != CallbackState::Completed)
    }
}

/// As many as callbacks are known, each once.
fn newest(mut ids: Vec<String>) -> Vec<String> {
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.dedup();
    ids.truncate(MAX_CALLBACKS);
    ids
}

/// Two copies of one version: an event leaves out what a look at the callback has, and a file what is secret.
fn complete(known: &mut Callback, copy: Callback) -> bool {
    let spoken_code = known.spoken_code.clone().or(copy.spoken_code);
    let mut scheduled = known.scheduled.clone();
    if let (Some(known), Some(copy)) = (&mut scheduled, copy.scheduled) {
        known.local_now = known.local_now.take().max(copy.local_now);
    }
    let completed = Callback { spoken_code, scheduled, ..known.clone() };
    let is_news = completed != *known;
    *known = completed;
    is_news
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{EventKind, SpokenCode, Timestamp};
    use proptest::prelude::*;
    use serde_json::json;

    fn callback(id: u32, version: u64, with_code: bool) -> Callback {
        let state =
            ["queued", "routing", "processing", "completed"][usize::try_from(version.min(3)).unwrap()];
        let mut callback: Callback = serde_json::from_value(json!({
            "id": format!("cb_{id:04}"), "service": "support", "state": state, "direction": "customer_terminated",
            "created_at": "2026-11-23T10:00:00Z", "version": version, "position": 3,
        }))
        .unwrap();
        let due = matches!(callback.state, CallbackState::Routing | CallbackState::Processing);
        callback.spoken_code = (with_code && due).then(|| SpokenCode::new(format!("{:04}", id % 7)));
        callback
    }

    fn event(seq: u64, callback: Callback) -> CallbackEvent {
        CallbackEvent { seq, at: Timestamp::UNIX_EPOCH, kind: EventKind::Requested, callback }
    }

    fn told(events: &[CallbackEvent]) -> Story {
        let mut story = Story::default();
        for event in events {
            story.hear(event.clone());
        }
        story
    }

    #[test]
    fn a_copy_that_came_late_changes_nothing() {
        let mut story = told(&[event(1, callback(1, 0, false)), event(2, callback(1, 2, true))]);
        let before = story.clone();
        assert!(!story.learn(callback(1, 1, true)));
        assert_eq!(story, before);
    }

    #[test]
    fn the_code_goes_with_the_call() {
        let mut story = told(&[event(1, callback(1, 1, false))]);
        assert!(story.learn(callback(1, 1, true)), "a look at it brings the code");
        assert!(!story.learn(callback(1, 1, false)), "and a copy without it takes nothing away");
        assert!(story.get("cb_0001").unwrap().spoken_code.is_some());
        story.hear(event(2, callback(1, 3, true)));
        assert_eq!(story.get("cb_0001").unwrap().spoken_code, None);
        assert!(!story.is_open());
    }

    #[test]
    fn what_the_server_has_archived_goes_open_or_not() {
        let mut story = told(&[
            event(1, callback(1, 3, false)),
            event(2, callback(2, 3, false)),
            event(3, callback(3, 0, false)),
        ]);
        let before = story.ids();
        assert!(
            !story.clone().learn_list(vec![callback(3, 0, false)], false, &before),
            "older than the page"
        );
        assert!(story.learn_list(vec![callback(2, 3, false)], true, &before));
        assert_eq!(story.ids(), ["cb_0002"], "one was seen to end, the other ended while nobody looked");
    }

    #[test]
    fn what_came_after_the_list_was_asked_for_stays() {
        let mut story = told(&[event(1, callback(1, 0, false))]);
        let before = story.ids();
        story.learn(callback(2, 0, false));
        assert!(!story.learn_list(vec![callback(1, 0, false)], true, &before));
        assert_eq!(story.ids(), ["cb_0002", "cb_0001"]);
    }

    #[test]
    fn a_late_event_does_not_bring_back_what_was_archived() {
        let mut story = told(&[event(1, callback(1, 3, false)), event(2, callback(2, 0, false))]);
        let before = story.ids();
        assert!(story.learn_list(vec![callback(2, 0, false)], true, &before));
        assert!(!story.hear(event(3, callback(1, 4, false))), "it was on its way when the list was made");
        assert_eq!((story.get("cb_0001"), story.seq), (None, 3));
        let mut story = story.in_order();
        assert!(!story.hear(event(4, callback(1, 4, false))), "nor after a restart");
        assert!(
            story.learn_list(vec![callback(1, 4, false)], false, &[]),
            "but what the server lists is there"
        );
    }

    proptest! {
        #[test]
        fn what_a_list_took_away_stays_away(
            said in prop::collection::vec((0u32..70, 0u64..5), 1..150), archived in prop::collection::vec(any::<bool>(), 70),
            late in prop::collection::vec(any::<prop::sample::Index>(), 1..100),
        ) {
            let events: Vec<_> =
                (1..).zip(&said).map(|(seq, (id, version))| event(seq, callback(*id, *version, false))).collect();
            let mut story = told(&events);
            let is_archived = |callback: &Callback| archived[callback.id[3..].parse::<usize>().unwrap()];
            let list: Vec<_> = story.callbacks.iter().filter(|known| !is_archived(known)).cloned().collect();
            let before = story.ids();
            story.learn_list(list.clone(), true, &before);
            let known = story.callbacks.clone();
            for at in late {
                let late = at.get(&events);
                if story.gone.contains(&late.callback.id) || list.iter().any(|listed| listed.id == late.callback.id) {
                    prop_assert!(!story.hear(late.clone()));
                }
            }
            prop_assert_eq!(story.callbacks, known);
        }

        #[test]
        fn every_order_leads_to_the_same_story(
            said in prop::collection::vec((0u32..120, 0u64..5, any::<bool>()), 1..200),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..100),
            order in any::<u64>(),
        ) {
            let events: Vec<_> =
                (1..).zip(&said).map(|(seq, (id, version, code))| event(seq, callback(*id, *version, *code))).collect();
            let mut shuffled = events.clone();
            shuffled.extend(again.iter().map(|at| at.get(&events).clone()));
            // A stream that is resumed says again what it said, from anywhere.
            let mut random = order;
            for at in (1..shuffled.len()).rev() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                shuffled.swap(at, usize::try_from(random >> 33).unwrap() % (at + 1));
            }
            let (once, again) = (told(&events), told(&shuffled));
            prop_assert_eq!(&once, &again);
            prop_assert!(once.callbacks.len() <= MAX_CALLBACKS);
            prop_assert!(once.callbacks.windows(2).all(|pair| pair[0].id > pair[1].id));
            prop_assert!(once.callbacks.iter().all(|callback| callback.position.is_none()));
        }

        #[test]
        fn hearing_it_all_again_is_no_news(said in prop::collection::vec((0u32..120, 0u64..5), 1..100)) {
            let events: Vec<_> =
                (1..).zip(&said).map(|(seq, (id, version))| event(seq, callback(*id, *version, true))).collect();
            let mut story = told(&events);
            for event in events {
                prop_assert!(!story.hear(event));
            }
        }
    }
}
