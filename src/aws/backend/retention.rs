//! `keep-versions`: which old versions may go.

use std::collections::BTreeSet;

use aws_sdk_elasticbeanstalk::types::ApplicationVersionDescription;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::version;
use crate::console::Console;
use crate::core::inputs::BackendInputs;

/// Deletes the oldest versions beyond `keep-versions`, bundles included; never one that runs in an environment of the
/// application, nor one of `needed`. Answers how many it deleted.
///
/// # Errors
/// The versions or environments cannot be listed. A version that cannot be deleted is a warning.
pub(crate) async fn prune(
    aws: &Aws,
    backend: &BackendInputs,
    needed: &BTreeSet<String>,
    console: &Console,
) -> anyhow::Result<u32> {
    let Some(keep) = backend.keep_versions else {
        return Ok(0);
    };
    let api = Api::new(aws, &backend.application, None);
    let versions = api.versions(&[]).await?;
    let mut protected = needed.clone();
    protected.extend(
        api.environments()
            .await?
            .into_iter()
            .filter_map(|one| one.version_label),
    );
    let mut deleted = 0;
    let mut failures = Vec::new();
    for label in superfluous(versions, keep as usize, &protected) {
        match version::delete(&api, &label, true).await {
            Ok(()) => {
                deleted += 1;
                console.line(&format!("deleted version `{label}` and its bundle"));
            }
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    if let Some(first) = failures.first() {
        let text = format!("{} old versions could not be deleted: {first}", failures.len());
        console.warning("Old versions kept", &text);
    }
    Ok(deleted)
}

/// The labels beyond the `keep` newest, oldest first, less the protected ones.
fn superfluous(
    mut versions: Vec<ApplicationVersionDescription>,
    keep: usize,
    protected: &BTreeSet<String>,
) -> Vec<String> {
    versions.sort_by(|a, b| (b.date_created, &b.version_label).cmp(&(a.date_created, &a.version_label)));
    let mut labels: Vec<String> = versions
        .into_iter()
        .skip(keep)
        .filter_map(|version| version.version_label)
        .filter(|label| !protected.contains(label))
        .collect();
    labels.reverse();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::DateTime;

    #[test]
    fn keeps_the_newest_and_whatever_runs_or_is_needed() {
        let versions = || {
            (1..=6)
                .map(|number| {
                    ApplicationVersionDescription::builder()
                        .version_label(format!("v{number}"))
                        .date_created(DateTime::from_secs(number))
                        .build()
                })
                .collect::<Vec<_>>()
        };
        let protected = BTreeSet::from(["v1".to_owned(), "v3".to_owned()]);
        assert_eq!(superfluous(versions(), 2, &protected), ["v2", "v4"]);
        assert_eq!(superfluous(versions(), 0, &BTreeSet::new()).len(), 6);
        assert!(superfluous(versions(), 10, &BTreeSet::new()).is_empty());
    }
}
