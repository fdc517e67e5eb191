//! Listings and paging against a modelled server: whatever is there and however it is paged, each file and each object is
//! seen once.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use proptest::prelude::*;

use super::*;
use crate::core::site::diff::{Merge, Pair};
use crate::core::site::plan::RemoteObject;

/// A bucket that answers in pages.
struct ModelledServer {
    keys: BTreeSet<String>,
    page: usize,
    asked: usize,
}

impl ModelledServer {
    /// The keys behind `after`, and whether more follow.
    fn list(&mut self, prefix: &str, after: Option<&str>) -> (Vec<String>, bool) {
        self.asked += 1;
        let mut behind = self
            .keys
            .iter()
            .filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
        let page: Vec<String> = behind.by_ref().take(self.page).cloned().collect();
        (page, behind.next().is_some())
    }
}

/// What a comparison saw.
#[derive(Debug, Default, PartialEq, Eq)]
struct MergedKeys {
    local_only: Vec<String>,
    both: Vec<String>,
    remote_only: Vec<String>,
}

/// Goes along all ranges as the comparison does.
fn compare(
    files: &[LocalFile],
    prefix: &str,
    server: &mut ModelledServer,
    ranges: &[KeyRange],
    every_object: bool,
) -> MergedKeys {
    let mut seen = MergedKeys::default();
    let key = |file: usize| format!("{prefix}{}", files[file].path);
    for range in ranges {
        let start = range.files.start;
        let mut note = |pair: Pair| match pair {
            Pair::LocalOnly(file) => seen.local_only.push(key(start + file)),
            Pair::Both(file, object) => {
                assert_eq!(key(start + file), object.key);
                seen.both.push(object.key);
            }
            Pair::RemoteOnly(object) => seen.remote_only.push(object.key),
        };
        let mut merge = Merge::new(&files[range.files.clone()], prefix);
        let mut cursor = RangeCursor::new(range, every_object);
        loop {
            let (page, more) = server.list(prefix, cursor.after());
            for key in page {
                match cursor.take(&key) {
                    KeyPlace::Inside => {}
                    KeyPlace::Beyond => break,
                    KeyPlace::OutOfOrder => panic!("`{key}` came again"),
                }
                let (etag, size, last_modified) = (String::new(), 0, 0);
                merge.object(
                    RemoteObject {
                        key,
                        size,
                        etag,
                        last_modified,
                    },
                    &mut note,
                );
            }
            let next = merge.next_file().map(|file| format!("{prefix}{}", file.path));
            if !cursor.goes_on(more, next.as_deref()) {
                break;
            }
        }
        merge.finish(&mut note);
    }
    seen
}

fn files(paths: &BTreeSet<String>) -> Vec<LocalFile> {
    let file = |path: &String| LocalFile {
        root: PathBuf::from("site").into(),
        path: path.as_str().into(),
        size: 0,
        modified: SystemTime::UNIX_EPOCH,
    };
    paths.iter().map(file).collect()
}

const PATH: &str = "[a-c/. \u{ffee}\u{1f600}-]{1,4}";

proptest! {
    #[test]
    fn each_file_and_each_object_is_seen_once(
        local in prop::collection::btree_set(PATH, 0..24),
        remote in prop::collection::btree_set(PATH, 0..24),
        shared in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        prefix in prop::sample::select(vec!["", "p/", "a b/"]),
        (page, step) in (1_usize..6, 1_usize..6),
        every_object in any::<bool>(),
    ) {
        let mut keys: BTreeSet<String> = remote.iter().map(|path| format!("{prefix}{path}")).collect();
        let paths: Vec<&String> = local.iter().collect();
        if !paths.is_empty() {
            keys.extend(shared.iter().map(|index| format!("{prefix}{}", index.get(&paths))));
        }
        // Beside the prefix lie objects that are none of ours.
        keys.extend(["p".to_owned(), "q/x".to_owned()].into_iter().filter(|_| !prefix.is_empty()));
        let files = files(&local);
        let expected: BTreeSet<String> = local.iter().map(|path| format!("{prefix}{path}")).collect();
        let ours: BTreeSet<String> = keys.iter().filter(|key| key.starts_with(prefix)).cloned().collect();
        let mut cut = key_ranges(&files, prefix, step);
        if cut.is_empty() {
            cut.push(KeyRange::whole(0));
        }
        for ranges in [vec![KeyRange::whole(files.len())], cut] {
            let mut server = ModelledServer { keys: keys.clone(), page, asked: 0 };
            let seen = compare(&files, prefix, &mut server, &ranges, every_object);
            let both: Vec<String> = expected.intersection(&ours).cloned().collect();
            let only: Vec<String> = expected.difference(&ours).cloned().collect();
            prop_assert_eq!(&seen.both, &both);
            prop_assert_eq!(&seen.local_only, &only);
            let others: Vec<String> = ours.difference(&expected).cloned().collect();
            if every_object {
                prop_assert_eq!(&seen.remote_only, &others);
            } else {
                let unique: BTreeSet<&String> = seen.remote_only.iter().collect();
                prop_assert_eq!(unique.len(), seen.remote_only.len());
                prop_assert!(seen.remote_only.iter().all(|key| others.contains(key)));
            }
            prop_assert!(server.asked <= ranges.len() + ours.len() / page + files.len() + 1, "{} pages", server.asked);
        }
    }

    #[test]
    fn an_unchanged_tree_is_listed_in_full_pages(
        local in prop::collection::btree_set(PATH, 1..40),
        step in 1_usize..8,
        every_object in any::<bool>(),
    ) {
        let files = files(&local);
        let mut server = ModelledServer { keys: local.clone(), page: step, asked: 0 };
        let ranges = key_ranges(&files, "", step);
        let seen = compare(&files, "", &mut server, &ranges, every_object);
        prop_assert_eq!(seen.both.len(), files.len());
        // Behind the last file there may be more keys.
        prop_assert!(server.asked <= ranges.len() + 1, "{} pages for {} ranges", server.asked, ranges.len());
    }
}
