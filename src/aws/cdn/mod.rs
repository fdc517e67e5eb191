//! CloudFront: what a distribution serves, and invalidations.
//!
//! [`load_distributions`] reads, [`Cdn::plan`] decides (nothing is sent), [`Cdn::invalidate`] sends. Which paths a key has is the
//! pure [`crate::core::cdn`]' business.

pub(crate) mod distributions;
#[cfg(test)]
mod fake;
pub(crate) mod invalidate;

use crate::core::cdn::collapse::collapse;
use std::collections::BTreeSet;

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::config::Region;

use crate::aws::Aws;
use crate::console::Console;
use crate::core::cdn::behaviors::View;
use crate::core::cdn::collapse::Limits;
use crate::core::cdn::covers;
use crate::core::iam::arn;
use crate::core::inputs::CdnInputs;
use crate::core::release::pending::PendingInvalidations;

/// The bucket whose keys become paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SiteOrigin {
    /// Its name.
    pub(crate) bucket: String,
    /// Where the site is: empty, or ending in `/`.
    pub(crate) prefix: String,
}

/// The paths to invalidate in one distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedInvalidation {
    /// Its id.
    pub(crate) distribution: String,
    /// At least one path, as it will be sent.
    pub(crate) paths: Vec<String>,
}

/// The distributions of this run.
#[derive(Debug)]
pub(crate) struct Cdn {
    client: Client,
    arns: Arns,
    inputs: CdnInputs,
    /// In input order, each once.
    distributions: Vec<Distribution>,
}

#[derive(Debug)]
struct Distribution {
    id: String,
    view: View,
}

