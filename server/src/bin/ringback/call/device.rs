//! How an installation is reached by push, on the command line.

use clap::{Args, Subcommand};
use ringback_core::protocol::{ApnsEnvironment, FcmTokenKind, PushRegistration, PushTarget, PushToken};

#[derive(Args)]
pub(super) struct Device {
    /// Tells several devices of one person apart, for example `phone` and `tablet`
    #[arg(long, global = true, value_name = "NAME")]
    name: Option<String>,
    /// The language of its texts, for example de-AT; English when absent
    #[arg(long, global = true, value_name = "LOCALE")]
    locale: Option<String>,
    /// The app's version
    #[arg(long, global = true, value_name = "VERSION")]
    app_version: Option<String>,
    /// The app has the texts of pushes in its own resources
    #[arg(long, global = true)]
    has_texts: bool,
    #[command(subcommand)]
    target: Target,
}

#[derive(Subcommand)]
enum Target {
    /// An Apple device
    Apns(Apple),
    /// Live Activities on an Apple device
    LiveActivity {
        #[command(flatten)]
        apple: Apple,
        /// The callback that the activity shows; without it the token starts activities
        #[arg(long, value_name = "ID")]
        callback: Option<String>,
    },
    /// A device that Firebase reaches
    Fcm {
        /// The registration token, or the Firebase installation id
        token: String,
        /// It is a Firebase installation id
        #[arg(long)]
        fid: bool,
    },
    /// A browser: what its push subscription says
    WebPush {
        /// The endpoint
        endpoint: String,
        /// The key `p256dh`, base64url
        #[arg(long, value_name = "KEY")]
        p256dh: String,
        /// The secret `auth`, base64url
        #[arg(long, value_name = "SECRET")]
        auth: String,
    },
}

#[derive(Args)]
struct Apple {
    /// The token in hexadecimal
    token: String,
    /// The app's bundle id
    #[arg(long, value_name = "BUNDLE_ID")]
    topic: String,
    /// The token is from TestFlight or the App Store; otherwise from a build by Xcode
    #[arg(long)]
    production: bool,
}

impl Apple {
    fn environment(&self) -> ApnsEnvironment {
        if self.production { ApnsEnvironment::Production } else { ApnsEnvironment::Sandbox }
    }
}

impl Device {
    pub(super) fn registration(self) -> PushRegistration {
        let target = match self.target {
            Target::Apns(apple) => PushTarget::Apns {
                environment: apple.environment(),
                token: PushToken::new(apple.token),
                topic: apple.topic,
            },
            Target::LiveActivity { apple, callback } => PushTarget::LiveActivity {
                environment: apple.environment(),
                token: PushToken::new(apple.token),
                topic: apple.topic,
                callback_id: callback,
            },
            Target::Fcm { token, fid } => PushTarget::Fcm {
                token: PushToken::new(token),
                kind: if fid { FcmTokenKind::Fid } else { FcmTokenKind::Token },
            },
            Target::WebPush { endpoint, p256dh, auth } => PushTarget::WebPush {
                endpoint: PushToken::new(endpoint),
                p256dh: PushToken::new(p256dh),
                auth: PushToken::new(auth),
            },
        };
        PushRegistration {
            target,
            name: self.name,
            locale: self.locale,
            app_version: self.app_version,
            has_texts: self.has_texts,
        }
    }
}
