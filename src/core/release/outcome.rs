//! What became of a plan, as data: the release record and the report are built from plan and outcomes.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::cdn::invalidation::PlannedInvalidation;
use crate::core::release::payment::PaidRun;
use crate::core::release::recorded::Recorded;
use crate::core::report::{BackendReport, Invalidation};
use crate::core::site::key_change::KeyChange;
use crate::core::site::outcome::SiteOutcome;
use crate::core::site::plan::{SitePlan, SiteWarning};
use crate::core::site::retirement::KeptKey;
use crate::core::text::{plural, some_names};

/// What became of a plan, part by part; a part that the run did not come to is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcomes {
    /// The id of this run's record, when it changes anything that one is for.
    pub(crate) release: Option<String>,
    /// Whether its end is on record.
    pub(crate) recorded: Recorded,
    /// The backend.
    pub(crate) backend: Option<BackendReport>,
    /// The site.
    pub(crate) site: SiteChanges,
    /// Old assets that stay; none where nothing knows of any.
    pub(crate) old_assets: Option<Vec<KeptKey>>,
    /// The distributions.
    pub(crate) cdn: Invalidated,
    /// Interrupted runs whose debts were taken along.
    pub(crate) paid: Vec<PaidRun>,
    /// Paths that CloudFront did not accept and no record names, by distribution: the next run will not know of them.
    pub(crate) forgotten: BTreeMap<String, Vec<String>>,
    /// What was put back after a failure; none without `on-failure: rollback`.
    pub(crate) put_back: Option<PutBack>,
    /// The GitHub Deployment, when there is one.
    pub(crate) deployment_id: Option<u64>,
}

/// What was changed in the bucket.
#[derive(Debug, Clone, Default)]
pub(crate) struct SiteChanges {
    /// The keys, in the order of completion.
    pub(crate) changed: Vec<KeyChange>,
    /// Objects whose headers could not be changed, and why that fails nothing.
    pub(crate) warnings: Vec<SiteWarning>,
    /// The keys that could not be changed, and why.
    pub(crate) failures: Vec<SiteWarning>,
    /// Old assets whose time has passed, and that were left: somebody wrote them meanwhile, or may use them again.
    pub(crate) spared: Vec<String>,
}

/// What was put back after a failure. The environments are in [`Outcomes::backend`].
#[derive(Debug, Clone, Default)]
pub(crate) struct PutBack {
    /// What the site's way back changed.
    pub(crate) site: SiteChanges,
    /// The keys that this run changed and that are as they were.
    pub(crate) restored: Vec<String>,
    /// Those among them that somebody else has brought back.
    pub(crate) restored_by_others: BTreeSet<String>,
    /// The keys that this run changed and that somebody else has changed since: they are left alone.
    pub(crate) others: BTreeSet<String>,
    /// Old assets that stay after it; none where nothing knows of any.
    pub(crate) old_assets: Option<Vec<KeptKey>>,
    /// What was invalidated for it.
    pub(crate) cdn: Invalidated,
}

impl Outcomes {
    /// What is invalidated now, and what is not: the way back invalidates again what the run had changed.
    #[must_use]
    pub(crate) fn invalidated(&self) -> Invalidated {
        let mut invalidated = self.cdn.clone();
        if let Some(put_back) = &self.put_back {
            let again = &put_back.cdn;
            for invalidation in &again.invalidations {
                let distribution = &invalidation.distribution;
                invalidated
                    .invalidations
                    .retain(|first| first.distribution != *distribution);
                invalidated.unconfirmed.remove(distribution);
            }
            invalidated.invalidations.extend(again.invalidations.iter().cloned());
            invalidated.unconfirmed.extend(again.unconfirmed.clone());
        }
        invalidated
    }
}

impl SiteChanges {
    /// From what became of a plan.
    #[must_use]
    pub(crate) fn of(outcome: &SiteOutcome) -> Self {
        let failure = |(key, error): &(String, anyhow::Error)| SiteWarning {
            path: key.clone(),
            message: format!("{error:#}"),
        };
        Self {
            changed: outcome.changed.clone(),
            warnings: outcome.warnings.clone(),
            failures: outcome.failed.iter().map(failure).collect(),
            spared: outcome.spared.clone(),
        }
    }
}

