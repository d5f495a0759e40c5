//! The OpenAPI document, made from the handlers, and a page to read it.

use super::{api, streams};
use crate::app::App;
use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi};
use utoipa_scalar::{Scalar, Servable};

/// The document.
pub fn document() -> OpenApi {
    let (_, mut document) = api().merge(streams()).split_for_parts();
    document.info = InfoBuilder::new()
        .title("Ringback")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Ask for a call, keep your place in line, be called. Paths under /v1/staff are for the contact centre, the \
             others for apps. Refusals are RFC 9457 problem documents with stable codes.",
        ))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
    );
    components.add_security_scheme(
        "app_key",
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("Ringback-App-Key"))),
    );
    document
}

pub(super) fn routes() -> Router<App> {
    let document = document();
    let served = document.clone();
    Router::new()
        .route("/openapi.json", get(move || async move { Json(served) }))
        .merge(Scalar::with_url("/docs", document))
}
