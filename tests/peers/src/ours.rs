//! Our client.

use serde_json::json;

use crate::peer::{Road, Sender};
use crate::push::apns::{
    ApnsClient, ApnsExpiration, ApnsKey, ApnsPriority, ApnsPush, ApnsPushType, ApnsSettings,
};
use crate::push::connection::ConnectionSettings;
use crate::push::outcome::Outcome;
use crate::{ALERT, COLLAPSE_ID, DEVICE, EXPIRES_AT_S, Failure, TOPIC};

pub(crate) struct Ours {
    client: ApnsClient,
    expiration: ApnsExpiration,
}

impl Ours {
    pub(crate) fn new(road: &Road) -> Result<Self, Failure> {
        let client = ApnsClient::new(&ApnsSettings {
            endpoint: format!("https://localhost:{}", road.port),
            key: ApnsKey {
                p8_pem: road.p8_pem.clone().into(),
                key_id: road.key_id.clone(),
                team_id: road.team_id.clone(),
            },
            connection: ConnectionSettings {
                extra_roots_pem: Some(road.ca_pem.clone()),
                ..ConnectionSettings::default()
            },
        })?;
        let expiration = ApnsExpiration::At(jiff::Timestamp::from_second(EXPIRES_AT_S)?);
        Ok(Self { client, expiration })
    }
}

impl Sender for Ours {
    async fn send(&self) -> Result<(), String> {
        let push = ApnsPush {
            device_token: DEVICE.into(),
            topic: TOPIC.to_owned(),
            push_type: ApnsPushType::Alert,
            priority: ApnsPriority::Immediate,
            expiration: self.expiration,
            collapse_id: Some(COLLAPSE_ID.to_owned()),
            apns_id: uuid::Uuid::new_v4(),
            payload: json!({"aps": {"alert": ALERT}}),
        };
        match self.client.send(&push).await {
            Ok(Outcome::Delivered { .. }) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }
}
