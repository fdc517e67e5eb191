//! What only the bucket can tell about versions that a rollback may bring back.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::object::{Object, headers_of, is_archived};
use crate::core::release::restoration::SameBytes;
use crate::core::site::object::{Grant, ObjectOptions, is_canned};
use crate::core::site::plan::{SitePlan, Write, WriteSource};

/// The canned ACLs that grants are told to be, so that S3 writes them as it did.
const CANNED: [&str; 2] = ["public-read", "authenticated-read"];

/// How many objects are asked at the same time.
const HEADS_IN_FLIGHT: usize = 64;

/// The keys among `pairs` whose two versions have the same headers.
///
/// # Errors
/// A version cannot be read.
pub(crate) async fn keys_with_same_headers(
    bucket: &Bucket,
    pairs: Vec<SameBytes>,
    options: &ObjectOptions,
) -> anyhow::Result<HashSet<String>> {
    let compared: Vec<Option<String>> = stream::iter(pairs)
        .map(|pair| async move {
            let head = |version: &str| {
                let id = version.to_owned();
                let key = pair.key.as_str();
                async move {
                    let object = Object {
                        bucket,
                        key,
                        version_id: Some(&id),
                    };
                    object.head(options).await.map(|head| headers_of(&head))
                }
            };
            let (wanted, current) = tokio::try_join!(head(&pair.wanted), head(&pair.current))?;
            anyhow::Ok((wanted == current).then(|| pair.key.clone()))
        })
        .buffered(HEADS_IN_FLIGHT)
        .try_collect()
        .await?;
    Ok(compared.into_iter().flatten().collect())
}

/// Asks `versions` (keys and ids) whether they are in an archive; what cannot be asked is left out.
pub(crate) async fn look_for_archives(
    bucket: &Bucket,
    versions: Vec<(String, String)>,
    options: &ObjectOptions,
) -> Vec<(String, String, bool)> {
    let asked = stream::iter(versions).map(|(key, id)| async move {
        let object = Object {
            bucket,
            key: &key,
            version_id: Some(&id),
        };
        let archived = object.head(options).await.map(|head| is_archived(&head));
        archived.ok().map(|archived| (key, id, archived))
    });
    let found: Vec<_> = asked.buffered(HEADS_IN_FLIGHT).collect().await;
    found.into_iter().flatten().collect()
}

/// Reads the ACLs of the versions that `plan` brings back, and notes them in it: one that somebody set by hand is on no
/// record. How many cannot be read, and why the first of them cannot: those come back with what records tell.
pub(crate) async fn read_acls(
    bucket: &Bucket,
    plan: &mut SitePlan,
    options: &ObjectOptions,
) -> Option<(usize, anyhow::Error)> {
    let reads: Vec<anyhow::Result<Vec<Grant>>> = stream::iter(&plan.writes)
        .map(|write| read_acl(bucket, write, options))
        .buffered(HEADS_IN_FLIGHT)
        .collect()
        .await;
    let mut unread = Vec::new();
    for (write, read) in plan.writes.iter_mut().zip(reads) {
        match (&mut write.source, read) {
            (WriteSource::Version { acl, grants, .. }, Ok(read)) => {
                match CANNED.into_iter().find(|canned| is_canned(canned, &read) == Some(true)) {
                    Some(canned) => *acl = Some(canned.to_owned()),
                    None => *grants = Some(read),
                }
            }
            (_, Ok(_)) => {}
            (_, Err(error)) => unread.push(error),
        }
    }
    let number = unread.len();
    unread.into_iter().next().map(|first| (number, first))
}

async fn read_acl(bucket: &Bucket, write: &Write, options: &ObjectOptions) -> anyhow::Result<Vec<Grant>> {
    let WriteSource::Version { version_id, .. } = &write.source else {
        return Ok(Vec::new());
    };
    let object = Object {
        bucket,
        key: &write.key,
        version_id: Some(version_id),
    };
    object.grants(options).await
}
