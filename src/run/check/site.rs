//! The site's bucket: reachable, versioned, and open for the ACL that was asked for.

use aws_sdk_s3::types::{ObjectOwnership, ServerSideEncryption};

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::account;
use crate::aws::s3::bucket::{Bucket, Server};
use crate::aws::s3::versioning::versioning;
use crate::aws::{Aws, Caller};
use crate::core::error::{code, service_error};
use crate::core::iam::calls::{
    GET_BUCKET_ENCRYPTION, GET_BUCKET_OWNERSHIP_CONTROLS, GET_PUBLIC_ACCESS_BLOCK, HEAD_BUCKET, LIST_OBJECTS,
};
use crate::core::inputs::SiteInputs;
use crate::core::release::record::Versioning;
use crate::core::release::versioning::turn_on;
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::access::PublicBlock;
use crate::core::visitor::facts::{AtRest, KmsKey};

/// What is found of the site's bucket, and what further findings come from.
#[derive(Debug, Default)]
pub(crate) struct BucketCheck {
    pub(crate) findings: Vec<Finding>,
    /// The bucket, where it can be opened.
    pub(crate) bucket: Option<Bucket>,
    /// Its public access block, where it was read.
    pub(crate) block: Option<PublicBlock>,
    /// That of its account, where it was read.
    pub(crate) account_block: Option<PublicBlock>,
    /// How it encrypts by default.
    pub(crate) at_rest: AtRest,
    /// Nothing is in it below the prefix.
    pub(crate) is_empty: bool,
    /// It is not the caller's account's.
    pub(crate) is_foreign: bool,
}

pub(crate) async fn check_site(aws: &Aws, site: &SiteInputs, caller: Option<&Caller>) -> BucketCheck {
    let what = format!("bucket `{}`", site.bucket);
    let bucket = match Bucket::open(aws, &site.bucket, &site.prefix).await {
        Ok(bucket) => bucket,
        Err(error) => {
            let mut findings = source(site);
            findings.push(Finding::failed(what, &error, CheckStatus::Problem));
            return BucketCheck {
                findings,
                ..BucketCheck::default()
            };
        }
    };
    let acl = site.object.acl.as_deref();
    let mut findings = source(site);
    findings.push(Finding::new(
        what,
        CheckStatus::Ok,
        format!("exists, in `{}`", bucket.region),
    ));
    let caller = caller.filter(|_| !aws.is_elsewhere());
    let foreign = match caller {
        Some(caller) => foreign(&bucket, &caller.account).await,
        None => None,
    };
    let is_foreign = foreign.is_some();
    findings.extend(foreign);
    let (listed, is_empty) = listing(&bucket, &site.prefix).await;
    findings.push(listed);
    findings.push(versions(&bucket).await);
    let at_rest = match encryption(&bucket).await {
        Ok(at_rest) => at_rest,
        Err(error) => {
            if bucket.server == Server::Aws {
                findings.push(Finding::failed("default encryption", &error, CheckStatus::NotChecked));
            }
            AtRest::Unknown
        }
    };
    if let AtRest::Kms(key) = &at_rest {
        findings.push(encrypted(key));
    }
    if let Some(acl) = acl {
        findings.push(ownership(&bucket, acl).await);
    }
    let public_acl = acl.filter(|acl| acl.starts_with("public-"));
    let mut block = None;
    if public_acl.is_some() || bucket.server == Server::Aws {
        match public_access_block(&bucket).await {
            Ok(settings) => block = Some(settings),
            Err(error) => findings.push(Finding::failed("public access", &error, CheckStatus::NotChecked)),
        }
    }
    let mut account_block = None;
    if bucket.server == Server::Aws {
        let what = "account's public access";
        match caller.filter(|_| !is_foreign) {
            Some(caller) => match account::public_access_block(&bucket, &caller.account).await {
                Ok(settings) => account_block = Some(settings),
                Err(error) => findings.push(Finding::failed(what, &error, CheckStatus::NotChecked)),
            },
            None => findings.push(Finding::new(
                what,
                CheckStatus::NotChecked,
                "the bucket's account is another, or not known: only that account can read its Block Public Access",
            )),
        }
    }
    if let Some((settings, acl)) = block.zip(public_acl) {
        findings.push(public_access(settings, account_block, acl));
    }
    let deletes = if site.delete { " and deletes" } else { "" };
    findings.push(Finding::new(
        "uploads",
        CheckStatus::NotChecked,
        format!("only a deployment shows whether uploads{deletes} are allowed; the policy below allows them"),
    ));
    BucketCheck {
        findings,
        bucket: Some(bucket),
        block,
        account_block,
        at_rest,
        is_empty,
        is_foreign,
    }
}

