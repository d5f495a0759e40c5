//! Sends again what is kept.

use super::courier::Audience;
use super::folder::{Open, Turn};
use super::record::Record;
use super::state::{RequestState, ResumeOutcome, Resumed};
use super::{ClientError, RingbackClient, Said, read_said};
use crate::client::exchange::Answer;
use std::collections::HashMap;

/// What stands in the way of further requests.
#[derive(Default)]
struct Obstacles {
    /// The code that says why the server cannot be reached.
    out_of_reach: Option<String>,
    /// The code that says why the first request of a lane stays.
    lanes: HashMap<String, String>,
}

impl Obstacles {
    fn before(&self, record: &Record) -> Option<&String> {
        let in_lane = || record.lane().and_then(|lane| self.lanes.get(lane));
        self.out_of_reach.as_ref().or_else(in_lane)
    }

    fn add(&mut self, record: &Record, error: &ClientError) {
        if is_out_of_reach(error) {
            self.out_of_reach = Some(error.code().to_owned());
        }
        if let Some(lane) = record.lane() {
            self.lanes.entry(lane.to_owned()).or_insert_with(|| error.code().to_owned());
        }
    }
}

impl RingbackClient {
    /// Sends again what the outbox holds, in the order it was asked for, under the same idempotency keys; to be called after
    /// a start, when the app or the network is back, and by background work; live subscriptions connect at once. Tells of
    /// every request what became of it; one that this client is sending already is waited for, one that another process is
    /// sending is left to it. Stops sending once the server cannot be reached.
    ///
    /// What is refused or expires here stays in [`pending`](Self::pending) as well, until it is
    /// [`discard`](Self::discard)ed: whoever called this may have no screen to tell the person.
    ///
    /// # Errors
    /// As [`pending`](Self::pending).
    pub async fn resume(&self) -> Result<Vec<Resumed>, ClientError> {
        self.live.resume();
        let mut resumed = Vec::new();
        let mut obstacles = Obstacles::default();
        for open in self.kept_requests().await?.open {
            let outcome = self.resume_one(&open, &mut obstacles).await?;
            let state = match &outcome {
                Some(ResumeOutcome::Refused { code, detail }) => {
                    RequestState::Refused { code: code.clone(), detail: detail.clone() }
                }
                Some(ResumeOutcome::Expired) => RequestState::Expired,
                _ => RequestState::NotSent,
            };
            let request = open.record.pending(state, open.is_tried);
            resumed.extend(outcome.map(|outcome| Resumed { request, outcome }));
        }
        // What cannot be made here is made with the next request.
        drop(self.courier.in_folder(|folder, _| Ok(folder.make_room()?)).await);
        Ok(resumed)
    }

    /// `None` for one that another process is sending, and for one that is answered by now.
    async fn resume_one(
        &self,
        open: &Open,
        obstacles: &mut Obstacles,
    ) -> Result<Option<ResumeOutcome>, ClientError> {
        let (record, courier) = (&open.record, &self.courier);
        let (key, limits, now) = (record.key.clone(), courier.limits, courier.now());
        if record.is_expired(limits, now) {
            let ended = courier.in_folder(move |folder, seal| folder.expire(seal, &key, limits, now)).await?;
            return Ok(ended.then_some(ResumeOutcome::Expired));
        }
        if let Some(code) = obstacles.before(record) {
            return Ok(Some(ResumeOutcome::StillPending { code: code.clone() }));
        }
        let mut said = Said::default();
        let mut read = |answer: &Answer| {
            said = read_said(courier, record, answer)?;
            Ok(())
        };
        let send_in_turn = async {
            loop {
                let (key, now) = (record.key.clone(), courier.now());
                let turn =
                    courier.in_folder(move |folder, seal| folder.turn(seal, &key, limits, now)).await?;
                match turn {
                    Turn::Now(claim) => {
                        return Ok(Some(courier.attempt(record, claim, Audience::Nobody, &mut read).await));
                    }
                    Turn::Wait if courier.ends.is_sending(&record.key) => courier.ends.changed().await,
                    _ => return Ok(None),
                }
            }
        };
        let done = match courier.busy.unless_paused(send_in_turn).await {
            Some(Ok(Some(done))) => done,
            Some(Ok(None)) => return Ok(None),
            Some(Err(error)) => return Err(error),
            None => Err(ClientError::Cancelled { pending_key: Some(record.key.clone()) }),
        };
        Ok(Some(match done {
            Ok(()) => ResumeOutcome::Accepted { callback: said.callback, ticket: said.ticket },
            Err(ClientError::Refused { code, detail, pending_key: None, .. }) => {
                ResumeOutcome::Refused { code, detail }
            }
            Err(ClientError::Expired { .. }) => ResumeOutcome::Expired,
            Err(error) => {
                obstacles.add(record, &error);
                ResumeOutcome::StillPending { code: error.code().to_owned() }
            }
        }))
    }
}

/// The error says something about the way to the server, not about the one request that met it.
fn is_out_of_reach(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Unreachable { .. }
            | ClientError::TimedOut { .. }
            | ClientError::AnswerUnreadable { .. }
            | ClientError::HostStorage { .. }
            | ClientError::Cancelled { .. }
    )
}
