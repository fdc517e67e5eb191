//! How far the comparison of source directory and bucket is, for signs of life.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::core::text::count;

/// Counts what a comparison has seen; clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScanProgress(Arc<ScanCounters>);

#[derive(Debug, Default)]
struct ScanCounters {
    files: AtomicUsize,
    objects: AtomicUsize,
    read: AtomicUsize,
}

impl ScanProgress {
    /// So many files were found.
    pub(crate) fn found(&self, files: usize) {
        self.0.files.store(files, Ordering::Relaxed);
    }

    /// So many objects more were listed.
    pub(crate) fn listed(&self, objects: usize) {
        self.0.objects.fetch_add(objects, Ordering::Relaxed);
    }

    /// One file more was read.
    pub(crate) fn read_one(&self) {
        self.0.read.fetch_add(1, Ordering::Relaxed);
    }

    /// What is being done, and how far it is.
    #[must_use]
    pub(crate) fn text(&self, place: &str) -> String {
        let of = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        format!(
            "comparing the source directory with `{place}` ({} found, {} listed, {} read)",
            count(of(&self.0.files), "file"),
            count(of(&self.0.objects), "object"),
            count(of(&self.0.read), "file")
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
            "comparing the source directory with `s3://b/p/` (7 files found, 1500 objects listed, 1 file read)"
        );
    }
}
