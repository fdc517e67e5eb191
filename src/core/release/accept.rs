//! Records are input from outside: whoever can write to the bucket can write one. A record is used only as far as it is
//! about what this run is about, and within bounds.

use crate::core::cdn::MAX_PATHS;
use crate::core::cdn::encode::check_path;
use crate::core::release::record::{Record, RecordedBackend, RecordedSite};
use crate::core::site::diff::is_reserved;

/// The most bytes of a record's head.
pub(crate) const MAX_HEAD_BYTES: usize = 2 * 1024 * 1024;
/// The most values in a record's head: each takes more memory than its characters. The most paths that ten distributions
/// can be left with are fewer.
const MAX_HEAD_VALUES: usize = 64 * 1024;
/// The most bytes of a list of keys as it is stored: a hundred thousand keys take three MiB.
pub(crate) const MAX_LIST_BYTES: usize = 8 * 1024 * 1024;
/// The longest key, in bytes.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>
const MAX_KEY_BYTES: usize = 1024;
/// The most bytes that the names of all directories above the keys of a list may have together: a hundred thousand keys
/// of a usual site have a quarter of it.
const MAX_DIRECTORY_BYTES: usize = 128 * 1024 * 1024;
/// The most paths that a distribution can be left with: those of one invalidation, and those of keys that were perhaps
/// changed after it.
const MAX_OWED: usize = 2 * MAX_PATHS;

/// What this run is about: nothing else of a record is used.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunTarget {
    /// Bucket and prefix of the site.
    pub(crate) site: Option<(String, String)>,
    /// Application and region of the backend.
    pub(crate) backend: Option<(String, String)>,
    /// Its environments; none where only a version is made.
    pub(crate) environments: Vec<String>,
    /// The page of this repository on GitHub, or on a GitHub Enterprise server: nothing else is linked to. Without one,
    /// nothing is.
    pub(crate) repository_url: Option<String>,
}

/// A record that is not of this run, or out of bounds: it is none of ours, and stands in nobody's way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is refused: {0}")]
pub(crate) struct RefusedRecord(String);

/// Whose folder a record was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FolderOwner<'a> {
    /// The site's.
    Site,
    /// An environment's, or the application's without one.
    Backend(Option<&'a str>),
    /// A distribution's.
    Distribution(&'a str),
}

impl RunTarget {
    /// The record `id` as far as it may be used.
    ///
    /// # Errors
    /// Why it is refused.
    pub(crate) fn accept(&self, record: Record, id: &str, owner: FolderOwner<'_>) -> Result<Record, RefusedRecord> {
        self.limited(record, id, owner)
            .map_err(|reason| RefusedRecord(reason.to_string()))
    }

    fn limited(&self, mut record: Record, id: &str, owner: FolderOwner<'_>) -> anyhow::Result<Record> {
        anyhow::ensure!(record.id == id, "it says that it is release `{}`", record.id);
        // A distribution may show several sites, beside several backends.
        let of_any = matches!(owner, FolderOwner::Distribution(_));
        if let Some(site) = record.site.take_if(|site| !self.is_our_site(site))
            && !of_any
            && self.site.is_some()
        {
            anyhow::bail!("it is of `s3://{}/{}`", site.bucket, site.prefix);
        }
        if let Some(backend) = &record.backend
            && let Err(error) = self.check_backend(backend, owner)
        {
            anyhow::ensure!(of_any || self.backend.is_none(), error);
            record.backend = None;
        }
        if let FolderOwner::Distribution(id) = owner {
            let is_named = record
                .cdn
                .iter()
                .any(|cdn| cdn.distributions.iter().any(|named| named == id));
            anyhow::ensure!(is_named, "it does not name the distribution `{id}`");
        }
        for paths in record.cdn.iter().flat_map(|cdn| cdn.unconfirmed.values()) {
            anyhow::ensure!(paths.len() <= MAX_OWED, "it has {} paths to invalidate", paths.len());
            for path in paths {
                check_path(path).map_err(|reason| anyhow::anyhow!("it has a path that is none: {reason}"))?;
            }
        }
        record.commit = record.commit.filter(|commit| is_commit(&commit.sha));
        record.run.url = record.run.url.filter(|url| self.is_our_run(url));
        record.run.repository = record.run.repository.filter(|name| is_repository(name));
        Ok(record)
    }

    /// Whether a list of keys is one of ours.
    ///
    /// # Errors
    /// Why it is refused.
    pub(crate) fn check_keys<'k>(
        &self,
        keys: impl Iterator<Item = &'k str>,
        reserved: &[String],
    ) -> anyhow::Result<()> {
        let prefix = self.site.as_ref().map_or("", |(_, prefix)| prefix);
        let mut directories = 0;
        for key in keys {
            // What follows from a key may be said for each directory above it.
            directories += key.len() * key.matches('/').count();
            anyhow::ensure!(
                directories <= MAX_DIRECTORY_BYTES,
                "its keys have more directories than a site of theirs"
            );
            anyhow::ensure!(
                key.len() <= MAX_KEY_BYTES,
                "it names a key of {} bytes: S3 takes {MAX_KEY_BYTES}",
                key.len()
            );
            anyhow::ensure!(
                key.starts_with(prefix) && key.len() > prefix.len(),
                "it names `{key}`, which is outside of the prefix `{prefix}`"
            );
            anyhow::ensure!(
                !is_reserved(key, reserved),
                "it names `{key}`, which belongs to the release records"
            );
        }
        Ok(())
    }

    fn is_our_site(&self, site: &RecordedSite) -> bool {
        let ours = self.site.as_ref();
        ours.is_some_and(|(bucket, prefix)| site.bucket == *bucket && site.prefix == *prefix)
    }

    /// Whether `url` is the page of a run of this repository.
    fn is_our_run(&self, url: &str) -> bool {
        let below = self.repository_url.as_deref().and_then(|page| url.strip_prefix(page));
        let run = below.and_then(|below| below.strip_prefix("/actions/runs/"));
        run.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
    }

    fn check_backend(&self, backend: &RecordedBackend, owner: FolderOwner<'_>) -> anyhow::Result<()> {
        let Some((application, region)) = &self.backend else {
            anyhow::bail!("this run has no backend");
        };
        anyhow::ensure!(
            backend.application == *application && backend.region == *region,
            "it is of the application `{}` in `{}`",
            backend.application,
            backend.region
        );
        let names = |name: &str| backend.environments.iter().any(|recorded| recorded.name == name);
        match owner {
            FolderOwner::Backend(Some(name)) => {
                anyhow::ensure!(names(name), "it does not name the environment `{name}`");
            }
            FolderOwner::Site if !backend.environments.is_empty() && !self.environments.is_empty() => {
                anyhow::ensure!(
                    self.environments.iter().any(|name| names(name)),
                    "it does not name the environment `{}`",
                    self.environments.join("`, nor `")
                );
            }
            _ => {}
        }
        Ok(())
    }
}

