//! `ringback-centre`: a running contact centre for tests in other languages. Prints one line of JSON and runs until its
//! standard input ends, so that it cannot outlive whoever started it.

use ringback_doubles::Control;
use ringback_e2e::{Centre, CentreError, CentreSettings, TOPIC};
use serde_json::json;
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> Result<(), CentreError> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut centre = Centre::start(CentreSettings::default()).await?;
    let control = Control::start(centre.doubles.clone(), 0).await?;
    let line = json!({
        "url": centre.url,
        "app_key": centre.app_key,
        "staff_key": centre.staff_key,
        "topic": TOPIC,
        "control": format!("http://{}", control.address()),
    });
    println!("{line}");
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    centre.stop().await?;
    Ok(())
}
