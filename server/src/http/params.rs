//! Query parameters as handlers take them: none is dropped unseen, and a refusal is a problem document.

use crate::refusal::Refusal;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use ringback_core::protocol::ProblemCode;
use serde::de::DeserializeOwned;

/// What stands behind the `?`.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T, S> FromRequestParts<S> for Params<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        // The rejection's own words may quote what was sent.
        let query = Query::<T>::from_request_parts(parts, state).await.map_err(|_| {
            Refusal::of_field(
                ProblemCode::FieldInvalid,
                "query",
                "A query parameter is missing, unknown, or has a value that is not allowed. Compare with `/openapi.json`.",
            )
        })?;
        Ok(Self(query.0))
    }
}
