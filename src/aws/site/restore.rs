//! The plan of a rollback's site part: which version of which key comes back, from what the bucket still has.
//!
//! What a key goes back to is decided in [`crate::core::release::restore`]; here the bucket is asked, and everything that
//! could make the rollback fail half-way is found before it starts. The plan is one like a deploy's, and
//! [`crate::aws::site::execute()`] carries it out.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::aws::releases::History;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::object::{Object, headers_of};
use crate::aws::s3::versioning::check_versioning;
use crate::aws::s3::versions::versions;
use crate::core::error::HintExt as _;
use crate::core::inputs::SiteInputs;
use crate::core::release::record::{Record, RecordStatus, RecordedSite};
use crate::core::release::restore::{KeyAction, KeyHistory, Version, before, changed_by_hand, changed_since, step};
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::plan::{Reason, SitePlan, SiteWarning, Write, WriteSource};
use crate::core::site::repair::ObjectSettings;

/// How many objects are asked at the same time.
const HEADS_IN_FLIGHT: usize = 64;

/// How many records are asked at the same time who wrote a version.
const RECORDS_A_ROUND: usize = 16;

/// How many keys an error or a warning names.
const NAMED: usize = 10;

/// Plans to bring the site back to the state of release `target`; `records` are newest first, and lists of keys are
/// loaded into them.
///
/// # Errors
/// Versioning is not on, or was not; a version is gone or archived; a record or the bucket cannot be read.
pub(crate) async fn plan(
    bucket: &Bucket,
    history: &History,
    records: &mut [Record],
    target: &str,
    site: &SiteInputs,
) -> anyhow::Result<SitePlan> {
    let position = records
        .iter()
        .position(|record| record.id == target)
        .with_context(|| format!("cannot find the record of release `{target}`"))?;
    if let Some(unreadable) = history.unreadable_after(target) {
        return Err(anyhow::anyhow!(
            "cannot roll back to release `{target}`: what release `{unreadable}` changed since cannot be read"
        ))
        .hint("choose a release after that one, or deploy the commit that you want");
    }
    if !records[..position].iter().any(Record::may_have_changed_objects) {
        return Ok(Decided::default().into_plan(bucket, &site.prefix));
    }
    check_versioning(bucket, &records[..position], target).await?;
    history
        .load_keys(&mut records[..=position])
        .await
        .hint("without these lists nobody knows which keys to bring back; deploy the commit that you want instead")?;
    let mut search = Search::new(bucket, &records[..position], &records[position]).await?;
    search.check(&records[..position], target)?;
    search.find_writers(history, records, position).await;
    let decided = search.decide(&records[..position], site).await?;
    Ok(decided.into_plan(bucket, &site.prefix))
}

/// The versions of all touched keys.
struct Search<'a> {
    bucket: &'a Bucket,
    versions: HashMap<String, Vec<Version>>,
    /// Versions that the target wrote: older than everything that is taken back.
    ours: HashSet<String>,
    /// Who wrote a version: the settings of that release, where they are recorded.
    writers: HashMap<String, Option<ObjectSettings>>,
}

impl<'a> Search<'a> {
    async fn new(bucket: &'a Bucket, after: &[Record], target: &Record) -> anyhow::Result<Self> {
        let keys: Vec<String> = changed_since(after).into_keys().map(str::to_owned).collect();
        let changed = target.site.iter().flat_map(|site| &site.changed);
        Ok(Self {
            bucket,
            versions: versions(bucket, &keys).await?,
            ours: changed.filter_map(|key| key.version_id.clone()).collect(),
            writers: HashMap::new(),
        })
    }

    /// What to do with each key that the records `after` a target touched.
    fn steps<'r>(&'r self, after: &'r [Record]) -> BTreeMap<&'r str, (KeyHistory<'r>, &'r [Version], KeyAction<'r>)> {
        let ours: HashSet<&str> = self.ours.iter().map(String::as_str).collect();
        changed_since(after)
            .into_iter()
            .map(|(key, touch)| {
                let versions = self.versions.get(key).map_or(&[][..], Vec::as_slice);
                let step = step(versions, before(versions, &touch, &ours));
                (key, (touch, versions, step))
            })
            .collect()
    }