/// How many values the JSON `head` has, about.
///
/// # Errors
/// More than any of ours: it is not to be parsed.
pub(crate) fn check_values(head: &[u8]) -> anyhow::Result<usize> {
    // Each value but the first of its array or object stands behind a comma.
    let values = head.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    anyhow::ensure!(values <= MAX_HEAD_VALUES, "it has more than {MAX_HEAD_VALUES} values");
    Ok(values)
}

/// Whether `sha` is the full id of a commit, by SHA-1 or SHA-256: anything shorter may be a branch's name as well.
fn is_commit(sha: &str) -> bool {
    matches!(sha.len(), 40 | 64) && sha.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether `name` is `owner/name`.
fn is_repository(name: &str) -> bool {
    let legal = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    name.split_once('/')
        .is_some_and(|(owner, name)| legal(owner) && legal(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_cdn, with_commit, with_label, with_site};
    use crate::core::release::record::{EnvironmentOutcome, RecordStatus};

    fn target() -> RunTarget {
        RunTarget {
            site: Some(("b".into(), String::new())),
            backend: Some(("web".into(), String::new())),
            environments: vec!["web-prod".into()],
            repository_url: Some("https://github.com/o/r".into()),
        }
    }

    fn both() -> Record {
        with_label(
            with_site(release("r1", RecordStatus::Succeeded), &[("a", "1")]),
            "v1",
            EnvironmentOutcome::Succeeded,
        )
    }

    #[test]
    fn a_record_of_something_else_is_refused() {
        fn accept(record: Record, owner: FolderOwner<'_>) -> Result<Record, RefusedRecord> {
            target().accept(record, "r1", owner)
        }
        let whole = accept(both(), FolderOwner::Site).expect("ours");
        assert!(whole.site.is_some() && whole.backend.is_some());
        let refused = |record: Record, owner: FolderOwner<'_>, part: &str| {
            let error = accept(record, owner).expect_err(part);
            assert!(error.to_string().contains(part), "{error}");
        };
        let mut other = both();
        other.id = "r2".into();
        refused(other, FolderOwner::Site, "it says that it is release `r2`");
        let backend = FolderOwner::Backend(Some("web-prod"));
        for (bucket, prefix) in [("other", ""), ("b", "p/")] {
            let mut other = both();
            if let Some(site) = &mut other.site {
                (site.bucket, site.prefix) = (bucket.into(), prefix.into());
            }
            for owner in [FolderOwner::Site, backend] {
                refused(other.clone(), owner, &format!("it is of `s3://{bucket}/{prefix}`"));
            }
            let alone = RunTarget { site: None, ..target() };
            assert!(alone.accept(other, "r1", backend).expect("its backend").site.is_none());
        }
        for (application, region) in [("shop", ""), ("web", "eu-west-1")] {
            let mut other = both();
            if let Some(backend) = &mut other.backend {
                (backend.application, backend.region) = (application.into(), region.into());
            }
            for owner in [FolderOwner::Site, backend] {
                refused(
                    other.clone(),
                    owner,
                    &format!("it is of the application `{application}`"),
                );
            }
            let alone = RunTarget {
                backend: None,
                ..target()
            };
            let record = alone.accept(other, "r1", FolderOwner::Site).expect("its site");
            assert!(record.backend.is_none());
        }
        let mut other = both();
        if let Some(backend) = &mut other.backend {
            backend.environments[0].name = "web-test".into();
        }
        refused(other, FolderOwner::Site, "it does not name the environment `web-prod`");
        refused(
            both(),
            FolderOwner::Backend(Some("web-test")),
            "it does not name the environment `web-test`",
        );
    }

    #[test]
    fn commits_are_hexadecimal_and_links_lead_to_this_repository() {
        let linked_by = |target: &RunTarget, sha: &str, url: &str, repository: &str| {
            let mut record = with_commit(both(), sha);
            record.run.url = Some(url.to_owned());
            record.run.repository = Some(repository.to_owned());
            let record = target.accept(record, "r1", FolderOwner::Site).expect("ours");
            (
                record.commit.is_some(),
                record.run.url.is_some(),
                record.run.repository.is_some(),
            )
        };
        let linked = |sha, url, repository| linked_by(&target(), sha, url, repository);
        let good = "https://github.com/o/r/actions/runs/1";
        let sha = "0123456789abcdef0123456789abcdef01234567";
        for foreign in [
            "https://github.com/o/other/actions/runs/1",
            "https://github.com/o/r2/actions/runs/1",
            "https://github.com/o/r/../../evil/x/actions/runs/1",
            "https://github.com/o/r/actions/runs/1/../../../../../evil",
            "https://github.com/o/r/actions/runs/",
            "https://github.com/o/r/issues/1",
        ] {
            assert!(!linked(sha, foreign, "o/r").1, "{foreign}");
        }
        let nowhere = RunTarget {
            repository_url: None,
            ..target()
        };
        assert!(!linked_by(&nowhere, sha, good, "o/r").1);
        assert_eq!(linked(sha, good, "o/r.x"), (true, true, true));
        assert!(linked_by(&target(), &"a".repeat(64), good, "o/r").0);
        for length in [7, 39, 41, 48, 63, 65] {
            assert!(!linked_by(&target(), &"a".repeat(length), good, "o/r").0, "{length}");
        }
        assert_eq!(
            linked("refs/pull/5", "https://github.com.evil.test/o", "o/r?x"),
            (false, false, false)
        );
        assert_eq!(linked("../../../x", "javascript:alert(1)", "o"), (false, false, false));
    }

    #[test]
    fn paths_and_keys_are_checked_as_inputs_are() {
        let with = |paths: &[&str]| {
            let record = with_cdn(both(), &["E1"], &[], &[("E1", paths)]);
            target().accept(record, "r1", FolderOwner::Site)
        };
        assert!(with(&["/a", "/b/*", "#tag"]).is_ok());
        for wrong in ["a", "/a*b", "https://x/y", "/~x"] {
            assert!(with(&[wrong]).is_err(), "{wrong}");
        }
        let deep = "/".repeat(200_000);
        assert!(with(&[&deep]).is_err());
        let many: Vec<String> = (0..=MAX_OWED).map(|n| format!("/{n}")).collect();
        assert!(with(&many.iter().map(String::as_str).collect::<Vec<_>>()).is_err());

        let target = RunTarget {
            site: Some(("b".into(), "p/".into())),
            ..target()
        };
        let check = |key: &str| target.check_keys([key].into_iter(), &["p/.aws-web-deploy/".to_owned()]);
        assert!(check("p/a").is_ok());
        for wrong in [
            "q/a",
            "p/",
            "a",
            "p/.aws-web-deploy/site/x",
            &format!("p/{}", "x".repeat(1023)),
        ] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_head_of_many_small_values_is_not_parsed() {
        let head = |scope: usize| format!("{{\"scope\": [{}\"x\"]}}", "\"x\",".repeat(scope));
        assert_eq!(check_values(head(8).as_bytes()).expect("few"), 10);
        let error = check_values(head(400_000).as_bytes()).expect_err("many");
        assert_eq!(error.to_string(), "it has more than 65536 values");
        assert!(check_values(&[b'['; 100_000]).is_err());
    }

    #[test]
    fn a_short_list_of_deep_keys_is_refused() {
        let target = RunTarget {
            site: Some(("b".into(), "p/".into())),
            ..target()
        };
        let deep: Vec<String> = (0..4_000).map(|n| format!("p/{n}{}", "/".repeat(1_000))).collect();
        assert!(target.check_keys(deep.iter().map(String::as_str), &[]).is_err());
        let usual: Vec<String> = (0..100_000)
            .map(|n| format!("p/docs/chapter/section/page-{n:050}.html"))
            .collect();
        assert!(target.check_keys(usual.iter().map(String::as_str), &[]).is_ok());
    }
}
