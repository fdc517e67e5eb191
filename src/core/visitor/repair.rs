//! The one command that repairs what visitors get.
//!
//! Each is a line for a shell with the aws CLI and, where a document is changed, jq. What a document holds besides stays, and
//! is not printed: a bucket's policy may have secrets in it.

use serde_json::{Value, json};

use crate::core::visitor::access::PublicBlock;
use crate::core::visitor::facts::{BucketFacts, DistributionFacts};

/// The CloudFront function that turns folders into their `index.html`, in one line, without single quotes.
const INDEX_FUNCTION: &str = r#"function handler(event) { var request = event.request; if (request.uri.endsWith("/")) { request.uri += "index.html"; } return request; }"#;

/// `text` as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Gives the bucket a website configuration.
pub(super) fn website(bucket: &str, index: &str, error: &str) -> String {
    format!(
        "aws s3 website {} --index-document {} --error-document {}",
        quoted(&format!("s3://{bucket}")),
        quoted(index),
        quoted(error)
    )
}

/// Adds `statement` to the policy of the bucket.
pub(super) fn add_statement(bucket: &BucketFacts, statement: &Value) -> String {
    if bucket.policy.as_ref().is_some_and(Value::is_null) {
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        return put_policy(bucket, &quoted(&policy.to_string()));
    }
    change_policy(
        bucket,
        &format!(".Statement = ([.Statement] | flatten) + [{statement}]"),
    )
}

/// Takes the statement at `place` out of the policy of the bucket.
pub(super) fn remove_statement(bucket: &BucketFacts, place: usize) -> String {
    change_policy(
        bucket,
        &format!(".Statement = ([.Statement] | flatten | del(.[{place}]))"),
    )
}

fn change_policy(bucket: &BucketFacts, filter: &str) -> String {
    let now = format!(
        "aws s3api get-bucket-policy --bucket {} --query Policy --output text",
        bucket.name
    );
    put_policy(bucket, &format!(r#""$({now} | jq -c {})""#, quoted(filter)))
}

fn put_policy(bucket: &BucketFacts, policy: &str) -> String {
    format!("aws s3api put-bucket-policy --bucket {} --policy {policy}", bucket.name)
}

/// Opens the bucket to everybody: what blocks that goes first.
pub(super) fn publish(bucket: &BucketFacts) -> String {
    let statement = json!({
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": bucket.objects_arn(),
    });
    let blocks = |block: &PublicBlock| block.blocks_policies || block.restricts_policies;
    let unblocked = unblock(
        bucket,
        bucket.block.as_ref().is_some_and(blocks),
        bucket.account_block.as_ref().is_some_and(blocks),
    );
    let mut steps: Vec<String> = unblocked.into_iter().collect();
    steps.push(add_statement(bucket, &statement));
    steps.join(" && ")
}

/// Turns Block Public Access off where it keeps this site's visitors out.
pub(super) fn unblock(bucket: &BucketFacts, of_bucket: bool, of_account: bool) -> Option<String> {
    let mut steps = Vec::new();
    if of_bucket {
        steps.push(format!("aws s3api delete-public-access-block --bucket {}", bucket.name));
    }
    if let Some(block) = bucket.account_block.filter(|_| of_account) {
        // What else the account has stays: it holds for all its buckets.
        let policies = !bucket.public_acl && (block.blocks_policies || block.restricts_policies);
        let acls = bucket.public_acl;
        steps.push(format!(
            "aws s3control put-public-access-block --account-id {} --public-access-block-configuration \
             BlockPublicAcls={},IgnorePublicAcls={},BlockPublicPolicy={},RestrictPublicBuckets={}",
            bucket.account,
            block.blocks_acls && !acls,
            block.ignores_acls && !acls,
            block.blocks_policies && !policies,
            block.restricts_policies && !policies,
        ));
    }
    (!steps.is_empty()).then(|| steps.join(" && "))
}

/// Lets the distribution in, by its origin access control.
pub(super) fn let_in(distribution: &DistributionFacts, bucket: &BucketFacts) -> String {
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": bucket.objects_arn(),
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution.arn}},
    });
    add_statement(bucket, &statement)
}

