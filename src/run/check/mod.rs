//! `command: check`: looks at everything a deploy would need, with reads only, and says what is missing.
//!
//! Nothing here may change anything; what only a write could tell is reported as not checked.

pub(crate) mod backend;
pub(crate) mod cdn;
pub(crate) mod site;
pub(crate) mod visitor;

use futures_util::future::OptionFuture;
use futures_util::future::join3;

use crate::aws::releases::History;
use crate::aws::s3::bucket::{Bucket, Server};
use crate::aws::{Aws, Caller};
use crate::console::Console;
use crate::core::context::RunContext;
use crate::core::iam::allowance::Allowance;
use crate::core::iam::policy;
use crate::core::iam::statements::PolicyTarget;
use crate::core::inputs::Inputs;
use crate::core::release::live::last_succeeded;
use crate::core::report::check::{CheckResult, CheckStatus, Finding};

/// How many of the newest releases are looked at.
const RECORDS: usize = 10;

/// Looks, and prints what it finds.
///
/// # Errors
/// AWS does not know the credentials; everything else is a finding.
pub(crate) async fn run(
    inputs: &Inputs,
    aws: &Aws,
    context: &RunContext,
    console: &Console,
) -> anyhow::Result<CheckResult> {
    let caller = if inputs.cdn.is_some() || inputs.backend.is_some() || !aws.is_elsewhere() {
        Some(aws.caller().await?)
    } else {
        None
    };
    let activity = console.activity("looking at everything that a deploy would need");
    let (site, cdn, backend) = join3(
        OptionFuture::from(inputs.site.as_ref().map(|site| site::check_site(aws, site, caller))),
        OptionFuture::from(
            inputs
                .cdn
                .as_ref()
                .map(|cdn| cdn::check_cdn(aws, cdn, inputs.site.as_ref())),
        ),
        OptionFuture::from(
            inputs
                .backend
                .as_ref()
                .zip(caller)
                .map(|(backend, caller)| backend::check_backend(aws, backend, caller, &context.temp)),
        ),
    )
    .await;
    drop(activity);
    let mut findings = vec![identity(caller, aws, context)];
    let (cdn, distributions) = cdn.map_or((None, None), |(findings, facts)| (Some(findings), Some(facts)));
    let site = site.unwrap_or_default();
    findings.extend(site.findings.iter().cloned());
    findings.extend([cdn, backend].into_iter().flatten().flatten());
    // Other stores have other policies, websites and addresses.
    let served = site.bucket.as_ref().filter(|bucket| bucket.server == Server::Aws);
    let history = inputs.release.history.as_ref();
    let account = caller.map_or("", |caller| caller.account.as_str());
    if let (Some(inputs), Some(bucket)) = (&inputs.site, served) {
        let distributions = distributions.as_deref();
        findings.extend(visitor::check_visitors(bucket, &site, inputs, history, distributions, account).await);
    }
    if let Some(url) = &inputs.release.site_url {
        let distributions = distributions.as_deref().unwrap_or_default();
        findings.push(visitor::check_address(aws, url, distributions, site.is_empty).await);
    }
    findings.extend(releases(inputs, aws, site.bucket.as_ref(), context.repository_url(), console).await);
    let result = CheckResult {
        findings,
        policy: policy::for_inputs(inputs, &place(aws, caller)),
        notes: policy::notes(inputs, aws.partition()),
    };
    result.lines().iter().for_each(|line| console.line(line));
    Ok(result)
}

fn place(aws: &Aws, caller: Option<&Caller>) -> PolicyTarget {
    PolicyTarget {
        account: caller.map_or_else(|| "*".to_owned(), |caller| caller.account.clone()),
        region: aws.sdk.region().map(ToString::to_string).unwrap_or_default(),
        partition: aws.partition().to_owned(),
    }
}

fn identity(caller: Option<&Caller>, aws: &Aws, context: &RunContext) -> Finding {
    let region = aws.sdk.region().map_or("none", |region| region.as_ref());
    let token = if context.oidc.is_some() {
        "may ask for OIDC tokens"
    } else {
        "has no OIDC token"
    };
    let what = "credentials";
    match caller {
        Some(Caller { arn, account }) => Finding::new(
            what,
            CheckStatus::Ok,
            format!("`{arn}`, account {account}, region `{region}`; this job {token}"),
        ),
        None => Finding::new(
            what,
            CheckStatus::NotChecked,
            "they are of the store of `endpoint-url`, which has no account of AWS",
        ),
    }
}

/// Whether a rollback has something to go back to; `bucket` is the site's.
async fn releases(
    inputs: &Inputs,
    aws: &Aws,
    bucket: Option<&Bucket>,
    repository_url: Option<String>,
    console: &Console,
) -> Option<Finding> {
    // A bucket that cannot be opened is a finding already.
    if bucket.is_none() && (inputs.site.is_some() || inputs.backend.is_none()) {
        return None;
    }
    let history = History::open(aws, bucket, inputs, &Allowance::of(inputs), repository_url, console).await;
    let records = history.recent(RECORDS).await;
    let what = "release records";
    Some(match last_succeeded(&records) {
        // The first deploy makes the first.
        None if records.is_empty() && !history.is_unlisted() => {
            Finding::new(what, CheckStatus::Ok, "none yet: the first deploy writes the first")
        }
        Some(record) => Finding::new(
            what,
            CheckStatus::Ok,
            format!("there are some; the newest that succeeded is `{}`", record.id),
        ),
        None => Finding::new(
            what,
            CheckStatus::Warning,
            "none of a succeeded release: there is nothing to roll back to yet",
        ),
    })
}
