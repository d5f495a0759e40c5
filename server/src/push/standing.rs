//! Whether what a push says is still true: decided when it is taken out of the outbox, from where its callback stands then.

use super::content::{ActivityEvent, Content};
use super::outbox::column_word;
use super::texts::TextKey;
use crate::refusal::Refusal;
use crate::storage::Tx;
use crate::words::unword;
use ringback_core::protocol::{CallbackState, PushEvent, RoutingPhase};
use std::collections::{BTreeSet, HashMap};

/// Where a callback stands, as far as pushes speak of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Where it is in its life.
    pub state: CallbackState,
    /// How far the connecting has come.
    pub phase: Option<RoutingPhase>,
    /// How often the person was asked.
    pub asked: i64,
    /// How often it changed.
    pub version: i64,
    /// How often the person was called.
    pub attempts: i64,
    /// The promised time in microseconds, 0 without one.
    pub scheduled_at: i64,
    /// What was said of the wait last.
    pub upcoming_told: i64,
}

impl Standing {
    /// Reads the words in which the outbox asks for it.
    pub fn parse(words: &str) -> Option<Self> {
        let [state, phase, numbers @ ..] = &words.split(' ').collect::<Vec<_>>()[..] else { return None };
        let numbers = numbers.iter().map(|number| number.parse().ok()).collect::<Option<Vec<i64>>>()?;
        let [asked, version, attempts, scheduled_at, upcoming_told] = numbers[..] else { return None };
        let phase = if *phase == "-" { None } else { Some(unword(phase).ok()?) };
        Some(Self {
            state: unword(state).ok()?,
            phase,
            asked,
            version,
            attempts,
            scheduled_at,
            upcoming_told,
        })
    }
}

/// How callbacks stand. Each is looked at once, however often it is asked for.
pub fn standings<'a>(
    tx: &mut Tx<'_>,
    callback_ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Standing>, Refusal> {
    let ids: BTreeSet<&str> = callback_ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = serde_json::Value::from_iter(ids.into_iter().map(|id| serde_json::Value::from_iter([id])));
    let found = tx.query(
        "select c.id, c.state, c.phase, c.asked, c.version, c.attempts, c.scheduled_at, c.upcoming_told \
         from json_rows($1) wanted join callbacks c on c.id = wanted.value ->> 0",
        &[&ids.to_string()],
        |row| {
            let standing = Standing {
                state: column_word(row, 1)?,
                phase: row.optional_text(2)?.map(|_| column_word(row, 2)).transpose()?,
                asked: row.get(3)?,
                version: row.get(4)?,
                attempts: row.get(5)?,
                scheduled_at: row.get::<Option<i64>>(6)?.unwrap_or(0),
                upcoming_told: row.get(7)?,
            };
            Ok((row.get(0)?, standing))
        },
    )?;
    Ok(found.into_iter().collect())
}