/// Encrypts what is uploaded from now on by S3's own keys.
pub(super) fn encrypt_by_s3(bucket: &BucketFacts) -> String {
    let rules = json!({"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]});
    format!(
        "aws s3api put-bucket-encryption --bucket {} --server-side-encryption-configuration {}",
        bucket.name,
        quoted(&rules.to_string())
    )
}

/// Lets the distribution decrypt by the KMS key.
pub(super) fn let_decrypt(distribution: &DistributionFacts, key: &str) -> String {
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution.arn}},
    });
    let key = quoted(key);
    let filter = quoted(&format!(".Statement += [{statement}]"));
    format!(
        r#"aws kms put-key-policy --key-id {key} --policy-name default --policy "$(aws kms get-key-policy --key-id {key} --policy-name default --query Policy --output text | jq -c {filter})""#
    )
}

/// Sets the default root object.
pub(super) fn root_object(distribution: &DistributionFacts, name: &str) -> String {
    format!(
        "aws cloudfront update-distribution --id {} --default-root-object {}",
        distribution.id,
        quoted(name)
    )
}

/// Changes the distribution's configuration by a jq filter.
#[must_use]
pub(crate) fn change_distribution(id: &str, filter: &str) -> String {
    let config = format!("aws cloudfront get-distribution-config --id {id} --query");
    format!(
        r#"aws cloudfront update-distribution --id {id} --if-match "$({config} ETag --output text)" --distribution-config "$({config} DistributionConfig --output json | jq -c {})""#,
        quoted(filter)
    )
}

/// Shows `page` with status 200 for what is not there.
pub(super) fn show_page_for_missing(distribution: &DistributionFacts, page: &str) -> String {
    let response = |code: i32| {
        json!({"ErrorCode": code, "ResponsePagePath": page, "ResponseCode": "200", "ErrorCachingMinTTL": 10})
            .to_string()
    };
    change_distribution(
        &distribution.id,
        &format!(
            "(.CustomErrorResponses.Items // [] | map(select(.ErrorCode != 403 and .ErrorCode != 404))) as $others | \
             .CustomErrorResponses = ($others + [{}, {}] | {{Quantity: length, Items: .}})",
            response(403),
            response(404)
        ),
    )
}

/// Takes the custom error responses away that show `page`.
pub(super) fn remove_error_page(distribution: &DistributionFacts, page: &str) -> String {
    change_distribution(
        &distribution.id,
        &format!(
            ".CustomErrorResponses = ([.CustomErrorResponses.Items[] | select(.ResponsePagePath != {})] | \
             if length == 0 then {{Quantity: 0}} else {{Quantity: length, Items: .}} end)",
            json!(page)
        ),
    )
}

/// Makes a function that adds `index.html` to addresses of folders, and gives it to the default behavior.
pub(super) fn add_index_function(distribution: &DistributionFacts) -> String {
    let name = format!("aws-web-deploy-index-{}", distribution.id);
    let partition = distribution.arn.split(':').nth(1).unwrap_or("aws");
    let arn = format!("arn:{partition}:cloudfront::{}:function/{name}", distribution.account);
    let association = json!({"Quantity": 1, "Items": [{"EventType": "viewer-request", "FunctionARN": arn}]});
    let filter = format!(".DefaultCacheBehavior.FunctionAssociations = {association}");
    format!(
        r#"aws cloudfront publish-function --name {name} --if-match "$(aws cloudfront create-function --name {name} --function-config Comment=index.html,Runtime=cloudfront-js-2.0 --function-code fileb://<(echo {}) --query ETag --output text)" && {}"#,
        quoted(INDEX_FUNCTION),
        change_distribution(&distribution.id, &filter)
    )
}

/// Asks the bucket's website endpoint by http.
pub(super) fn ask_by_http(distribution: &DistributionFacts) -> String {
    change_distribution(
        &distribution.id,
        r#"(.Origins.Items[] | select(.DomainName | contains(".s3-website")) | .CustomOriginConfig.OriginProtocolPolicy) = "http-only""#,
    )
}

