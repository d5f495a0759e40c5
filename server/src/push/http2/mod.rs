//! HTTP/2 to one provider: few long-lived connections, many requests at once on each.
//!
//! A request that the provider says it has not looked at goes out again by itself; one whose fate is unknown does not,
//! that is for the outbox to decide.

mod connect;
mod connection;
mod pool;

use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Uri};
use tokio::time::Instant;

use self::connect::Connector;
use self::connection::Failed;
use self::pool::Pool;
use super::connection::{ConnectionSettings, PushSettingsError, checked_endpoint};
use super::outcome::NoAnswer;

/// How often one request goes out at most, when each time the provider has not looked at it.
const TRIES: usize = 5;
/// RFC 9110, 15.5.20: the request may be sent again over another connection.
const MISDIRECTED: u16 = 421;

/// What a provider answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Empty if it was cut off: the status then decides alone.
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// One provider's end of the wire. Make it once and share it.
pub(super) struct Http2Client {
    authority: Authority,
    pool: Pool,
    request_timeout: Duration,
}

impl Http2Client {
    /// Checks the endpoint and the trust roots; connects on the first request.
    pub(super) fn new(endpoint: &str, settings: &ConnectionSettings) -> Result<Self, PushSettingsError> {
        let refused = || PushSettingsError::Endpoint(endpoint.to_owned());
        let uri: Uri = checked_endpoint(endpoint)?.parse().map_err(|_| refused())?;
        let authority = uri.authority().cloned().ok_or_else(refused)?;
        Ok(Self {
            authority,
            pool: Pool::new(Connector::new(uri, settings)?),
            request_timeout: settings.request_timeout,
        })
    }

    /// Posts `body` and waits for the answer, whatever it is. Dropping the future takes the request back.
    pub(super) async fn post(
        &self,
        path: &PathAndQuery,
        headers: impl Fn() -> HeaderMap,
        body: &Bytes,
    ) -> Result<Answer, NoAnswer> {
        let mut deadline = None;
        for _ in 0..TRIES {
            let connection = self.pool.connection().await?;
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.request_timeout);
            let sent = connection.send(self.request(path, headers()), body.clone());
            match tokio::time::timeout_at(deadline, sent).await {
                Ok(Ok(answer)) if answer.status == MISDIRECTED => connection.retire(),
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(Failed::Refused)) => {}
                Ok(Err(Failed::GoingAway)) => connection.retire(),
                Ok(Err(Failed::Lost)) => return Err(NoAnswer::ConnectionLost),
                Err(_) => {
                    connection.suspect();
                    return Err(NoAnswer::TimedOut);
                }
            }
        }
        Err(NoAnswer::ConnectionLost)
    }

    fn request(&self, path: &PathAndQuery, headers: HeaderMap) -> Request<()> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path.clone());
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        // With all three parts there is nothing to refuse.
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        *request.headers_mut() = headers;
        request
    }
}
