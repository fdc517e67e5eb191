//! The plan, put together out of what a comparison found.

use anyhow::bail;

use crate::core::error::HintExt as _;
use crate::core::site::content_type::TextEncoding;
use crate::core::site::findings::ScanFindings;
use crate::core::site::foreign_files::foreign_files;
use crate::core::site::guard::{DeleteGuard, MaxDelete};
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::local_file::LocalFile;
use crate::core::site::local_scan::LocalScan;
use crate::core::site::plan::{Reason, SitePlan, Write, WriteSource};

/// S3 takes keys up to this many bytes of UTF-8.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>
const MAX_KEY: usize = 1024;

/// Puts the plan for `s3://bucket/prefix` together: assets, then pages, each in the order of their keys.
///
/// `headers` tells what a file is sent with, for which it may matter what text it is.
///
/// # Errors
/// It deletes more than `max_delete`.
pub(crate) fn assemble(
    (bucket, prefix): (&str, &str),
    scan: &LocalScan,
    findings: ScanFindings,
    repairs: Vec<Write>,
    max_delete: MaxDelete,
    headers: impl Fn(&LocalFile, Option<TextEncoding>) -> ObjectHeaders,
) -> anyhow::Result<SitePlan> {
    let new = findings.writes.iter().filter(|write| write.reason == Reason::New);
    let (objects, new) = (findings.managed, new.count() as u64);
    let unchanged = findings.unchanged.len() - repairs.len();
    let upload = |found: &crate::core::site::findings::FileToWrite| {
        let file = &scan.files[found.file];
        Write {
            key: format!("{prefix}{}", file.path),
            size: file.size,
            reason: found.reason,
            headers: headers(file, found.text),
            source: WriteSource::File(file.clone()),
        }
    };
    let mut writes: Vec<Write> = findings.writes.iter().map(upload).chain(repairs).collect();
    writes.sort_by_cached_key(|write| (write.is_html(), write.key.clone()));
    let mut deletes = findings.deletes;
    deletes.sort_unstable();
    let plan = SitePlan {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        writes,
        deletes,
        unchanged: unchanged as u64,
        warnings: {
            let foreign = foreign_files(scan.files.iter().map(|file| &*file.path));
            scan.warnings.iter().cloned().chain(foreign).collect()
        },
        ..SitePlan::default()
    };
    check_deletes(max_delete, objects, new, &plan)?;
    Ok(plan)
}

/// Refuses files whose keys S3 would not take.
///
/// # Errors
/// A prefix with a part `.` or `..`, a key that is too long.
pub(crate) fn check_keys(files: &[LocalFile], prefix: &str) -> anyhow::Result<()> {
    if prefix.split('/').any(|part| part == ".." || part == ".") {
        return Err(anyhow::anyhow!("`prefix` `{prefix}` has a part `.` or `..`"))
            .hint("remove `.` and `..`: S3 keys have no parent directories");
    }
    match files.iter().find(|file| prefix.len() + file.path.len() > MAX_KEY) {
        Some(file) => bail!(
            "the key `{prefix}{}` is {} bytes long, and S3 takes {MAX_KEY}",
            file.path,
            prefix.len() + file.path.len()
        ),
        None => Ok(()),
    }
}

