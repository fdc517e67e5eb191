//! The versions of given keys.
//!
//! ListObjectVersions has no list of keys to ask for, so the keys are cut into ranges that are listed in parallel; in
//! each, stretches between two keys are jumped over.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::EncodingType;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::list::{decode, unquote};
use crate::core::error::service_error;
use crate::core::iam::calls::LIST_OBJECT_VERSIONS;
use crate::core::paging::Pages;
use crate::core::release::object_version::Version;
use crate::core::release::version_order::{is_mixed, newest_first};

/// How many ranges are listed at the same time.
const RANGES: usize = 16;

/// A range holds at least this many keys, if there are so many.
const KEYS_A_RANGE: usize = 100;

/// All versions of `keys` (sorted), newest first.
///
/// # Errors
/// They cannot be listed, or the listing does not get on.
pub(crate) async fn versions(bucket: &Bucket, keys: &[String]) -> anyhow::Result<HashMap<String, Vec<Version>>> {
    let size = keys.len().div_ceil(RANGES).max(KEYS_A_RANGE);
    let server = ListingServer::default();
    let ranges: Vec<_> = stream::iter(keys.chunks(size))
        .map(|range| list_range(bucket, range, &server))
        .buffer_unordered(RANGES)
        .try_collect()
        .await?;
    let mut found: HashMap<String, Vec<Version>> = ranges.into_iter().flatten().collect();
    let mixing = server.is_mixing.into_inner();
    found.values_mut().for_each(|versions| newest_first(versions, mixing));
    Ok(found)
}

/// How a server lists, as it shows itself.
#[derive(Default)]
struct ListingServer {
    /// It does not take every marker.
    refuses_max: AtomicBool,
    /// It was seen to mix the versions and delete markers of a key.
    is_mixing: AtomicBool,
}

/// The versions of `keys`, in the order of the listing.
async fn list_range(
    bucket: &Bucket,
    keys: &[String],
    server: &ListingServer,
) -> anyhow::Result<HashMap<String, Vec<Version>>> {
    let mut found: HashMap<String, Vec<Version>> = HashMap::new();
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
        return Ok(found);
    };
    let prefix = common_prefix(first, last);
    // Where the page before ended.
    let mut behind = Marker::default();
    let mut pages = Pages::default();
    let mut rest = keys;
    while let Some(wanted) = rest.first() {
        let jump = Marker::before(wanted, !server.refuses_max.load(Ordering::Relaxed));
        let marker = if jump.key > behind.key { &jump } else { &behind };
        let most = i32::try_from(rest.len() * 4).unwrap_or(1000).clamp(50, 1000);
        let (page, next) = match list_page(bucket, prefix, marker, most).await {
            // Not every server takes the last of all characters, and a rollback must not depend on it.
            Err(error) if marker.has_max() && status(&error) == Some(400) => {
                server.refuses_max.store(true, Ordering::Relaxed);
                continue;
            }
            answer => answer?,
        };
        let mut keys_of_page = page.chunk_by(|(one, _), (other, _)| one == other);
        if keys_of_page.any(|of_key| is_mixed(of_key.iter().map(|(_, version)| version))) {
            server.is_mixing.store(true, Ordering::Relaxed);
        }
        for (key, version) in page {
            if keys.binary_search(&key).is_ok() {
                found.entry(key).or_default().push(version);
            }
        }
        let Some(next) = next else { break };
        let token = format!("{}\n{}", next.key, next.version_id.as_deref().unwrap_or_default());
        pages.next(Some(token), &format!("the versions in `{}`", bucket.name))?;
        rest = &rest[rest.partition_point(|key| *key < next.key)..];
        behind = next;
    }
    Ok(found)
}

/// The HTTP status of the answer that `error` is about.
fn status(error: &anyhow::Error) -> Option<u16> {
    service_error(error)?.status
}

/// Where a page begins: behind this key, or behind this version of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Marker {
    key: String,
    version_id: Option<String>,
}

impl Marker {
    /// A marker in front of `key` with as few other keys between as possible: S3 has no "from this key on". Without
    /// `takes_max`, for a server that does not take the last of all characters, there may be more between.
    fn before(key: &str, takes_max: bool) -> Self {
        let mut marker = key.to_owned();
        match marker.pop() {
            // Behind everything that starts with the character before the last one of the key.
            Some(last) if takes_max && last > ' ' && last.is_ascii() && key.len() < 1000 => {
                marker.push(char::from(last as u8 - 1));
                marker.push(char::MAX);
            }
            _ => {}
        }
        Self {
            key: marker,
            version_id: None,
        }
    }

    fn has_max(&self) -> bool {
        self.version_id.is_none() && self.key.ends_with(char::MAX)
    }
}

type VersionPage = (Vec<(String, Version)>, Option<Marker>);

async fn list_page(bucket: &Bucket, prefix: &str, marker: &Marker, most: i32) -> anyhow::Result<VersionPage> {
    let order = ListingOrder::default();
    let answer = bucket
        .client
        .list_object_versions()
        .bucket(&bucket.name)
        .prefix(prefix)
        .set_key_marker((!marker.key.is_empty()).then(|| marker.key.clone()))
        .set_version_id_marker(marker.version_id.clone())
        .max_keys(most)
        .encoding_type(EncodingType::Url)
        .customize()
        .interceptor(order.clone())
        .send()
        .await
        .aws_context(&LIST_OBJECT_VERSIONS, &bucket.arn(), || {
            format!("cannot list the object versions of `s3://{}/{prefix}`", bucket.name)
        })?;
    page(answer, &order.take())
}