/// What a deploy would refuse to publish.
fn source(site: &SiteInputs) -> Vec<Finding> {
    let refused = site.source_error.iter();
    refused
        .map(|error| Finding::new("source", CheckStatus::Problem, error.clone()))
        .collect()
}

/// A bucket that can be read, and is not the caller's: S3 refuses a request that expects `account` for its owner.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html>
async fn foreign(bucket: &Bucket, account: &str) -> Option<Finding> {
    let answer = bucket
        .client
        .head_bucket()
        .bucket(&bucket.name)
        .expected_bucket_owner(account)
        .send()
        .await
        .aws_context(&HEAD_BUCKET, &bucket.arn(), || "cannot ask for the owner".to_owned());
    let refused = answer
        .err()
        .filter(|error| service_error(error).is_some_and(|error| error.status == Some(403)));
    refused.map(|_| {
        Finding::new(
            "owner",
            CheckStatus::Warning,
            format!("the bucket is not of account {account}, whose credentials these are"),
        )
        .hint(
            "check `bucket` if that is not on purpose; otherwise the bucket's own policy must allow the role what the \
             policy below does, and `allowed-account-ids` must not be set",
        )
    })
}

/// Whether the site's objects may be listed, and whether there is none.
async fn listing(bucket: &Bucket, prefix: &str) -> (Finding, bool) {
    let what = format!("listing of `s3://{}/{prefix}`", bucket.name);
    let answer = bucket
        .client
        .list_objects_v2()
        .bucket(&bucket.name)
        .prefix(prefix)
        .max_keys(1)
        .send()
        .await
        .aws_context(&LIST_OBJECTS, &bucket.arn(), || "cannot list what is there".to_owned());
    match answer {
        Ok(answer) if answer.contents().is_empty() => {
            (Finding::new(what, CheckStatus::Ok, "allowed; it is still empty"), true)
        }
        Ok(_) => (Finding::new(what, CheckStatus::Ok, "allowed"), false),
        Err(error) => (Finding::failed(what, &error, CheckStatus::Problem), false),
    }
}

async fn versions(bucket: &Bucket) -> Finding {
    match versioning(bucket).await {
        Ok(Versioning::Enabled) => Finding::new("versioning", CheckStatus::Ok, "on: the site can be rolled back"),
        Ok(_) => Finding::new(
            "versioning",
            CheckStatus::Warning,
            "off: a deploy works, but the site cannot be rolled back",
        )
        .hint(format!("turn it on: {}", turn_on(&bucket.name))),
        Err(error) => Finding::failed("versioning", &error, CheckStatus::Warning),
    }
}

/// The default encryption; a bucket that was never told any is encrypted by S3's own keys.
async fn encryption(bucket: &Bucket) -> anyhow::Result<AtRest> {
    let answer = bucket.client.get_bucket_encryption().bucket(&bucket.name).send().await;
    let answer = answer.aws_context(&GET_BUCKET_ENCRYPTION, &bucket.arn(), || {
        "cannot read the default encryption".to_owned()
    });
    let configuration = match answer {
        Ok(answer) => answer.server_side_encryption_configuration,
        Err(error) if code(&error) == Some("ServerSideEncryptionConfigurationNotFoundError") => None,
        Err(error) => return Err(error),
    };
    let rules = configuration
        .map(|configuration| configuration.rules)
        .unwrap_or_default();
    let by_default = rules
        .iter()
        .find_map(|rule| rule.apply_server_side_encryption_by_default.as_ref());
    Ok(match by_default {
        Some(chosen)
            if matches!(
                chosen.sse_algorithm,
                ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse
            ) =>
        {
            AtRest::Kms(KmsKey::of(chosen.kms_master_key_id.as_deref()))
        }
        _ => AtRest::Readable,
    })
}

/// Encryption by a key of one's own needs rights on that key; AWS's own lets in everybody of the account.
fn encrypted(key: &KmsKey) -> Finding {
    let what = "default encryption";
    match key {
        KmsKey::Managed => Finding::new(
            what,
            CheckStatus::Ok,
            "by AWS's own KMS key for S3 (`aws/s3`), which all of the account may use that may use the bucket",
        ),
        KmsKey::Own(key) => Finding::new(what, CheckStatus::NotChecked, format!("by the KMS key `{key}`"))
            .hint("allow the role `kms:GenerateDataKey` and `kms:Decrypt` on this key, in its policy and in the key's"),
    }
}

