//! HTTP in Rust, for hosts that have no HTTP stack of their own.

use crate::error::guarded;
use ringback_core::client::ClientError;
use ringback_core::transport::{
    HttpRequest, HttpResponse, ReqwestTransport, StreamSink, Transport, TransportError,
};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// HTTP by reqwest, set up with the first request: it reads the machine's trusted roots from disk, and making a client
/// must not.
#[derive(Default)]
struct LateReqwest {
    transport: OnceCell<ReqwestTransport>,
}

impl LateReqwest {
    async fn ready(&self) -> Result<&ReqwestTransport, TransportError> {
        self.transport
            .get_or_try_init(|| async {
                let set_up = tokio::task::spawn_blocking(ReqwestTransport::new).await;
                set_up.unwrap_or(Err(TransportError::HostFailed))
            })
            .await
    }
}

#[async_trait::async_trait]
impl Transport for LateReqwest {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.ready().await?.send(request).await
    }

    async fn stream(&self, request: HttpRequest, sink: Arc<StreamSink>) -> Result<(), TransportError> {
        self.ready().await?.stream(request, sink).await
    }
}

/// A transport for [`Client::new`](crate::client::Client::new) that needs nothing of the host.
#[uniffi::export]
pub fn reqwest_transport() -> Result<Arc<dyn Transport>, ClientError> {
    guarded(|| Ok(Arc::new(LateReqwest::default()) as Arc<dyn Transport>))
}
