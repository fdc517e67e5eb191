//! The verdict that visitors see the site: `ok` where all is known that it depends on.

use crate::core::cdn::distribution::OriginAccess;
use crate::core::cdn::origins::is_amazon_host;
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::facts::{AtRest, BucketFacts, DistributionFacts, KmsKey, OriginFacts, Signing, SourceFacts};
use crate::core::visitor::reader::ObjectReader;
use crate::core::visitor::refusal::object_reader;
use crate::core::visitor::repair;

/// Anybody sees the site, unless something stands in the way that could not be read.
pub(super) fn shown(what: &str, text: &str, bucket: &BucketFacts) -> Finding {
    let mut unless = encryption(bucket);
    if bucket.account_block.is_none() {
        let account = match bucket.account.as_str() {
            "" => "ACCOUNT",
            account => account,
        };
        unless.push(format!(
            "the account's Block Public Access is on (not checked: `aws s3control get-public-access-block --account-id {account}`)"
        ));
    }
    finding(what, text, &unless)
}

/// The distribution shows the site, unless something stands in the way that could not be read; `None` where a function
/// decides what `/` is, which a finding of its own says.
pub(super) fn shown_by(
    what: &str,
    distribution: &DistributionFacts,
    origin: &OriginFacts,
    bucket: &BucketFacts,
    source: &SourceFacts,
) -> Option<Finding> {
    let mut text = "`/` shows the site".to_owned();
    if let Some(function) = &distribution.function {
        let root = distribution.default_root_object.as_str();
        let is_there = !root.is_empty() && !root.starts_with('/') && (!source.is_known || source.has(root));
        if !is_there {
            return Some(Finding::new(
                what,
                CheckStatus::NotChecked,
                format!("what `/` shows: the function `{function}` decides, and its code is not read"),
            ));
        }
        text.push_str(&format!(
            " (other addresses are as the function `{function}` makes them)"
        ));
    }
    let reader = object_reader(distribution, &origin.access, origin.signing);
    if matches!(reader, ObjectReader::Anonymous) {
        return Some(shown(what, &text, bucket));
    }
    let mut unless = encryption(bucket);
    let mut key = None;
    if let OriginAccess::Control(id) = &origin.access {
        match origin.signing {
            Signing::Unknown => unless.push(format!("the origin access control `{id}` never signs requests (not checked)")),
            Signing::NoOverride => text.push_str(&format!(
                " (the origin access control `{id}` does not sign requests with an `Authorization` header of the visitor's own, if the distribution forwards it)"
            )),
            Signing::Always | Signing::Never => {}
        }
        if let AtRest::Kms(KmsKey::Own(id)) = &bucket.at_rest {
            key = Some(id);
            unless.push(format!(
                "the policy of the KMS key `{id}` does not let CloudFront decrypt (not checked: kms key policy)"
            ));
        }
    }
    let shown = finding(what, &text, &unless);
    Some(match key {
        Some(key) => shown.hint(format!(
            "if they get 403, let the distribution decrypt:\n{}",
            repair::let_decrypt(distribution, key)
        )),
        None => shown,
    })
}

/// Why an address is none of the distributions', and what to do: CloudFront answers 403 to names that it was not told.
///
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html>
#[must_use]
pub(crate) fn not_an_alias(url: &str, distributions: &[DistributionFacts]) -> Option<(String, String)> {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host
        .split(['/', '?', '#', ':'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_alias = |alias: &String| {
        let alias = alias.to_ascii_lowercase();
        alias == host
            || alias
                .strip_prefix('*')
                .is_some_and(|end| host.ends_with(end) && host.len() > end.len())
    };
    let first = distributions.first()?;
    let is_own = host.ends_with(".cloudfront.net")
        || is_amazon_host(&host)
        || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let known = || distributions.iter().any(|one| one.aliases.iter().any(is_alias));
    if is_own || host.is_empty() || host.starts_with('[') || known() {
        return None;
    }
    let named = match first.aliases.as_slice() {
        [] => "none".to_owned(),
        aliases => format!("`{}`", aliases.join("`, `")),
    };
    Some((
        format!("`{host}` is no alias of distribution `{}` (it has {named})", first.id),
        format!(
            "check `site-url`; or make it one, for which the distribution's certificate must be of that name, too:\n{}",
            repair::add_alias(first, &host)
        ),
    ))
}

fn encryption(bucket: &BucketFacts) -> Vec<String> {
    match bucket.at_rest {
        AtRest::Unknown => vec!["a KMS key encrypts the files (not checked: the default encryption)".to_owned()],
        _ => Vec::new(),
    }
}

fn finding(what: &str, text: &str, unless: &[String]) -> Finding {
    if unless.is_empty() {
        return Finding::new(what, CheckStatus::Ok, text);
    }
    Finding::new(
        what,
        CheckStatus::NotChecked,
        format!("{text}, unless {}", unless.join(", or ")),
    )
}
