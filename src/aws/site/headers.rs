//! Headers and ACLs of objects whose bytes have not changed.
//!
//! What differs is decided in [`crate::core::site::repair`]; here the objects are asked.

use std::path::PathBuf;

use anyhow::Context as _;
use aws_sdk_s3::types::RequestPayer;
use futures_util::stream::{self, StreamExt as _};
use tokio::task::spawn_blocking;

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::object::headers_of;
use crate::aws::s3::request_headers::customer_key;
use crate::aws::site::digest_file::digest_file;
use crate::core::iam::calls::HEAD_OBJECT;
use crate::core::inputs::SiteInputs;
use crate::core::site::content_type::{TextEncoding, depends_on_bytes};
use crate::core::site::findings::Unchanged;
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::inspect::DigestRequest;
use crate::core::site::local_file::LocalFile;
use crate::core::site::plan::{Reason, SiteWarning, Write, WriteSource};
use crate::core::site::repair::{ObjectSettings, Repair};

/// How many objects are asked at the same time.
const HEADS_IN_FLIGHT: usize = 64;

/// What is to be done about headers and ACLs.
#[derive(Default)]
pub(crate) struct Repairs {
    pub(crate) writes: Vec<Write>,
    /// How many objects could not be asked.
    pub(crate) unchecked: u64,
    pub(crate) warning: Option<SiteWarning>,
}

/// The objects of unchanged files whose headers or ACL differ from what this run would send.
///
/// Nothing is asked when the newest release was sent with the same settings, nor without one when the inputs name
/// no header.
pub(crate) async fn repairs(
    bucket: &Bucket,
    site: &SiteInputs,
    previous: Option<&ObjectSettings>,
    files: &[LocalFile],
    unchanged: &[Unchanged],
) -> Repairs {
    let now = ObjectSettings::of(&site.object, &site.headers);
    if site.no_overwrite || previous == Some(&now) {
        return Repairs::default();
    }
    let repair = Repair::new(&site.object, &site.headers, previous);
    let names_acl = site.object.acl.is_some() || !site.object.grants.is_empty();
    let acl_differs = names_acl && previous.is_some_and(|previous| !previous.same_acl(&now));
    let mut answers = stream::iter(unchanged)
        .filter(|found| std::future::ready(acl_differs || repair.concerns(&files[found.file].path)))
        .map(|found| ask(bucket, site, &files[found.file], found.text))
        .buffer_unordered(HEADS_IN_FLIGHT);
    let mut repairs = Repairs::default();
    let mut first = None;
    while let Some(answer) = answers.next().await {
        let (file, wanted, actual) = match answer {
            Ok(answer) => answer,
            Err((path, error)) => {
                repairs.unchecked += 1;
                first.get_or_insert((path, error));
                continue;
            }
        };
        let headers = match repair.headers(&file.path, &wanted, &actual) {
            Some(headers) => headers,
            None if acl_differs => actual,
            None => continue,
        };
        repairs.writes.push(Write {
            key: format!("{}{}", site.prefix, file.path),
            size: file.size,
            reason: Reason::HeadersChanged,
            source: WriteSource::InPlace,
            headers,
        });
    }
    repairs.warning = first.map(|(path, error)| {
        let more = match repairs.unchecked - 1 {
            0 => String::new(),
            1 => ", nor those of 1 more object".to_owned(),
            more => format!(", nor those of {more} more objects"),
        };
        SiteWarning {
            path,
            message: format!("cannot tell whether its headers are right{more}; the next run will try again: {error:#}"),
        }
    });
    repairs
}

type Asked<'a> = Result<(&'a LocalFile, ObjectHeaders, ObjectHeaders), (String, anyhow::Error)>;

/// The headers that the object of `file` should have, and those it has.
async fn ask<'a>(bucket: &Bucket, site: &SiteInputs, file: &'a LocalFile, text: Option<TextEncoding>) -> Asked<'a> {
    let fail = |error| (file.path.to_string(), error);
    let key = format!("{}{}", site.prefix, file.path);
    let (customer_key, customer_key_md5, algorithm) = customer_key(&site.object.encryption);
    let head = bucket
        .client
        .head_object()
        .bucket(&bucket.name)
        .key(&key)
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
    let text = match text {
        Some(text) => text,
        None if matters => text_of(file.location()).await.map_err(fail)?,
        None => TextEncoding::Binary,
    };
    let wanted = site.object.headers_for(&site.headers, &file.path, || text);
    Ok((file, wanted, headers_of(&head)))
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
