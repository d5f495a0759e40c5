//! A challenge is passed between the tap and its answer, and the app sees none of it.

use crate::support::{Phone, Server, answer, callback, problem_with, request, soon};
use altcha::{CreateChallengeOptions, Payload, VerifySolutionOptions, create_challenge, verify_solution};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringback_core::client::{PendingKind, ResumeOutcome};
use ringback_core::host::{CaptchaAsk, CaptchaError, CaptchaPresenter, HostError};
use ringback_core::protocol::{CallInRequest, CaptchaChallenge, CaptchaToken, Problem, ProblemCode};
use serde_json::json;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;

fn challenge(counter: u32, providers: &[&str]) -> CaptchaChallenge {
    let altcha = create_challenge(CreateChallengeOptions {
        cost: 5000,
        counter: Some(counter),
        hmac_signature_secret: Some("secret".to_owned()),
        data: Some([("counters".to_owned(), 100.into())].into()),
        ..CreateChallengeOptions::default()
    });
    let altcha = altcha.ok().and_then(|challenge| serde_json::to_value(challenge).ok());
    CaptchaChallenge { providers: providers.iter().map(|word| (*word).to_owned()).collect(), altcha }
}

fn refused(code: ProblemCode, challenge: CaptchaChallenge) -> Response {
    problem_with(&Problem { challenge: Some(challenge), ..Problem::new(code, "what to do") })
}

fn is_solved(header: &str) -> bool {
    let payload = header.strip_prefix("altcha ").and_then(|token| STANDARD.decode(token).ok());
    let payload: Option<Payload> = payload.and_then(|json| serde_json::from_slice(&json).ok());
    payload.is_some_and(|Payload { challenge, solution }| {
        verify_solution(VerifySolutionOptions::new(&challenge, &solution, "secret"))
            .is_ok_and(|result| result.verified)
    })
}

/// A presenter that answers as told and remembers what it was asked.
struct Presenter {
    providers: Vec<String>,
    answer: Result<CaptchaToken, CaptchaError>,
    asked: Mutex<Vec<CaptchaAsk>>,
    heard: Mutex<Vec<u8>>,
    /// Ends with the last who holds the presenter.
    held: Mutex<Option<oneshot::Sender<Infallible>>>,
}

impl Presenter {
    fn of(provider: &str, answer: Result<&str, CaptchaError>) -> Arc<Self> {
        Arc::new(Self {
            providers: vec![provider.to_owned()],
            answer: answer.map(CaptchaToken::from),
            asked: Mutex::default(),
            heard: Mutex::default(),
            held: Mutex::default(),
        })
    }
}

#[async_trait::async_trait]
impl CaptchaPresenter for Presenter {
    fn providers(&self) -> Result<Vec<String>, HostError> {
        Ok(self.providers.clone())
    }

    async fn present(&self, ask: CaptchaAsk) -> Result<CaptchaToken, CaptchaError> {
        self.asked.lock().expect("not poisoned").push(ask);
        self.answer.clone()
    }

    fn progress(&self, percent: u8) -> Result<(), HostError> {
        self.heard.lock().expect("not poisoned").push(percent);
        Ok(())
    }
}

/// Takes a request with a solution of ours, and offers the proof of work to any other.
async fn working_server() -> Server {
    Server::registering(|seen| match seen.header("ringback-captcha") {
        "" => refused(ProblemCode::ChallengeRequired, challenge(42, &["altcha"])),
        header if is_solved(header) => answer(201, &callback("cb_1", "queued")),
        _ => refused(ProblemCode::CaptchaInvalid, challenge(1, &["altcha"])),
    })
    .await
}

#[tokio::test]
async fn proof_of_work_is_done_and_the_same_request_is_sent_again() {
    let server = working_server().await;
    let phone = Phone::new(&server.url);
    let presenter = Presenter::of("turnstile", Err(CaptchaError::Failed));
    let client = phone.start_with(Some(presenter.clone()));
    soon(client.request_callback(request())).await.expect("passed");
    let seen = server.seen("POST", "/v1/callbacks");
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].key(), &seen[0].body), (seen[1].key(), &seen[1].body), "one tap, one request");
    assert!(phone.outbox().is_empty());
    assert_eq!(*presenter.heard.lock().expect("not poisoned"), [0, 10, 20, 30, 40]);
    assert!(presenter.asked.lock().expect("not poisoned").is_empty());
    let token = seen[1].header("ringback-captcha").to_owned();
    let lines = phone.lines.until(|lines| lines.iter().any(|(_, line)| line.contains("proof of work"))).await;
    assert!(lines.iter().all(|(_, line)| !line.contains(&token[7..40])));
}