async fn ownership(bucket: &Bucket, acl: &str) -> Finding {
    let what = format!("ACL `{acl}`");
    let answer = bucket
        .client
        .get_bucket_ownership_controls()
        .bucket(&bucket.name)
        .send()
        .await
        .aws_context(&GET_BUCKET_OWNERSHIP_CONTROLS, &bucket.arn(), || {
            "cannot read the object ownership".to_owned()
        });
    let enforced = match answer {
        Ok(answer) => answer.ownership_controls.is_some_and(|controls| {
            controls
                .rules
                .iter()
                .any(|rule| rule.object_ownership == ObjectOwnership::BucketOwnerEnforced)
        }),
        // A bucket that was never told takes ACLs.
        Err(error) if code(&error) == Some("OwnershipControlsNotFoundError") => false,
        Err(error) => return Finding::failed(what, &error, CheckStatus::NotChecked),
    };
    if enforced && acl != "bucket-owner-full-control" {
        return Finding::new(
            what,
            CheckStatus::Problem,
            "the bucket has ACLs disabled (bucket owner enforced): every upload would fail",
        )
        .hint("remove `acl`; let a bucket policy or CloudFront's origin access control open the files instead");
    }
    Finding::new(what, CheckStatus::Ok, "the bucket takes ACLs")
}

/// The bucket's public access block; a bucket that was never told blocks nothing.
async fn public_access_block(bucket: &Bucket) -> anyhow::Result<PublicBlock> {
    let answer = bucket
        .client
        .get_public_access_block()
        .bucket(&bucket.name)
        .send()
        .await
        .aws_context(&GET_PUBLIC_ACCESS_BLOCK, &bucket.arn(), || {
            "cannot read the public access settings".to_owned()
        });
    let settings = match answer {
        Ok(answer) => answer.public_access_block_configuration,
        Err(error) if code(&error) == Some("NoSuchPublicAccessBlockConfiguration") => None,
        Err(error) => return Err(error),
    };
    Ok(settings.map_or_else(PublicBlock::default, |settings| PublicBlock {
        blocks_acls: settings.block_public_acls.unwrap_or_default(),
        ignores_acls: settings.ignore_public_acls.unwrap_or_default(),
        blocks_policies: settings.block_public_policy.unwrap_or_default(),
        restricts_policies: settings.restrict_public_buckets.unwrap_or_default(),
    }))
}

/// What Block Public Access does to a public ACL: the bucket's, and the account's where that is known.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
fn public_access(bucket: PublicBlock, account: Option<PublicBlock>, acl: &str) -> Finding {
    let what = "public access";
    let whose = |setting: fn(&PublicBlock) -> bool| match (setting(&bucket), account.as_ref().is_some_and(setting)) {
        (_, true) => Some(" of the account"),
        (true, false) => Some(""),
        (false, false) => None,
    };
    if let Some(whose) = whose(|block| block.blocks_acls) {
        Finding::new(
            what,
            CheckStatus::Problem,
            format!("BlockPublicAcls{whose} is on: uploads with the ACL `{acl}` would be refused"),
        )
        .hint("remove `acl`, or turn BlockPublicAcls off for this bucket and account")
    } else if let Some(whose) = whose(|block| block.ignores_acls) {
        Finding::new(
            what,
            CheckStatus::Warning,
            format!("IgnorePublicAcls{whose} is on: the ACL `{acl}` has no effect"),
        )
        .hint("remove `acl`, or turn IgnorePublicAcls off for this bucket and account")
    } else {
        let still = if account.is_some() {
            ""
        } else {
            " (the account still may)"
        };
        Finding::new(
            what,
            CheckStatus::Ok,
            format!("the bucket does not block public ACLs{still}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_of_ones_own_has_a_policy_to_edit() {
        let own = encrypted(&KmsKey::Own("k1".to_owned()));
        assert!(own.text.contains("`k1`") && own.hint.is_some(), "{own:?}");
        assert_eq!(encrypted(&KmsKey::Managed).hint, None);
    }

    #[test]
    fn a_public_acl_meets_the_block_that_is_on() {
        for (blocks_acls, ignores_acls, expected) in [
            (true, true, CheckStatus::Problem),
            (false, true, CheckStatus::Warning),
            (false, false, CheckStatus::Ok),
        ] {
            let block = PublicBlock {
                blocks_acls,
                ignores_acls,
                ..PublicBlock::default()
            };
            assert_eq!(public_access(block, None, "public-read").status, expected);
            let of_account = public_access(PublicBlock::default(), Some(block), "public-read");
            assert_eq!(of_account.status, expected);
            assert_eq!(of_account.text.contains("of the account"), expected != CheckStatus::Ok);
        }
    }
}
