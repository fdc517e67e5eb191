//! The key space in ranges that can be listed side by side, and the way along one of them.
//!
//! Pages of a listing come one after another, but the local tree tells where the keys lie.

use std::ops::Range;

use crate::core::site::local_file::LocalFile;

/// The keys of one range: after one, up to another, with the files that belong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) files: Range<usize>,
    pub(crate) after: Option<String>,
    pub(crate) until: Option<String>,
}

impl KeyRange {
    /// All keys there are, with so many files.
    pub(crate) fn whole(files: usize) -> Self {
        Self {
            files: 0..files,
            after: None,
            until: None,
        }
    }
}

/// Cuts the key space at every `step`th local key: an unchanged tree is then listed in full pages.
pub(crate) fn key_ranges(files: &[LocalFile], prefix: &str, step: usize) -> Vec<KeyRange> {
    let key = |file: usize| format!("{prefix}{}", files[file].path);
    (0..files.len())
        .step_by(step)
        .map(|start| {
            let end = (start + step).min(files.len());
            KeyRange {
                files: start..end,
                after: (start > 0).then(|| key(start - 1)),
                until: (end < files.len()).then(|| key(end - 1)),
            }
        })
        .collect()
}

/// Where a listed key lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    /// In the range, behind all that came before it.
    Inside,
    /// Behind the range: it is another range's.
    Beyond,
    /// Not behind the key before it: such a listing cannot be compared.
    OutOfOrder,
}

/// The way along one range.
#[derive(Debug)]
pub(crate) struct RangeCursor {
    last: Option<String>,
    until: Option<String>,
    /// Objects without a file matter too: they are to be deleted.
    every_object: bool,
    beyond: bool,
}

impl RangeCursor {
    pub(crate) fn new(range: &KeyRange, every_object: bool) -> Self {
        Self {
            last: range.after.clone(),
            until: range.until.clone(),
            every_object,
            beyond: false,
        }
    }

    /// The key that the next page begins after.
    pub(crate) fn after(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Takes the next listed key.
    pub(crate) fn take(&mut self, key: &str) -> KeyPlace {
        if self.last.as_deref().is_some_and(|last| key <= last) {
            return KeyPlace::OutOfOrder;
        }
        if self.until.as_deref().is_some_and(|until| key > until) {
            self.beyond = true;
            return KeyPlace::Beyond;
        }
        self.last = Some(key.to_owned());
        KeyPlace::Inside
    }

    /// Whether another page is needed once one is done, which says that `more` follow; `next_file` is the key of the
    /// first file that has not been reached.
    pub(crate) fn goes_on(&mut self, more: bool, next_file: Option<&str>) -> bool {
        let at_end = self.until.is_some() && self.last >= self.until;
        if self.beyond || !more || at_end {
            return false;
        }
        if self.every_object {
            return true;
        }
        // Without deletes nobody asks for objects that have no file: pass over them.
        let Some(next) = next_file else { return false };
        self.last = self.last.take().max(Some(before(next)));
        true
    }
}

/// A key before `key` and not far from it: without its last character.
fn before(key: &str) -> String {
    let mut shorter = key.to_owned();
    shorter.pop();
    shorter
}

#[cfg(test)]
#[path = "ranges_model.rs"]
mod model;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::SystemTime;

    use super::*;

    fn files(paths: &[&str]) -> Vec<LocalFile> {
        let file = |path: &&str| LocalFile {
            root: PathBuf::from("site").into(),
            path: (*path).into(),
            size: 0,
            modified: SystemTime::UNIX_EPOCH,
        };
        paths.iter().map(file).collect()
    }

    #[test]
    fn ranges_meet_at_local_keys() {
        let range = |files, after: Option<&str>, until: Option<&str>| KeyRange {
            files,
            after: after.map(str::to_owned),
            until: until.map(str::to_owned),
        };
        assert_eq!(key_ranges(&[], "p/", 2), []);
        assert_eq!(key_ranges(&files(&["a", "b"]), "p/", 2), [KeyRange::whole(2)]);
        assert_eq!(
            key_ranges(&files(&["a", "b", "c", "d", "e"]), "p/", 2),
            [
                range(0..2, None, Some("p/b")),
                range(2..4, Some("p/b"), Some("p/d")),
                range(4..5, Some("p/d"), None),
            ]
        );
    }

    #[test]
    fn a_cursor_stays_in_its_range_and_in_order() {
        use KeyPlace::{Beyond, Inside, OutOfOrder};
        let range = KeyRange {
            files: 0..2,
            after: Some("b".into()),
            until: Some("m".into()),
        };
        for (keys, expected) in [
            (&["c", "d", "m"][..], &[Inside, Inside, Inside][..]),
            (&["c", "c"], &[Inside, OutOfOrder]),
            (&["b"], &[OutOfOrder]),
            (&["d", "c"], &[Inside, OutOfOrder]),
            (&["l", "n"], &[Inside, Beyond]),
        ] {
            let mut cursor = RangeCursor::new(&range, true);
            let places: Vec<KeyPlace> = keys.iter().map(|key| cursor.take(key)).collect();
            assert_eq!(places, expected, "{keys:?}");
        }
    }

    #[test]
    fn another_page_is_asked_for_only_where_it_matters() {
        let range = KeyRange {
            files: 0..2,
            after: None,
            until: Some("m".into()),
        };
        // Every object matters?, last key, more?, next file: goes on?, after which key.
        for (every, last, more, next, expected) in [
            (true, "c", true, None, Some("c")),
            (true, "c", false, Some("k1"), None),
            (true, "m", true, Some("k1"), None),
            (true, "n", true, Some("k1"), None),
            (false, "c", true, None, None),
            (false, "c", true, Some("k1"), Some("k")),
            (false, "k0", true, Some("k1"), Some("k0")),
        ] {
            let mut cursor = RangeCursor::new(&range, every);
            cursor.take(last);
            let after = cursor.goes_on(more, next).then(|| cursor.after()).flatten();
            assert_eq!(after, expected, "{every} {last} {more} {next:?}");
        }
    }
}
