//! The app on a device, and what the centre has of it.

use crate::support::{Failure, World};
use reqwest::Method;
use ringback_core::client::{ClientConfig, ClientError, RingbackClient};
use ringback_core::host::{FileStore, Host};
use ringback_core::protocol::{Callback, CallbackRequest};
use ringback_core::transport::{ReqwestTransport, Transport};
use ringback_e2e::{Phone, number};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// What a device gives an app that keeps everything in `folder`.
pub(crate) fn host(folder: &Path, transport: Arc<dyn Transport>) -> Host {
    Host::new(Arc::new(FileStore::new(folder.join("secrets"))), transport)
}

pub(crate) fn transport() -> Arc<dyn Transport> {
    Arc::new(ReqwestTransport::new().expect("a transport"))
}

/// An app that soon loses patience.
pub(crate) fn app(
    url: &str,
    app_key: &str,
    folder: &Path,
    host: Host,
) -> Result<RingbackClient, ClientError> {
    let mut config = ClientConfig::new(url, app_key, folder.join("data").to_string_lossy());
    config.request_timeout_ms = 10_000;
    config.max_tries = 2;
    config.retry_base_ms = 10;
    RingbackClient::new(config, host)
}

/// The app after a restart.
pub(crate) fn restarted(world: &World, folder: &Path) -> Result<RingbackClient, ClientError> {
    app(&world.centre.url, &world.centre.app_key, folder, host(folder, transport()))
}

/// The tap.
pub(crate) fn wish(service: &str) -> CallbackRequest {
    Phone::request(service, number(0))
}

/// A service that would make a second callback of the same number, so that no rule of the server hides one.
pub(crate) async fn open_service(world: &World, name: &str, open_per_number: usize) -> Result<(), Failure> {
    let service = json!({
        "name": name, "queue": "support", "limits": { "open_per_number": open_per_number },
    });
    world.centre.staff().ask(Method::POST, "services", Some(service)).await?;
    Ok(())
}

/// All callbacks that wait at the centre for this service, whoever asked for them.
pub(crate) async fn waiting(world: &World, service: &str) -> Result<Vec<Callback>, Failure> {
    let (staff, mut waiting, mut after) = (world.centre.staff(), Vec::new(), String::new());
    loop {
        let page = staff.ask(Method::GET, &format!("callbacks?state=queued{after}"), None).await?;
        let page: Vec<Callback> = serde_json::from_value(page)?;
        let Some(last) = page.last() else { return Ok(waiting) };
        after = format!("&after={}", last.id);
        waiting.extend(page.into_iter().filter(|callback| callback.service == service));
    }
}
