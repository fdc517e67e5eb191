//! Small uploads without the SDK's machinery, through which they take 1.6 times the CPU (docs/benchmarks.md).
//!
//! This is a shortcut, not a second client. It begins once the SDK has sent a request of its own for the bucket, and goes
//! to the address, by the scheme of signing and over the connections that were used there; it signs with the SDK's own
//! signer. It knows one good answer: whatever else comes, the caller sends the object again through the SDK, which
//! knows how to wait, to try again, and to say what is wrong.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_s3::types::ServerSideEncryption;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::Document;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::endpoint::Endpoint as ResolvedEndpoint;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use percent_encoding::utf8_percent_encode;

use crate::aws::s3::effect::Effect;
use crate::aws::s3::owner::EXPECTED_OWNER;
use crate::aws::s3::payload::PayloadSigning;
use crate::aws::s3::request_headers::{Headers, UNSAFE_IN_PATH};
use crate::core::inputs::urls::unencrypted_host;
use crate::http::Client;

/// The answer to an upload has no body, and that of an error a small one.
const MAX_ANSWER: usize = 64 * 1024;

/// The shortcut to one bucket.
pub(crate) struct FastPut {
    http: Client,
    credentials: Option<SharedCredentialsProvider>,
    /// The account that must own the bucket.
    owner: Option<String>,
    /// How long S3 may take to begin its answer.
    timeout: Duration,
    /// `None` inside: requests to this bucket are not signed in the usual way.
    way: OnceLock<Option<Endpoint>>,
    /// It was refused once; the SDK may know better.
    off: AtomicBool,
}

/// How the SDK reaches the bucket.
struct Endpoint {
    /// The bucket's address, without a `/` at the end.
    address: String,
    /// The region that requests are signed for.
    region: String,
    user_agent: Option<String>,
}

/// What S3 says of an object that it has stored.
pub(crate) struct Stored {
    pub(crate) etag: Option<String>,
    pub(crate) encryption: Option<ServerSideEncryption>,
    pub(crate) version_id: Option<String>,
}

/// Why an object was not stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FastPutError {
    /// S3 asked to slow down.
    SlowDown,
    /// Anything else; also that there is no shortcut.
    Other,
}

impl FastPut {
    pub(crate) fn new(
        http: Client,
        credentials: Option<SharedCredentialsProvider>,
        owner: Option<String>,
        timeout: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            http,
            credentials,
            owner,
            timeout,
            way: OnceLock::new(),
            off: AtomicBool::new(false),
        })
    }

    /// Stores `body` under `key`, with `headers`; all of the answer must be there within the time limit.
    pub(crate) async fn put(
        &self,
        key: &str,
        headers: &Headers,
        body: Bytes,
        effect: &Effect,
    ) -> Result<Stored, FastPutError> {
        let (Some(Some(way)), Some(provider), false) =
            (self.way.get(), &self.credentials, self.off.load(Ordering::Relaxed))
        else {
            return Err(FastPutError::Other);
        };
        let credentials = provider.provide_credentials().await.map_err(|_| FastPutError::Other)?;
        let mut headers = headers.clone();
        headers.extend(self.owner.iter().map(|owner| (EXPECTED_OWNER.into(), owner.clone())));
        let request = way
            .request(key, &headers, body, &credentials.into())
            .ok_or(FastPutError::Other)?;
        effect.sent();
        let answer = tokio::time::timeout(self.timeout, self.answer(request)).await;
        let response = answer.ok().flatten();
        effect.answered(response.as_ref().map(|response| response.status().as_u16()));
        let response = response.ok_or(FastPutError::Other)?;
        match response.status().as_u16() {
            200 => {}
            429 | 503 => return Err(FastPutError::SlowDown),
            _ => {
                self.off.store(true, Ordering::Relaxed);
                return Err(FastPutError::Other);
            }
        }
        let header = |name: &str| response.headers().get(name).map(str::to_owned);
        Ok(Stored {
            // S3 always names one: without it this is somebody else's answer.
            etag: Some(header("etag").ok_or(FastPutError::Other)?),
            encryption: header("x-amz-server-side-encryption").map(|name| ServerSideEncryption::from(name.as_str())),
            version_id: header("x-amz-version-id"),
        })
    }
}