/// Stops a plan that deletes too much of `objects`.
///
/// # Errors
/// It deletes more than `limit`, or everything.
pub(crate) fn check_deletes(limit: MaxDelete, objects: u64, new: u64, plan: &SitePlan) -> anyhow::Result<()> {
    let deletes = plan.deletes.len() as u64;
    let place = format!("s3://{}/{}", plan.bucket, plan.prefix);
    match limit.judge(objects, new, deletes) {
        DeleteGuard::Allowed => Ok(()),
        DeleteGuard::LeavesNothing => {
            let all = match deletes {
                1 => "the only object".to_owned(),
                _ => format!("all {deletes} objects"),
            };
            Err(anyhow::anyhow!(
                "the plan deletes {all} under `{place}` and leaves nothing"
            ))
            .hint("check `source` (is the build's output there?) and `prefix`; to empty a site, do it by hand")
        }
        DeleteGuard::TooMany(allowed) => Err(anyhow::anyhow!(
            "the plan deletes {deletes} of {objects} objects under `{place}`, and `max-delete: {limit}` allows {allowed}"
        ))
        .hint(format!(
            "check `source` and `prefix`; when this is right, set `max-delete: {deletes}` for this run"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::SystemTime;

    use super::*;
    use crate::core::site::findings::{FileToWrite, Unchanged};

    fn scan(paths: &[&str]) -> LocalScan {
        let file = |path: &&str| LocalFile {
            root: PathBuf::from("site").into(),
            path: (*path).into(),
            size: 3,
            modified: SystemTime::UNIX_EPOCH,
        };
        LocalScan {
            files: paths.iter().map(file).collect(),
            ..LocalScan::default()
        }
    }

    fn write(file: usize) -> FileToWrite {
        FileToWrite {
            file,
            reason: Reason::New,
            text: Some(TextEncoding::Utf8),
        }
    }

    fn unchanged(file: usize) -> Unchanged {
        Unchanged {
            file,
            modified: 0,
            text: None,
        }
    }

    #[test]
    fn pages_come_last_and_everything_else_in_the_order_of_keys() {
        let scan = scan(&["a.html", "b.css", "c.js", "d.png"]);
        let findings = ScanFindings {
            writes: vec![write(2), write(0), write(1)],
            unchanged: vec![unchanged(3)],
            deletes: vec!["p/z".into(), "p/y".into()],
            managed: 3,
            ..ScanFindings::default()
        };
        let half = MaxDelete::Percent(50.0);
        let headers = |file: &LocalFile, text: Option<TextEncoding>| ObjectHeaders {
            content_language: Some(format!("{}{text:?}", file.path)),
            ..ObjectHeaders::default()
        };
        let plan = assemble(("b", "p/"), &scan, findings, Vec::new(), half, headers).expect("a plan");
        let keys: Vec<&str> = plan.writes.iter().map(|write| write.key.as_str()).collect();
        assert_eq!(keys, ["p/b.css", "p/c.js", "p/a.html"]);
        assert_eq!(
            plan.writes[0].headers.content_language.as_deref(),
            Some("b.cssSome(Utf8)")
        );
        assert_eq!(plan.deletes, ["p/y", "p/z"]);
        assert_eq!((plan.unchanged, plan.writes[0].size), (1, 3));
    }

    #[test]
    fn a_plan_that_deletes_too_much_is_none() {
        let refused = |deletes: usize, objects: u64, limit| {
            let findings = ScanFindings {
                deletes: (0..deletes).map(|n| format!("k{n}")).collect(),
                managed: objects,
                ..ScanFindings::default()
            };
            let headers = |_: &LocalFile, _: Option<TextEncoding>| ObjectHeaders::default();
            assemble(("b", ""), &scan(&[]), findings, Vec::new(), limit, headers)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        let half = MaxDelete::Percent(50.0);
        assert_eq!(
            refused(100, 100, half),
            "the plan deletes all 100 objects under `s3://b/` and leaves nothing"
        );
        assert_eq!(
            refused(60, 100, half),
            "the plan deletes 60 of 100 objects under `s3://b/`, and `max-delete: 50%` allows 50"
        );
        assert_eq!(refused(60, 100, MaxDelete::Count(60)), "");
        assert_eq!(refused(20, 21, half), "");
    }

    #[test]
    fn keys_that_s3_would_not_take_are_refused() {
        let long = "x".repeat(1020);
        let files = scan(&[&long]).files;
        assert!(check_keys(&files, "pre/").is_ok());
        for (files, prefix, text) in [
            (&files[..], "pref/", "is 1025 bytes long"),
            (&[][..], "a/../b/", "has a part"),
            (&[][..], "./", "has a part"),
        ] {
            let error = check_keys(files, prefix).expect_err("refused").to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
