//! The process of the double. It says where it listens, and for each line of input its processor time so far.

use std::io::BufRead;
use std::path::Path;

use ringback_doubles::{ApnsDouble, ApnsDoubleSettings, Authority, TokenCheck};

use crate::peer::cpu_us;
use crate::{Failure, TOPIC};

pub(crate) async fn run(check: &str, folder: &Path) -> Result<(), Failure> {
    let token_check = if check == "lenient" { TokenCheck::Lenient } else { TokenCheck::Strict };
    let settings =
        ApnsDoubleSettings {
            topics: vec![TOPIC.to_owned()],
            accept_any_device: true,
            token_check,
            ..ApnsDoubleSettings::default()
        };
    let double = ApnsDouble::start(settings, &Authority::generate()?).await?;
    let credentials = double.credentials();
    std::fs::write(folder.join("ca.pem"), double.ca_pem())?;
    std::fs::write(folder.join("key.p8"), &credentials.p8_pem)?;
    let endpoint = double.endpoint();
    let port = endpoint.rsplit(':').next().ok_or("no port")?;
    println!("{port} {} {}", credentials.key_id, credentials.team_id);
    tokio::task::spawn_blocking(|| {
        for line in std::io::stdin().lock().lines() {
            line?;
            println!("{}", cpu_us());
        }
        Ok(())
    })
    .await?
}
