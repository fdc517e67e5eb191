//! A CloudFront for unit tests: answers requests with what a closure says, and remembers them.

use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_cloudfront::config::Region;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use crate::aws::Aws;
use crate::aws::cdn::Cdn;
use crate::aws::retry::Patience;
use crate::console::Console;
use crate::core::cdn::invalidation::{InvalidationPlan, PlannedInvalidation, SiteOrigin};
use crate::core::context::Env;
use crate::core::iam::allowance::Allowance;
use crate::core::inputs::CdnInputs;
use crate::core::release::pending::PendingInvalidations;

/// A request as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct SeenRequest {
    /// Method and path.
    pub(crate) line: String,
    pub(crate) body: String,
    pub(crate) authorization: String,
}

/// What to answer: status and body; `None` closes the connection.
pub(crate) type FakeAnswer = Option<(u16, String)>;

type Handler = dyn Fn(&SeenRequest, usize) -> FakeAnswer + Send + Sync;

/// The fake, and what it has seen.
#[derive(Clone)]
pub(crate) struct Fake {
    handler: Arc<Handler>,
    seen: Arc<Mutex<Vec<SeenRequest>>>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    /// `handler` gets each request and how many came before it.
    pub(crate) fn new(handler: impl Fn(&SeenRequest, usize) -> FakeAnswer + Send + Sync + 'static) -> Self {
        Self {
            handler: Arc::new(handler),
            seen: Arc::default(),
        }
    }

    /// An [`Aws`] that reaches this fake, in `region`.
    pub(crate) fn aws(&self, region: &'static str) -> Aws {
        let connector = SharedHttpConnector::new(self.clone());
        let sdk = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKIAEXAMPLE",
                "secret",
                None,
                None,
                "test",
            )))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        Aws {
            patience: Patience::of(&sdk, None),
            sdk,
            http: crate::http::client(&Env::default()).expect("a client without proxies"),
            caller: Arc::default(),
            s3_endpoint: None,
            request_payer: false,
            account: Some("123456789012".into()),
            allowed_accounts: Arc::default(),
        }
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<SeenRequest> {
        self.seen.lock().expect("no test panicked here").clone()
    }
}

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let path = request.uri().split_once("amazonaws.com").map_or("", |(_, rest)| rest);
        let path = path.trim_start_matches(".cn").trim_start_matches("/2020-05-31");
        let seen = SeenRequest {
            line: format!("{} {}", request.method(), path),
            body: String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned(),
            authorization: request.headers().get("authorization").unwrap_or_default().to_owned(),
        };
        let before = {
            let mut all = self.seen.lock().expect("no test panicked here");
            all.push(seen.clone());
            all.len() - 1
        };
        HttpConnectorFuture::ready(match (self.handler)(&seen, before) {
            Some((status, body)) => {
                let status = status.try_into().expect("a status");
                Ok(HttpResponse::new(status, SdkBody::from(body)))
            }
            None => Err(ConnectorError::io("connection closed".into())),
        })
    }
}

/// An error as CloudFront words it.
pub(crate) fn error(status: u16, code: &str) -> FakeAnswer {
    Some((
        status,
        format!(
            "<ErrorResponse xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>About {code}.</Message></Error><RequestId>R1</RequestId></ErrorResponse>"
        ),
    ))
}

/// An invalidation as CloudFront shows it.
pub(crate) fn invalidation(http: u16, id: &str, status: &str) -> FakeAnswer {
    Some((
        http,
        format!(
            "<Invalidation xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Id>{id}</Id>\
             <Status>{status}</Status><CreateTime>2026-11-20T09:00:00Z</CreateTime></Invalidation>"
        ),
    ))
}

/// A log, and what stands in it.
pub(crate) fn console() -> (Console, Arc<Mutex<Vec<u8>>>) {
    #[derive(Clone)]
    struct FakeState(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for FakeState {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no test panicked here").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Arc::default();
    (Console::new(FakeState(Arc::clone(&log)), false), log)
}

/// The text of a log.
pub(crate) fn text(log: &Arc<Mutex<Vec<u8>>>) -> String {
    String::from_utf8_lossy(&log.lock().expect("no test panicked here")).into_owned()
}

/// CloudFront behind `fake`, and what is planned for `keys` of `site`.
pub(crate) async fn planned(
    aws: &Aws,
    inputs: &CdnInputs,
    site: Option<SiteOrigin>,
    keys: &[&str],
    console: &Console,
) -> anyhow::Result<(Cdn, Vec<PlannedInvalidation>)> {
    let cdn = Cdn {
        // The client alone has the one try that tests want.
        is_bounded: false,
        ..Cdn::new(aws, inputs, &Allowance::of_nothing())
    };
    let views = cdn.load_distributions(site, console).await?;
    let plan = InvalidationPlan::new(views, inputs.paths.clone(), PendingInvalidations::default(), keys);
    Ok((cdn, plan.planned().to_vec()))
}
