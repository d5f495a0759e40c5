//! Faults on demand, and what the core says, for the tests of the Kotlin and Swift layers. Never in a build that ships.

use crate::cancel::CancelToken;
use crate::error::{guarded, internal};
use crate::runtime::Runtime;
use ringback_core::client::fault_injection::Kill;
use ringback_core::client::{ClientError, PushOutcome};
use ringback_core::host::Host;
use ringback_core::protocol::{
    ACTION_CANCEL, ACTION_OTHER_NUMBER, ACTION_READY, ACTION_SNOOZE, CATEGORY_AGENT_READY,
    CATEGORY_CALLBACK_REMINDER,
};
use ringback_core::transport::Transport;
use ringback_core::transport::contract::{self, ContractFinding, PinServer};
use std::collections::HashMap;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// Calls that panic, hang or do nothing, through the same runtime and guard as the client's own.
#[derive(uniffi::Object)]
pub struct TestHooks {
    runtime: Runtime,
    hang: watch::Sender<Hang>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hang {
    Waiting,
    Running,
    /// The test is about to cancel.
    Cancelling(Instant),
    /// The Rust future is gone, so many microseconds after the test was about to cancel; `None` when it was not.
    Ended(Option<u64>),
}

#[uniffi::export]
#[expect(clippy::panic, reason = "what these are for")]
impl TestHooks {
    /// Idle hooks.
    #[uniffi::constructor]
    pub fn new() -> Result<Arc<Self>, ClientError> {
        guarded(|| Ok(Arc::new(Self { runtime: Runtime::idle(), hang: watch::Sender::new(Hang::Waiting) })))
    }

    /// Panics at once.
    pub fn panic_now(&self) -> Result<(), ClientError> {
        guarded(|| panic!("a test asked for this panic"))
    }

    /// Panics on the runtime's thread.
    pub async fn panic_later(&self, cancel: Option<Arc<CancelToken>>) -> Result<(), ClientError> {
        self.runtime.run(cancel, Box::pin(async { panic!("a test asked for this panic") })).await
    }

    /// Never returns by itself.
    pub async fn hang(&self, cancel: Option<Arc<CancelToken>>) -> Result<(), ClientError> {
        let hang = self.hang.clone();
        self.runtime
            .run(
                cancel,
                Box::pin(async move {
                    hang.send_replace(Hang::Running);
                    let _end = ReportEnd(hang);
                    pending().await
                }),
            )
            .await
    }

    /// Returns once [`hang`](Self::hang) is running.
    pub async fn hanging(&self) -> Result<(), ClientError> {
        let seen = self.hang.subscribe().wait_for(|hang| *hang == Hang::Running).await.is_ok();
        seen.then_some(()).ok_or_else(|| internal("the hooks are gone"))
    }

    /// To be called right before the hanging call is cancelled.
    pub fn about_to_cancel(&self) -> Result<(), ClientError> {
        guarded(|| {
            self.hang.send_replace(Hang::Cancelling(Instant::now()));
            Ok(())
        })
    }

    /// Returns once the hanging call's Rust future is gone: how many microseconds after
    /// [`about_to_cancel`](Self::about_to_cancel).
    pub async fn ended_after_us(&self) -> Result<u64, ClientError> {
        match self.hang.subscribe().wait_for(|hang| matches!(hang, Hang::Ended(_))).await.as_deref() {
            Ok(Hang::Ended(Some(us))) => Ok(*us),
            _ => Err(internal("the call ended before it was cancelled")),
        }
    }

    /// The core's notification categories and actions, for comparison with the constants of the hand-written layers.
    pub fn notification_identifiers(&self) -> Result<Vec<String>, ClientError> {
        guarded(|| {
            let identifiers = [
                CATEGORY_AGENT_READY,
                CATEGORY_CALLBACK_REMINDER,
                ACTION_READY,
                ACTION_SNOOZE,
                ACTION_OTHER_NUMBER,
                ACTION_CANCEL,
            ];
            Ok(identifiers.map(str::to_owned).to_vec())
        })
    }

    /// Whether a transport keeps what every one has to.
    pub async fn transport_contract(
        &self,
        transport: Arc<dyn Transport>,
    ) -> Result<Vec<ContractFinding>, ClientError> {
        self.runtime.run(None, Box::pin(async move { Ok(contract::check(transport).await) })).await
    }

    /// A server with TLS, as long as these hooks are there.
    pub async fn pin_server(&self) -> Result<PinServer, ClientError> {
        let started = Box::pin(async { PinServer::start().await.map_err(|error| internal(&error)) });
        self.runtime.run(None, started).await
    }

    /// Whether a transport keeps to pins; it has to trust the server's authority.
    pub async fn pin_contract(
        &self,
        transport: Arc<dyn Transport>,
        server: PinServer,
    ) -> Result<Vec<ContractFinding>, ClientError> {
        let checked = Box::pin(async move { Ok(contract::check_pins(transport, server).await) });
        self.runtime.run(None, checked).await
    }

    /// Nothing, for a benchmark of the border itself.
    pub fn empty(&self) -> Result<(), ClientError> {
        guarded(|| Ok(()))
    }

    /// Nothing, in the shape of `Client::handle_push`.
    pub async fn empty_push(
        &self,
        data: HashMap<String, String>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<PushOutcome, ClientError> {
        self.runtime
            .run(
                cancel,
                Box::pin(async move {
                    drop(data);
                    Ok(PushOutcome::NotOurs)
                }),
            )
            .await
    }

    /// Nothing, on the runtime's thread.
    pub async fn empty_async(&self, cancel: Option<Arc<CancelToken>>) -> Result<(), ClientError> {
        self.runtime.run(cancel, Box::pin(async { Ok(()) })).await
    }
}

/// A host at which the process ends where the environment says.
pub(crate) fn killable_host(host: Host) -> Host {
    let Some(kill) = Kill::from_env() else { return host };
    Host {
        store: kill.store(host.store),
        transport: kill.transport(host.transport),
        disk_faults: Some(kill),
        ..host
    }
}

/// A call that ends the process where the environment says.
pub(crate) async fn killable<T>(call: impl Future<Output = T> + Send) -> T {
    match Kill::from_env() {
        Some(kill) => kill.awaits(call).await,
        None => call.await,
    }
}

struct ReportEnd(watch::Sender<Hang>);

impl Drop for ReportEnd {
    fn drop(&mut self) {
        self.0.send_modify(|hang| {
            *hang = Hang::Ended(match hang {
                Hang::Cancelling(since) => {
                    Some(u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX))
                }
                _ => None,
            });
        });
    }
}
