//! Bundles of a backend as records tell them: a site in the same bucket does not delete them.

use std::collections::BTreeSet;

use crate::core::backend::plan::{BackendPlan, VersionStep};
use crate::core::bundle::key::{key, key_of_digest, key_part, parts_of_bundle};
use crate::core::error::HintExt as _;
use crate::core::release::record::Record;
use crate::core::site::plan::SitePlan;

/// The bundles that the records of some releases name.
#[derive(Debug, Default)]
pub(crate) struct KnownBundles {
    /// Folder and stem of each key: records do not name the extension.
    parts: BTreeSet<(String, String)>,
}

impl KnownBundles {
    /// Takes the bundles that `record` names: what it deployed, and what that replaced.
    pub(crate) fn note(&mut self, record: &Record) {
        let Some(backend) = &record.backend else { return };
        let mut take = |key: &str| {
            if let Some((folder, stem)) = parts_of_bundle(key) {
                self.parts.insert((folder.to_owned(), stem.to_owned()));
            }
        };
        for label in backend
            .environments
            .iter()
            .flat_map(|environment| [Some(environment.label.as_str()), environment.previous_label.as_deref()])
        {
            label
                .into_iter()
                .for_each(|label| take(&key(&backend.application, label, "zip")));
        }
        if let Some(label) = &backend.version_label {
            let key = key(&backend.application, label, "zip");
            take(&key);
            if let Some(digest) = &backend.bundle_sha256 {
                take(&key_of_digest(&key, digest));
            }
        }
    }

    /// Whether `key` is one of them.
    #[must_use]
    pub(crate) fn contains(&self, key: &str) -> bool {
        parts_of_bundle(key).is_some_and(|(folder, stem)| self.parts.contains(&(folder.to_owned(), stem.to_owned())))
    }
}

/// The error of a site that has a file for the key of a bundle.
#[must_use]
pub(crate) fn overwrites(key: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "`source` has a file for `{key}`, where a bundle of Elastic Beanstalk is kept: it would be overwritten"
    )
    .hint("rename the file, leave it out with `exclude`, or keep bundles in another bucket with `package-bucket`")
}

/// Checks that no file of `site` goes to the key under which `backend` stores its bundle.
///
/// # Errors
/// One does.
pub(crate) fn check_own_bundle(backend: &BackendPlan, site: &SitePlan) -> anyhow::Result<()> {
    let VersionStep::Create {
        bucket: Some(bucket),
        key,
        ..
    } = &backend.version
    else {
        return Ok(());
    };
    let digest = backend.bundle.as_ref().map(|bundle| key_of_digest(key, &bundle.sha256));
    let is_its = |written: &str| written == key || digest.as_deref() == Some(written);
    match site.writes.iter().find(|write| is_its(&write.key)) {
        Some(write) if *bucket == site.bucket => Err(overwrites(&write.key)),
        _ => Ok(()),
    }
}

/// Whether `key` could be a bundle of `application`, by its looks.
#[must_use]
pub(crate) fn looks_like_bundle(application: &str, key: &str) -> bool {
    parts_of_bundle(key).is_some_and(|(folder, _)| folder == key_part(application))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_label};
    use crate::core::release::record::{EnvironmentOutcome, RecordStatus};

    #[test]
    fn what_was_deployed_and_what_that_replaced_is_known_and_nothing_else() {
        let mut record = with_label(release("r1", RecordStatus::Started), "v 2", EnvironmentOutcome::Planned);
        if let Some(backend) = &mut record.backend {
            backend.version_label = Some("v 2".into());
            backend.bundle_sha256 = Some("0123456789abcdef".repeat(4));
            backend.environments[0].previous_label = Some("v1".into());
        }
        let mut known = KnownBundles::default();
        known.note(&record);
        let own = key("web", "v 2", "war");
        for bundle in ["web/v1.zip", &own, &key_of_digest(&own, &"0123456789abcdef".repeat(4))] {
            assert!(known.contains(bundle), "{bundle}");
        }
        for other in ["web/v3.zip", "web/v1.html", "web/a/v1.zip", "other/v1.zip", "v1.zip"] {
            assert!(!known.contains(other), "{other}");
        }
        assert!(looks_like_bundle("web", "web/v3.zip") && !looks_like_bundle("web", "other/v3.zip"));
    }
}
