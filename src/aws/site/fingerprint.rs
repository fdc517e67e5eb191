//! Whether the objects at some keys are still those that were seen before.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};

use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::object::Object;
use crate::core::error::service_error;
use crate::core::release::payment;
use crate::core::site::object::ObjectOptions;

/// How many objects are asked at the same time.
const HEADS_IN_FLIGHT: usize = 64;
/// More keys than these are not asked for one by one.
const MAX_KEYS: usize = 1000;

/// One text for the state of the objects at `keys`; `None` where it cannot be told.
pub(crate) async fn fingerprint(bucket: &Bucket, keys: &[String], options: &ObjectOptions) -> Option<String> {
    if keys.len() > MAX_KEYS {
        return None;
    }
    let states = stream::iter(keys).map(|key| state(bucket, key, options));
    let states: Vec<Option<String>> = states.buffer_unordered(HEADS_IN_FLIGHT).collect().await;
    let states: Option<BTreeSet<String>> = states.into_iter().collect();
    Some(payment::fingerprint(&states?))
}

/// The key with what a write of any kind changes.
async fn state(bucket: &Bucket, key: &str, options: &ObjectOptions) -> Option<String> {
    let object = Object {
        bucket,
        key,
        version_id: None,
    };
    match object.head(options).await {
        Ok(head) => {
            let modified = head.last_modified().map(|time| time.secs());
            Some(format!("{key} {:?} {:?} {modified:?}", head.e_tag(), head.version_id()))
        }
        Err(error) if service_error(&error).and_then(|error| error.status) == Some(404) => Some(key.to_owned()),
        Err(_) => None,
    }
}
