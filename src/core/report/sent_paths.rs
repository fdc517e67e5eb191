//! Paths of invalidations in a report: those that CloudFront has accepted, and those that it has not.

use crate::core::report::Invalidation;

/// How many paths were accepted.
#[must_use]
pub(crate) fn accepted_paths(invalidations: &[Invalidation]) -> usize {
    let accepted = invalidations.iter().filter(|sent| sent.id.is_some());
    accepted.map(|sent| sent.paths.len()).sum()
}

/// How many paths were not, be it that CloudFront has refused them; in a dry run none were sent.
#[must_use]
pub(crate) fn refused_paths(invalidations: &[Invalidation]) -> usize {
    let refused = invalidations
        .iter()
        .filter(|sent| sent.id.is_none() && sent.status != "Planned");
    refused.map(|sent| sent.paths.len()).sum()
}
