//! All doubles under one authority.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    ApnsDouble, ApnsDoubleSettings, Authority, FcmDouble, FcmDoubleSettings, StartError, WebPushDouble,
    WebPushDoubleSettings,
};

/// What [`Doubles`] are told at their start.
#[derive(Debug, Clone, Default)]
pub struct DoublesSettings {
    /// For APNs.
    pub apns: ApnsDoubleSettings,
    /// For FCM.
    pub fcm: FcmDoubleSettings,
    /// For Web Push.
    pub web_push: WebPushDoubleSettings,
}

/// An APNs, an FCM and a push service of a browser that share an authority.
pub struct Doubles {
    /// Apple's.
    pub apns: ApnsDouble,
    /// Google's.
    pub fcm: FcmDouble,
    /// The browser's.
    pub web_push: WebPushDouble,
    authority: Authority,
}

/// What a server under test needs to know; printed by the binary as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handout {
    /// `https://localhost:port`.
    pub apns_endpoint: String,
    /// The `.p8` file.
    pub apns_key_file: PathBuf,
    /// `kid`.
    pub apns_key_id: String,
    /// `iss`.
    pub apns_team_id: String,
    /// The bundle ids that are known.
    pub apns_topics: Vec<String>,
    /// `https://localhost:port`.
    pub fcm_endpoint: String,
    /// The service account file.
    pub fcm_service_account_file: PathBuf,
    /// `https://localhost:port`: the beginning of the endpoints of subscriptions.
    pub web_push_endpoint: String,
    /// The authority of all, PEM.
    pub ca_file: PathBuf,
}

impl Doubles {
    /// Starts them.
    pub async fn start(settings: DoublesSettings) -> Result<Self, StartError> {
        let authority = Authority::generate()?;
        let apns = ApnsDouble::start(settings.apns, &authority).await?;
        let fcm = FcmDouble::start(settings.fcm, &authority).await?;
        let web_push = WebPushDouble::start(settings.web_push, &authority).await?;
        Ok(Self { apns, fcm, web_push, authority })
    }

    /// The authority of all, for another double that the same client shall trust.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The authority of all, PEM.
    pub fn ca_pem(&self) -> &str {
        self.apns.ca_pem()
    }

    /// Writes the credentials into a folder that exists: what an operator would have from Apple and Google.
    pub fn write_credentials(&self, folder: &Path) -> std::io::Result<Handout> {
        let write = |name: &str, text: &str| {
            let file = folder.join(name);
            std::fs::write(&file, text).map(|()| file)
        };
        let key = self.apns.credentials();
        Ok(Handout {
            apns_endpoint: self.apns.endpoint(),
            apns_key_file: write("apns_key.p8", &key.p8_pem)?,
            apns_key_id: key.key_id.clone(),
            apns_team_id: key.team_id.clone(),
            apns_topics: self.apns.topics().to_vec(),
            fcm_endpoint: self.fcm.endpoint(),
            fcm_service_account_file: write("fcm_service_account.json", &self.fcm.service_account().json)?,
            web_push_endpoint: self.web_push.endpoint(),
            ca_file: write("ca.pem", self.ca_pem())?,
        })
    }
}
