//! What earlier runs owe to distributions, as far back as it takes to know, and whether all of that could be read.

use std::cmp::Reverse;
use std::sync::atomic::Ordering;

use crate::aws::releases::History;
use crate::aws::releases::folder::UnusableRecord;
use crate::core::error::code;
use crate::core::release::pending::confirmation;
use crate::core::release::record::Record;
use crate::core::release::unread::Unread;

/// How far back one looks, step by step, for the newest run that confirmed a distribution.
const DEPTHS: [usize; 2] = [200, 1000];

impl History {
    /// Reads on behind `records`, the newest `n`, until it is known what is owed to `distributions`; what steps did that
    /// have a distribution alone comes between them.
    pub(crate) async fn read_debts(&self, mut records: Vec<Record>, n: usize, distributions: &[String]) -> Vec<Record> {
        let (mut from, mut more) = (n, records.len() >= n);
        for to in DEPTHS {
            let known = |distribution| confirmation(&records, distribution, self.site.is_some()).is_some();
            if !more || from >= to || distributions.iter().all(known) {
                break;
            }
            let older;
            (older, more) = self.window(self.releases().collect(), from, to).await;
            records.extend(older);
            from = to;
        }
        if !self.distributions.is_empty() {
            let (others, _) = self.window(self.distributions.iter().collect(), 0, n).await;
            let new = |other: &Record| records.iter().all(|record| record.id != other.id);
            let others: Vec<Record> = others.into_iter().filter(new).collect();
            records.extend(others);
            records.sort_by_cached_key(|record| Reverse((record.stored_at, record.id.clone())));
        }
        records
    }

    /// Whether something may be owed to `distributions` that could not be read, and that a later run may well read.
    #[must_use]
    pub(crate) fn may_hide_debts(&self, records: &[Record], distributions: &[String]) -> bool {
        let unread = self.unread();
        distributions.iter().any(|distribution| {
            let confirmed = confirmation(records, distribution, self.site.is_some());
            let confirmed = confirmed.map(|record| (record.stored_at, record.id.as_str()));
            self.unlisted.load(Ordering::Relaxed)
                || unread.iter().any(|unread| {
                    unread.why == Unread::Unreached
                        && confirmed.is_none_or(|than| (unread.stored_at, unread.id.as_str()) > than)
                })
        })
    }

    /// Whether `error`, of reading a list of keys, is one that later runs will meet as well: it is gone, or is no list.
    #[must_use]
    pub(crate) fn is_lost(error: &anyhow::Error) -> bool {
        error.is::<UnusableRecord>() || code(error) == Some("NoSuchKey")
    }

    /// Whether there is a place for the site's records.
    #[must_use]
    pub(crate) fn keeps_site(&self) -> bool {
        self.site.is_some()
    }

    /// Whether distributions have records of their own.
    #[must_use]
    pub(crate) fn keeps_distributions(&self) -> bool {
        !self.distributions.is_empty()
    }
}