/// Looks at every distribution. `site` is the bucket whose keys shall become paths; without one, nothing but whether
/// the distributions exist is looked at, and that only when explicit paths are going to be sent.
///
/// A configuration that may not be read is no error: the prefix is then taken for the origin path.
///
/// # Errors
/// A distribution that does not exist, or an answer of CloudFront's other than a denial.
pub(crate) async fn load_distributions(
    aws: &Aws,
    cdn: &CdnInputs,
    site: Option<SiteOrigin>,
    console: &Console,
) -> anyhow::Result<Cdn> {
    let client = client(aws);
    let arns = Arns::of(aws);
    let mut ids: Vec<&String> = Vec::new();
    for id in &cdn.distributions {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let views = distributions::read(&client, &arns, &ids, site.as_ref(), cdn.paths.is_some(), console).await?;
    let distributions = ids
        .into_iter()
        .zip(views)
        .map(|(id, view)| Distribution { id: id.clone(), view })
        .collect();
    Ok(Cdn {
        client,
        arns,
        inputs: cdn.clone(),
        distributions,
    })
}

impl Cdn {
    /// What to invalidate, in input order: explicit paths as they are, else the paths of `changed_keys` (full keys:
    /// changed, deleted and new ones); and in either case what was carried over. Distributions with nothing to
    /// invalidate are left out.
    #[must_use]
    pub(crate) fn plan(&self, changed_keys: &[&str], carried: &PendingInvalidations) -> Vec<PlannedInvalidation> {
        match &self.inputs.paths {
            Some(explicit) => self.plan_all(explicit, &[], carried),
            None => self.plan_all(&[], changed_keys, carried),
        }
    }

    /// What earlier runs owe, and nothing else.
    #[must_use]
    pub(crate) fn plan_owed(&self, carried: &PendingInvalidations) -> Vec<PlannedInvalidation> {
        self.plan_all(&[], &[], carried)
    }

    fn plan_all(
        &self,
        explicit: &[String],
        changed: &[&str],
        carried: &PendingInvalidations,
    ) -> Vec<PlannedInvalidation> {
        self.distributions
            .iter()
            .map(|distribution| PlannedInvalidation {
                distribution: distribution.id.clone(),
                paths: distribution.paths(explicit, changed, carried),
            })
            .filter(|planned| !planned.paths.is_empty())
            .collect()
    }
}

impl Distribution {
    fn paths(&self, explicit: &[String], changed: &[&str], carried: &PendingInvalidations) -> Vec<String> {
        let keys = changed.iter().copied().chain(carried.keys.iter().map(String::as_str));
        let mut derived = self.view.paths(keys);
        let mut paths: Vec<String> = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for path in explicit {
            if seen.insert(path) {
                paths.push(path.clone());
            }
        }
        for path in carried.paths.get(&self.id).into_iter().flatten() {
            if path.starts_with('/') {
                derived.insert(path.clone());
            } else if seen.insert(path) {
                // A cache tag, which is no part of the tree of paths.
                paths.push(path.clone());
            }
        }
        derived.retain(|path| !paths.iter().any(|explicit| covers(explicit, path)));
        paths.extend(collapse(&derived, Limits::default()));
        paths
    }
}

/// A client for the region in which the partition's CloudFront is, whatever region the bucket is in: CloudFront is
/// one [global service] a partition, and requests signed for another region are refused.
///
/// [global service]: https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html
pub(crate) fn client(aws: &Aws) -> Client {
    let config = aws_sdk_cloudfront::config::Builder::from(&aws.control_plane_config())
        .region(Region::new(arn::global_region(aws.partition())))
        .build();
    Client::from_conf(config)
}

/// Makes ARNs for messages.
#[derive(Debug)]
pub(crate) struct Arns {
    partition: &'static str,
    account: String,
}

impl Arns {
    fn of(aws: &Aws) -> Self {
        Self {
            partition: aws.partition(),
            account: aws.account.clone().unwrap_or_else(|| "*".into()),
        }
    }

    fn distribution(&self, id: &str) -> String {
        arn::distribution(self.partition, &self.account, id)
    }

    fn cache_policy(&self, id: &str) -> String {
        arn::cache_policy(self.partition, &self.account, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(prefix: &str) -> Distribution {
        Distribution {
            id: "E1".into(),
            view: View::assumed("").with_origin_path(prefix),
        }
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn carried(keys: &[&str], paths: &[&str]) -> PendingInvalidations {
        PendingInvalidations {
            keys: strings(keys).into_iter().collect(),
            paths: [("E1", paths), ("E2", &["/other"])]
                .map(|(id, paths)| (id.to_owned(), strings(paths).into_iter().collect()))
                .into(),
            releases: Vec::new(),
        }
    }

    #[test]
    fn nothing_changed_is_nothing_to_invalidate() {
        let none = PendingInvalidations::default();
        assert_eq!(distribution("").paths(&[], &[], &none), Vec::<String>::new());
        assert_eq!(distribution("a/").paths(&[], &["b/x"], &none), Vec::<String>::new());
    }

    #[test]
    fn carried_keys_and_paths_join_those_that_changed() {
        let paths = distribution("p/").paths(&[], &["p/a"], &carried(&["p/b", "p/a"], &["/c", "/a"]));
        assert_eq!(paths, ["/a", "/b", "/c"]);
    }

    #[test]
    fn explicit_paths_come_first_as_they_are_and_once() {
        let explicit = strings(&["/z", "/b/*", "/z", "#tag"]);
        let paths = distribution("").paths(&explicit, &[], &carried(&["b/x", "k"], &["/a", "#old"]));
        assert_eq!(paths, ["/z", "/b/*", "#tag", "#old", "/a", "/k"]);
        assert_eq!(
            distribution("").paths(&explicit, &[], &PendingInvalidations::default()),
            ["/z", "/b/*", "#tag"]
        );
    }

    #[test]
    fn explicit_paths_are_never_collapsed() {
        let explicit: Vec<String> = (0..100).map(|n| format!("/{n}")).collect();
        assert_eq!(
            distribution("").paths(&explicit, &[], &PendingInvalidations::default()),
            explicit
        );
    }
}
