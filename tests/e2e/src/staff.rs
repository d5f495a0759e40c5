//! The contact centre's side, over the staff API.

use reqwest::Method;
use ringback_core::protocol::Problem;
use serde_json::{Value, json};

/// A member of staff with a key.
#[derive(Debug, Clone)]
pub struct Staff {
    http: reqwest::Client,
    url: String,
    key: String,
}

/// The staff API refused, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// It refused.
    #[error("{}: {}", .0.code, .0.detail)]
    Refused(Box<Problem>),
    /// It did not answer.
    #[error("no answer: {0}")]
    NoAnswer(#[from] reqwest::Error),
}

impl Staff {
    /// Staff with this key.
    pub fn new(url: &str, key: &str) -> Self {
        Self { http: reqwest::Client::new(), url: url.to_owned(), key: key.to_owned() }
    }

    /// One request.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, StaffError> {
        let mut request =
            self.http.request(method, format!("{}/v1/staff/{path}", self.url)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        if answer.status().is_success() {
            let text = answer.text().await?;
            Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
        } else {
            Err(StaffError::Refused(Box::new(answer.json().await?)))
        }
    }

    /// Sets an agent's state: `ready`, `not_ready` or `offline`.
    pub async fn agent(&self, name: &str, state: &str) -> Result<Value, StaffError> {
        self.ask(Method::PUT, &format!("agents/{name}/state"), Some(json!({ "state": state }))).await
    }

    /// An agent's desk.
    pub async fn desk(&self, name: &str) -> Result<Value, StaffError> {
        self.ask(Method::GET, &format!("agents/{name}"), None).await
    }

    /// Says what came of dialing.
    pub async fn result(&self, callback: &str, result: &str) -> Result<Value, StaffError> {
        self.ask(Method::POST, &format!("callbacks/{callback}/result"), Some(json!({ "result": result })))
            .await
    }

    /// Says that the talk is over.
    pub async fn complete(&self, callback: &str) -> Result<Value, StaffError> {
        self.ask(
            Method::POST,
            &format!("callbacks/{callback}/complete"),
            Some(json!({ "disposition": "handled" })),
        )
        .await
    }

    /// What became of a callback's pushes.
    pub async fn pushes(&self, callback: &str) -> Result<Vec<Value>, StaffError> {
        let pushes = self.ask(Method::GET, &format!("callbacks/{callback}/pushes"), None).await?;
        Ok(pushes.as_array().cloned().unwrap_or_default())
    }

    /// A callback with everything that is known of it.
    pub async fn callback(&self, id: &str) -> Result<Value, StaffError> {
        self.ask(Method::GET, &format!("callbacks/{id}"), None).await
    }
}
