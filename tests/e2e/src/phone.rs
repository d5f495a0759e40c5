//! A customer's phone: the real SDK core, with a folder for its storage.

use crate::{Centre, TOPIC, context_values, names};
use ringback_core::client::{ClientConfig, ClientError, PushOutcome, RingbackClient, answer_for_action};
use ringback_core::host::{FileStore, Host, LogSink};
use ringback_core::protocol::{
    ApnsEnvironment, CallbackEvent, CallbackRequest, Confirmation, ContextValue, EventKind, FcmTokenKind,
    PUSH_DATA_KEY, PersonName, PhoneNumber, PushRegistration, PushTarget, PushToken,
};
use ringback_core::transport::ReqwestTransport;
use ringback_doubles::{Provider, Received, WaitTimedOut};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

impl From<ClientError> for NotHeard {
    fn from(error: ClientError) -> Self {
        Self::Client(Box::new(error))
    }
}

/// An event did not come.
#[derive(Debug, thiserror::Error)]
pub enum NotHeard {
    /// The client failed.
    #[error(transparent)]
    Client(Box<ClientError>),
    /// The stream ended first.
    #[error("the event stream ended")]
    StreamEnded,
    /// Something else came, or nothing.
    #[error("{kind:?} was not heard within 30 s; heard {heard:?}")]
    NotInTime {
        /// What was waited for.
        kind: EventKind,
        /// What came instead.
        heard: Vec<EventKind>,
    },
}

/// How a phone is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneKind {
    /// Over APNs.
    Iphone,
    /// Over FCM.
    Android,
}

/// What the app gets of a push: a custom key with APNs and in a browser, `data` with FCM.
pub fn push_data(push: &Received) -> HashMap<String, String> {
    let data = match push.provider {
        Provider::Apns | Provider::WebPush => &push.payload[PUSH_DATA_KEY],
        Provider::Fcm => &push.payload["message"]["data"][PUSH_DATA_KEY],
    };
    HashMap::from([(PUSH_DATA_KEY.to_owned(), data.as_str().unwrap_or_default().to_owned())])
}

/// A phone with the app on it.
pub struct Phone {
    /// The app's SDK.
    pub client: RingbackClient,
    kind: PhoneKind,
    token: String,
}

impl Phone {
    /// A phone whose app keeps its things in `folder`; with the same folder again, the same app after a restart.
    pub fn new(
        centre: &Centre,
        kind: PhoneKind,
        folder: &Path,
        log: Option<Arc<dyn LogSink>>,
    ) -> Result<Self, ClientError> {
        Self::at(&centre.url, centre, kind, folder, log)
    }

    /// The same, with an app that knows the centre under another address.
    pub fn at(
        url: &str,
        centre: &Centre,
        kind: PhoneKind,
        folder: &Path,
        log: Option<Arc<dyn LogSink>>,
    ) -> Result<Self, ClientError> {
        let config = ClientConfig::new(url, &centre.app_key, folder.to_string_lossy());
        let transport = ReqwestTransport::new().map_err(|_| ClientError::Unreachable {
            detail: "no HTTP client could be made".to_owned(),
            fallback: None,
            pending_key: None,
        })?;
        let mut host = Host::new(Arc::new(FileStore::new(folder.join("secrets"))), Arc::new(transport));
        host.log = log;
        // Any text is a token to the doubles; APNs wants hexadecimal.
        let unique = folder.to_string_lossy().bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let token = unique[unique.len().saturating_sub(64)..].to_owned();
        Ok(Self { client: RingbackClient::new(config, host)?, kind, token })
    }

    /// What the push services know this phone by.
    pub fn push_token(&self) -> &str {
        &self.token
    }

    /// Tells the server how to reach this phone.
    pub async fn register_push(&self) -> Result<(), ClientError> {
        let token = PushToken::new(self.token.clone());
        let target = match self.kind {
            PhoneKind::Iphone => {
                PushTarget::Apns { token, environment: ApnsEnvironment::Sandbox, topic: TOPIC.to_owned() }
            }
            PhoneKind::Android => PushTarget::Fcm { token, kind: FcmTokenKind::Token },
        };
        self.register_target(target).await
    }

    /// Tells the server to reach this phone in a way of one's own.
    pub async fn register_target(&self, target: PushTarget) -> Result<(), ClientError> {
        self.client.register_push(PushRegistration::new(target)).await.map(drop)
    }

    /// A request for a call with everything in it that must not leak.
    pub fn request(service: &str, number: PhoneNumber) -> CallbackRequest {
        let keys = ["cart", "screen", "note"];
        let context = keys
            .iter()
            .zip(context_values())
            .map(|(key, value)| ((*key).to_owned(), ContextValue::from(value)));
        CallbackRequest {
            name: names().first().map(|name| PersonName::from(*name)),
            context: context.collect(),
            ..CallbackRequest::new(service, number)
        }
    }

    /// Waits for the push about a callback to reach its provider, which may refuse it.
    pub async fn wait_for_push(&self, centre: &Centre, callback_id: &str) -> Result<Received, WaitTimedOut> {
        let record = match self.kind {
            PhoneKind::Iphone => centre.doubles.apns.record(),
            PhoneKind::Android => centre.doubles.fcm.record(),
        };
        record
            .wait_for(LIMIT, |push| {
                push.device == self.token && push.payload.to_string().contains(callback_id)
            })
            .await
    }

    /// Listens until something has happened to a callback, and gives that event. Whatever was heard on the way is not
    /// heard again.
    pub async fn until(&self, callback_id: &str, kind: EventKind) -> Result<CallbackEvent, NotHeard> {
        let events = self.client.events()?;
        let mut heard = Vec::new();
        let search = async {
            while let Some(event) = events.next().await? {
                if event.callback.id == callback_id && event.kind == kind {
                    return Ok(event);
                }
                heard.push(event.kind);
            }
            Err(NotHeard::StreamEnded)
        };
        match tokio::time::timeout(LIMIT, search).await {
            Ok(found) => found,
            Err(_) => Err(NotHeard::NotInTime { kind, heard }),
        }
    }

    /// Hands a push to the app, as the platform does.
    pub async fn receive(&self, push: &Received) -> Result<PushOutcome, ClientError> {
        self.client.handle_push(push_data(push)).await
    }

    /// The person taps one of the notification's own actions, with what they typed into it.
    pub async fn act(
        &self,
        push: &Received,
        action: &str,
        typed: Option<&str>,
    ) -> Result<Confirmation, ClientError> {
        let answer = answer_for_action(action, typed)?.ok_or_else(|| ClientError::Internal {
            detail: format!("{action} is no answer"),
            pending_key: None,
        })?;
        self.client.answer_push(push_data(push), answer).await
    }
}
