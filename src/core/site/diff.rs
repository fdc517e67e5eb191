//! The comparison of a directory with a bucket: pure, in one pass, both sides in S3's order of keys.

use std::cmp::Ordering;
use std::time::{Duration, SystemTime};

use crate::core::release::id::is_of_a_release;
use crate::core::site::etag::Etag;
use crate::core::site::local_file::LocalFile;
use crate::core::site::plan::{Compare, Reason, RemoteObject};

/// One step of a merge.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pair {
    /// A file, by its place, without an object.
    LocalOnly(usize),
    /// A file, by its place, and the object under its key.
    Both(usize, RemoteObject),
    /// An object without a file.
    RemoteOnly(RemoteObject),
}

/// A merge of files with the objects of a listing, both in the byte order of their paths.
///
/// It holds nothing but a place in the files: objects come one by one and leave at once.
#[derive(Debug)]
pub(crate) struct Merge<'a> {
    files: &'a [LocalFile],
    next: usize,
    prefix: &'a str,
}

impl<'a> Merge<'a> {
    /// A merge of `files`, whose keys begin with `prefix`.
    #[must_use]
    pub(crate) fn new(files: &'a [LocalFile], prefix: &'a str) -> Self {
        Self { files, next: 0, prefix }
    }

    /// Takes the next object of the listing; its key must begin with the prefix.
    pub(crate) fn object(&mut self, object: RemoteObject, mut step: impl FnMut(Pair)) {
        let path = object.key.strip_prefix(self.prefix).unwrap_or(&object.key);
        while let Some(file) = self.files.get(self.next) {
            match (*file.path).cmp(path) {
                Ordering::Less => step(Pair::LocalOnly(self.next)),
                Ordering::Equal => {
                    self.next += 1;
                    return step(Pair::Both(self.next - 1, object));
                }
                Ordering::Greater => break,
            }
            self.next += 1;
        }
        step(Pair::RemoteOnly(object));
    }

    /// The first file that the listing has not reached yet.
    #[must_use]
    pub(crate) fn next_file(&self) -> Option<&'a LocalFile> {
        self.files.get(self.next)
    }

    /// The listing is at its end: no file that is left has an object.
    pub(crate) fn finish(self, step: impl FnMut(Pair)) {
        (self.next..self.files.len()).map(Pair::LocalOnly).for_each(step);
    }
}

/// How a file and its object are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiffRules {
    /// `compare`.
    pub(crate) compare: Compare,
    /// `force`.
    pub(crate) force: bool,
    /// `--no-overwrite`.
    pub(crate) no_overwrite: bool,
}

/// What sizes, times and names tell about a file and its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiffVerdict {
    /// The object stays.
    Same,
    /// The object is written, for this reason.
    Write(Reason),
    /// Only the bytes can tell: does the file have this ETag?
    Hash(Etag),
}

impl DiffRules {
    /// Compares `file` with the object under its key.
    ///
    /// | | size differs | same size, file newer | same size, not newer |
    /// | --- | --- | --- | --- |
    /// | `--no-overwrite` | same | same | same |
    /// | `force` | forced | forced | forced |
    /// | `content` | size changed | hash | hash |
    /// | `modified` | size changed | newer | same |
    /// | `size` | size changed | same | same |
    #[must_use]
    pub(crate) fn verdict(&self, file: &LocalFile, object: &RemoteObject) -> DiffVerdict {
        if self.no_overwrite {
            return DiffVerdict::Same;
        }
        if self.force {
            return DiffVerdict::Write(Reason::Forced);
        }
        if file.size != object.size {
            return DiffVerdict::Write(Reason::SizeChanged);
        }
        match self.compare {
            Compare::Content => DiffVerdict::Hash(Etag::parse(&object.etag)),
            Compare::Modified if is_newer(file.modified, object.last_modified) => DiffVerdict::Write(Reason::Newer),
            Compare::Modified | Compare::Size => DiffVerdict::Same,
        }
    }
}

/// Whether a file's time lies after an object's, which has whole seconds; files count in microseconds, as Python does.
fn is_newer(file: SystemTime, object: i64) -> bool {
    let object_micros = i128::from(object) * 1_000_000;
    let micros = |duration: Duration| i128::try_from(duration.as_micros()).unwrap_or(i128::MAX);
    let file_micros = match file.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => micros(after),
        Err(before) => -micros(before.duration()),
    };
    file_micros > object_micros
}