    /// Whether every version that has to come back can.
    fn check(&self, after: &[Record], target: &str) -> anyhow::Result<()> {
        let steps = self.steps(after);
        let keys_that = |wanted: fn(&KeyAction<'_>) -> bool| -> Vec<&str> {
            let keys = steps.iter().filter(|(_, (_, _, step))| wanted(step));
            keys.map(|(key, _)| *key).collect()
        };
        let gone = keys_that(|step| matches!(step, KeyAction::Gone));
        if !gone.is_empty() {
            return Err(anyhow::anyhow!(
                "cannot roll back to release `{target}`: the versions that it needs of {} are gone, probably removed by a \
                 lifecycle rule",
                name(&gone)
            ))
            .hint(self.instead(after));
        }
        let archived = keys_that(|step| matches!(step, KeyAction::Archived(_)));
        if !archived.is_empty() {
            return Err(anyhow::anyhow!(
                "cannot roll back to release `{target}`: the versions that it needs of {} are archived",
                name(&archived)
            ))
            .hint(format!(
                "restore them first (`aws s3api restore-object`); {}",
                self.instead(after)
            ));
        }
        Ok(())
    }

    /// The releases that can still be gone back to.
    fn instead(&self, after: &[Record]) -> String {
        let possible: Vec<&str> = (0..after.len())
            .filter(|&position| after[position].status == RecordStatus::Succeeded)
            .filter(|&position| {
                let steps = self.steps(&after[..position]);
                let impossible = |step: &KeyAction<'_>| matches!(step, KeyAction::Gone | KeyAction::Archived(_));
                // What is live already is no way out.
                !steps.is_empty() && !steps.values().any(|(_, _, step)| impossible(step))
            })
            .map(|position| after[position].id.as_str())
            .take(5)
            .collect();
        match possible.as_slice() {
            [] => "deploy the commit that you want instead".to_owned(),
            ids => format!(
                "deploy the commit that you want instead, or choose one of: {}",
                ids.join(", ")
            ),
        }
    }

    /// Finds out which release wrote the versions that come back, as far as records go: their ACL is recorded there.
    async fn find_writers(&mut self, history: &History, records: &mut [Record], position: usize) {
        let mut wanted: HashSet<String> = HashSet::new();
        for (_, _, step) in self.steps(&records[..position]).values() {
            match step {
                KeyAction::Restore(version, _) => {
                    wanted.insert(version.id.clone());
                }
                KeyAction::KeepIfSame(version, current) => {
                    wanted.extend([version.id.clone(), current.id.clone()]);
                }
                _ => {}
            }
        }
        let mut start = 0;
        while start < records.len() && !wanted.is_empty() {
            let end = (start + RECORDS_A_ROUND).min(records.len());
            // A list that is missing only costs a closer look at the versions.
            let _ = history.load_keys(&mut records[start..end]).await;
            for site in records[start..end].iter().filter_map(|record| record.site.as_ref()) {
                self.note_writer(site, &mut wanted);
            }
            start = end;
        }
    }

    fn note_writer(&mut self, site: &RecordedSite, wanted: &mut HashSet<String>) {
        for key in &site.changed {
            if let Some(id) = key.version_id.as_ref().filter(|id| *id != "null" && wanted.remove(*id)) {
                self.writers.insert(id.clone(), site.applied.clone());
            }
        }
    }

    fn settings(&self, version: &Version) -> Option<&ObjectSettings> {
        self.writers.get(&version.id)?.as_ref()
    }

    async fn decide(&self, after: &[Record], site: &SiteInputs) -> anyhow::Result<Decided> {
        let mut decided = Decided::default();
        let mut perhaps_same = Vec::new();
        for (key, (touch, versions, step)) in self.steps(after) {
            let hand = changed_by_hand(versions, &touch);
            match step {
                KeyAction::Keep => decided.unchanged += 1,
                KeyAction::Delete => {
                    decided.deletes.push(key.to_owned());
                    decided.by_hand(hand, key, &touch);
                }
                KeyAction::Restore(version, reason) => {
                    decided.writes.push(self.restore(key, version, reason));
                    decided.by_hand(hand, key, &touch);
                }
                KeyAction::KeepIfSame(wanted, current) => perhaps_same.push((key, touch, hand, wanted, current)),
                KeyAction::Gone | KeyAction::Archived(_) => {
                    anyhow::bail!("cannot restore `{key}`: its version is gone")
                }
            }
        }
        let compared: Vec<_> = stream::iter(perhaps_same)
            .map(|(key, touch, hand, wanted, current)| async move {
                let same = self.is_same(key, wanted, current, site).await?;
                anyhow::Ok((key, touch, hand, wanted, same))
            })
            .buffered(HEADS_IN_FLIGHT)
            .try_collect()
            .await?;
        for (key, touch, hand, wanted, same) in compared {
            if same {
                decided.unchanged += 1;
            } else {
                decided.writes.push(self.restore(key, wanted, Reason::HeadersChanged));
                decided.by_hand(hand, key, &touch);
            }
        }
        Ok(decided)
    }

