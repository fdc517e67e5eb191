//! Whose account a bucket must be of. Names of buckets are global: one that was deleted, or is not there yet, is free for
//! anybody to take, and what is sent to it by name alone is then sent to them.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html>

use crate::core::cdn::origins::is_amazon_host;

/// How the names of the buckets begin that Elastic Beanstalk keeps; the Region and the account follow
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.S3.html>).
const STORAGE_PREFIX: &str = "elasticbeanstalk-";

/// The account that must own a bucket, and what to do where it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExpectedOwner {
    /// Twelve digits.
    pub(crate) account: String,
    /// An imperative sentence.
    pub(crate) hint: String,
}

/// Who must own `bucket`: the account that `allowed` names when it names one only, else the one in the name of a bucket
/// that Elastic Beanstalk keeps. `None` when it is not known.
#[must_use]
pub(crate) fn expected_owner(bucket: &str, allowed: &[String]) -> Option<ExpectedOwner> {
    let of_storage = storage_account(bucket);
    let account = match allowed {
        [account, rest @ ..] if rest.iter().all(|other| other == account) => account,
        _ => of_storage?,
    };
    let hint = if of_storage == Some(account) {
        "do not use this bucket: somebody else has taken the name of the one that Elastic Beanstalk keeps for your \
         account; set `package-bucket` to a bucket of your own, and tell AWS Support"
            .to_owned()
    } else {
        format!(
            "check the bucket's name: the bucket was deleted and taken by somebody else, or was never yours; where \
             another account's bucket is meant, add that account to `allowed-account-ids` beside {account}"
        )
    };
    Some(ExpectedOwner {
        account: account.to_owned(),
        hint,
    })
}

/// The account in `elasticbeanstalk-REGION-ACCOUNT`.
fn storage_account(bucket: &str) -> Option<&str> {
    let (region, account) = bucket.strip_prefix(STORAGE_PREFIX)?.rsplit_once('-')?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && region.contains('-')).then_some(account)
}

/// Whether `endpoint` is an address of AWS's own, by its host: other stores have no such accounts, and some refuse the
/// header (<https://developers.cloudflare.com/r2/api/s3/api/>).
#[must_use]
pub(crate) fn is_amazon(endpoint: &str) -> bool {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    is_amazon_host(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_the_one_allowed_account_or_stands_in_the_name() {
        let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (own, one, two) = (
            "elasticbeanstalk-eu-west-1-123456789012",
            ids(&["210987654321", "210987654321"]),
            ids(&["123456789012", "210987654321"]),
        );
        let account = |bucket, allowed: &[String]| expected_owner(bucket, allowed).map(|owner| owner.account);
        assert_eq!(account("site", &[]), None);
        assert_eq!(account("site", &one).as_deref(), Some("210987654321"));
        assert_eq!(account("site", &two), None);
        assert_eq!(account(own, &[]).as_deref(), Some("123456789012"));
        assert_eq!(account(own, &two).as_deref(), Some("123456789012"));
        assert_eq!(account(own, &one).as_deref(), Some("210987654321"));
        let hint = |bucket, allowed: &[String]| expected_owner(bucket, allowed).expect("an owner").hint;
        assert!(hint(own, &[]).contains("set `package-bucket` to a bucket of your own"));
        assert!(hint(own, &one).contains("`allowed-account-ids` beside 210987654321"));
        for other in [
            "elasticbeanstalk-eu-west-1-12345678901",
            "elasticbeanstalk-eu-west-1-12345678901x",
            "elasticbeanstalk-123456789012",
            "elasticbeanstalk-samples-eu-west-1",
        ] {
            assert_eq!(expected_owner(other, &[]), None, "{other}");
        }
    }

    #[test]
    fn only_hosts_of_amazon_are_asked_for_accounts() {
        for own in [
            "https://s3.eu-west-1.amazonaws.com",
            "https://BUCKET.vpce-1a2b.s3.us-east-1.vpce.AMAZONAWS.com:443/x",
            "https://s3.cn-north-1.amazonaws.com.cn/",
            "https://s3.eusc-de-east-1.amazonaws.eu",
        ] {
            assert!(is_amazon(own), "{own}");
        }
        for other in [
            "http://127.0.0.1:9000",
            "https://amazonaws.com.example.test",
            "https://example.test/.amazonaws.com",
            "https://example.test?x=.amazonaws.com",
        ] {
            assert!(!is_amazon(other), "{other}");
        }
    }
}