impl FastPut {
    /// The answer, once its body has come to its end: else the connection could not be used again.
    async fn answer(&self, request: HttpRequest) -> Option<HttpResponse> {
        let mut response = self.http.call(request, Some(self.timeout)).await.ok()?;
        let body = response.take_body();
        Limited::new(body, MAX_ANSWER).collect().await.ok()?;
        Some(response)
    }
}

impl Endpoint {
    /// What the SDK does for `endpoint`, when that is the usual thing.
    fn of(endpoint: &ResolvedEndpoint, user_agent: Option<&str>) -> Option<Self> {
        let scheme = endpoint.auth_schemes().first()?;
        let text = |name: &str| scheme.get(name).and_then(Document::as_string);
        // On a way that is not encrypted the SDK signs the payload; this does not.
        if unencrypted_host(endpoint.url()).is_some() {
            return None;
        }
        if scheme.name() != "sigv4" || text("signingName") != Some("s3") {
            return None;
        }
        Some(Self {
            address: endpoint.url().trim_end_matches('/').to_owned(),
            region: text("signingRegion")?.to_owned(),
            user_agent: user_agent.map(str::to_owned),
        })
    }

    /// A signed PutObject; `None` when it cannot be made.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
    fn request(&self, key: &str, headers: &Headers, body: Bytes, identity: &Identity) -> Option<HttpRequest> {
        let address = format!(
            "{}/{}?x-id=PutObject",
            self.address,
            utf8_percent_encode(key, UNSAFE_IN_PATH)
        );
        let mut settings = SigningSettings::default();
        // S3's own ways: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .ok()?
            .into();
        let signable = SignableRequest::new(
            "PUT",
            &address,
            headers.iter().map(|(name, value)| (name.as_ref(), value.as_str())),
            // The checksum among the headers is signed, and over TLS nobody on the way can touch the body.
            SignableBody::UnsignedPayload,
        );
        let (instructions, _) = sign(signable.ok()?, &parameters).ok()?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("PUT").ok()?;
        request.set_uri(address).ok()?;
        let all = request.headers_mut();
        for (name, value) in headers {
            all.try_insert(name.clone(), value.clone()).ok()?;
        }
        if let Some(user_agent) = &self.user_agent {
            all.try_insert("user-agent", user_agent.clone()).ok()?;
        }
        for (name, value) in instructions.headers() {
            all.try_insert(name.to_owned(), value.to_owned()).ok()?;
        }
        Some(request)
    }
}

/// Learns from the SDK's first request for the bucket how it is reached.
pub(crate) struct CaptureEndpoint {
    pub(crate) direct: Arc<FastPut>,
    pub(crate) signing: Arc<PayloadSigning>,
}

impl fmt::Debug for CaptureEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Learn")
    }
}

#[dyn_dispatch_hint]
impl Intercept for CaptureEndpoint {
    fn name(&self) -> &'static str {
        "LearnHowTheBucketIsReached"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(endpoint) = config.load::<ResolvedEndpoint>() {
            if unencrypted_host(endpoint.url()).is_some() {
                self.signing.require();
            }
            self.direct
                .way
                .get_or_init(|| Endpoint::of(endpoint, context.request().headers().get("user-agent")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use aws_credential_types::Credentials;

    use super::*;
    use crate::core::context::Env;

    #[tokio::test]
    async fn an_answer_that_never_ends_is_given_up_and_may_have_been_an_effect() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 10\r\n\r\n1";
            stream.write_all(head.as_bytes()).expect("written");
            // Open for longer than the client waits.
            std::thread::sleep(Duration::from_secs(2));
        });
        let shortcut = FastPut {
            http: crate::http::client(&Env::default()).expect("a client"),
            credentials: Some(SharedCredentialsProvider::new(Credentials::new(
                "a", "s", None, None, "test",
            ))),
            owner: None,
            timeout: Duration::from_millis(100),
            way: OnceLock::from(Some(Endpoint {
                address: format!("http://{address}/b"),
                region: "us-east-1".into(),
                user_agent: None,
            })),
            off: AtomicBool::new(false),
        };
        let effect = Effect::default();
        let answer = shortcut
            .put("k", &Headers::new(), Bytes::from_static(b"x"), &effect)
            .await;
        assert!(matches!(answer, Err(FastPutError::Other)));
        assert!(effect.is_possible());
    }
}
