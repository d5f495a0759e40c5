//! The OpenAPI document, made from the handlers, and a page to read it.

use super::{api, streams};
use crate::app::App;
use axum::Router;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, InfoBuilder, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

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
    for (path, item) in &mut document.paths.paths {
        let scheme = if path == "/v1/installations" { "app_key" } else { "bearer" };
        for operation in
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten()
        {
            operation.security = Some(vec![SecurityRequirement::new(scheme, Vec::<String>::new())]);
        }
    }
    document
}

pub(super) fn routes() -> Router<App> {
    // The viewer is in the binary: a centre without internet can read its own API, and no reader is known elsewhere.
    SwaggerUi::new("/docs").url("/openapi.json", document()).into()
}
