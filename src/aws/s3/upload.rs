//! Uploads of files: [`crate::aws::s3::put`] for a small one, [`crate::aws::s3::multipart`] for a large one.

use std::path::Path;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::effect::Effect;
use crate::aws::s3::uploader::Uploader;
use crate::aws::s3::{multipart, put};
use crate::core::site::etag::part_size;
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::local_file::LocalFile;
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::{Reason, Write, WriteSource};

/// From this size on a file goes up in parts, as with aws-cli.
const MULTIPART_FROM: u64 = 8 * 1024 * 1024;

/// Uploads `file`; answers the version id in a versioned bucket.
///
/// # Errors
/// It cannot be read, or not be uploaded; [`crate::core::error::Cancelled`] when asked to stop.
pub(crate) async fn upload(
    uploader: &Uploader,
    write: &Write,
    file: &LocalFile,
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    if file.size < MULTIPART_FROM {
        put::put(uploader, write, file, effect).await
    } else {
        multipart::upload(uploader, write, file, part_size(file.size), effect).await
    }
}

/// Uploads the file `path` to `key`, where nothing may be yet, with `metadata`: no part of a site, such as a bundle.
///
/// # Errors
/// It cannot be read, or not be uploaded; `PreconditionFailed` when something is there; [`crate::core::error::Cancelled`]
/// when asked to stop.
pub(crate) async fn put_new_file(
    bucket: &Bucket,
    key: &str,
    path: &Path,
    metadata: &[(&str, &str)],
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let found = std::fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let file = LocalFile {
        root: path.parent().unwrap_or(Path::new("")).to_owned().into(),
        path: path.file_name().unwrap_or_default().to_string_lossy().into(),
        size: found.len(),
        modified: found.modified().unwrap_or(std::time::SystemTime::UNIX_EPOCH),
    };
    let metadata = metadata
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let write = Write {
        key: key.to_owned(),
        size: file.size,
        reason: Reason::New,
        source: WriteSource::File(file.clone()),
        headers: ObjectHeaders {
            metadata: metadata.collect(),
            ..ObjectHeaders::default()
        },
    };
    let mut uploader = Uploader::new(bucket, &ObjectOptions::default(), stop);
    uploader.only_if_absent = true;
    upload(&uploader, &write, &file, &Effect::default()).await.map(|_| ())
}
