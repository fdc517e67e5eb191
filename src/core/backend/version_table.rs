//! The table of version labels: what a run does about the label that its inputs name.
//!
//! | the version | no `package` | `package` | and `use_existing_version_if_available` |
//! | --- | --- | --- | --- |
//! | does not exist | error | create it | create it |
//! | failed in processing | error | delete it and create it again | delete it and create it again |
//! | is being processed | wait, then use it | compare the bundles; wait, then use it | wait, then use it |
//! | is there | use it | compare the bundles, use it | use it |

use anyhow::anyhow;

use crate::core::error::HintExt as _;
use crate::core::text::names;

/// What Elastic Beanstalk says of a version's bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionStatus {
    /// Its configuration files were checked, or nobody asked for that.
    Usable,
    /// They are being checked.
    Processing,
    /// They could not be used.
    Failed,
}

impl VersionStatus {
    /// The status that the API names so: in capitals from the service, otherwise in its model.
    pub(crate) fn of(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "PROCESSING" | "BUILDING" => Self::Processing,
            "FAILED" => Self::Failed,
            _ => Self::Usable,
        }
    }
}

/// Where a bundle is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BundleLocation {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

/// An application version, as one answer showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionState {
    pub(crate) label: String,
    pub(crate) status: VersionStatus,
    /// When it was created, in seconds since 1970.
    pub(crate) created: i64,
    /// None for one that was not made from a bundle in S3.
    pub(crate) bundle: Option<BundleLocation>,
}

/// What to do about a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionChoice {
    /// Create it out of the package; `replace`: one that failed is deleted first.
    Create { replace: bool },
    /// Use the version that is there, whatever its bundle.
    Existing,
    /// Use the version that is there if its bundle is the package's.
    SameBundle,
    /// There is none, and nothing to make it from.
    Missing,
    /// It failed, and there is nothing to make it from again.
    Unusable,
}

/// What to do about a label whose version is in this state (`None`: there is none).
pub(crate) fn choose_version(existing: Option<VersionStatus>, has_package: bool, use_existing: bool) -> VersionChoice {
    match (existing, has_package) {
        (None, false) => VersionChoice::Missing,
        (None, true) => VersionChoice::Create { replace: false },
        (Some(VersionStatus::Failed), false) => VersionChoice::Unusable,
        (Some(VersionStatus::Failed), true) => VersionChoice::Create { replace: true },
        (Some(_), true) if !use_existing => VersionChoice::SameBundle,
        (Some(_), _) => VersionChoice::Existing,
    }
}

/// Checks that the version `label`, which exists, has the package's bundle; both are SHA-256.
///
/// # Errors
/// It has another.
pub(crate) fn check_same_bundle(label: &str, existing: &str, package: &str) -> anyhow::Result<()> {
    if existing == package {
        return Ok(());
    }
    Err(anyhow!(
        "cannot create version `{label}`: it exists already with another bundle (SHA-256 {existing}; this one has \
         {package})"
    ))
    .hint(
        "take another `version-label` (`{timestamp}` in it makes each its own), or deploy the existing version with \
         `use_existing_version_if_available: true`",
    )
}

/// Where a label comes from, which says what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LabelOrigin {
    /// `version-label`.
    Inputs,
    /// What a rollback goes back to.
    Rollback,
}

/// The error of a label without a version; `newest` are labels that exist.
pub(crate) fn missing_version(label: &str, application: &str, newest: &[String], origin: LabelOrigin) -> anyhow::Error {
    let known = if newest.is_empty() {
        "it has no versions".to_owned()
    } else {
        format!("the newest are {}", names(newest.iter().map(String::as_str)))
    };
    anyhow!("cannot find version `{label}` of `{application}`: {known}").hint(match origin {
        LabelOrigin::Inputs => {
            "correct `version-label`, or set `package` to a directory or an archive that exists, to create the version"
        }
        LabelOrigin::Rollback => {
            "write another release or version label in `to`, or deploy the commit that you want: the version is gone"
        }
    })
}

/// The error of a version that failed in processing.
pub(crate) fn unusable_version(label: &str, origin: LabelOrigin) -> anyhow::Error {
    anyhow!("cannot deploy version `{label}`: Elastic Beanstalk could not process its bundle").hint(match origin {
        LabelOrigin::Inputs => "set `package` to create the version again, or take another `version-label`",
        LabelOrigin::Rollback => {
            "write another release or version label in `to`: this one has never run. A deploy with `package` creates \
                 the version again"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::VersionChoice::{Create, Existing, Missing, SameBundle, Unusable};
    use super::VersionStatus::{Failed, Processing, Usable};
    use super::*;

    #[test]
    fn every_case_of_a_label_has_one_answer() {
        let table = [
            (None, [Missing, Create { replace: false }, Create { replace: false }]),
            (
                Some(Failed),
                [Unusable, Create { replace: true }, Create { replace: true }],
            ),
            (Some(Processing), [Existing, SameBundle, Existing]),
            (Some(Usable), [Existing, SameBundle, Existing]),
        ];
        for (existing, [alone, package, package_and_existing]) in table {
            assert_eq!(choose_version(existing, false, false), alone, "{existing:?}");
            assert_eq!(choose_version(existing, false, true), alone, "{existing:?}");
            assert_eq!(choose_version(existing, true, false), package, "{existing:?}");
            assert_eq!(
                choose_version(existing, true, true),
                package_and_existing,
                "{existing:?}"
            );
        }
    }

    #[test]
    fn states_are_known_in_both_spellings() {
        for (name, status) in [
            ("PROCESSING", Processing),
            ("Building", Processing),
            ("Failed", Failed),
            ("PROCESSED", Usable),
            ("UNPROCESSED", Usable),
            ("", Usable),
        ] {
            assert_eq!(VersionStatus::of(name), status, "{name}");
        }
    }

    #[test]
    fn another_bundle_is_an_error_with_both_digests() {
        assert!(check_same_bundle("v1", "aa", "aa").is_ok());
        let error = check_same_bundle("v1", "aa", "bb")
            .expect_err("another bundle")
            .to_string();
        assert!(error.contains("aa") && error.contains("this one has bb"), "{error}");
    }
}
