//! Releases: what a run did, which one a rollback goes back to, and what that takes.
//!
//! Pure: records come in as values and plans go out. Reading and writing them is [`crate::aws::releases`]'s, looking
//! at object versions [`crate::aws::site::restore`]'s.

pub(crate) mod accept;
pub(crate) mod applied;
pub(crate) mod bundles;
pub(crate) mod concurrent_runs;
pub(crate) mod earlier_steps;
pub(crate) mod gaps;
pub(crate) mod id;
pub(crate) mod interrupted;
pub(crate) mod kept;
pub(crate) mod keys;
pub(crate) mod known_releases;
pub(crate) mod labels;
pub(crate) mod live;
pub(crate) mod live_briefly;
pub(crate) mod live_now;
pub(crate) mod liveness;
pub(crate) mod named_keys;
pub(crate) mod no_target;
pub(crate) mod object_version;
pub(crate) mod old_assets;
pub(crate) mod order;
pub(crate) mod others;
pub(crate) mod outcome;
pub(crate) mod overlap;
pub(crate) mod parts;
pub(crate) mod payment;
pub(crate) mod pending;
pub(crate) mod plan;
pub(crate) mod point_in_time;
pub(crate) mod previous;
pub(crate) mod record;
pub(crate) mod recorded;
pub(crate) mod recorded_cdn;
pub(crate) mod recording;
pub(crate) mod remains;
pub(crate) mod restoration;
pub(crate) mod restore;
pub(crate) mod site_undo;
pub(crate) mod steps;
pub(crate) mod target;
pub(crate) mod unread;
pub(crate) mod unread_end;
pub(crate) mod unreadable;
pub(crate) mod version_order;
pub(crate) mod versioning;
pub(crate) mod workflow_run;

#[cfg(test)]
pub(crate) mod fixtures;

/// The folder of a bucket that holds records: never synced, deleted or invalidated.
pub(crate) const FOLDER: &str = ".aws-web-deploy/";

/// The folders of records below a `history` of this prefix: of sites, backends and distributions.
#[must_use]
pub(crate) fn history_folders(prefix: &str) -> [String; 3] {
    ["site/", "backend/", "cdn/"].map(|part| format!("{prefix}{part}"))
}

/// Names in [`FOLDER`] that are no application's: the folder of sites, and that of a `history` without a prefix.
const TAKEN: [&str; 2] = ["site", "history"];

/// The folder of an application's records in [`FOLDER`]. An application whose name is taken gets another; so that no two
/// share one, each that is called so with dots behind gets one dot more.
#[must_use]
pub(crate) fn application_folder(application: &str) -> String {
    if TAKEN.contains(&application.trim_end_matches('.')) {
        format!("{application}.")
    } else {
        application.to_owned()
    }
}

/// Names below a folder of records that are no prefix's: where records and their lists of keys lie.
const OWN: [&str; 2] = ["releases", "keys"];

/// The folder of a site's records below `site/`: its prefix, in which a segment that is called as a folder of records is
/// gets a dot, so that who may write the records of `keys/` may not write the lists of another site.
#[must_use]
pub(crate) fn site_folder(prefix: &str) -> String {
    let segments = prefix.split('/').map(|segment| {
        let dot = if OWN.contains(&segment.trim_end_matches('.')) {
            "."
        } else {
            ""
        };
        format!("{segment}{dot}")
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The application whose folder [`application_folder`] is; `None` for one that is no application's.
#[must_use]
pub(crate) fn application_of(folder: &str) -> Option<&str> {
    if TAKEN.contains(&folder.trim_end_matches('.')) {
        folder.strip_suffix('.')
    } else {
        Some(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::{application_folder, application_of, site_folder};

    #[test]
    fn no_site_has_its_records_among_the_lists_of_another() {
        for (prefix, folder) in [
            ("", ""),
            ("docs/", "docs/"),
            ("keys/", "keys./"),
            ("keys./", "keys../"),
            ("docs/releases/v1/", "docs/releases./v1/"),
        ] {
            assert_eq!(site_folder(prefix), folder);
        }
    }

    #[test]
    fn no_application_shares_a_folder_with_a_site_or_another() {
        for (application, folder) in [
            ("web", "web"),
            ("site", "site."),
            ("site.", "site.."),
            ("sites", "sites"),
            ("history", "history."),
            ("a.", "a."),
        ] {
            assert_eq!(application_folder(application), folder);
            assert_eq!(application_of(folder), Some(application));
        }
        assert_eq!((application_of("site"), application_of("history")), (None, None));
    }
}
