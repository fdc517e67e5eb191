//! How much of all records together a run keeps in memory: whoever can write one can write many.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The most bytes of all heads of records: a thousand usual ones have a third of it. Twice as much is kept while debts
/// are looked for.
const MAX_HEADS: usize = 8 * 1024 * 1024;
/// The most bytes of all lists of keys: those of two hundred thousand keys.
const MAX_LINES: usize = 28 * 1024 * 1024;

/// What a value of a head, or a line of a list, takes in memory besides its characters.
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

    /// Notes what so many values of a head take beyond their bytes.
    ///
    /// # Errors
    /// As [`Self::take_head`].
    pub(crate) fn take_values(&self, values: usize) -> Result<(), TooMuchKept> {
        take(&self.heads, values * OVERHEAD, MAX_HEADS)
    }

    /// Notes a line of a list, of so many bytes, that becomes a `T`; what it takes.
    ///
    /// # Errors
    /// As [`Self::take_head`].
    pub(crate) fn take_line<T>(&self, bytes: usize) -> Result<usize, TooMuchKept> {
        // Short ones take as much as their places in a vector that has just grown.
        let taken = (bytes + OVERHEAD).max(3 * size_of::<T>());
        take(&self.lines, taken, MAX_LINES)?;
        Ok(taken)
    }

    /// Gives back what lines took that are not kept.
    pub(crate) fn give_lines(&self, taken: usize) {
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
    use crate::core::site::key_change::KeyChange;

    #[test]
    fn all_records_together_have_a_limit_and_usual_ones_are_far_from_it() {
        let usual = KeptRecords::default();
        for _ in 0..1000 {
            assert_eq!(usual.take_head(3000), Ok(()));
            assert_eq!(usual.take_values(70), Ok(()));
        }
        for _ in 0..150_000 {
            assert_eq!(usual.take_line::<KeyChange>(120), Ok(184));
        }

        let planted = KeptRecords::default();
        let heads = (0..40).filter(|_| planted.take_head(1024 * 1024).is_ok()).count();
        assert_eq!(heads, 8);
        let error = planted.take_values(64 * 1024).expect_err("too much");
        assert_eq!(error.to_string(), "the release records together are larger than 8 MiB");
        assert_eq!(planted.take_line::<u64>(21), Ok(21 + OVERHEAD));
        planted.give_lines(21 + OVERHEAD);
        let lines = (0..10_000_000)
            .take_while(|_| planted.take_line::<KeyChange>(24).is_ok())
            .count();
        assert_eq!(lines, MAX_LINES / (3 * size_of::<KeyChange>()));
        planted.give_lines(3 * size_of::<KeyChange>());
        assert!(planted.take_line::<KeyChange>(24).is_ok() && planted.take_line::<KeyChange>(24).is_err());
        assert!(planted.take_head(usize::MAX).is_err());
    }
}
