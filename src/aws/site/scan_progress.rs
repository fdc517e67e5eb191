//! How far the comparison of source directory and bucket is, for signs of life.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what a comparison has seen; clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScanProgress(Arc<ScanCounters>);

#[derive(Debug, Default)]
struct ScanCounters {
    files: AtomicU64,
    objects: AtomicU64,
    read: AtomicU64,
}

impl ScanProgress {
    /// So many files were found.
    pub(crate) fn found(&self, files: usize) {
        self.0.files.store(files as u64, Ordering::Relaxed);
    }

    /// So many objects more were listed.
    pub(crate) fn listed(&self, objects: usize) {
        self.0.objects.fetch_add(objects as u64, Ordering::Relaxed);
    }

    /// One file more was read.
    pub(crate) fn read_one(&self) {
        self.0.read.fetch_add(1, Ordering::Relaxed);
    }

    /// What is being done, and how far it is.
    #[must_use]
    pub(crate) fn text(&self, place: &str) -> String {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        format!(
            "comparing the source directory with `{place}` ({} files found, {} objects listed, {} files read)",
            of(&self.0.files),
            of(&self.0.objects),
            of(&self.0.read)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together() {
        let progress = ScanProgress::default();
        let other = progress.clone();
        other.found(7);
        other.listed(1000);
        other.listed(500);
        other.read_one();
        assert_eq!(
            progress.text("s3://b/p/"),
            "comparing the source directory with `s3://b/p/` (7 files found, 1500 objects listed, 1 files read)"
        );
    }
}
