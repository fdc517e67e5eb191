//! How large a bundle may be.

use anyhow::anyhow;

use crate::core::error::HintExt as _;

/// Largest bundle that Beanstalk takes: "not exceed 500 MB"
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-sourcebundle.html>), in the MiB that AWS means.
pub(crate) const SIZE_LIMIT: u64 = 500 * 1024 * 1024;

/// The error of a bundle that is too large.
pub(crate) fn too_large(what: &str) -> anyhow::Error {
    anyhow!("cannot use this bundle: {what}, and Elastic Beanstalk takes at most 500 MB")
        .hint("leave out what the instances do not need, with an `.ebignore` file or `package-exclude`")
}
