//! HTTP: one client for everything that is sent — SDK calls, GitHub's tokens, log files, `verify-url`.
//!
//! Nothing is set up before it is needed: trust roots are parsed when the first `https` request is sent. Proxies are
//! those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` (both cases); loopback and link-local
//! addresses, where credentials of containers and instances are served, are always reached directly.
//!
//! Every answer has limits ([`body`]).
//!
//! [`get`] must not send credentials of AWS, and its errors name the host only: the query of a presigned address is
//! a secret.

pub(crate) mod body;
pub(crate) mod errors;
pub(crate) mod page;
pub(crate) mod proxy;
pub(crate) mod roots;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use http::Uri;
use http_body_util::BodyExt as _;

use crate::core::context::Env;
use crate::core::text::seconds;
use crate::http::body::bounded;
use crate::http::errors::plain_text;
use crate::http::proxy::{Proxies, is_local};
use crate::http::roots::TrustRoots;

/// How long a connection may take to be made. The SDK's 3.1 s are short for a busy proxy.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections are closed before the server does it: S3 keeps them for some twenty seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// The client; clones share connections.
#[derive(Clone)]
pub(crate) struct Client(Arc<ClientState>);

struct ClientState {
    roots: TrustRoots,
    tls: OnceLock<TlsContext>,
    proxies: Proxies,
    connectors: Mutex<HashMap<ConnectorKey, SharedHttpConnector>>,
}

/// Connectors differ by these.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ConnectorKey {
    connect_timeout: Option<Duration>,
    read_timeout: Option<Duration>,
    https: bool,
    direct: bool,
}

/// A client for this environment: `AWS_CA_BUNDLE` and the proxies.
///
/// # Errors
/// `AWS_CA_BUNDLE` names a file that cannot be read or holds no certificate; a proxy's address is none.
pub(crate) fn client(env: &Env) -> anyhow::Result<Client> {
    Ok(Client(Arc::new(ClientState {
        roots: roots::from_env(env)?,
        tls: OnceLock::new(),
        proxies: Proxies::from_env(env)?,
        connectors: Mutex::default(),
    })))
}

/// GETs `url` without following redirects, and returns the status and at most `max_bytes` of the body.
///
/// `timeout` covers everything, the body too.
///
/// # Errors
/// No answer came: the address is none, or the host cannot be reached or takes too long.
pub(crate) async fn get(
    client: &Client,
    url: &str,
    headers: &[(&str, &str)],
    timeout: Duration,
    max_bytes: usize,
) -> anyhow::Result<(u16, Vec<u8>)> {
    let place = place(url);
    let answer = async {
        let mut response = open(client, url, headers).await?;
        let mut body = Vec::new();
        read_body(&mut response, max_bytes, &mut body)
            .await
            .map_err(|problem| anyhow::anyhow!("{place} stopped in its answer: {problem}"))?;
        Ok((response.status().as_u16(), body))
    };
    tokio::time::timeout(timeout, answer)
        .await
        .with_context(|| format!("{place} did not answer within {}", seconds(timeout)))?
}

/// Scheme and host of an address, in backticks: what may be printed of it.
fn place(url: &str) -> String {
    match url.parse::<Uri>() {
        Ok(uri) if uri.host().is_some() => {
            let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
            let scheme = uri.scheme_str().unwrap_or("http");
            format!("`{scheme}://{}{port}`", uri.host().unwrap_or_default())
        }
        _ => "the address".to_owned(),
    }
}

/// Sends a GET; answers as soon as its head is here.
async fn open(client: &Client, url: &str, headers: &[(&str, &str)]) -> anyhow::Result<HttpResponse> {
    let place = place(url);
    let uri: Uri = url
        .parse()
        .ok()
        .filter(|uri: &Uri| uri.host().is_some())
        .with_context(|| format!("{place} is not an `http` or `https` URL"))?;
    anyhow::ensure!(
        matches!(uri.scheme_str(), Some("http" | "https")),
        "{place} is not an `http` or `https` URL"
    );
    let mut request = HttpRequest::get(url).with_context(|| format!("cannot ask {place}"))?;
    let user_agent = concat!("aws-web-deploy/", env!("CARGO_PKG_VERSION"));
    for (name, value) in [("user-agent", user_agent)].iter().chain(headers) {
        request
            .headers_mut()
            .try_insert((*name).to_owned(), (*value).to_owned())
            .ok()
            .with_context(|| format!("cannot send the header `{name}` to {place}"))?;
    }
    let key = ConnectorKey::new(Some(CONNECT_TIMEOUT), None, &uri);
    client
        .connector(key)
        .call(request)
        .await
        .map_err(|error| anyhow::anyhow!("cannot reach {place}: {}", plain_text(&error)))
}

