//! ARNs of this run's distributions.

use crate::aws::Aws;
use crate::core::iam::arn;

/// Makes ARNs for messages.
#[derive(Debug)]
pub(crate) struct Arns {
    partition: &'static str,
    account: String,
}

impl Arns {
    pub(crate) fn of(aws: &Aws) -> Self {
        Self {
            partition: aws.partition(),
            account: aws.account.clone().unwrap_or_else(|| "*".into()),
        }
    }

    pub(crate) fn distribution(&self, id: &str) -> String {
        arn::distribution(self.partition, &self.account, id)
    }

    pub(crate) fn cache_policy(&self, id: &str) -> String {
        arn::cache_policy(self.partition, &self.account, id)
    }
}