fn page(answer: ListObjectVersionsOutput, order: &[(String, String)]) -> anyhow::Result<VersionPage> {
    let encoded = answer.encoding_type() == Some(&EncodingType::Url);
    let decoded = |key: String| if encoded { decode(&key) } else { Ok(key) };
    let next = match (answer.is_truncated(), answer.next_key_marker) {
        (Some(true), Some(key)) => Some(Marker {
            key: decoded(key)?,
            version_id: answer.next_version_id_marker,
        }),
        // What follows would be taken for missing.
        (Some(true), None) => bail!("cannot list object versions: a page says that more follow, and not where"),
        _ => None,
    };
    let mut all: Vec<(String, Version)> = Vec::new();
    for version in answer.versions.unwrap_or_default() {
        let version_of = Version {
            id: version.version_id.unwrap_or_default(),
            latest: version.is_latest == Some(true),
            delete_marker: false,
            size: version.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            etag: version.e_tag.map(unquote).unwrap_or_default(),
            last_modified: version.last_modified.map_or(0, |time| time.secs()),
            storage_class: version.storage_class.map(|class| class.as_str().to_owned()),
            archived: None,
            apart: false,
        };
        all.push((version.key.unwrap_or_default(), version_of));
    }
    for marker in answer.delete_markers.unwrap_or_default() {
        let version = Version {
            id: marker.version_id.unwrap_or_default(),
            latest: marker.is_latest == Some(true),
            delete_marker: true,
            last_modified: marker.last_modified.map_or(0, |time| time.secs()),
            ..Version::default()
        };
        all.push((marker.key.unwrap_or_default(), version));
    }
    let places: HashMap<(&str, &str), usize> = order
        .iter()
        .enumerate()
        .map(|(place, (key, id))| ((key.as_str(), id.as_str()), place))
        .collect();
    all.sort_by_cached_key(|(key, version)| {
        let place = places.get(&(key.as_str(), version.id.as_str())).copied();
        (key.clone(), place)
    });
    let all = all.into_iter().map(|(key, version)| Ok((decoded(key)?, version)));
    Ok((all.collect::<anyhow::Result<_>>()?, next))
}

/// The order in which versions and delete markers stand in S3's answer. The SDK gives two lists of them, and their
/// times, in whole seconds, do not tell which came first.
#[derive(Clone, Default)]
struct ListingOrder(Arc<Mutex<Vec<(String, String)>>>);

impl ListingOrder {
    fn take(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for ListingOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListingOrder")
    }
}

#[dyn_dispatch_hint]
impl Intercept for ListingOrder {
    fn name(&self) -> &'static str {
        "ListingOrder"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(body) = context.response().body().bytes() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = order_of(&String::from_utf8_lossy(body));
        }
        Ok(())
    }
}

/// Keys (as written) and version ids in the order of the document.
fn order_of(xml: &str) -> Vec<(String, String)> {
    let mut order = Vec::new();
    for entry in xml.split("<Key>").skip(1) {
        let key = entry.split('<').next().unwrap_or_default();
        let id = entry
            .split_once("<VersionId>")
            .and_then(|(_, rest)| rest.split('<').next())
            .unwrap_or_default();
        order.push((key.to_owned(), id.to_owned()));
    }
    order
}

/// What both begin with.
fn common_prefix<'a>(first: &'a str, last: &str) -> &'a str {
    let end = first
        .char_indices()
        .zip(last.chars())
        .find(|((_, one), other)| one != other)
        .map_or(first.len().min(last.len()), |((index, _), _)| index);
    &first[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_stands_right_before_its_key() {
        for key in ["b", "img/9.png", "a b/ü", "!", "z/ ", "k\n"] {
            for takes_max in [true, false] {
                let marker = Marker::before(key, takes_max);
                assert!(marker.key.as_str() < key, "{marker:?} {key:?}");
                assert!(takes_max || !marker.has_max(), "{marker:?}");
            }
        }
        assert!(Marker::before("img/9.png", true).key.as_str() > "img/9.pnf");
        assert!(Marker::before("b", true).key.as_str() > "a/z");
    }

    #[test]
    fn ranges_share_a_prefix() {
        assert_eq!(common_prefix("a/b", "a/c"), "a/");
        assert_eq!(common_prefix("a", "a"), "a");
        assert_eq!(common_prefix("a", "ab"), "a");
        assert_eq!(common_prefix("ü", "ö"), "");
        assert_eq!(common_prefix("a", "b"), "");
    }

    #[test]
    fn the_order_is_that_of_the_document() {
        let xml = "<ListVersionsResult><KeyMarker>z</KeyMarker><DeleteMarker><Key>a%2B</Key><VersionId>2</VersionId>\
                   </DeleteMarker><Version><Key>a%2B</Key><VersionId>1</VersionId></Version></ListVersionsResult>";
        let entry = |id: &str| ("a%2B".to_owned(), id.to_owned());
        assert_eq!(order_of(xml), [entry("2"), entry("1")]);
    }
}