/// Whether this is still so, and worth saying.
pub fn still_true(
    (event, occasion, withdrawn): (PushEvent, i64, bool),
    content: &Content,
    now: &Standing,
) -> bool {
    let over = now.state == CallbackState::Completed;
    match event {
        // Somebody answered, and that stays so.
        PushEvent::AgentReady if withdrawn => true,
        PushEvent::AgentReady => {
            matches!(now.phase, Some(RoutingPhase::Reserved | RoutingPhase::Notified))
                && now.asked == occasion
        }
        PushEvent::CallbackUpcoming => now.state == CallbackState::Queued && now.upcoming_told == occasion,
        PushEvent::CallbackReminder => {
            matches!(now.state, CallbackState::Scheduled | CallbackState::Queued)
                && now.scheduled_at == occasion
        }
        // That it was taken back is said after its end; another time only while there will be a call.
        PushEvent::CallbackChanged => now.version == occasion || !over,
        // That there will be another call is true while there will be one, that there will be none at the end.
        PushEvent::CallbackMissed => {
            let last = matches!(content, Content::Alert { key: TextKey::CallbackUnreached, .. });
            now.attempts == occasion
                && if last {
                    over
                } else {
                    matches!(now.state, CallbackState::Scheduled | CallbackState::Queued)
                }
        }
        PushEvent::QueueProgress => {
            let ends = matches!(content, Content::Activity { event: ActivityEvent::End, .. });
            ends == over
        }
        PushEvent::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::policy::Interruption;
    use crate::push::texts::Text;

    fn alert(key: TextKey) -> Content {
        Content::Alert {
            key,
            text: Text { title: "t".into(), body: "b".into() },
            interruption: Interruption::Active,
            sound: None,
        }
    }

    fn at(words: &str) -> Standing {
        Standing::parse(words).unwrap()
    }

    fn says(event: PushEvent, occasion: i64, words: &str) -> bool {
        still_true((event, occasion, false), &alert(TextKey::AgentReady), &at(words))
    }

    #[test]
    fn a_question_is_true_while_it_is_open_and_the_same() {
        assert!(says(PushEvent::AgentReady, 2, "routing reserved 2 5 0 0 0"));
        assert!(says(PushEvent::AgentReady, 2, "routing notified 2 5 0 0 0"));
        assert!(!says(PushEvent::AgentReady, 1, "routing reserved 2 5 0 0 0"), "asked anew");
        assert!(!says(PushEvent::AgentReady, 2, "routing confirmed 2 5 0 0 0"), "answered");
        assert!(!says(PushEvent::AgentReady, 2, "queued - 2 5 0 0 0"), "the agent is gone");
        let answered = alert(TextKey::AgentReadyAnswered);
        assert!(still_true((PushEvent::AgentReady, 2, true), &answered, &at("completed - 2 5 0 0 0")));
    }

    #[test]
    fn news_is_true_until_newer_news() {
        assert!(says(PushEvent::CallbackUpcoming, 1, "queued - 0 2 0 0 1"));
        assert!(!says(PushEvent::CallbackUpcoming, 1, "queued - 0 2 0 0 2"), "corrected since");
        assert!(
            !says(PushEvent::CallbackUpcoming, 1, "routing reserved 1 3 0 0 1"),
            "the agent is ready now"
        );
        assert!(says(PushEvent::CallbackReminder, 77, "scheduled - 0 2 0 77 0"));
        assert!(!says(PushEvent::CallbackReminder, 77, "scheduled - 0 3 0 99 0"), "another time");
        assert!(says(PushEvent::CallbackChanged, 4, "completed - 0 4 0 0 0"), "it was cancelled");
        assert!(!says(PushEvent::CallbackChanged, 3, "completed - 0 4 0 0 0"), "it is over since");
        assert!(says(PushEvent::CallbackMissed, 1, "queued - 1 5 1 0 0"));
        assert!(!says(PushEvent::CallbackMissed, 1, "routing connecting 1 7 2 0 0"), "it rings again");
        assert!(!says(PushEvent::CallbackMissed, 1, "completed - 1 6 1 0 0"), "it was taken back meanwhile");
        let unreached = |words| {
            let content = alert(TextKey::CallbackUnreached);
            still_true((PushEvent::CallbackMissed, 2, false), &content, &at(words))
        };
        assert!(unreached("completed - 1 9 2 0 0"));
        assert!(!unreached("queued - 1 9 2 0 0"));
    }

    #[test]
    fn words_that_are_not_ours_are_none() {
        for words in
            ["", "queued", "queued - 1", "queued - 1 2 3 4 5 6", "queued - a 2 3 4 5", "x - 1 2 3 4 5"]
        {
            let parsed = Standing::parse(words);
            // A state that is not known is `Unknown`, about which nothing is true.
            assert!(parsed.is_none_or(|standing| standing.state == CallbackState::Unknown), "{words}");
        }
    }
}
