//! Statements of a policy: which actions, on which resources, under which conditions.

use serde_json::{Value, json};

use crate::core::iam::arn;
use crate::core::iam::calls::{self, Need};

/// Where: `123456789012`, `eu-west-1`, `aws`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTarget {
    /// The account; `*` where it is not known.
    pub account: String,
    /// The region.
    pub region: String,
    /// The partition.
    pub partition: String,
}

/// S3 actions: those that list, below `listed` only (everywhere when that is empty); others on the bucket; and those on
/// the objects that `objects` means.
pub(crate) fn push_s3(
    statements: &mut Vec<Value>,
    sid: &str,
    actions: &[&'static str],
    place: &PolicyTarget,
    bucket: &str,
    listed: &[String],
    objects: &str,
) {
    let (on_bucket, on_objects): (Vec<_>, Vec<_>) = actions.iter().copied().partition(|action| is_of_bucket(action));
    let (listing, on_bucket): (Vec<_>, Vec<_>) = on_bucket
        .into_iter()
        .partition(|action| !listed.is_empty() && action.starts_with("s3:ListBucket"));
    push(
        statements,
        &format!("{sid}Bucket"),
        &on_bucket,
        &[bucket_arn(place, bucket)],
    );
    push_listing(statements, &format!("{sid}List"), &listing, place, bucket, listed);
    push(
        statements,
        &format!("{sid}Objects"),
        &on_objects,
        &[object(place, bucket, objects)],
    );
}

/// The actions of `needs` on objects.
pub(crate) fn push_objects(
    statements: &mut Vec<Value>,
    sid: &str,
    needs: &[Need],
    place: &PolicyTarget,
    bucket: &str,
    keys: &[String],
) {
    let mut actions = calls::actions(needs);
    actions.retain(|action| action.starts_with("s3:") && !is_of_bucket(action));
    let objects: Vec<_> = keys.iter().map(|key| object(place, bucket, key)).collect();
    push(statements, sid, &actions, &objects);
}

/// Listings of `prefixes` only
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html>).
pub(crate) fn push_listing(
    statements: &mut Vec<Value>,
    sid: &str,
    actions: &[&str],
    place: &PolicyTarget,
    bucket: &str,
    prefixes: &[String],
) {
    push(statements, sid, actions, &[bucket_arn(place, bucket)]);
    if let Some(statement) = statements.last_mut().filter(|_| !actions.is_empty()) {
        statement["Condition"] = json!({"StringLike": {"s3:prefix": prefixes}});
    }
}

pub(crate) fn push(statements: &mut Vec<Value>, sid: &str, actions: &[&str], resources: &[String]) {
    if !actions.is_empty() {
        statements.push(json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}));
    }
}

/// Whether an S3 action acts on a bucket, not on its objects.
fn is_of_bucket(action: &str) -> bool {
    matches!(
        action,
        "s3:ListBucket" | "s3:ListBucketVersions" | "s3:GetEncryptionConfiguration"
    ) || action.starts_with("s3:GetBucket")
}

pub(crate) fn bucket_arn(place: &PolicyTarget, bucket: &str) -> String {
    arn::bucket(&place.partition, bucket)
}

pub(crate) fn object(place: &PolicyTarget, bucket: &str, key: &str) -> String {
    arn::object(&place.partition, bucket, key)
}
