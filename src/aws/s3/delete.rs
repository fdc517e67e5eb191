//! Deletes, a thousand a request.

use std::collections::HashMap;
use std::time::Instant;

use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::types::{Delete, ObjectIdentifier, RequestPayer};
use md5::{Digest as _, Md5};
use tokio::time::sleep;

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::blank_key::for_sdk;
use crate::aws::s3::bucket::{Bucket, Server};
use crate::aws::s3::checksum::base64;
use crate::aws::s3::copy::is_unmet;
use crate::aws::s3::effect::Effect;
use crate::aws::s3::versions::versions;
use crate::core::error::{HintExt as _, ServiceError, code};
use crate::core::iam::calls::DELETE_OBJECTS;
use crate::core::iam::hint::hint_for;
use crate::core::retry::{ErrorClass, RetryState};
use crate::core::site::key_change::KeyChange;
use crate::core::site::plan::Occupant;

/// The most keys that one request takes.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>
pub(crate) const KEYS_A_REQUEST: usize = 1000;

/// What became of a batch.
#[derive(Default)]
pub(crate) struct Deleted {
    pub(crate) changed: Vec<KeyChange>,
    pub(crate) failed: Vec<(String, anyhow::Error)>,
    /// Those under which something else lay than was to be deleted.
    pub(crate) overtaken: Vec<String>,
}

/// What must lie under keys that are deleted: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html>
pub(crate) type Occupants = HashMap<String, Occupant>;

/// The ETag that an object must have to be deleted, as S3 wants it written. Other stores know no such condition.
fn condition(bucket: &Bucket, occupants: &Occupants, key: &str) -> Option<String> {
    match occupants.get(key)? {
        Occupant::Object(etag) if bucket.server == Server::Aws => Some(format!("\"{etag}\"")),
        Occupant::Object(_) | Occupant::Nothing => None,
    }
}

