//! The client.

use crate::cancel::CancelToken;
use crate::error::guarded;
use crate::events::EventSubscription;
use crate::line::LineSubscription;
use crate::live::{LiveCallbackSubscription, LiveCallbacksSubscription};
use crate::runtime::{Called, Runtime};
use ringback_core::client::{
    ClientConfig, ClientError, FallbackNumber, OutboxStatus, PendingRequest, PushOutcome, Resumed,
    RingbackClient,
};
use ringback_core::host::{
    AttestationProvider, CaptchaPresenter, Host, InstallationSigner, LogSink, SecureStore,
};
use ringback_core::protocol::{
    ActionToken, Availability, AvailabilityRequest, CallInRequest, CallTicket, Callback, CallbackRequest,
    ConfirmAnswer, Confirmation, Device, Offer, PhoneNumber, PushRegistration, Validation, WallTime,
};
use ringback_core::transport::Transport;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

/// A contact centre's client: [`RingbackClient`] on a thread of its own. Every method that waits can be called off.
#[derive(uniffi::Object)]
pub struct Client {
    core: Arc<RingbackClient>,
    runtime: Arc<Runtime>,
}

impl Client {
    /// Boxed on both sides: the way to the client's thread and back is there once for each kind of answer, not for each call.
    fn run<T, F>(
        &self,
        cancel: Option<Arc<CancelToken>>,
        work: impl FnOnce(Arc<RingbackClient>) -> F,
    ) -> Called<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ClientError>> + Send + 'static,
    {
        self.runtime.run(cancel, Box::pin(work(Arc::clone(&self.core))))
    }
}

#[uniffi::export]
impl Client {
    /// A client for this server and app, which speaks through the host's own HTTP stack: that one knows the machine's
    /// trust, proxies and pins. What changes something is signed by `signer`, or, in builds with the feature `software-key`, by
    /// a key of the client's own, and `attestation` vouches for app and device. Touches neither disk nor network and starts no
    /// thread.
    #[uniffi::constructor]
    pub fn new(
        config: ClientConfig,
        store: Arc<dyn SecureStore>,
        transport: Arc<dyn Transport>,
        log: Option<Arc<dyn LogSink>>,
        captcha: Option<Arc<dyn CaptchaPresenter>>,
        signer: Option<Arc<dyn InstallationSigner>>,
        attestation: Option<Arc<dyn AttestationProvider>>,
    ) -> Result<Arc<Self>, ClientError> {
        guarded(|| {
            let host = Host { log, captcha, signer, attestation, ..Host::new(store, transport) };
            #[cfg(feature = "test-hooks")]
            let host = crate::hooks::killable_host(host);
            let core = Arc::new(RingbackClient::new(config, host)?);
            Ok(Arc::new(Self { core, runtime: Arc::new(Runtime::idle()) }))
        })
    }

