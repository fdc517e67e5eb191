//! CloudFront: what a distribution serves, and invalidations.
//!
//! [`Cdn::load_distributions`] reads, [`Cdn::invalidate`] sends; what to invalidate is decided in [`crate::core::cdn`].

mod arns;
mod convert;
pub(crate) mod distributions;
#[cfg(test)]
mod fake;
pub(crate) mod invalidate;

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::config::Region;

use crate::aws::Aws;
use crate::aws::cdn::arns::Arns;
use crate::aws::retry::patient;
use crate::console::Console;
use crate::core::cdn::invalidation::{DistributionView, SiteOrigin};
use crate::core::iam::allowance::Allowance;
use crate::core::iam::arn;
use crate::core::inputs::CdnInputs;

/// CloudFront, for the distributions of this run.
#[derive(Debug)]
pub(crate) struct Cdn {
    client: Client,
    arns: Arns,
    inputs: CdnInputs,
    allowance: Allowance,
    /// `AWS_MAX_ATTEMPTS` says how often a request is tried.
    is_bounded: bool,
}

impl Cdn {
    /// Nothing is sent yet.
    #[must_use]
    pub(crate) fn new(aws: &Aws, inputs: &CdnInputs, allowance: &Allowance) -> Self {
        Self {
            client: client(aws),
            arns: Arns::of(aws),
            inputs: inputs.clone(),
            allowance: allowance.clone(),
            is_bounded: aws.patience.is_bounded(),
        }
    }

    /// Reads what every distribution serves, in input order, each once. `site` is the bucket whose keys shall become
    /// paths; without one, nothing but whether the distributions exist is read, and that only when explicit paths are
    /// going to be sent.
    ///
    /// A configuration that may not be read is no error: the prefix is then taken for the origin path.
    ///
    /// # Errors
    /// A distribution that does not exist, or an answer of CloudFront's other than a denial.
    pub(crate) async fn load_distributions(
        &self,
        site: Option<SiteOrigin>,
        console: &Console,
    ) -> anyhow::Result<Vec<DistributionView>> {
        let mut ids: Vec<&String> = Vec::new();
        for id in &self.inputs.distributions {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let explicit = self.inputs.paths.is_some();
        let views = distributions::read(&self.client, &self.arns, &ids, site.as_ref(), explicit, console).await?;
        let pairs = ids.into_iter().zip(views);
        Ok(pairs
            .map(|(id, view)| DistributionView { id: id.clone(), view })
            .collect())
    }
}

/// A client for the region in which the partition's CloudFront is, whatever region the bucket is in: CloudFront is
/// one [global service] a partition, and requests signed for another region are refused.
///
/// [global service]: https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html
pub(crate) fn client(aws: &Aws) -> Client {
    let config = aws_sdk_cloudfront::config::Builder::from(&aws.control_plane_config())
        .region(Region::new(arn::global_region(aws.partition())));
    Client::from_conf(patient!(config, aws.patience).build())
}
