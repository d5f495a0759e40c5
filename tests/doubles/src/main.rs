//! Runs the doubles until it is interrupted. Prints one line of JSON: where they listen, and the credentials to use.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use ringback_doubles::{
    ApnsDoubleSettings, Control, Doubles, DoublesSettings, FcmDoubleSettings, StartError,
};
use serde_json::json;

/// Strict stand-ins for APNs, FCM and a browser's push service on loopback.
#[derive(Parser)]
struct Arguments {
    /// An existing folder for the credentials a sender needs.
    #[arg(long)]
    folder: PathBuf,
    /// A bundle id that APNs knows; may be given more than once.
    #[arg(long = "topic", default_value = "com.example.ringback")]
    topics: Vec<String>,
    /// The Firebase project.
    #[arg(long, default_value = "ringback-test")]
    project: String,
    /// Take device tokens that nobody made known over the control port.
    #[arg(long)]
    accept_any_device: bool,
    /// Append the body of every push that FCM accepts to this file.
    #[arg(long, env = "RINGBACK_FCM_RECORD")]
    record_fcm_to: Option<PathBuf>,
    /// Keep only so many pushes of each in the record; all are counted.
    #[arg(long)]
    keep_last: Option<usize>,
    /// The control port; 0 picks one.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
}

#[tokio::main]
async fn main() -> Result<(), StartError> {
    let arguments = Arguments::parse();
    let doubles = Doubles::start(DoublesSettings {
        apns: ApnsDoubleSettings {
            topics: arguments.topics,
            accept_any_device: arguments.accept_any_device,
            ..Default::default()
        },
        fcm: FcmDoubleSettings {
            project_id: arguments.project,
            accept_any_device: arguments.accept_any_device,
            record_to: arguments.record_fcm_to,
            ..Default::default()
        },
        ..Default::default()
    })
    .await?;
    if let Some(count) = arguments.keep_last {
        for record in [doubles.apns.record(), doubles.fcm.record(), doubles.web_push.record()] {
            record.keep_last(count);
        }
    }
    let handout = doubles.write_credentials(&arguments.folder)?;
    let control = Control::start(Arc::new(doubles), arguments.control_port).await?;
    let mut line = json!(handout);
    line["control"] = json!(format!("http://{}", control.address()));
    println!("{line}");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
