//! Releases: what a run did, which one a rollback goes back to, and what that takes.
//!
//! Pure: records come in as values and plans go out. Reading and writing them is [`crate::aws::releases`]'s, looking
//! at object versions [`crate::aws::site::restore`]'s.

pub(crate) mod accept;
pub(crate) mod concurrent_runs;
pub(crate) mod id;
pub(crate) mod keys;
pub(crate) mod labels;
pub(crate) mod live;
pub(crate) mod live_now;
pub(crate) mod outcome;
pub(crate) mod pending;
pub(crate) mod plan;
pub(crate) mod record;
pub(crate) mod recording;
pub(crate) mod restoration;
pub(crate) mod restore;
pub(crate) mod target;
pub(crate) mod versioning;

#[cfg(test)]
pub(crate) mod fixtures;

/// The folder of a bucket that holds records: never synced, deleted or invalidated.
pub(crate) const FOLDER: &str = ".aws-web-deploy/";

/// The folder of an application's records in [`FOLDER`]. `site/` is that of sites, so an application of this name gets
/// another; so that no two share one, each that is called `site` and dots gets one dot more.
#[must_use]
pub(crate) fn application_folder(application: &str) -> String {
    let dots = application.strip_prefix("site");
    if dots.is_some_and(|dots| dots.bytes().all(|byte| byte == b'.')) {
        format!("{application}.")
    } else {
        application.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::application_folder;

    #[test]
    fn no_application_shares_a_folder_with_a_site_or_another() {
        for (application, folder) in [
            ("web", "web"),
            ("site", "site."),
            ("site.", "site.."),
            ("sites", "sites"),
        ] {
            assert_eq!(application_folder(application), folder);
        }
    }
}
