//! Ids of releases, and the names of their objects: newest first in S3's ascending listing.

use chrono::{DateTime, Utc};

/// The id of a release: its time, then what keeps two of one millisecond apart (run, attempt, random bits).
///
/// Ids sort by time; they are safe in URLs, object keys, shells and version labels, and at most 60 characters long.
#[must_use]
pub(crate) fn new(now: DateTime<Utc>, run_id: Option<&str>, run_attempt: Option<&str>, random: u32) -> String {
    let mut id = now.format("%Y%m%d-%H%M%S%3f").to_string();
    for part in [run_id, run_attempt].into_iter().flatten() {
        let part: String = part.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        if !part.is_empty() {
            id.push('-');
            id.push_str(&part);
        }
    }
    id.push_str(&format!("-{:06x}", random & 0x00ff_ffff));
    id
}

/// Which of the two objects of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Written before the first change, and never again: its time is S3's own time of the start.
    Started,
    /// Written after the last change.
    Finished,
}

/// The lists beside a release's objects: of the keys that it is about to change, of those that it changed, of the old
/// assets that it leaves, and of the files that it had.
pub(crate) const LISTS: [&str; 4] = ["planned", "changed", "retired", "files"];

/// The latest time, in milliseconds, whose complement still has 13 digits (the year 2286).
const END: i64 = 9_999_999_999_999;

/// The name of a record's object: the time counted backwards, so that the newest comes first in a listing.
#[must_use]
pub(crate) fn object_name(id: &str, started_at: DateTime<Utc>, stage: Stage) -> String {
    let backwards = END - started_at.timestamp_millis().clamp(0, END);
    let stage = match stage {
        Stage::Started => ".started",
        Stage::Finished => "",
    };
    format!("{backwards:013}-{id}{stage}.json")
}

/// The id and stage in the name of a record's object; `None` for an object that is no record.
#[must_use]
pub(crate) fn parse_object_name(name: &str) -> Option<(&str, Stage)> {
    let (backwards, rest) = name.split_once('-')?;
    if backwards.len() != 13 || !backwards.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest = rest.strip_suffix(".json")?;
    let (id, stage) = match rest.strip_suffix(".started") {
        Some(id) => (id, Stage::Started),
        None => (rest, Stage::Finished),
    };
    (!id.is_empty()).then_some((id, stage))
}

/// Whether `key` is an object of a release, wherever its records are: by `history` they can be in any folder, and a step
/// without it knows only that such names are nobody else's.
#[must_use]
pub(crate) fn is_of_a_release(key: &str) -> bool {
    let Some((folder, name)) = key.rsplit_once('/') else {
        return false;
    };
    let is_in = |name: &str| {
        folder
            .strip_suffix(name)
            .is_some_and(|above| above.is_empty() || above.ends_with('/'))
    };
    let list = || {
        let list = name.strip_suffix(".jsonl.gz")?;
        let (id, which) = list.rsplit_once('.')?;
        LISTS.contains(&which).then_some(id)
    };
    match name.rsplit_once('.') {
        Some((_, "json")) if is_in("releases") => parse_object_name(name).is_some_and(|(id, _)| is_id(id)),
        Some((_, "gz")) if is_in("keys") => list().is_some_and(is_id),
        _ => false,
    }
}

/// Whether `id` is one that [`new`] makes.
fn is_id(id: &str) -> bool {
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = id.split('-').collect();
    match parts.as_slice() {
        [date, time, between @ .., random] => {
            let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            let is_part = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
            digits(date, 8)
                && digits(time, 9)
                && between.len() <= 2
                && between.iter().all(is_part)
                && random.len() == 6
                && random.bytes().all(is_hex)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_releases_are_known_in_every_folder() {
        let id = new(at(1_795_165_130_123), Some("12"), Some("1"), 5);
        for stage in [Stage::Started, Stage::Finished] {
            let name = object_name(&id, at(1_795_165_130_123), stage);
            for folder in [
                "releases",
                "records/site/b/docs/releases",
                ".aws-web-deploy/site/releases",
            ] {
                assert!(is_of_a_release(&format!("{folder}/{name}")), "{folder}/{name}");
            }
            assert!(!is_of_a_release(&format!("blog/{name}")) && !is_of_a_release(&format!("x-releases/{name}")));
        }
        for which in LISTS {
            assert!(is_of_a_release(&format!("a/keys/{id}.{which}.jsonl.gz")));
        }
        for other in [
            "releases/1604188800000-notes.json",
            "releases/1604188800000-20261120-085850123-x.json",
            "releases/1604188800000-20261120-08585012-abcdef.json",
            "releases/v1.json",
            "keys/20261120-085850123-abcdef.other.jsonl.gz",
            "keys/a.changed.jsonl.gz",
            "20261120-085850123-abcdef.json",
        ] {
            assert!(!is_of_a_release(other), "{other}");
        }
    }

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).expect("a time")
    }

    #[test]
    fn ids_sort_by_time_and_names_backwards() {
        let times = [
            0,
            1_604_188_800_000,
            1_795_165_130_123,
            1_795_165_130_124,
            1_795_165_131_000,
        ];
        let ids: Vec<_> = times
            .iter()
            .map(|&time| new(at(time), Some("9"), Some("1"), 7))
            .collect();
        assert!(ids.is_sorted());
        let names: Vec<_> = ids
            .iter()
            .zip(times)
            .map(|(id, time)| object_name(id, at(time), Stage::Finished))
            .collect();
        assert!(names.iter().rev().is_sorted());
    }

    #[test]
    fn an_id_tells_run_and_attempt_and_holds_no_unsafe_character() {
        let id = new(at(1_795_165_130_123), Some("192/8 ü34"), Some("2"), 0xffab_cdef);
        assert_eq!(id, "20261120-085850123-192834-2-abcdef");
        assert_eq!(new(at(0), None, None, 1), "19700101-000000000-000001");
    }

    #[test]
    fn a_name_gives_its_id_back() {
        let id = new(at(1_795_165_130_123), Some("12"), None, 5);
        for stage in [Stage::Started, Stage::Finished] {
            let name = object_name(&id, at(1_795_165_130_123), stage);
            assert_eq!(parse_object_name(&name), Some((id.as_str(), stage)));
        }
        for no_record in [
            "",
            "a-b.json",
            "8204834869876-x.txt",
            "8204834869876-.json",
            "82048348698760-x.json",
        ] {
            assert_eq!(parse_object_name(no_record), None, "{no_record}");
        }
    }
}
