//! How much of all records together a run keeps in memory: whoever can write one can write many.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::core::release::record::Record;

/// The most bytes of all heads of records: a thousand usual ones have a third of it. Twice as much is kept while debts
/// are looked for.
const MAX_HEADS: usize = 8 * 1024 * 1024;
/// The most bytes of all lists of keys: those of two hundred thousand keys.
const MAX_LINES: usize = 28 * 1024 * 1024;

/// What a path, or a line of a list, takes in memory besides its characters.
const OVERHEAD: usize = 64;

/// What a run keeps of records, in bytes of memory.
#[derive(Debug, Default)]
pub(crate) struct KeptRecords {
    heads: AtomicUsize,
    lines: AtomicUsize,
}

/// The records together are larger than any of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the release records together are larger than {} MiB", .0 / (1024 * 1024))]
pub(crate) struct TooMuchKept(usize);

impl KeptRecords {
    /// Notes a head that is about to be read, of so many bytes.
    ///
    /// # Errors
    /// It would be too much: then it counts as nothing.
    pub(crate) fn take_head(&self, bytes: usize) -> Result<(), TooMuchKept> {
        take(&self.heads, bytes, MAX_HEADS)
    }

    /// Notes what a record takes beyond the bytes of its head.
    ///
    /// # Errors
    /// As [`Self::take_head`].
    pub(crate) fn take_record(&self, record: &Record) -> Result<(), TooMuchKept> {
        let unconfirmed = record.cdn.iter().flat_map(|cdn| cdn.unconfirmed.values());
        let paths: usize = unconfirmed.map(|paths| paths.len() + 1).sum();
        take(&self.heads, paths * OVERHEAD, MAX_HEADS)
    }

    /// Notes a line of a list, of so many bytes.
    ///
    /// # Errors
    /// As [`Self::take_head`].
    pub(crate) fn take_line(&self, bytes: usize) -> Result<(), TooMuchKept> {
        take(&self.lines, bytes + OVERHEAD, MAX_LINES)
    }

    /// Gives back what a list of `lines` lines and so many bytes took that is not kept.
    pub(crate) fn give_lines(&self, lines: usize, bytes: usize) {
        let taken = bytes + lines * OVERHEAD;
        let less = |kept: usize| Some(kept.saturating_sub(taken));
        let _ = self.lines.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

fn take(kept: &AtomicUsize, bytes: usize, most: usize) -> Result<(), TooMuchKept> {
    let more = |kept: usize| kept.checked_add(bytes).filter(|&all| all <= most);
    let taken = kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    taken.map(drop).map_err(|_| TooMuchKept(most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_cdn};
    use crate::core::release::record::RecordStatus;

    #[test]
    fn all_records_together_have_a_limit_and_usual_ones_are_far_from_it() {
        let usual = KeptRecords::default();
        let paths: Vec<String> = (0..30).map(|n| format!("/assets/{n}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let record = with_cdn(release("r1", RecordStatus::Succeeded), &["E1"], &[], &[("E1", &paths)]);
        for _ in 0..1000 {
            assert_eq!(usual.take_head(3000), Ok(()));
            assert_eq!(usual.take_record(&record), Ok(()));
        }
        for _ in 0..150_000 {
            assert_eq!(usual.take_line(120), Ok(()));
        }

        let planted = KeptRecords::default();
        let heads = (0..40).filter(|_| planted.take_head(1024 * 1024).is_ok()).count();
        assert_eq!(heads, 8);
        let error = planted.take_record(&record).expect_err("too much");
        assert_eq!(error.to_string(), "the release records together are larger than 8 MiB");
        let lines = (0..10_000_000).take_while(|_| planted.take_line(24).is_ok()).count();
        assert_eq!(lines, MAX_LINES / (24 + OVERHEAD));
        planted.give_lines(1, 24);
        assert!(planted.take_line(24).is_ok() && planted.take_line(24).is_err());
        assert!(planted.take_head(usize::MAX).is_err());
    }
}
