//! A first call.
use ringback_core::client::{ClientConfig, RingbackClient};
use ringback_core::host::{FileStore, Host};
use ringback_core::protocol::CallbackRequest;
use ringback_core::transport::ReqwestTransport;
use std::{env, error::Error, sync::Arc};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (url, app_key) = (env::var("RINGBACK_URL")?, env::var("RINGBACK_APP_KEY")?);
    let host = Host::new(Arc::new(FileStore::new("ringback-data/store")), Arc::new(ReqwestTransport::new()?));
    let client = RingbackClient::new(ClientConfig::new(url, app_key, "ringback-data"), host)?;
    let callback = client.request_callback(CallbackRequest::new("billing", "+4930901820380")).await?;
    println!("{} is {:?}", callback.id, callback.state);
    Ok(())
}
