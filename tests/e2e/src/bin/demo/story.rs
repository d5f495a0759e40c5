//! How the demo tells what happens: who did what, when, and what went over the wire.

use ringback_doubles::{Provider, Received};
use std::fmt::Display;
use std::time::Instant;

/// Where a journey stopped.
#[derive(Debug, thiserror::Error)]
#[error("stopped at \"{step}\": {cause}")]
pub(crate) struct Stopped {
    step: String,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

/// One journey as it is told.
pub(crate) struct Story {
    started: Instant,
}

impl Story {
    /// Begins a journey under a title.
    pub(crate) fn begin(number: usize, title: &str) -> Self {
        println!("\n{number}  {title}");
        Self { started: Instant::now() }
    }

    /// Takes a step: says what happened, or where it stopped and why.
    pub(crate) async fn step<T, E>(
        &self,
        who: &str,
        what: &str,
        doing: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Stopped>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match doing.await {
            Ok(value) => {
                self.line(who, what);
                Ok(value)
            }
            Err(cause) => {
                let stopped = Stopped { step: format!("{who} {what}"), cause: cause.into() };
                self.line(who, &format!("{what}: FAILED"));
                Err(stopped)
            }
        }
    }

    /// A line with its time.
    pub(crate) fn line(&self, who: &str, what: &str) {
        println!("   {:>6.3} s  {who:<8}  {what}", self.started.elapsed().as_secs_f64());
    }

    /// A line that belongs to the one above.
    pub(crate) fn detail(&self, what: impl Display) {
        for line in what.to_string().lines() {
            println!("                       {line}");
        }
    }

    /// A push as it went over the wire, and the proof that nothing personal is in it.
    pub(crate) fn push(&self, push: &Received, personal: &[&str]) -> Result<(), Stopped> {
        self.line(name_of(push.provider), "takes the push from the server:");
        self.detail(wire(push));
        let text = format!("{:?} {}", push.headers, push.payload);
        match personal.iter().find(|value| text.contains(**value)) {
            None => {
                self.detail("number, name and context are not in it: looked for each");
                Ok(())
            }
            Some(_) => Err(Stopped {
                step: "the push holds nothing personal".to_owned(),
                cause: "a personal value was found in it".into(),
            }),
        }
    }
}

pub(crate) fn name_of(provider: Provider) -> &'static str {
    match provider {
        Provider::Apns => "APNs",
        Provider::Fcm => "FCM",
        Provider::WebPush => "Web Push",
    }
}

/// The headers that matter and the payload; a secret is named but not shown.
pub(crate) fn wire(push: &Received) -> String {
    let mut text = String::new();
    for (name, value) in &push.headers {
        let shown = match name.as_str() {
            "authorization" => "bearer … (ES256 or OAuth, checked by the double)",
            name if name.starts_with("apns-") || name == "content-type" => value,
            _ => continue,
        };
        text.push_str(&format!("{name}: {shown}\n"));
    }
    text.push_str(&serde_json::to_string_pretty(&push.payload).unwrap_or_default());
    text
}
