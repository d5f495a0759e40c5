//! What is asked for now is not sent later, whatever is done to the clock; and the person can be told.

use crate::support::{Clocks, Phone, Server, answer, callback, problem_with, request};
use ringback_core::client::{ClientError, RequestState, ResumeOutcome};
use ringback_core::host::{CaptchaAsk, CaptchaError, CaptchaPresenter, HostError};
use ringback_core::protocol::{
    CallbackRequest, CaptchaChallenge, CaptchaToken, Fold, Problem, ProblemCode, WallTime,
};
use std::sync::Arc;

const DAY_S: i64 = 86_400;
/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

fn for_tomorrow() -> CallbackRequest {
    let local = "2026-12-24T10:30".to_owned();
    CallbackRequest {
        scheduled_for: Some(WallTime { local, zone: "Europe/Berlin".to_owned(), fold: None::<Fold> }),
        ..request()
    }
}

/// A phone that asked for a call while it was offline, and a server that it finds from now on.
async fn asked_offline(wish: CallbackRequest) -> (Phone, Server) {
    let server = Server::registering(|_| answer(201, &callback("cb_1", "queued"))).await;
    let phone = Phone::new(&server.url);
    let elsewhere = phone.config.clone();
    let phone = phone.with(|config| config.base_url = NOWHERE.to_owned());
    phone.start().request_callback(wish).await.expect_err("offline");
    (phone.with(|config| *config = elsewhere), server)
}

fn states(pending: &[ringback_core::client::PendingRequest]) -> Vec<&RequestState> {
    pending.iter().map(|request| &request.state).collect()
}

#[tokio::test]
async fn call_me_now_is_not_sent_after_a_quarter_of_an_hour_and_the_person_is_told() {
    let (phone, server) = asked_offline(request()).await;
    phone.clocks.pass(901);
    let resumed = phone.start().resume().await.expect("looked through");
    assert_eq!(resumed.len(), 1);
    assert_eq!(resumed[0].outcome, ResumeOutcome::Expired);
    assert!(!resumed[0].request.may_have_arrived, "it never left the phone");
    assert!(server.all().is_empty());

    // Whoever called `resume` may have had no screen: it stays to be told of, over restarts, and is not told twice.
    let client = phone.start();
    let pending = client.pending().await.expect("a list");
    assert_eq!(states(&pending), [&RequestState::Expired]);
    assert_eq!((pending[0].is_open(), client.outbox_status().await.expect("known").waiting), (false, 0));
    assert_eq!(client.resume().await.expect("nothing left"), []);
    client.discard(pending[0].key.clone()).await.expect("seen");
    assert_eq!(client.pending().await.expect("a list"), []);
    assert!(phone.files().is_empty());
}

#[tokio::test]
async fn it_is_sent_as_long_as_it_is_useful() {
    for clocks in [|phone: &Phone| phone.clocks.pass(899), |phone: &Phone| phone.clocks.set_by(DAY_S)] {
        let (phone, server) = asked_offline(request()).await;
        clocks(&phone);
        let resumed = phone.start().resume().await.expect("sent");
        assert!(matches!(resumed[0].outcome, ResumeOutcome::Accepted { .. }), "{resumed:?}");
        assert_eq!((server.seen("POST", "/v1/callbacks").len(), phone.files()), (1, Vec::new()));
    }
}

#[tokio::test]
async fn a_clock_that_was_set_makes_nothing_fresh() {
    type Story = fn(&Phone);
    let stories: [(&str, Story); 4] = [
        ("set back by a day", |phone| {
            phone.clocks.pass(1000);
            phone.clocks.set_by(-DAY_S);
        }),
        ("set back to the very moment", |phone| {
            phone.clocks.pass(1000);
            phone.clocks.set_by(-1000);
        }),
        ("a day in airplane mode", |phone| phone.clocks.pass(DAY_S)),
        ("set back over a restart", |phone| {
            phone.clocks.set_by(-DAY_S);
            phone.clocks.restart(1000);
        }),
    ];
    for (story, happens) in stories {
        let (phone, server) = asked_offline(request()).await;
        happens(&phone);
        let resumed = phone.start().resume().await.expect("looked through");
        assert_eq!(resumed[0].outcome, ResumeOutcome::Expired, "{story}");
        assert!(server.all().is_empty(), "{story}");
    }
}

#[tokio::test]
async fn what_was_asked_for_another_time_keeps_for_a_day() {
    let (phone, _server) = asked_offline(for_tomorrow()).await;
    phone.clocks.pass(DAY_S - 60);
    let resumed = phone.start().resume().await.expect("sent");
    assert!(matches!(resumed[0].outcome, ResumeOutcome::Accepted { .. }), "{resumed:?}");

    let (phone, server) = asked_offline(for_tomorrow()).await;
    phone.clocks.pass(DAY_S + 60);
    let resumed = phone.start().resume().await.expect("looked through");
    assert_eq!((&resumed[0].outcome, server.all().len()), (&ResumeOutcome::Expired, 0));
}

#[tokio::test]
async fn a_new_tap_is_a_new_wish_once_the_old_one_expired() {
    let (phone, server) = asked_offline(request()).await;
    let old = phone.outbox();
    phone.clocks.pass(901);
    phone.start().request_callback(request()).await.expect("accepted");
    let sent = server.seen("POST", "/v1/callbacks");
    assert!(sent.len() == 1 && sent[0].key() != old[0]);
    assert!(phone.files().is_empty(), "the new answer tells all there is to tell");
}

/// A person who takes their time.
struct Slow(Arc<Clocks>);

#[async_trait::async_trait]
impl CaptchaPresenter for Slow {
    fn providers(&self) -> Result<Vec<String>, HostError> {
        Ok(vec!["turnstile".to_owned()])
    }

    async fn present(&self, _: CaptchaAsk) -> Result<CaptchaToken, CaptchaError> {
        self.0.pass(901);
        Ok(CaptchaToken::from("passed"))
    }

    fn progress(&self, _: u8) -> Result<(), HostError> {
        Ok(())
    }
}

#[tokio::test]
async fn whoever_waits_is_told_that_it_expired() {
    let challenge = CaptchaChallenge { providers: vec!["turnstile".to_owned()], altcha: None };
    let server = Server::registering(move |seen| {
        assert_eq!(seen.header("ringback-captcha"), "", "it is not sent once the person is through");
        let code = ProblemCode::ChallengeRequired;
        problem_with(&Problem { challenge: Some(challenge.clone()), ..Problem::new(code, "what to do") })
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start_with(Some(Arc::new(Slow(phone.clocks.clone()))));
    let error = client.request_callback(request()).await.expect_err("too late");
    assert_eq!(error, ClientError::Expired { may_have_arrived: false });
    assert_eq!((error.code(), error.pending_key(), error.is_retryable()), ("request_expired", None, false));
    assert_eq!(client.pending().await.expect("a list"), [], "the caller was told");
    assert_eq!(server.seen("POST", "/v1/callbacks").len(), 1);
}