impl PutBack {
    /// From carrying out `back`, the way back of a site on which `changes` were made: what is not to be changed on the
    /// way back is as it was.
    #[must_use]
    pub(crate) fn of_site(changes: &SiteChanges, back: &SitePlan, site: SiteChanges) -> Self {
        let done = site.changed.iter().filter(|change| !change.perhaps);
        let done: BTreeSet<&str> = done.map(|change| change.key.as_str()).collect();
        let is_left = |key: &&str| !done.contains(key) && !site.spared.iter().any(|spared| spared == key);
        let left: BTreeSet<&str> = back.keys().filter(is_left).collect();
        let keys = changes.changed.iter().map(|change| &change.key);
        let succeeded = site.failures.is_empty();
        Self {
            old_assets: back
                .retirement
                .as_ref()
                .map(|retirement| retirement.left_by(succeeded, &site.spared)),
            restored: keys.filter(|key| !left.contains(key.as_str())).cloned().collect(),
            site,
            restored_by_others: BTreeSet::new(),
            others: BTreeSet::new(),
            cdn: Invalidated::default(),
        }
    }

    /// The same where the keys of `others` are left to those who changed them since, and those of `restored_by_others` are
    /// as before by them.
    #[must_use]
    pub(crate) fn leaving(mut self, others: BTreeSet<String>, restored_by_others: BTreeSet<String>) -> Self {
        self.restored.retain(|key| !others.contains(key));
        self.others = others;
        self.restored_by_others = restored_by_others;
        self
    }

    /// The keys whose objects changed on the way back, whoever changed them: what a cache has of them may be the new one.
    #[must_use]
    pub(crate) fn keys_brought_back(&self) -> BTreeSet<&str> {
        let own = self.site.changed.iter().map(|change| change.key.as_str());
        own.chain(self.restored_by_others.iter().map(String::as_str)).collect()
    }
}

impl PutBack {
    /// Whether nothing of what `changes` did is left.
    #[must_use]
    pub(crate) fn is_complete(&self, changes: &SiteChanges) -> bool {
        self.left(changes).is_empty()
    }

    /// What became of the site, in words.
    #[must_use]
    pub(crate) fn text(&self, changes: &SiteChanges) -> String {
        let left = self.left(changes).len();
        let back: BTreeSet<&str> = self.restored.iter().map(String::as_str).collect();
        let own = back.len().saturating_sub(self.restored_by_others.len());
        let all = format!("{} of the site", plural(left + own, "object"));
        let others = || self.restored_text().into_iter().chain(self.others_text());
        if left == 0 {
            let is_told = own > 0 || others().next().is_none();
            let own = is_told.then(|| format!("{all} {} rolled back", were(own)));
            return own.into_iter().chain(others()).collect::<Vec<_>>().join("; ");
        }
        let why = self
            .site
            .failures
            .first()
            .map(|failure| format!(": {}", failure.message));
        let own = format!("{left} of {all} could not be rolled back{}", why.unwrap_or_default());
        [own].into_iter().chain(others()).collect::<Vec<_>>().join("; ")
    }

    /// What somebody else has brought back, in words; `None` when that is nothing.
    fn restored_text(&self) -> Option<String> {
        let number = self.restored_by_others.len();
        (number > 0).then(|| {
            format!(
                "{} {} brought back by somebody else meanwhile ({})",
                plural(number, "object"),
                were(number),
                some_names(self.restored_by_others.iter().map(String::as_str))
            )
        })
    }

    /// What is left alone, in words; `None` when nothing is.
    #[must_use]
    pub(crate) fn others_text(&self) -> Option<String> {
        let number = self.others.len();
        let them = if number == 1 { "it is" } else { "they are" };
        (number > 0).then(|| {
            format!(
                "{} {} changed by somebody else meanwhile, and {them} left alone ({})",
                plural(number, "object"),
                were(number),
                some_names(self.others.iter().map(String::as_str))
            )
        })
    }

    /// The keys of `changes` that are this run's still.
    fn left<'c>(&self, changes: &'c SiteChanges) -> BTreeSet<&'c str> {
        let back: BTreeSet<&str> = self.restored.iter().map(String::as_str).collect();
        let keys = changes.changed.iter().map(|change| change.key.as_str());
        keys.filter(|key| !back.contains(key) && !self.others.contains(*key))
            .collect()
    }
}

const fn were(number: usize) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

/// What was invalidated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invalidated {
    /// One a distribution, in the order of the plan.
    pub(crate) invalidations: Vec<Invalidation>,
    /// Paths that CloudFront did not accept, by distribution: left to the next run.
    pub(crate) unconfirmed: BTreeMap<String, Vec<String>>,
}

impl Invalidated {
    /// Leaves `planned` to the next run too, whatever was invalidated of it.
    pub(crate) fn leave(&mut self, planned: Vec<PlannedInvalidation>) {
        for planned in planned {
            let left = self.unconfirmed.entry(planned.distribution).or_default();
            left.extend(planned.paths);
            left.sort();
            left.dedup();
        }
    }
}