/// Makes an origin access control, gives it to the origins that are the bucket, and lets the distribution in.
pub(super) fn add_access_control(distribution: &DistributionFacts, bucket: &BucketFacts) -> String {
    let id = &distribution.id;
    let made = format!(
        "aws cloudfront create-origin-access-control --origin-access-control-config \
         Name=aws-web-deploy-{id},SigningProtocol=sigv4,SigningBehavior=always,OriginAccessControlOriginType=s3 \
         --query OriginAccessControl.Id --output text"
    );
    let config = format!("aws cloudfront get-distribution-config --id {id} --query");
    let filter = format!(
        r#"(.Origins.Items[] | select(.DomainName | startswith("{}."))) |= (.OriginAccessControlId = $control | .S3OriginConfig.OriginAccessIdentity = "")"#,
        bucket.name
    );
    format!(
        r#"aws cloudfront update-distribution --id {id} --if-match "$({config} ETag --output text)" --distribution-config "$({config} DistributionConfig --output json | jq -c --arg control "$({made})" {})" && {}"#,
        quoted(&filter),
        let_in(distribution, bucket)
    )
}

/// Has the origin access control sign every request.
pub(super) fn sign_always(control: &str) -> String {
    let control_of = format!("aws cloudfront get-origin-access-control --id {control} --query");
    format!(
        r#"aws cloudfront update-origin-access-control --id {control} --if-match "$({control_of} ETag --output text)" --origin-access-control-config "$({control_of} OriginAccessControl.OriginAccessControlConfig --output json | jq -c {})""#,
        quoted(r#".SigningBehavior = "always""#)
    )
}

/// Has the distribution answer to `host`.
pub(super) fn add_alias(distribution: &DistributionFacts, host: &str) -> String {
    change_distribution(
        &distribution.id,
        &format!(
            ".Aliases.Items = ((.Aliases.Items // []) + [{}]) | .Aliases.Quantity = (.Aliases.Items | length)",
            json!(host)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_the_user_is_one_word_of_the_shell() {
        assert_eq!(quoted("it's $(x)"), r"'it'\''s $(x)'");
        assert_eq!(
            website("b", "index.html", "404.html"),
            "aws s3 website 's3://b' --index-document 'index.html' --error-document '404.html'"
        );
        assert!(!INDEX_FUNCTION.contains('\''));
    }

    #[test]
    fn a_policy_that_is_there_is_added_to_and_not_printed() {
        let bucket = |policy: Value| BucketFacts {
            name: "b".to_owned(),
            policy: Some(policy),
            ..BucketFacts::default()
        };
        let statement = json!({"Effect": "Allow"});
        let added = add_statement(&bucket(json!({"Statement": [{"Sid": "secret"}]})), &statement);
        assert!(
            added.contains("get-bucket-policy --bucket b") && !added.contains("secret"),
            "{added}"
        );
        let first = add_statement(&bucket(Value::Null), &statement);
        assert_eq!(
            first,
            r#"aws s3api put-bucket-policy --bucket b --policy '{"Statement":[{"Effect":"Allow"}],"Version":"2012-10-17"}'"#
        );
    }

    #[test]
    fn of_the_accounts_settings_only_those_go_that_keep_visitors_out() {
        let all = PublicBlock {
            blocks_acls: true,
            ignores_acls: true,
            blocks_policies: true,
            restricts_policies: true,
        };
        let bucket = |public_acl: bool| BucketFacts {
            name: "b".to_owned(),
            account: "123456789012".to_owned(),
            account_block: Some(all),
            public_acl,
            ..BucketFacts::default()
        };
        let by_policy = unblock(&bucket(false), false, true).expect("a command");
        assert!(
            by_policy.ends_with(
                "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=false,RestrictPublicBuckets=false"
            ),
            "{by_policy}"
        );
        let by_acl = unblock(&bucket(true), true, true).expect("a command");
        assert!(
            by_acl.starts_with("aws s3api delete-public-access-block --bucket b && aws s3control")
                && by_acl.ends_with(
                    "BlockPublicAcls=false,IgnorePublicAcls=false,BlockPublicPolicy=true,RestrictPublicBuckets=true"
                ),
            "{by_acl}"
        );
        assert_eq!(unblock(&bucket(true), false, false), None);
    }
}
