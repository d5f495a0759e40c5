//! A caller over plain HTTP, for what the SDK would never send. Remembers every code it was refused with.

use crate::support::{Failure, World};
use reqwest::{Client, Method, RequestBuilder};
use ringback_core::protocol::{Problem, ProblemCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Everything that a refusal must not quote.
fn private_values() -> Vec<String> {
    let numbers = ringback_e2e::numbers().map(|number| number.expose().to_owned());
    let texts = ringback_e2e::names().into_iter().chain(ringback_e2e::context_values());
    numbers.chain(texts.map(str::to_owned)).collect()
}

pub(crate) struct Asker {
    http: Client,
    pub(crate) url: String,
    app_key: String,
    staff_key: String,
    private: Vec<String>,
    seen: Mutex<BTreeSet<String>>,
    next: AtomicU32,
}

impl Asker {
    pub(crate) fn new(world: &World) -> Self {
        Self {
            http: Client::new(),
            url: world.centre.url.clone(),
            app_key: world.centre.app_key.clone(),
            staff_key: world.centre.staff_key.clone(),
            private: private_values(),
            seen: Mutex::default(),
            next: AtomicU32::new(1),
        }
    }

    /// A word that was not used before.
    pub(crate) fn fresh(&self, word: &str) -> String {
        format!("{word}-{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// The token of a new installation.
    pub(crate) async fn installation(&self) -> Result<String, Failure> {
        let secret = format!("{:0>40}", self.fresh("secret"));
        let answer = self
            .http
            .post(format!("{}/v1/installations", self.url))
            .header("Ringback-App-Key", &self.app_key)
            .json(&json!({ "secret": secret }))
            .send()
            .await?
            .error_for_status()?;
        Ok(answer.json::<Value>().await?["token"].as_str().unwrap_or_default().to_owned())
    }

    /// A request without any key.
    pub(crate) fn stranger(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// A request of an installation, with a fresh idempotency key.
    pub(crate) fn app(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.stranger(method, path).bearer_auth(token).header("Idempotency-Key", self.fresh("key"))
    }

    /// A request of the administrator.
    pub(crate) fn staff(&self, method: Method, path: &str) -> RequestBuilder {
        self.stranger(method, &format!("/v1/staff/{path}")).bearer_auth(&self.staff_key)
    }

    /// Sends a request that must be taken, and gives the answer's text.
    pub(crate) async fn taken(&self, request: RequestBuilder) -> Result<String, Failure> {
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status.is_success() { Ok(text) } else { Err(format!("{status}: {text}").into()) }
    }

    /// Sends a request that must be refused with this code, in a document that keeps all that is promised of it.
    pub(crate) async fn refused(
        &self,
        code: ProblemCode,
        request: RequestBuilder,
    ) -> Result<Problem, Failure> {
        let answer = request.send().await?;
        let header = |name: &str| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (status, kind, id) = (answer.status(), header("content-type"), header("x-request-id"));
        let retry_after = header("retry-after");
        let text = answer.text().await?;
        let problem: Problem =
            serde_json::from_str(&text).map_err(|_| format!("{status} without a problem: {text:?}"))?;
        assert_eq!(problem.code, code.code(), "{text}");
        assert_eq!((problem.status, status.as_u16()), (code.status(), code.status()), "{text}");
        assert_eq!((kind.as_str(), problem.title.as_str()), ("application/problem+json", code.title()));
        assert_eq!(problem.type_uri, format!("urn:ringback:problem:{}", code.code()));
        assert_eq!(problem.request_id.as_deref(), Some(id.as_str()), "leads to the log: {text}");
        let retry_after_s = problem.retry_after_s.map(|seconds| seconds.to_string());
        assert_eq!(retry_after, retry_after_s.unwrap_or_default(), "the header says the same: {text}");
        assert!(problem.detail.contains(' ') && problem.detail.ends_with('.'), "a sentence: {text}");
        for private in &self.private {
            assert!(!text.contains(private.as_str()), "{} quotes what is private", problem.code);
        }
        self.saw(&problem.code);
        Ok(problem)
    }

    /// The same, of a request about a field.
    pub(crate) async fn refused_field(
        &self,
        code: ProblemCode,
        field: &str,
        request: RequestBuilder,
    ) -> Result<Problem, Failure> {
        let problem = self.refused(code, request).await?;
        assert_eq!(problem.field.as_deref(), Some(field), "{}", problem.detail);
        Ok(problem)
    }

    /// Remembers a code that was met another way.
    pub(crate) fn saw(&self, code: &str) {
        self.seen.lock().unwrap().insert(code.to_owned());
    }

    /// The codes that were met so far.
    pub(crate) fn seen(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap().clone()
    }
}
