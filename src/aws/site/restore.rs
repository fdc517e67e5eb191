//! What only the bucket can tell about versions that a rollback may bring back.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::object::{Object, headers_of};
use crate::core::release::restoration::SameBytes;
use crate::core::site::object::ObjectOptions;

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