    fn restore(&self, key: &str, version: &Version, reason: Reason) -> Write {
        let settings = self.settings(version);
        Write {
            key: key.to_owned(),
            size: version.size,
            reason,
            source: WriteSource::Version {
                version_id: version.id.clone(),
                acl: settings.and_then(|settings| settings.acl.clone()),
                plain: settings.is_some_and(is_plain),
            },
            headers: ObjectHeaders {
                storage_class: version.storage_class.clone().filter(|class| class != "STANDARD"),
                ..ObjectHeaders::default()
            },
        }
    }

    /// Whether two versions of the same bytes have the same headers and ACL.
    async fn is_same(&self, key: &str, wanted: &Version, current: &Version, site: &SiteInputs) -> anyhow::Result<bool> {
        let same_settings = match (self.settings(wanted), self.settings(current)) {
            (Some(wanted), Some(current)) => wanted == current,
            _ => false,
        };
        if !same_settings {
            return Ok(false);
        }
        let head = |version: &Version| {
            let id = version.id.clone();
            async move {
                let object = Object {
                    bucket: self.bucket,
                    key,
                    version_id: Some(&id),
                };
                object.head(&site.object).await.map(|head| headers_of(&head))
            }
        };
        let (wanted, current) = tokio::try_join!(head(wanted), head(current))?;
        Ok(wanted == current)
    }
}

/// Whether S3 copies all that such an object has: no redirect, no encryption or grants of its own.
fn is_plain(settings: &ObjectSettings) -> bool {
    const REDIRECT: &str = "x-amz-website-redirect-location";
    let redirects = |rule: &String| rule.to_ascii_lowercase().contains(REDIRECT);
    settings.grants.is_empty()
        && settings.encryption.is_none()
        && settings.headers.website_redirect.is_none()
        && !settings.rules.iter().any(redirects)
}

fn name(keys: &[&str]) -> String {
    let named: Vec<String> = keys.iter().take(NAMED).map(|key| format!("`{key}`")).collect();
    match keys.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more keys", named.join(", ")),
    }
}

#[derive(Default)]
struct Decided {
    writes: Vec<Write>,
    deletes: Vec<String>,
    unchanged: u64,
    changed_by_hand: Vec<(String, String)>,
}

impl Decided {
    fn by_hand(&mut self, hand: bool, key: &str, touch: &KeyHistory<'_>) {
        if hand {
            self.changed_by_hand.push((key.to_owned(), touch.newest.0.id.clone()));
        }
    }

    fn into_plan(self, bucket: &Bucket, prefix: &str) -> SitePlan {
        let more = self.changed_by_hand.len().saturating_sub(NAMED);
        let mut warnings: Vec<SiteWarning> = self
            .changed_by_hand
            .into_iter()
            .take(NAMED)
            .map(|(path, release)| SiteWarning {
                path,
                message: format!(
                    "was changed by somebody else since release `{release}`; it is taken back all the same"
                ),
            })
            .collect();
        if more > 0 {
            warnings.push(SiteWarning {
                path: prefix.to_owned(),
                message: format!("{more} more keys were changed by somebody else; they are taken back all the same"),
            });
        }
        let (pages, mut writes): (Vec<Write>, Vec<Write>) = self.writes.into_iter().partition(Write::is_html);
        writes.extend(pages);
        SitePlan {
            bucket: bucket.name.clone(),
            prefix: prefix.to_owned(),
            writes,
            deletes: self.deletes,
            unchanged: self.unchanged,
            warnings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_objects_are_copied_without_a_look() {
        let plain = ObjectSettings {
            acl: Some("public-read".into()),
            rules: vec!["* Cache-Control: max-age=60".into()],
            ..ObjectSettings::default()
        };
        assert!(is_plain(&plain));
        for special in [
            ObjectSettings {
                grants: vec!["read=id=x".into()],
                ..ObjectSettings::default()
            },
            ObjectSettings {
                encryption: Some("aws:kms".into()),
                ..ObjectSettings::default()
            },
            ObjectSettings {
                rules: vec!["old/* X-Amz-Website-Redirect-Location: /new".into()],
                ..ObjectSettings::default()
            },
        ] {
            assert!(!is_plain(&special), "{special:?}");
        }
    }

    #[test]
    fn many_keys_are_counted() {
        let keys: Vec<String> = (0..12).map(|n| format!("k{n}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        assert_eq!(name(&keys[..2]), "`k0`, `k1`");
        assert!(name(&keys).ends_with("`k9` and 2 more keys"));
    }
}
