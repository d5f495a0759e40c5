//! What services offer, and when calls can be promised.

use super::exchange::Outgoing;
use super::{ClientError, RingbackClient};
use crate::protocol::{Availability, AvailabilityRequest, Offer, ProblemCode};

impl RingbackClient {
    /// What a service offers at this moment: whether a call may be asked for now or for a chosen time, why not, and how
    /// long the wait is. To be asked before "call me" is shown. Its fallback number is remembered.
    ///
    /// # Errors
    /// When the server cannot be reached, with the number to call instead in [`ClientError::fallback`].
    pub async fn offer(&self, service: String) -> Result<Offer, ClientError> {
        let outgoing = Outgoing::get(format!("/v1/services/{}/offer", checked_service(&service)?));
        match self.session.call::<Offer>(&outgoing).await {
            Ok(offer) => {
                self.fallbacks.keep(&offer, self.clock.now()).await;
                Ok(offer)
            }
            Err(failed) => Err(self.fallbacks.attach(failed.error, &service).await),
        }
    }

    /// When calls of a service can be promised. A slot's `wall_time` is what a request takes as `scheduled_for`.
    pub async fn availability(&self, request: AvailabilityRequest) -> Result<Availability, ClientError> {
        let service = checked_service(&request.service)?;
        let outgoing = Outgoing::get(format!("/v1/services/{service}/availability?{}", query(&request)));
        self.session.call(&outgoing).await.map_err(|failed| failed.error)
    }
}

fn query(request: &AvailabilityRequest) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("zone", &request.zone);
    let optional = [
        ("from", request.from.map(|from| from.to_string())),
        ("to", request.to.map(|to| to.to_string())),
        ("include_full", request.include_full.then(|| "true".to_owned())),
        ("limit", request.limit.map(|limit| limit.to_string())),
    ];
    query.extend_pairs(optional.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))));
    query.finish()
}

/// A name becomes part of a path: whatever could change the path is no service's name.
pub(super) fn checked_service(name: &str) -> Result<&str, ClientError> {
    let sound = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if sound {
        Ok(name)
    } else {
        Err(ClientError::invalid(
            ProblemCode::ServiceUnknown.code(),
            "this is not a service's name",
            "service",
        ))
    }
}
