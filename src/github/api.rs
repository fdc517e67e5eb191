//! octocrab over our own HTTP client: the same trust roots and proxies, and no second TLS stack in the binary.

use std::sync::Arc;

use anyhow::Context as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tower::BoxError;

use crate::core::inputs::urls::check;
use crate::core::secret::Secret;
use crate::http::Client;

/// A client of the REST API at `api_url` (`GITHUB_API_URL`: GitHub Enterprise has its own).
///
/// # Errors
/// The address is none.
pub(crate) fn octocrab(http: &Client, api_url: &str, token: &Secret) -> anyhow::Result<Octocrab> {
    // Not repeated: it may hold a password.
    check(api_url).map_err(|problem| anyhow::anyhow!("cannot use `GITHUB_API_URL`, which {problem}"))?;
    let base = api_url
        .parse()
        .context("cannot use `GITHUB_API_URL`: it is not a URL")?;
    let user_agent = http::HeaderValue::from_static(concat!("aws-web-deploy/", env!("CARGO_PKG_VERSION")));
    let http = http.clone();
    let service = tower::service_fn(move |request| send(http.clone(), request));
    let Ok(octocrab) = OctocrabBuilder::new_empty()
        .with_service(service)
        .with_layer(&BaseUriLayer::new(base))
        .with_layer(&ExtraHeadersLayer::new(Arc::new(vec![(
            http::header::USER_AGENT,
            user_agent,
        )])))
        .with_auth(AuthState::AccessToken {
            token: token.expose().into(),
        })
        .build();
    Ok(octocrab)
}

async fn send(http: Client, request: http::Request<OctoBody>) -> Result<http::Response<SdkBody>, BoxError> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let request = HttpRequest::try_from(http::Request::from_parts(parts, SdkBody::from(body)))?;
    let response = http.call(request, None).await?;
    Ok(response.try_into_http1x()?)
}
