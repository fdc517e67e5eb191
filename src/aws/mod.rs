//! The edges to AWS: credentials, S3, CloudFront, Elastic Beanstalk, and the release records in S3.
//!
//! Concrete SDK clients, no trait per service. Every error leaves through [`error`], with the call that failed.

pub mod beanstalk;
pub mod calls;
pub mod cloudfront;
pub mod error;
pub mod history;
pub mod s3;

/// Who we are and how to reach AWS.
#[derive(Debug, Clone)]
pub struct Aws {
    /// Region, credentials, HTTP client, retries: what every service client is built from.
    pub sdk: aws_config::SdkConfig,
    /// `endpoint-url`: an S3-compatible store; for the S3 client only.
    pub s3_endpoint: Option<String>,
    /// The caller's account, when STS was asked.
    pub account: Option<String>,
}

impl Aws {
    /// The partition of the configured region: `aws`, `aws-cn`, `aws-us-gov`, ….
    ///
    /// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
    #[must_use]
    pub fn partition(&self) -> &'static str {
        let region = self.sdk.region().map_or("", |region| region.as_ref());
        match region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            region if region.starts_with("us-iso-") => "aws-iso",
            region if region.starts_with("us-isob-") => "aws-iso-b",
            region if region.starts_with("eusc-") => "aws-eusc",
            _ => "aws",
        }
    }
}
