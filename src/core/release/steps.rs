//! Which records are of one step, and which of another one with the same files beside it.
//!
//! Several steps can deploy the same files to one prefix and differ in their header lines alone. What such a step named
//! is its own affair; what this step named once and names no longer is taken away. So the two must be told apart: by
//! the run that both were in, by GitHub's ids of steps, and else by what their rules have in common.

use crate::core::release::record::{Record, RecordedSite, ReleaseKind, WorkflowRun};
use crate::core::site::repair::ObjectSettings;

/// What a step is known by, and what it applies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThisStep<'a> {
    /// The source directory and the filters, as records keep them.
    pub(crate) scope: &'a [String],
    /// What it sends objects with.
    pub(crate) settings: &'a ObjectSettings,
    /// The workflow run.
    pub(crate) run: &'a WorkflowRun,
}

impl ThisStep<'_> {
    /// Whether a record is of a step with the same files; older records name none.
    pub(crate) fn has_files_of(&self, site: &RecordedSite) -> bool {
        site.scope.is_empty() || site.scope == self.scope
    }

    /// Whether a record is of a step with the same files and the same settings.
    pub(crate) fn is_of(&self, site: &RecordedSite) -> bool {
        self.has_files_of(site) && site.applied.as_ref() == Some(self.settings)
    }
}

/// Whether a record is of a deploy.
pub(crate) fn is_deploy(record: &Record) -> bool {
    record.command == ReleaseKind::Deploy
}

/// Whether two runs are one; where nobody knows, they may be.
pub(crate) fn is_same_run(one: &WorkflowRun, other: &WorkflowRun) -> bool {
    (&one.id, one.attempt) == (&other.id, other.attempt)
}

/// The steps with the same files that this one has beside it, as records tell.
#[derive(Debug, Default)]
pub(crate) struct StepsBeside<'a> {
    /// What others have applied in this very run.
    now: Vec<&'a ObjectSettings>,
    /// What others have applied in runs that this step was in, too.
    before: Vec<&'a ObjectSettings>,
    /// What was applied in the newest earlier run that had several such steps, the last of them first.
    together: Vec<&'a ObjectSettings>,
    /// Without a new record of this step the next runs may not know that there are two.
    fades: bool,
}

impl<'a> StepsBeside<'a> {
    /// Finds them in `records`, newest first.
    pub(crate) fn of(records: &'a [Record], step: ThisStep<'_>) -> Self {
        let with_same_files = records.iter().filter(|record| is_deploy(record)).filter_map(|record| {
            let site = record.site.as_ref().filter(|site| step.has_files_of(site))?;
            Some((&record.run, site.applied.as_ref()?))
        });
        let mut runs: Vec<(&WorkflowRun, Vec<&ObjectSettings>)> = Vec::new();
        for (run, applied) in with_same_files.filter(|(run, _)| run.id.is_some()) {
            match runs.iter_mut().find(|(known, _)| is_same_run(known, run)) {
                Some((_, all)) if all.contains(&applied) => {}
                Some((_, all)) => all.push(applied),
                None => runs.push((run, vec![applied])),
            }
        }
        let mut beside = Self::default();
        for (run, all) in runs {
            let others = all.iter().copied().filter(|one| *one != step.settings);
            if is_same_run(run, step.run) {
                // No step comes twice in a run.
                beside.now.extend(others);
            } else if all.len() > 1 {
                if all.contains(&step.settings) {
                    beside.before.extend(others);
                }
                if beside.together.is_empty() {
                    beside.together = all;
                }
            }
        }
        let newest = || records.iter().take(LASTING).filter_map(|record| record.site.as_ref());
        let has_beside = !beside.now.is_empty() || !beside.before.is_empty();
        beside.fades = has_beside && !newest().any(|site| step.is_of(site));
        beside
    }

    /// Whether `applied`, which is not what this step applies now, is another step's.
    pub(crate) fn has(&self, applied: &ObjectSettings, step: ThisStep<'_>) -> bool {
        if self.now.contains(&applied) || self.before.contains(&applied) {
            return true;
        }
        let taken: Vec<usize> = self.now.iter().filter_map(|one| self.nearest(one, &[])).collect();
        let own = self.together.iter().position(|one| *one == step.settings);
        let own = own.or_else(|| self.nearest(step.settings, &taken));
        let origin = self.nearest(applied, &[]);
        let first = origin.map(|place| self.together[place]);
        own != origin && first.is_some_and(|first| likeness(first, applied) > likeness(step.settings, applied))
    }

    /// Whether this run is to write a record though it changes nothing: else what this step applies is not among those that
    /// the next runs look at, and they would take the rules of the others for its own ones of before.
    pub(crate) const fn is_to_be_noted(&self) -> bool {
        self.fades
    }

    /// Which of the steps that were together has become the one with these settings: that with the most in common.
    fn nearest(&self, settings: &ObjectSettings, taken: &[usize]) -> Option<usize> {
        let free = self
            .together
            .iter()
            .enumerate()
            .filter(|(place, _)| !taken.contains(place));
        // Of equals the first one, which came last.
        let nearest = free.rev().max_by_key(|(_, one)| likeness(one, settings));
        nearest.map(|(place, _)| place)
    }
}

/// Among so many of the newest records there is one of each of the steps that are beside each other; runs read more.
const LASTING: usize = 10;

/// How much two settings have in common: the same values count most, then the same names, and what only one of them
/// names speaks against it.
fn likeness(one: &ObjectSettings, other: &ObjectSettings) -> i64 {
    if one == other {
        return i64::MAX;
    }
    let (ones, others) = (named(one), named(other));
    let alike = |(name, value): &(String, String)| match others.iter().find(|(other, _)| other == name) {
        Some((_, other)) if other == value => 3,
        Some(_) => 2,
        None => 0,
    };
    let alone = |these: &[(String, String)], those: &[(String, String)]| {
        let is_alone = |(name, _): &&(String, String)| !those.iter().any(|(other, _)| other == name);
        i64::try_from(these.iter().filter(is_alone).count()).unwrap_or(i64::MAX / 4)
    };
    ones.iter().map(alike).sum::<i64>() - alone(&ones, &others) - alone(&others, &ones)
}

/// What settings name, with its value.
fn named(settings: &ObjectSettings) -> Vec<(String, String)> {
    let acl = settings.acl.iter().map(|acl| ("acl".to_owned(), acl.clone()));
    let grants = (!settings.grants.is_empty()).then(|| ("grants".to_owned(), settings.grants.join(" ")));
    let headers = settings.headers.names().into_iter().map(|name| {
        let value = settings.headers.get(&name).unwrap_or_default().to_owned();
        (name.to_string(), value)
    });
    let rules = settings.rules.iter().map(|line| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        (name.to_ascii_lowercase(), value.to_owned())
    });
    acl.chain(grants).chain(headers).chain(rules).collect()
}
