//! The crate `a2`.

use a2::{CollapseId, DefaultNotificationBuilder, NotificationBuilder, NotificationOptions};

use crate::peer::{Road, Sender};
use crate::{ALERT, COLLAPSE_ID, DEVICE, EXPIRES_AT_S, Failure, TOPIC, detour};

pub(crate) struct A2(a2::Client);

impl A2 {
    pub(crate) fn new(road: &Road) -> Result<Self, Failure> {
        webpki_roots::trust(&road.ca_pem);
        detour::lead_to(road.port);
        let config = a2::ClientConfig::new(a2::Endpoint::Production);
        Ok(Self(a2::Client::token(road.p8_pem.as_bytes(), &road.key_id, &road.team_id, config)?))
    }
}

impl Sender for A2 {
    async fn send(&self) -> Result<(), String> {
        let id = uuid::Uuid::new_v4().to_string();
        let options = NotificationOptions {
            apns_id: Some(&id),
            apns_topic: Some(TOPIC),
            apns_push_type: Some(a2::PushType::Alert),
            apns_priority: Some(a2::Priority::High),
            apns_expiration: Some(EXPIRES_AT_S.unsigned_abs()),
            apns_collapse_id: Some(CollapseId::new(COLLAPSE_ID).map_err(|error| error.to_string())?),
        };
        let push = DefaultNotificationBuilder::new().set_body(ALERT).build(DEVICE, options);
        self.0.send(push).await.map(drop).map_err(|error| error.to_string())
    }
}
