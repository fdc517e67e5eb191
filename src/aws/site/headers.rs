//! Headers and ACLs of objects whose bytes have not changed.
//!
//! What differs is decided in [`crate::core::site::repair`]; here the objects are asked.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context as _;
use aws_sdk_s3::types::RequestPayer;
use futures_util::stream::{self, StreamExt as _};
use tokio::task::spawn_blocking;

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::blank_key::for_sdk;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::object::{Object, headers_of, is_archived};
use crate::aws::s3::request_headers::customer_key;
use crate::aws::site::digest_file::digest_file;
use crate::core::iam::calls::HEAD_OBJECT;
use crate::core::inputs::SiteInputs;
use crate::core::site::content_type::{TextEncoding, depends_on_bytes};
use crate::core::site::findings::Unchanged;
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::inspect::DigestRequest;
use crate::core::site::local_file::LocalFile;
use crate::core::site::object::is_canned;
use crate::core::site::plan::{Reason, SiteWarning, Write, WriteSource};
use crate::core::site::repair::{HeaderCheck, ObjectSettings, Repair};

/// How many objects are asked at the same time.
const HEADS_IN_FLIGHT: usize = 64;

/// What is to be done about headers and ACLs.
#[derive(Default)]
pub(crate) struct Repairs {
    pub(crate) writes: Vec<Write>,
    /// How many objects could not be asked.
    pub(crate) unchecked: u64,
    pub(crate) warnings: Vec<SiteWarning>,
}

/// The objects of unchanged files whose headers or ACL differ from what this run would send.
///
/// `check` says which ones are asked; without an earlier release, those for which the inputs name a header. With
/// `force-headers`, all are.
pub(crate) async fn repairs(
    bucket: &Bucket,
    site: &SiteInputs,
    check: &HeaderCheck,
    files: &[LocalFile],
    unchanged: &[Unchanged],
) -> Repairs {
    let now = ObjectSettings::of(&site.object, &site.headers);
    if site.no_overwrite || (check.is_empty() && !site.force_headers) {
        return Repairs::default();
    }
    let repair = Repair::new(&site.object, &site.headers, &check.previous, site.force_headers);
    let repair_foreign = Repair::new(&site.object, &site.headers, &check.applied, site.force_headers);
    let names_acl = site.object.acl.is_some() || !site.object.grants.is_empty();
    let mut before = check.previous.iter().chain(&check.beside);
    let acl_differs = names_acl && before.any(|before| !before.same_acl(&now));
    let is_foreign = |found: &Unchanged| check.is_foreign(&files[found.file].path, found.modified);
    let asks_acl = |found: &Unchanged| acl_differs || (names_acl && (site.force_headers || is_foreign(found)));
    let is_asked = |found: &Unchanged| {
        let path = &files[found.file].path;
        let checked = |keys: &BTreeSet<String>| keys.contains(&format!("{}{path}", site.prefix));
        site.force_headers
            || (check.keys.as_ref().is_none_or(checked) && (acl_differs || repair.concerns(path)))
            || (is_foreign(found) && (names_acl || repair_foreign.concerns(path)))
    };
    let mut answers = stream::iter(unchanged)
        .filter(|found| std::future::ready(is_asked(found)))
        .map(|found| ask(bucket, site, &files[found.file], found, asks_acl(found)))
        .buffer_unordered(HEADS_IN_FLIGHT);
    let mut repairs = Repairs::default();
    let (mut first, mut archived) = (None, Vec::new());
    while let Some(answer) = answers.next().await {
        let answer = match answer {
            Ok(answer) => answer,
            Err((path, error)) => {
                repairs.unchecked += 1;
                first.get_or_insert((path, error));
                continue;
            }
        };
        let file = answer.file;
        let repair = if check.is_foreign(&file.path, answer.modified) {
            &repair_foreign
        } else {
            &repair
        };
        let headers = match repair.headers(&file.path, &answer.wanted, &answer.actual) {
            Some(headers) => headers,
            None if answer.other_acl => answer.actual,
            None => continue,
        };
        if answer.archived {
            archived.push(file.path.to_string());
            continue;
        }
        repairs.writes.push(Write {
            key: format!("{}{}", site.prefix, file.path),
            size: file.size,
            reason: Reason::HeadersChanged,
            source: WriteSource::InPlace,
            headers,
        });
    }
    repairs.warnings.extend(archive_warnings(archived));
    repairs.warnings.extend(first.map(|(path, error)| {
        let more = match repairs.unchecked - 1 {
            0 => String::new(),
            1 => ", nor those of 1 more object".to_owned(),
            more => format!(", nor those of {more} more objects"),
        };
        SiteWarning {
            path,
            message: format!("cannot tell whether its headers are right{more}; the next run will try again: {error:#}"),
        }
    }));
    repairs
}

