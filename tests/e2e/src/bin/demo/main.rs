//! `ringback-demo`: the whole road on one machine. The server and the SDK core are the real ones; only Apple and Google
//! are played by strict doubles.

mod journeys;
mod story;

use clap::Parser;
use ringback_doubles::Fault;
use ringback_e2e::{Centre, CentreSettings, PhoneKind};
use std::process::ExitCode;
use story::{Stopped, Story, name_of, wire};

/// Plays three journeys on a real server: an iPhone over APNs, an Android phone over FCM, one click-to-call. Then stays
/// up, to be driven by hand.
#[derive(Parser)]
#[command(name = "cargo xtask demo")]
struct Options {
    /// Exit after the journeys; non-zero if a step failed
    #[arg(long)]
    once: bool,
    /// Let the push providers refuse every push, to see what happens then
    #[arg(long)]
    refuse_push: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let options = Options::parse();
    let mut centre = match Centre::start(CentreSettings::default()).await {
        Ok(centre) => centre,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("A server at {} on a fresh SQLite file, doubles of APNs and FCM, and the centre of", centre.url);
    println!("tests/e2e/centre.toml: agents ada and grace, services billing, sales and advice.");
    let played = tokio::select! {
        played = play(&centre, &options) => played,
        _ = tokio::signal::ctrl_c() => return ended(&mut centre, ExitCode::FAILURE).await,
    };
    let code = match played {
        Ok(()) => {
            println!("\nAll three journeys arrived.");
            ExitCode::SUCCESS
        }
        Err(stopped) => {
            println!("\n{stopped}");
            ExitCode::FAILURE
        }
    };
    if !options.once {
        by_hand(&centre).await;
    }
    ended(&mut centre, code).await
}

async fn play(centre: &Centre, options: &Options) -> Result<(), Stopped> {
    if options.refuse_push {
        // What providers say of an app that was removed from the phone.
        let faults = centre.doubles.apns.every_push(Some(Fault::refuse("Unregistered")));
        let more = centre.doubles.fcm.every_push(Some(Fault::refuse("UNREGISTERED")));
        if faults.and(more).is_ok() {
            println!("Both providers refuse every push.");
        }
    }
    let story = Story::begin(1, "An iPhone, reached over APNs");
    journeys::callback(centre, &story, PhoneKind::Iphone).await?;
    let story = Story::begin(2, "An Android phone, reached over FCM");
    journeys::callback(centre, &story, PhoneKind::Android).await?;
    let story = Story::begin(3, "Click-to-call: the customer dials");
    journeys::click_to_call(centre, &story).await
}

/// Stays up until Ctrl-C; shows pushes as they arrive.
async fn by_hand(centre: &Centre) {
    println!("\nThe centre stays up. In another terminal, in this folder:\n");
    println!("  export RINGBACK_URL={}", centre.url);
    println!("  export RINGBACK_APP_KEY={}", centre.app_key);
    println!("  export RINGBACK_STAFF_KEY={}", centre.staff_key);
    println!("  export RINGBACK_DATA={}", centre.folder().join("by-hand").display());
    println!("  alias ringback={}", binary().display());
    println!("  ringback call register-push apns 00ff --topic {}", ringback_e2e::TOPIC);
    println!("  ID=$(ringback call request billing +442079460999 --quiet)");
    println!("  ringback agent ready ada           # a push appears here, with its action token");
    println!("  ringback call confirm $ID ready    # or: snooze 600, other-number +…, cancel");
    println!("  ringback agent desk ada            # the number to dial");
    println!("  ringback agent result $ID connected");
    println!("  ringback agent complete $ID");
    println!("  ringback call list\n");
    println!("The API is described at {}/docs. Ctrl-C ends everything.", centre.url);
    let (apns, fcm) = (centre.doubles.apns.record(), centre.doubles.fcm.record());
    let mut shown = centre.pushes().len();
    let wait = std::time::Duration::from_secs(3600);
    loop {
        let (have_apns, have_fcm) = (apns.received().len(), fcm.received().len());
        for push in centre.pushes().into_iter().skip(shown) {
            println!("\n{} takes a push:\n{}", name_of(push.provider), wire(&push));
        }
        shown = have_apns + have_fcm;
        tokio::select! {
            _ = apns.wait_for_count(wait, have_apns + 1) => {}
            _ = fcm.wait_for_count(wait, have_fcm + 1) => {}
            _ = tokio::signal::ctrl_c() => return,
        }
    }
}

fn binary() -> std::path::PathBuf {
    std::env::var_os("RINGBACK_BIN").map_or_else(|| "target/debug/ringback".into(), Into::into)
}

async fn ended(centre: &mut Centre, code: ExitCode) -> ExitCode {
    match centre.stop().await {
        Ok(true) => code,
        Ok(false) => {
            eprintln!("error: the server did not end well");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