/// Whether the object at `path` (relative to the prefix) belongs to something that exists and cannot be uploaded;
/// `kept` is sorted.
#[must_use]
pub(crate) fn is_kept(kept: &[String], path: &str) -> bool {
    let is = |candidate: &str| kept.binary_search_by(|known| known.as_str().cmp(candidate)).is_ok();
    !kept.is_empty() && (is(path) || path.match_indices('/').any(|(slash, _)| is(&path[..slash])))
}

/// Whether an object is none of the site's business: a zero-byte marker that consoles make for "folders", or one in a
/// `reserved` folder (release records).
#[must_use]
pub(crate) fn is_ignored(object: &RemoteObject, reserved: &[String]) -> bool {
    (object.size == 0 && object.key.ends_with('/')) || is_reserved(&object.key, reserved)
}

/// Whether a key lies in one of the `reserved` folders, or is an object of a release of another `history`.
#[must_use]
pub(crate) fn is_reserved(key: &str, reserved: &[String]) -> bool {
    is_in_folder(key, reserved) || is_of_a_release(key)
}

/// Whether a key lies in one of `folders`.
#[must_use]
pub(crate) fn is_in_folder(key: &str, folders: &[String]) -> bool {
    folders.iter().any(|folder| key.starts_with(folder.as_str()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn file(path: &str, size: u64) -> LocalFile {
        LocalFile {
            root: std::path::PathBuf::from("site").into(),
            path: path.into(),
            size,
            modified: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
        }
    }

    fn object(key: &str, size: u64) -> RemoteObject {
        RemoteObject {
            key: key.to_owned(),
            size,
            etag: String::new(),
            last_modified: 1_000,
        }
    }

    /// The steps of a merge as text: `+path`, `=path`, `-key`.
    fn merge(files: &[LocalFile], prefix: &str, objects: Vec<RemoteObject>) -> Vec<String> {
        let mut steps = Vec::new();
        let mut note = |pair: Pair| {
            steps.push(match pair {
                Pair::LocalOnly(file) => format!("+{}", files[file].path),
                Pair::Both(file, _) => format!("={}", files[file].path),
                Pair::RemoteOnly(object) => format!("-{}", object.key),
            });
        };
        let mut merge = Merge::new(files, prefix);
        for object in objects {
            merge.object(object, &mut note);
        }
        merge.finish(&mut note);
        steps
    }

    #[test]
    fn merges_in_byte_order() {
        // `-` < `.` < `/` < `0`, and U+FFEE sorts before an emoji in UTF-8 though not in UTF-16.
        let files = ["a-b", "a.b", "a/b", "a0", "\u{ffee}", "\u{1f600}"].map(|path| file(path, 1));
        let objects = ["p/a.b", "p/a/a", "p/\u{1f600}", "p/\u{1f601}"].map(|key| object(key, 1));
        assert_eq!(
            merge(&files, "p/", objects.into()),
            [
                "+a-b",
                "=a.b",
                "-p/a/a",
                "+a/b",
                "+a0",
                "+\u{ffee}",
                "=\u{1f600}",
                "-p/\u{1f601}"
            ]
        );
    }

    #[test]
    fn the_rules_are_those_of_the_table() {
        let rules = |compare, force, no_overwrite| DiffRules {
            compare,
            force,
            no_overwrite,
        };
        let newer = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000);
        let same = file("a", 1);
        let changed_since = LocalFile {
            modified: newer,
            ..same.clone()
        };
        let longer = file("a", 2);
        let remote = object("a", 1);
        for (rules, expected) in [
            (rules(Compare::Content, true, true), [DiffVerdict::Same; 3]),
            (
                rules(Compare::Content, true, false),
                [DiffVerdict::Write(Reason::Forced); 3],
            ),
            (
                rules(Compare::Content, false, false),
                [
                    DiffVerdict::Write(Reason::SizeChanged),
                    DiffVerdict::Hash(Etag::Opaque),
                    DiffVerdict::Hash(Etag::Opaque),
                ],
            ),
            (
                rules(Compare::Modified, false, false),
                [
                    DiffVerdict::Write(Reason::SizeChanged),
                    DiffVerdict::Write(Reason::Newer),
                    DiffVerdict::Same,
                ],
            ),
            (
                rules(Compare::Size, false, false),
                [
                    DiffVerdict::Write(Reason::SizeChanged),
                    DiffVerdict::Same,
                    DiffVerdict::Same,
                ],
            ),
        ] {
            let verdicts = [&longer, &changed_since, &same].map(|file| rules.verdict(file, &remote));
            assert_eq!(verdicts, expected, "{rules:?}");
        }
    }

    #[test]
    fn a_microsecond_makes_a_file_newer() {
        let at = |micros: u64| SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
        assert!(!is_newer(at(1_000_000_000), 1_000));
        assert!(is_newer(at(1_000_000_001), 1_000));
        assert!(!is_newer(at(999_999_999), 1_000));
        assert!(!is_newer(SystemTime::UNIX_EPOCH - Duration::from_secs(1), 0));
    }

    #[test]
    fn keeps_what_is_at_or_below_a_skipped_path() {
        let kept = ["a/link".to_owned(), "fifo".to_owned()];
        for (path, expected) in [
            ("fifo", true),
            ("fifo/x", true),
            ("fifo2", false),
            ("a/link/deep/x", true),
            ("a/linked", false),
            ("a", false),
        ] {
            assert_eq!(is_kept(&kept, path), expected, "{path}");
        }
        assert!(!is_kept(&[], "a"));
    }

    #[test]
    fn ignores_markers_and_records() {
        let reserved = [".aws-web-deploy/".to_owned()];
        for (key, size, expected) in [
            ("a/", 0, true),
            ("a/", 1, false),
            (".aws-web-deploy/site/x.json", 9, true),
            ("a/.aws-web-deploy/x", 9, false),
            (".aws-web-deploy", 9, false),
        ] {
            assert_eq!(is_ignored(&object(key, size), &reserved), expected, "{key}");
        }
    }

    proptest! {
        /// Applying the steps to the remote side gives the local side, and a second merge has nothing to do.
        #[test]
        fn applying_a_merge_makes_both_sides_equal(
            local in prop::collection::btree_map("[a-c/.\u{ffee}\u{1f600}-]{1,4}", 0_u64..3, 0..12),
            remote in prop::collection::btree_map("[a-c/.\u{ffee}\u{1f600}-]{1,4}", 0_u64..3, 0..12),
        ) {
            let rules = DiffRules { compare: Compare::Size, force: false, no_overwrite: false };
            let files: Vec<_> = local.iter().map(|(path, size)| file(path, *size)).collect();
            let mut state: BTreeMap<String, u64> =
                remote.iter().map(|(path, size)| (format!("p/{path}"), *size)).collect();
            let mut steps_of_second_run = 0;
            for run in 0..2 {
                let objects: Vec<_> = state.iter().map(|(key, size)| object(key, *size)).collect();
                let mut changes: Vec<(String, Option<u64>)> = Vec::new();
                let mut note = |pair: Pair| match pair {
                    Pair::LocalOnly(file) => {
                        changes.push((format!("p/{}", files[file].path), Some(files[file].size)));
                    }
                    Pair::Both(file, object) => {
                        if rules.verdict(&files[file], &object) != DiffVerdict::Same {
                            changes.push((object.key, Some(files[file].size)));
                        }
                    }
                    Pair::RemoteOnly(object) => changes.push((object.key, None)),
                };
                let mut merge = Merge::new(&files, "p/");
                for object in objects {
                    merge.object(object, &mut note);
                }
                merge.finish(&mut note);
                if run == 1 {
                    steps_of_second_run = changes.len();
                }
                for (key, size) in changes {
                    match size {
                        Some(size) => state.insert(key, size),
                        None => state.remove(&key),
                    };
                }
            }
            let expected: BTreeMap<String, u64> =
                local.into_iter().map(|(path, size)| (format!("p/{path}"), size)).collect();
            prop_assert_eq!(state, expected);
            prop_assert_eq!(steps_of_second_run, 0);
        }
    }
}