#[tokio::test]
async fn a_kept_request_meets_the_challenge_after_a_restart() {
    let works = Arc::new(AtomicBool::new(false));
    let answering = works.clone();
    let server = Server::registering(move |seen| match seen.header("ringback-captcha") {
        _ if !answering.load(Ordering::SeqCst) => {
            problem_with(&Problem::new(ProblemCode::StorageUnavailable, "wait"))
        }
        header if is_solved(header) => answer(201, &callback("cb_1", "queued")),
        _ => refused(ProblemCode::ChallengeRequired, challenge(7, &["altcha"])),
    })
    .await;
    let phone = Phone::new(&server.url);
    let error = soon(phone.start().request_callback(request())).await.expect_err("out of order");
    let key = error.pending_key().expect("kept").to_owned();
    works.store(true, Ordering::SeqCst);
    let resumed = soon(phone.start().resume()).await.expect("sent again");
    assert_eq!((resumed.len(), resumed[0].request.kind), (1, PendingKind::RequestCallback));
    assert!(matches!(resumed[0].outcome, ResumeOutcome::Accepted { .. }), "{:?}", resumed[0].outcome);
    assert!(server.seen("POST", "/v1/callbacks").iter().all(|seen| seen.key() == key));
    assert!(phone.outbox().is_empty());
}

#[tokio::test]
async fn what_the_host_shows_gives_the_token() {
    let server = Server::registering(|seen| match seen.header("ringback-captcha") {
        "turnstile XXXX.DUMMY" => answer(
            201,
            &json!({"id": "ci_1", "number": "+493023125001", "access_code": "0042",
                "tel_uri": "tel:+493023125001,0042", "expires_at": "2026-11-23T10:00:00Z"}),
        ),
        _ => refused(ProblemCode::ChallengeRequired, challenge(1, &["turnstile", "altcha"])),
    })
    .await;
    let phone = Phone::new(&server.url);
    let presenter = Presenter::of("turnstile", Ok("XXXX.DUMMY"));
    let client = phone.start_with(Some(presenter.clone()));
    let call_in = CallInRequest {
        service: "support".to_owned(),
        caller_number: None,
        name: None,
        context: std::collections::HashMap::new(),
    };
    soon(client.request_call_in(call_in)).await.expect("passed");
    let asked = presenter.asked.lock().expect("not poisoned").clone();
    let ask = CaptchaAsk { provider: "turnstile".to_owned(), action: "request_call_in".to_owned() };
    assert_eq!(asked, [ask]);
}

#[tokio::test]
async fn who_will_not_gives_the_request_up_and_who_cannot_keeps_it() {
    let server =
        Server::registering(|_| refused(ProblemCode::ChallengeRequired, challenge(1, &["hcaptcha"]))).await;
    for (presenter, kept) in [
        (None, false),
        (Some(Presenter::of("turnstile", Ok("t"))), false),
        (Some(Presenter::of("hcaptcha", Err(CaptchaError::Declined))), false),
        (Some(Presenter::of("hcaptcha", Err(CaptchaError::Unavailable))), true),
        (Some(Presenter::of("hcaptcha", Ok("not a\nheader"))), true),
    ] {
        let phone = Phone::new(&server.url);
        let presenter = presenter.map(|presenter| presenter as Arc<dyn CaptchaPresenter>);
        let error = soon(phone.start_with(presenter).request_callback(request())).await.expect_err("refused");
        assert_eq!(error.code(), "challenge_required");
        assert_eq!((error.pending_key().is_some(), phone.outbox().len()), (kept, usize::from(kept)));
    }
}

#[tokio::test]
async fn a_token_that_is_never_taken_is_not_got_for_ever() {
    let server =
        Server::registering(|_| refused(ProblemCode::CaptchaInvalid, challenge(1, &["altcha"]))).await;
    let phone = Phone::new(&server.url);
    let error = soon(phone.start().request_callback(request())).await.expect_err("refused");
    assert_eq!(error.code(), "captcha_invalid");
    assert_eq!(server.seen("POST", "/v1/callbacks").len(), 4, "one without and three with a token");
    assert!(phone.outbox().is_empty());
}

#[tokio::test]
async fn work_that_nobody_waits_for_ends_and_the_request_stays() {
    // Minutes of work.
    let server =
        Server::registering(|_| refused(ProblemCode::ChallengeRequired, challenge(1_000_000, &["altcha"])))
            .await;
    let phone = Phone::new(&server.url);
    let presenter = Presenter::of("turnstile", Err(CaptchaError::Failed));
    let (held, let_go) = oneshot::channel();
    *presenter.held.lock().expect("not poisoned") = Some(held);
    let client = phone.start_with(Some(presenter));
    let asked = client.request_callback(request());
    let dropped = tokio::time::timeout(Duration::from_millis(500), asked).await;
    assert!(dropped.is_err(), "still at work");
    // Now only the work holds the presenter.
    drop(client);
    let ended = tokio::time::timeout(Duration::from_secs(5), let_go).await;
    assert!(ended.expect("the work goes on").is_err());
    assert_eq!(phone.outbox().len(), 1);
}