    /// What a service offers at this moment.
    pub async fn offer(
        &self,
        service: String,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Offer, ClientError> {
        self.run(cancel, |core| async move { core.offer(service).await }).await
    }

    /// When calls of a service can be promised.
    pub async fn availability(
        &self,
        request: AvailabilityRequest,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Availability, ClientError> {
        self.run(cancel, |core| async move { core.availability(request).await }).await
    }

    /// What a request for a call would meet now, without making it.
    pub async fn validate(
        &self,
        request: CallbackRequest,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Validation, ClientError> {
        self.run(cancel, |core| async move { core.validate(request).await }).await
    }

    /// Asks for a call, now or for a chosen time.
    pub async fn request_callback(
        &self,
        request: CallbackRequest,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Callback, ClientError> {
        self.run(cancel, |core| async move {
            let asking = core.request_callback(request);
            #[cfg(feature = "test-hooks")]
            let asking = crate::hooks::killable(asking);
            asking.await
        })
        .await
    }

    /// One of this installation's callbacks, as it is now.
    pub async fn callback(
        &self,
        id: String,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Callback, ClientError> {
        self.run(cancel, |core| async move { core.callback(id).await }).await
    }

    /// This installation's callbacks, newest first.
    pub async fn callbacks(&self, cancel: Option<Arc<CancelToken>>) -> Result<Vec<Callback>, ClientError> {
        self.run(cancel, |core| async move { core.callbacks().await }).await
    }

    /// Takes a callback back.
    pub async fn cancel(
        &self,
        id: String,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Callback, ClientError> {
        self.run(cancel, |core| async move { core.cancel(id).await }).await
    }

    /// Chooses another time; `None` is "as soon as an agent is free".
    pub async fn reschedule(
        &self,
        id: String,
        scheduled_for: Option<WallTime>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Callback, ClientError> {
        self.run(cancel, |core| async move { core.reschedule(id, scheduled_for).await }).await
    }

    /// For so many seconds nobody calls.
    pub async fn snooze(
        &self,
        id: String,
        delay_s: u32,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Callback, ClientError> {
        self.run(cancel, |core| async move { core.snooze(id, delay_s).await }).await
    }

    /// Has another number called.
    pub async fn change_number(
        &self,
        id: String,
        number: PhoneNumber,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Callback, ClientError> {
        self.run(cancel, |core| async move { core.change_number(id, number).await }).await
    }

    /// Answers "your agent is ready, are you?".
    pub async fn confirm(
        &self,
        id: String,
        answer: ConfirmAnswer,
        action_token: Option<ActionToken>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Confirmation, ClientError> {
        self.run(cancel, |core| async move { core.confirm(id, answer, action_token).await }).await
    }

    /// Asks for a number to dial.
    pub async fn request_call_in(
        &self,
        request: CallInRequest,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<CallTicket, ClientError> {
        self.run(cancel, |core| async move { core.request_call_in(request).await }).await
    }

    /// The number to call when the server cannot be reached, as the last offer had it. Asks nobody.
    pub async fn fallback(
        &self,
        service: String,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Option<FallbackNumber>, ClientError> {
        self.run(cancel, |core| async move { core.fallback(service).await }).await
    }

    /// Tells the server how to reach this device.
    pub async fn register_push(
        &self,
        registration: PushRegistration,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Device, ClientError> {
        self.run(cancel, |core| async move { core.register_push(registration).await }).await
    }

    /// Sends no more pushes to a device.
    pub async fn unregister_push(
        &self,
        device_id: String,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<(), ClientError> {
        self.run(cancel, |core| async move { core.unregister_push(device_id).await }).await
    }

    /// The devices by which this installation is reached.
    pub async fn devices(&self, cancel: Option<Arc<CancelToken>>) -> Result<Vec<Device>, ClientError> {
        self.run(cancel, |core| async move { core.devices().await }).await
    }

    /// Looks at a push the app received.
    pub async fn handle_push(
        &self,
        data: HashMap<String, String>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<PushOutcome, ClientError> {
        self.run(cancel, |core| async move { core.handle_push(data).await }).await
    }

    /// Answers a question from its notification.
    pub async fn answer_push(
        &self,
        data: HashMap<String, String>,
        answer: ConfirmAnswer,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Confirmation, ClientError> {
        self.run(cancel, |core| async move { core.answer_push(data, answer).await }).await
    }

    /// Tells the server that the person has opened a push.
    pub async fn push_opened(
        &self,
        data: HashMap<String, String>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<(), ClientError> {
        self.run(cancel, |core| async move { core.push_opened(data).await }).await
    }

    /// Sends again what the outbox holds. Tells of every request what became of it.
    pub async fn resume(&self, cancel: Option<Arc<CancelToken>>) -> Result<Vec<Resumed>, ClientError> {
        self.run(cancel, |core| async move { core.resume().await }).await
    }

    /// What is kept: not yet answered, or refused or expired while nobody waited.
    pub async fn pending(
        &self,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Vec<PendingRequest>, ClientError> {
        self.run(cancel, |core| async move { core.pending().await }).await
    }

    /// Whether there is work for `resume`, and when.
    pub async fn outbox_status(&self, cancel: Option<Arc<CancelToken>>) -> Result<OutboxStatus, ClientError> {
        self.run(cancel, |core| async move { core.outbox_status().await }).await
    }

    /// Brings the outbox to rest, for an app that goes to the background.
    pub async fn pause(&self, cancel: Option<Arc<CancelToken>>) -> Result<(), ClientError> {
        self.run(cancel, |core| async move { core.pause().await }).await
    }

    /// Forgets a kept request: it will not be sent again.
    pub async fn discard(&self, key: String, cancel: Option<Arc<CancelToken>>) -> Result<(), ClientError> {
        self.run(cancel, |core| async move { core.discard(key).await }).await
    }

    /// Subscribes to what happens to this installation's callbacks.
    pub fn events(&self) -> Result<Arc<EventSubscription>, ClientError> {
        guarded(|| Ok(EventSubscription::new(self.core.events()?, Arc::clone(&self.runtime))))
    }

    /// Subscribes to a callback's position in line and its wait.
    #[expect(clippy::needless_pass_by_value, reason = "what crosses the border is owned")]
    pub fn line(&self, id: String) -> Result<Arc<LineSubscription>, ClientError> {
        guarded(|| Ok(LineSubscription::new(self.core.line(&id)?, Arc::clone(&self.runtime))))
    }

    /// Subscribes to this installation's callbacks.
    pub fn live_callbacks(&self) -> Result<Arc<LiveCallbacksSubscription>, ClientError> {
        guarded(|| Ok(LiveCallbacksSubscription::new(self.core.live_callbacks()?, Arc::clone(&self.runtime))))
    }

    /// Subscribes to one callback.
    #[expect(clippy::needless_pass_by_value, reason = "what crosses the border is owned")]
    pub fn live_callback(&self, id: String) -> Result<Arc<LiveCallbackSubscription>, ClientError> {
        guarded(|| {
            Ok(LiveCallbackSubscription::new(self.core.live_callback(&id)?, Arc::clone(&self.runtime)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringback_core::host::{HostError, SignerKey};
    use ringback_core::transport::{HttpRequest, HttpResponse, StreamSink, TransportError};

    /// A host that nobody may touch.
    struct Untouched;

    impl SecureStore for Untouched {
        fn get(&self, _: String) -> Result<Option<String>, HostError> {
            panic!("read")
        }
        fn put(&self, _: String, _: String) -> Result<(), HostError> {
            panic!("written")
        }
        fn delete(&self, _: String) -> Result<(), HostError> {
            panic!("deleted")
        }
    }

    impl InstallationSigner for Untouched {
        fn public_key(&self) -> Result<SignerKey, HostError> {
            panic!("asked for a key")
        }
        fn sign(&self, _: Vec<u8>) -> Result<Vec<u8>, HostError> {
            panic!("asked to sign")
        }
    }

    #[async_trait::async_trait]
    impl Transport for Untouched {
        async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
            panic!("sent")
        }
        async fn stream(&self, _: HttpRequest, _: Arc<StreamSink>) -> Result<(), TransportError> {
            panic!("streamed")
        }
    }

    fn client(config: ClientConfig) -> Result<Arc<Client>, ClientError> {
        let host = Arc::new(Untouched);
        Client::new(config, host.clone(), host.clone(), None, None, Some(host), None)
    }

    #[test]
    fn making_a_client_touches_nothing_and_starts_no_thread() {
        let folder = std::env::temp_dir().join(format!("ringback-untouched-{}", std::process::id()));
        let config = ClientConfig::new("https://calls.example.com", "rb_pub_test", folder.to_string_lossy());
        let client = client(config).unwrap();
        client.events().unwrap();
        client.line("cb_1".to_owned()).unwrap();
        client.live_callbacks().unwrap();
        client.live_callback("cb_1".to_owned()).unwrap();
        assert!(client.runtime.is_idle());
        assert!(!folder.exists());
    }

    #[test]
    fn a_wrong_config_is_refused_by_name() {
        let config = ClientConfig::new("ftp://calls.example.com", "rb_pub_test", "/nowhere");
        let error = client(config).err().unwrap();
        assert_eq!(error.code(), "config_invalid");
    }
}
