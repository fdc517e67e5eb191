//! A bucket and the client that reaches it, in its own region.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::SdkError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};

use crate::aws::Aws;
use crate::aws::error::AwsContextExt as _;
use crate::aws::retry::{Patience, patient};
use crate::aws::s3::blank_key::BlankKeyInterceptor;
use crate::aws::s3::clock::{ReadClock, StoreClock};
use crate::aws::s3::fast_put::{CaptureEndpoint, FastPut};
use crate::aws::s3::owner::{EXPECTED_OWNER, OwnerInterceptor};
use crate::aws::s3::payer::PayerInterceptor;
use crate::aws::s3::payload::PayloadSigning;
use crate::core::error::{HintExt as _, code, service_error};
use crate::core::iam::arn;
use crate::core::iam::calls::{HEAD_BUCKET, LIST_OBJECTS};
use crate::core::iam::hint::{IN_STORE, region_in};
use crate::core::iam::owner::ExpectedOwner;

/// The region to start from when nothing names one.
const FIRST_REGION: &str = "us-east-1";

/// How long S3 may take to begin its answer once it has the whole request. Completing a large upload takes longer than
/// anything else; S3 then begins early and keeps the connection busy.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// A bucket that can be reached.
#[derive(Clone)]
pub(crate) struct Bucket {
    /// The client, for the bucket's own region.
    pub(crate) client: Client,
    /// The bucket's name.
    pub(crate) name: String,
    /// The bucket's region.
    pub(crate) region: String,
    /// `aws`, `aws-cn`, …: for ARNs.
    pub(crate) partition: &'static str,
    /// Who serves it.
    pub(crate) server: Server,
    /// What of it is asked for to see whether it is there: a policy may allow to list nothing else.
    prefix: String,
    /// Whose it must be, where that is known; every request says so.
    pub(crate) owner: Option<ExpectedOwner>,
    /// How long what fails is tried again.
    pub(crate) patience: Patience,
    /// Whether payloads have to be signed.
    pub(crate) signing: Arc<PayloadSigning>,
    /// The shortcut for small uploads.
    pub(crate) direct: Arc<FastPut>,
    /// What time it is there.
    pub(crate) clock: Arc<StoreClock>,
}

/// Who serves a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// Amazon S3.
    Aws,
    /// An S3-compatible store behind `endpoint-url`: no flexible checksums, no SSE-KMS to ask about.
    Compatible,
}

impl Bucket {
    /// A client for the bucket `name`, in the bucket's own region, which is found out when the configured one is
    /// missing or wrong. Only `prefix` need be allowed to be listed.
    ///
    /// # Errors
    /// A directory bucket, a bucket that is not there or another account's, credentials that are not valid.
    pub(crate) async fn open(aws: &Aws, name: &str, prefix: &str) -> anyhow::Result<Self> {
        if name.ends_with("--x-s3") {
            return Err(anyhow::anyhow!("`{name}` is a directory bucket"))
                .hint("name a general purpose bucket: a directory bucket cannot serve a web site");
        }
        let configured = aws.sdk.region().map(ToString::to_string);
        let bucket = Self::in_region(aws, name, prefix, configured.as_deref().unwrap_or(FIRST_REGION));
        match bucket.server {
            // The region of such a store is whatever its owner calls it, and nothing tells.
            Server::Compatible => Ok(bucket),
            Server::Aws => bucket.at_home(aws).await,
        }
    }

    /// A client for the bucket `name` in `region`; sends nothing.
    #[must_use]
    pub(crate) fn in_region(aws: &Aws, name: &str, prefix: &str, region: &str) -> Self {
        let timeouts = aws
            .sdk
            .timeout_config()
            .map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        let owner = aws.expected_owner(name);
        let account = owner.as_ref().map(|owner| owner.account.clone());
        let clock = Arc::new(StoreClock::default());
        let direct = FastPut::new(
            aws.http.clone(),
            aws.sdk.credentials_provider(),
            account.clone(),
            ANSWER_TIMEOUT,
        );
        let signing = Arc::<PayloadSigning>::default();
        let mut config = patient!(aws_sdk_s3::config::Builder::from(&aws.sdk), aws.patience)
            .interceptor(CaptureEndpoint {
                direct: Arc::clone(&direct),
                signing: Arc::clone(&signing),
            })
            .interceptor(ReadClock(Arc::clone(&clock)))
            .interceptor(BlankKeyInterceptor)
            .region(Region::new(region.to_owned()))
            .timeout_config(timeouts.read_timeout(ANSWER_TIMEOUT).build());
        if let Some(account) = account {
            config = config.interceptor(OwnerInterceptor(account));
        }
        if aws.request_payer {
            config = config.interceptor(PayerInterceptor);
        }
        let server = match &aws.s3_endpoint {
            None => Server::Aws,
            Some(endpoint) => {
                // Older gateways answer 400 to the chunked upload with a trailer that the SDK sends by default.
                config = config
                    .endpoint_url(endpoint)
                    .force_path_style(true)
                    .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                    .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
                Server::Compatible
            }
        };
        Self {
            client: Client::from_conf(config.build()),
            name: name.to_owned(),
            region: region.to_owned(),
            partition: aws.partition(),
            server,
            prefix: prefix.to_owned(),
            owner,
            patience: aws.patience.clone(),
            signing,
            direct,
            clock,
        }
    }

    /// The ARN of the bucket, for advice.
    #[must_use]
    pub(crate) fn arn(&self) -> String {
        self.named(arn::bucket(self.partition, &self.name))
    }

    /// The ARN of an object, for advice.
    #[must_use]
    pub(crate) fn object_arn(&self, key: &str) -> String {
        self.named(arn::object(self.partition, &self.name, key))
    }