/// Reads at most `max_bytes` of an answer into `body`, which has what came also when the rest does not.
async fn read_body(response: &mut HttpResponse, max_bytes: usize, body: &mut Vec<u8>) -> Result<(), String> {
    let content = response.body_mut();
    while let Some(frame) = content.frame().await {
        let frame = frame.map_err(|error| plain_text(&*error))?;
        if let Some(data) = frame.data_ref() {
            let room = max_bytes.saturating_sub(body.len());
            body.extend_from_slice(data.get(..room).unwrap_or(data));
            if data.len() >= room {
                break;
            }
        }
    }
    Ok(())
}

impl Client {
    /// Sends `request` and returns the answer, whatever its status; follows no redirect. The answer must begin within
    /// `read_timeout`; connections are shared with the SDK clients that have the same one.
    ///
    /// # Errors
    /// No answer came.
    pub(crate) async fn call(
        &self,
        request: HttpRequest,
        read_timeout: Option<Duration>,
    ) -> Result<HttpResponse, ConnectorError> {
        let uri: Uri = request
            .uri()
            .parse()
            .map_err(|error: http::uri::InvalidUri| ConnectorError::user(error.into()))?;
        let key = ConnectorKey::new(Some(CONNECT_TIMEOUT), read_timeout, &uri);
        let response = self.connector(key).call(request).await?;
        Ok(bounded(response, false))
    }

    /// Secrets in the proxies' addresses.
    pub(crate) fn proxy_passwords(&self) -> impl Iterator<Item = String> {
        let proxies = &self.0.proxies;
        [&proxies.http, &proxies.https]
            .into_iter()
            .flatten()
            .filter_map(|uri| {
                let (user, _) = uri.authority()?.as_str().rsplit_once('@')?;
                user.split_once(':').map(|(_, password)| password.to_owned())
            })
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn connector(&self, key: ConnectorKey) -> SharedHttpConnector {
        let mut connectors = self.0.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        connectors.entry(key).or_insert_with(|| self.0.build(key)).clone()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("http::Client")
    }
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Route {
            client: self.clone(),
            settings: settings.clone(),
        })
    }
}

/// Chooses a connector by the request's address.
#[derive(Debug)]
struct Route {
    client: Client,
    settings: HttpConnectorSettings,
}

impl HttpConnector for Route {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match request.uri().parse::<Uri>() {
            Ok(uri) => {
                let key = ConnectorKey::new(self.settings.connect_timeout(), self.settings.read_timeout(), &uri);
                let answer = self.client.connector(key).call(request);
                // The one answer that is no text for a parser.
                let is_download = uri.query().is_some_and(|query| query.contains("x-id=GetObject"));
                HttpConnectorFuture::new(async move { Ok(bounded(answer.await?, is_download)) })
            }
            Err(error) => HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        }
    }
}

impl ConnectorKey {
    fn new(connect_timeout: Option<Duration>, read_timeout: Option<Duration>, uri: &Uri) -> Self {
        Self {
            connect_timeout,
            read_timeout,
            https: uri.scheme_str() == Some("https"),
            direct: uri.host().is_none_or(is_local),
        }
    }
}

impl ClientState {
    fn build(&self, key: ConnectorKey) -> SharedHttpConnector {
        let mut settings = HttpConnectorSettings::builder();
        settings.set_connect_timeout(key.connect_timeout);
        settings.set_read_timeout(key.read_timeout);
        let mut builder: ConnectorBuilder<_> = Connector::builder()
            .connector_settings(settings.build())
            .pool_idle_timeout(IDLE_TIMEOUT);
        let proxy = if key.https {
            &self.proxies.https
        } else {
            &self.proxies.http
        };
        let mut proxy_needs_tls = false;
        if let Some(uri) = proxy.clone().filter(|_| !key.direct) {
            proxy_needs_tls = uri.scheme_str() == Some("https");
            // Checked when the environment was read.
            if let Ok(config) = ProxyConfig::all(uri) {
                builder.set_proxy_config(Some(config.no_proxy(&self.proxies.except)));
            }
        }
        if !key.https && !proxy_needs_tls {
            return SharedHttpConnector::new(builder.build_http());
        }
        let tls = self.tls.get_or_init(|| self.roots.tls_context());
        SharedHttpConnector::new(
            builder
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(tls.clone())
                .build(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_password_is_known_for_masking_and_not_shown() -> anyhow::Result<()> {
        let client = client(&Env::of(&[("HTTPS_PROXY", "http://user:hunter2@host:1")]))?;
        assert_eq!(client.proxy_passwords().collect::<Vec<_>>(), ["hunter2"]);
        assert!(!format!("{client:?}").contains("hunter2"));
        Ok(())
    }

    #[test]
    fn only_scheme_and_host_of_an_address_are_shown() {
        assert_eq!(
            place("https://b.s3.amazonaws.com/key?X-Amz-Signature=abc"),
            "`https://b.s3.amazonaws.com`"
        );
        assert_eq!(place("http://user:pass@h:81/x"), "`http://h:81`");
        assert_eq!(place("no address"), "the address");
    }
}
