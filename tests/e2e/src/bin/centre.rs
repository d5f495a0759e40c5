//! `ringback-centre`: a running contact centre for tests in other languages. Prints one line of JSON and runs until its
//! standard input ends, so that it cannot outlive whoever started it.

use reqwest::Method;
use ringback_doubles::{CaptchaDouble, Control, StartError};
use ringback_e2e::{Centre, CentreError, CentreSettings, StaffError, TOPIC};
use serde_json::json;
use tokio::io::AsyncReadExt;

/// Where the tests' people pass their CAPTCHAs.
const CAPTCHA_PLACE: &str = "shop.example.com";

/// Why there is no centre.
#[derive(Debug, thiserror::Error)]
enum NoCentre {
    #[error(transparent)]
    Centre(#[from] CentreError),
    #[error(transparent)]
    Doubles(#[from] StartError),
    #[error(transparent)]
    Staff(#[from] StaffError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> Result<(), NoCentre> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let captcha = CaptchaDouble::start().await?;
    let config = format!("[captcha]\nturnstile_endpoint = {:?}", captcha.endpoint());
    let mut centre = Centre::start(CentreSettings { config, ..CentreSettings::default() }).await?;
    let credential = json!({
        "secret": captcha.secret(), "site_key": captcha.site_key(), "places": [CAPTCHA_PLACE],
    });
    centre.staff().ask(Method::PUT, "captcha-credentials/turnstile", Some(credential)).await?;
    let control = Control::start_with(centre.doubles.clone(), Some(captcha), 0).await?;
    let line = json!({
        "url": centre.url,
        "app_key": centre.app_key,
        "staff_key": centre.staff_key,
        "topic": TOPIC,
        "captcha_place": CAPTCHA_PLACE,
        "control": format!("http://{}", control.address()),
    });
    println!("{line}");
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    centre.stop().await?;
    Ok(())
}