    fn named(&self, arn: String) -> String {
        match self.server {
            Server::Aws => arn,
            Server::Compatible => format!("{IN_STORE}{arn}"),
        }
    }

    /// This bucket with a client for its own region.
    async fn at_home(self, aws: &Aws) -> anyhow::Result<Self> {
        let Some(region) = self.ask_region().await? else {
            return Ok(self);
        };
        let moved = Self::in_region(aws, &self.name, &self.prefix, &region);
        match moved.ask_region().await? {
            None => Ok(moved),
            Some(other) => bail!(
                "cannot find the region of bucket `{}`: `{region}` sends us to `{other}`",
                self.name
            ),
        }
    }

    /// Asks for the bucket; answers its region when that is another than the client's.
    async fn ask_region(&self) -> anyhow::Result<Option<String>> {
        let Err(refusal) = self.probe(true).await else {
            return Ok(None);
        };
        if let Some(region) = refusal.region.filter(|region| *region != self.region) {
            return Ok(Some(region));
        }
        match refusal.status {
            Some(404) => Err(anyhow::anyhow!(
                "cannot open bucket `{}`: there is no such bucket",
                self.name
            ))
            .hint(format!(
                "check the bucket's name, or create it: aws s3 mb s3://{}",
                self.name
            )),
            // HEAD has no body: only a GET tells the refusal of a policy, which may still allow what follows, from
            // wrong credentials.
            Some(400 | 403) => {
                self.check_owner().await?;
                self.ask_why().await
            }
            _ => refusal.answer.map(|()| None),
        }
    }

    /// The smallest question about the bucket: HEAD, or a listing where only a prefix may be asked for. With
    /// `names_owner` it is answered for the expected owner's bucket only.
    async fn probe(&self, names_owner: bool) -> Result<(), Refusal> {
        let unnamed = move |request: &mut HttpRequest| {
            if !names_owner {
                request.headers_mut().remove(EXPECTED_OWNER);
            }
        };
        let doing = || format!("cannot reach bucket `{}`", self.name);
        if self.prefix.is_empty() {
            let request = self.client.head_bucket().bucket(&self.name).customize();
            let answer = request.mutate_request(unnamed).send().await;
            answer.map(drop).map_err(|error| Refusal {
                status: status_of(&error),
                region: region_of(&error),
                answer: Err(error).aws_context(&HEAD_BUCKET, &self.arn(), doing),
            })
        } else {
            let request = self.client.list_objects_v2().bucket(&self.name).prefix(&self.prefix);
            let request = request.max_keys(1).customize();
            let answer = request.mutate_request(unnamed).send().await;
            answer.map(drop).map_err(|error| Refusal {
                status: status_of(&error),
                region: region_of(&error),
                answer: Err(error).aws_context(&LIST_OBJECTS, &self.arn(), doing),
            })
        }
    }

    /// Why HEAD was refused; the bucket's Region where the refusal names it.
    async fn ask_why(&self) -> anyhow::Result<Option<String>> {
        let answer = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .set_prefix((!self.prefix.is_empty()).then(|| self.prefix.clone()))
            .max_keys(1)
            .send()
            .await;
        match answer.aws_context(&LIST_OBJECTS, &self.arn(), || {
            format!("cannot open bucket `{}`", self.name)
        }) {
            // A policy may allow the prefix alone; the listing of it will tell.
            // Regions that must be opted in to may leave `x-amz-bucket-region` out.
            Err(error) if code(&error) == Some("IllegalLocationConstraintException") => {
                let named = service_error(&error).and_then(|service| region_in(&service.message));
                match named.filter(|region| *region != self.region) {
                    Some(region) => Ok(Some(region.to_owned())),
                    None => Err(error),
                }
            }
            Err(error) if code(&error) != Some("AccessDenied") => Err(error),
            _ => Ok(None),
        }
    }
}

impl Bucket {
    /// `error`, or what is behind it where it is a refusal for the bucket's owner.
    pub(crate) async fn explain_refusal(&self, error: anyhow::Error) -> anyhow::Error {
        if code(&error) == Some("AccessDenied") {
            self.check_not_taken().await.err().unwrap_or(error)
        } else {
            error
        }
    }

    /// Asks for a bucket that may not be there yet.
    ///
    /// # Errors
    /// It is there, and another account's.
    pub(crate) async fn check_not_taken(&self) -> anyhow::Result<()> {
        let named = self.client.head_bucket().bucket(&self.name).send().await;
        let status = named
            .err()
            .and_then(|error| Some(error.raw_response()?.status().as_u16()));
        match status {
            Some(403) => self.check_owner().await,
            _ => Ok(()),
        }
    }

    /// Asks for the bucket with its owner named and without: an answer to the second alone says that it is another
    /// account's. What is refused both ways is not known.
    async fn check_owner(&self) -> anyhow::Result<()> {
        let Some(owner) = &self.owner else { return Ok(()) };
        if self.probe(true).await.is_ok() || self.probe(false).await.is_err() {
            return Ok(());
        }
        Err(anyhow::anyhow!(
            "cannot use bucket `{}`: it does not belong to the account {}, so nothing is written to it or read from it",
            self.name,
            owner.account
        ))
        .hint(&owner.hint)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.name)
            .field("region", &self.region)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// What S3 said instead of an answer.
struct Refusal {
    status: Option<u16>,
    /// The bucket's, where S3 names it.
    region: Option<String>,
    /// The error.
    answer: anyhow::Result<()>,
}

fn status_of<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// The bucket's region, which S3 names in its answers, also in those that refuse.
fn region_of<E>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    error
        .raw_response()
        .and_then(|response| response.headers().get("x-amz-bucket-region"))
        .map(ToOwned::to_owned)
}
