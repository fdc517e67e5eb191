//! The account's own Block Public Access, which S3 Control tells.
//!
//! The call and its answer are those of the bucket's, at another host; so S3's client sends it, and no other SDK is needed:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html>

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::SdkError;

use crate::aws::error::service_error;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::owner::EXPECTED_OWNER;
use crate::core::cdn::origins::is_amazon_host;
use crate::core::error::HintExt as _;
use crate::core::iam::calls::GET_ACCOUNT_PUBLIC_ACCESS_BLOCK;
use crate::core::iam::hint::hint_for;
use crate::core::visitor::access::PublicBlock;

/// Where S3 Control has the settings of an account.
const PATH: &str = "/v20180820/configuration/publicAccessBlock";

/// The public access block of `account`, by way of the client of `bucket`, which is in it. An account that was never told
/// blocks nothing.
///
/// # Errors
/// It may not be read.
pub(crate) async fn public_access_block(bucket: &Bucket, account: &str) -> anyhow::Result<PublicBlock> {
    let (name, id) = (bucket.name.clone(), account.to_owned());
    let request = bucket.client.get_public_access_block().bucket(&bucket.name).customize();
    let answer = request
        .mutate_request(move |request| aim(request, &name, &id))
        .send()
        .await;
    let settings = match answer {
        Ok(answer) => answer.public_access_block_configuration,
        Err(error) if status(&error) == Some(404) => None,
        Err(error) => {
            let mut service = service_error(&GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, &error);
            // S3 Control wraps its errors, where the client for S3 does not look: https://github.com/getmoto/moto/pull/9716
            let body = error.raw_response().and_then(|response| response.body().bytes());
            let body = String::from_utf8_lossy(body.unwrap_or_default());
            if let Some(code) = element(&body, "Code") {
                service.message = element(&body, "Message").unwrap_or_default();
                service.code = Some(code);
            }
            let hint = hint_for(&service, "*");
            let error = anyhow::Error::new(service).context("cannot read the public access settings of the account");
            return Err(match hint {
                Some(hint) => error.hint(hint),
                None => error,
            });
        }
    };
    let settings = settings.map(|settings| PublicBlock {
        blocks_acls: settings.block_public_acls.unwrap_or_default(),
        ignores_acls: settings.ignore_public_acls.unwrap_or_default(),
        blocks_policies: settings.block_public_policy.unwrap_or_default(),
        restricts_policies: settings.restrict_public_buckets.unwrap_or_default(),
    });
    Ok(settings.unwrap_or_default())
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// The text of an element that has nothing in it but text.
fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let entities = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&apos;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    Some(entities.iter().fold(text.to_owned(), |text, (entity, character)| {
        text.replace(entity, character)
    }))
}

/// Turns the request for the bucket's settings into that for the account's.
fn aim(request: &mut HttpRequest, bucket: &str, account: &str) {
    let address = control_address(request.uri(), bucket, account);
    let headers = request.headers_mut();
    headers.remove(EXPECTED_OWNER);
    headers.insert("x-amz-account-id", account.to_owned());
    // An address that is none would have stopped the SDK before.
    let _ = request.set_uri(address);
}

/// The address of `account` at S3 Control, from the bucket's at S3: `ACCOUNT.s3-control.REGION.…` at Amazon, dual-stack and
/// FIPS as the bucket's is; the same server elsewhere.
///
/// <https://docs.aws.amazon.com/general/latest/gr/s3.html#s3_region>
fn control_address(address: &str, bucket: &str, account: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("https", address));
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let host = authority
        .strip_prefix(bucket)
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(authority);
    match host.strip_prefix("s3").filter(|_| is_amazon_host(host)) {
        Some(rest) => format!("{scheme}://{account}.s3-control{rest}{PATH}"),
        None => format!("{scheme}://{host}{PATH}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accounts_host_is_that_of_the_buckets_region() {
        for (address, expected) in [
            (
                "https://b.s3.eu-west-1.amazonaws.com/?publicAccessBlock",
                "https://123456789012.s3-control.eu-west-1.amazonaws.com",
            ),
            (
                "https://s3.eu-west-1.amazonaws.com/b?publicAccessBlock",
                "https://123456789012.s3-control.eu-west-1.amazonaws.com",
            ),
            (
                "https://b.s3.dualstack.us-east-1.amazonaws.com/?publicAccessBlock",
                "https://123456789012.s3-control.dualstack.us-east-1.amazonaws.com",
            ),
            (
                "https://b.s3-fips.us-gov-west-1.amazonaws.com/?publicAccessBlock",
                "https://123456789012.s3-control-fips.us-gov-west-1.amazonaws.com",
            ),
            (
                "https://b.s3.cn-north-1.amazonaws.com.cn/?publicAccessBlock",
                "https://123456789012.s3-control.cn-north-1.amazonaws.com.cn",
            ),
            ("http://127.0.0.1:5000/b?publicAccessBlock", "http://127.0.0.1:5000"),
            ("http://b.localhost:4566/?publicAccessBlock", "http://localhost:4566"),
        ] {
            assert_eq!(
                control_address(address, "b", "123456789012"),
                format!("{expected}{PATH}")
            );
        }
    }

    #[test]
    fn what_s3_control_says_is_read() {
        let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not on &quot;*&quot; &amp;lt;</Message></Error></ErrorResponse>";
        assert_eq!(element(body, "Code").as_deref(), Some("AccessDenied"));
        assert_eq!(element(body, "Message").as_deref(), Some("not on \"*\" &lt;"));
        assert_eq!(element(body, "Other"), None);
    }
}