/// Whether DeleteObjects can name `key`: XML 1.0 has no way to write most control characters.
pub(crate) fn fits_xml(key: &str) -> bool {
    !key.chars()
        .any(|c| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'))
}

/// Deletes `keys`, at most [`KEYS_A_REQUEST`] of them, where they hold what `occupants` says, and notes what became of each
/// in `deleted` as it becomes known.
pub(crate) async fn delete(
    bucket: &Bucket,
    keys: &[String],
    occupants: &Occupants,
    request_payer: bool,
    effect: &Effect,
    deleted: &mut Deleted,
) {
    let (listed, alone): (Vec<&String>, Vec<&String>) = keys.iter().partition(|key| fits_xml(key));
    let mut unmet = Vec::new();
    delete_listed(bucket, listed, (occupants, &mut unmet), request_payer, effect, deleted).await;
    for key in alone {
        let condition = condition(bucket, occupants, key);
        delete_alone(bucket, key, condition, request_payer, deleted).await;
    }
    settle(bucket, unmet, deleted).await;
}

/// What became of keys whose deletion was refused because something else lies there: where that is nothing, a try before
/// may have deleted them, whose answer was lost, or somebody else did; it is as it should be.
async fn settle(bucket: &Bucket, mut unmet: Vec<(String, ServiceError)>, deleted: &mut Deleted) {
    if unmet.is_empty() {
        return;
    }
    unmet.sort_by(|(one, _), (other, _)| one.cmp(other));
    let keys: Vec<String> = unmet.iter().map(|(key, _)| key.clone()).collect();
    let found = versions(bucket, &keys).await;
    for (key, refusal) in unmet {
        match &found {
            Err(_) => {
                let error = explain(bucket, &key, refusal);
                deleted.failed.push((key, error));
            }
            Ok(found) => match found.get(&key).and_then(|versions| versions.first()) {
                Some(newest) if !newest.delete_marker => deleted.overtaken.push(key),
                marker => {
                    let id = marker.map(|marker| marker.id.clone());
                    deleted.changed.push(KeyChange::deleted(&key, id));
                }
            },
        }
    }
}

/// Deletes keys by one request; those that S3 could not delete for a passing reason by another one, after a pause.
async fn delete_listed(
    bucket: &Bucket,
    mut keys: Vec<&String>,
    (occupants, unmet): (&Occupants, &mut Vec<(String, ServiceError)>),
    request_payer: bool,
    effect: &Effect,
    deleted: &mut Deleted,
) {
    let (began, mut state) = (Instant::now(), RetryState::default());
    while !keys.is_empty() {
        let answer = match request(bucket, &keys, occupants, request_payer, effect).await {
            Ok(answer) => answer,
            Err(error) => {
                if effect.is_possible() {
                    let perhaps = keys.iter().map(|key| KeyChange::deleted(key, None).perhaps());
                    deleted.changed.extend(perhaps);
                }
                // One request, one error: its text names how many keys it stands for.
                deleted.failed.push((keys[0].clone(), error));
                return;
            }
        };
        let mut refusals: HashMap<&str, ServiceError> = answer
            .errors()
            .iter()
            .filter_map(|error| Some((error.key()?, refusal(error.code(), error.message()))))
            .collect();
        let markers: HashMap<&str, &str> = answer
            .deleted()
            .iter()
            .filter_map(|deleted| Some((deleted.key()?, deleted.delete_marker_version_id()?)))
            .collect();
        let (refused, done): (Vec<&String>, Vec<&String>) =
            keys.iter().partition(|key| refusals.contains_key(key.as_str()));
        let is_unmet = |refusal: &ServiceError| refusal.code.as_deref().is_some_and(is_unmet);
        let (other, refused): (Vec<&String>, Vec<&String>) = refused.into_iter().partition(|key| {
            condition(bucket, occupants, key).is_some() && refusals.get(key.as_str()).is_some_and(is_unmet)
        });
        unmet.extend(
            other
                .into_iter()
                .filter_map(|key| Some((key.clone(), refusals.remove(key.as_str())?))),
        );
        for key in done {
            let marker = markers.get(key.as_str()).map(|&id| id.to_owned());
            deleted.changed.push(KeyChange::deleted(key, marker));
        }
        let class = |key: &String| refusals.get(key.as_str()).map_or(ErrorClass::Final, ErrorClass::of);
        let (passing, for_good): (Vec<&String>, Vec<&String>) =
            refused.into_iter().partition(|key| class(key) != ErrorClass::Final);
        let throttled = passing.iter().any(|key| class(key) == ErrorClass::Throttled);
        let pause = match (passing.is_empty(), throttled) {
            (true, _) => None,
            (false, true) => bucket
                .patience
                .pause(&mut state, ErrorClass::Throttled, began.elapsed()),
            (false, false) => bucket
                .patience
                .pause(&mut state, ErrorClass::Transient, began.elapsed()),
        };
        let given_up = if pause.is_none() { &passing[..] } else { &[] };
        for key in given_up {
            deleted.changed.push(KeyChange::deleted(key, None).perhaps());
        }
        for key in for_good.iter().chain(given_up) {
            if let Some(refusal) = refusals.get(key.as_str()) {
                deleted
                    .failed
                    .push(((*key).clone(), explain(bucket, key, refusal.clone())));
            }
        }
        let Some(pause) = pause else { return };
        sleep(pause).await;
        keys = passing;
    }
}

async fn request(
    bucket: &Bucket,
    keys: &[&String],
    occupants: &Occupants,
    request_payer: bool,
    effect: &Effect,
) -> anyhow::Result<DeleteObjectsOutput> {
    let objects = keys.iter().filter_map(|key| {
        let condition = condition(bucket, occupants, key);
        let object = ObjectIdentifier::builder().key(key.as_str()).set_e_tag(condition);
        object.build().ok()
    });
    let md5_too = bucket.server == Server::Compatible;
    let what = || match keys {
        [key] => format!("cannot delete `{key}`"),
        [key, ..] => format!("cannot delete `{key}` and {} more", keys.len() - 1),
        [] => String::new(),
    };
    bucket
        .client
        .delete_objects()
        .bucket(&bucket.name)
        .delete(Delete::builder().set_objects(Some(objects.collect())).build()?)
        .set_request_payer(request_payer.then_some(RequestPayer::Requester))
        .customize()
        .mutate_request(move |request| {
            // S3 wants a digest of the list; older stores know Content-MD5 only.
            if let (true, Some(body)) = (md5_too, request.body().bytes()) {
                let md5 = base64(&Md5::digest(body));
                let _ = request.headers_mut().try_insert("content-md5", md5);
            }
        })
        .interceptor(effect.clone())
        .send()
        .await
        .aws_context(&DELETE_OBJECTS, &bucket.object_arn("*"), what)
}

async fn delete_alone(
    bucket: &Bucket,
    key: &str,
    condition: Option<String>,
    request_payer: bool,
    deleted: &mut Deleted,
) {
    let effect = Effect::default();
    let answer = bucket
        .client
        .delete_object()
        .bucket(&bucket.name)
        .key(for_sdk(key))
        .set_if_match(condition.clone())
        .set_request_payer(request_payer.then_some(RequestPayer::Requester))
        .customize()
        .interceptor(effect.clone())
        .send()
        .await
        .aws_context(&DELETE_OBJECTS, &bucket.object_arn(key), || {
            format!("cannot delete `{key}`")
        });
    match answer {
        Ok(answer) => deleted.changed.push(KeyChange::deleted(key, answer.version_id)),
        Err(error) if condition.is_some() && !effect.is_possible() && code(&error).is_some_and(is_unmet) => {
            deleted.overtaken.push(key.to_owned());
        }
        Err(error) => {
            if effect.is_possible() {
                deleted.changed.push(KeyChange::deleted(key, None).perhaps());
            }
            deleted.failed.push((key.to_owned(), error));
        }
    }
}

/// What S3 says of one key within an answer that went well as a whole.
fn refusal(code: Option<&str>, message: Option<&str>) -> ServiceError {
    ServiceError {
        action: DELETE_OBJECTS.action,
        code: code.map(str::to_owned),
        message: message.unwrap_or("S3 gives no reason").to_owned(),
        request_id: None,
        // Of the key, not of the answer: its code decides.
        status: Some(400),
    }
}

fn explain(bucket: &Bucket, key: &str, refusal: ServiceError) -> anyhow::Error {
    let hint = hint_for(&refusal, &bucket.object_arn("*"));
    let error = anyhow::Error::new(refusal).context(format!("cannot delete `{key}`"));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_xml_cannot_carry_go_alone() {
        for (key, expected) in [
            ("a b+c%\u{e9}\u{1f600}", true),
            ("tab\tand\nline", true),
            ("\u{1}", false),
            ("escape\u{1b}[0m", false),
            ("\u{ffee}", true),
        ] {
            assert_eq!(fits_xml(key), expected, "{key:?}");
        }
    }
}