/// A warning for each archived object.
fn archive_warnings(mut paths: Vec<String>) -> Vec<SiteWarning> {
    paths.sort();
    paths.into_iter().map(archived).collect()
}

/// What is said of the object at `path`, which is archived.
pub(crate) fn archived(path: String) -> SiteWarning {
    SiteWarning {
        path,
        message:
            "is archived, so its headers and its ACL stay as they are; restore it from the archive, then run once \
                  with `force-headers: true`"
                .to_owned(),
    }
}

/// What S3 says of the object of a file.
struct Answer<'a> {
    file: &'a LocalFile,
    /// When the object was written, in seconds since 1970.
    modified: i64,
    wanted: ObjectHeaders,
    actual: ObjectHeaders,
    /// It is in an archive: no copy can be made of it.
    archived: bool,
    /// Its ACL is known to be another one, or cannot be compared.
    other_acl: bool,
}

type Asked<'a> = Result<Answer<'a>, (String, anyhow::Error)>;

/// The headers that the object of `file` should have, and those it has.
async fn ask<'a>(
    bucket: &Bucket,
    site: &SiteInputs,
    file: &'a LocalFile,
    found: &Unchanged,
    asks_acl: bool,
) -> Asked<'a> {
    let fail = |error| (file.path.to_string(), error);
    let key = format!("{}{}", site.prefix, file.path);
    let (customer_key, customer_key_md5, algorithm) = customer_key(&site.object.encryption);
    let head = bucket
        .client
        .head_object()
        .bucket(&bucket.name)
        .key(for_sdk(&key))
        .set_sse_customer_algorithm(algorithm)
        .set_sse_customer_key(customer_key)
        .set_sse_customer_key_md5(customer_key_md5)
        .set_request_payer(site.object.request_payer.then_some(RequestPayer::Requester))
        .send()
        .await
        .aws_context(&HEAD_OBJECT, &bucket.object_arn(&key), || {
            format!("cannot read the headers of `{key}`")
        })
        .map_err(fail)?;
    let matters = site
        .object
        .guessed_type(&site.headers, &file.path)
        .is_some_and(depends_on_bytes);
    let text = match found.text {
        Some(text) => text,
        None if matters => text_of(file.location()).await.map_err(fail)?,
        None => TextEncoding::Binary,
    };
    let wanted = site.object.headers_for(&site.headers, &file.path, || text);
    let other_acl = asks_acl && has_other_acl(bucket, site, &key).await;
    Ok(Answer {
        file,
        modified: found.modified,
        wanted,
        actual: headers_of(&head),
        archived: is_archived(&head),
        other_acl,
    })
}

/// Whether the object's ACL is another one than the inputs name; where that cannot be told, it may be.
async fn has_other_acl(bucket: &Bucket, site: &SiteInputs, key: &str) -> bool {
    let Some(acl) = &site.object.acl else { return true };
    let object = Object {
        bucket,
        key,
        version_id: None,
    };
    let grants = object.grants(&site.object).await;
    !grants.is_ok_and(|grants| is_canned(acl, &grants) == Some(true))
}

async fn text_of(file: PathBuf) -> anyhow::Result<TextEncoding> {
    let question = DigestRequest {
        etag: None,
        part_size: None,
        text: true,
    };
    let answer = spawn_blocking(move || digest_file(&file, &question))
        .await
        .context("internal error: the reading task was aborted")?
        .context("cannot read the file")?;
    Ok(answer.text.unwrap_or(TextEncoding::Binary))
}
