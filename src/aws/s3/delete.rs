//! Deletes, a thousand a request.

use aws_sdk_s3::types::{Delete, ObjectIdentifier, RequestPayer};
use md5::{Digest as _, Md5};

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::{Bucket, Server};
use crate::aws::s3::checksum::base64;
use crate::core::error::{HintExt as _, ServiceError};
use crate::core::iam::calls::DELETE_OBJECTS;
use crate::core::iam::hint::hint_for;
use crate::core::site::key_change::KeyChange;

/// The most keys that one request takes.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>
pub(crate) const KEYS_A_REQUEST: usize = 1000;

/// What became of a batch.
#[derive(Default)]
pub(crate) struct Deleted {
    pub(crate) changed: Vec<KeyChange>,
    pub(crate) failed: Vec<(String, anyhow::Error)>,
}

/// Whether DeleteObjects can name `key`: XML 1.0 has no way to write most control characters.
pub(crate) fn fits_xml(key: &str) -> bool {
    !key.chars()
        .any(|c| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'))
}

/// Deletes `keys`, at most [`KEYS_A_REQUEST`] of them.
pub(crate) async fn delete(bucket: &Bucket, keys: &[String], request_payer: bool) -> Deleted {
    let (listed, alone): (Vec<&String>, Vec<&String>) = keys.iter().partition(|key| fits_xml(key));
    let mut deleted = Deleted::default();
    if !listed.is_empty() {
        delete_many(bucket, &listed, request_payer, &mut deleted).await;
    }
    for key in alone {
        delete_one(bucket, key, request_payer, &mut deleted).await;
    }
    deleted
}

async fn delete_many(bucket: &Bucket, keys: &[&String], request_payer: bool, deleted: &mut Deleted) {
    let objects = keys
        .iter()
        .filter_map(|key| ObjectIdentifier::builder().key(key.as_str()).build().ok());
    let Ok(delete) = Delete::builder().set_objects(Some(objects.collect())).build() else {
        return;
    };
    let md5_too = bucket.server == Server::Compatible;
    let answer = bucket
        .client
        .delete_objects()
        .bucket(&bucket.name)
        .delete(delete)
        .set_request_payer(request_payer.then_some(RequestPayer::Requester))
        .customize()
        .mutate_request(move |request| {
            // S3 wants a digest of the list; older stores know Content-MD5 only.
            if let (true, Some(body)) = (md5_too, request.body().bytes()) {
                let md5 = base64(&Md5::digest(body));
                let _ = request.headers_mut().try_insert("content-md5", md5);
            }
        })
        .send()
        .await;
    let what = || match keys {
        [key] => format!("cannot delete `{key}`"),
        [key, ..] => format!("cannot delete `{key}` and {} more", keys.len() - 1),
        [] => String::new(),
    };
    match answer.aws_context(&DELETE_OBJECTS, &bucket.object_arn("*"), what) {
        Ok(answer) => {
            for error in answer.errors() {
                let key = error.key().unwrap_or_default().to_owned();
                let error = refused(bucket, &key, error.code(), error.message());
                deleted.failed.push((key, error));
            }
            let mut versions: std::collections::HashMap<&str, &str> = answer
                .deleted()
                .iter()
                .filter_map(|one| Some((one.key()?, one.delete_marker_version_id()?)))
                .collect();
            let failed: std::collections::HashSet<&str> = answer.errors().iter().filter_map(|one| one.key()).collect();
            for key in keys.iter().filter(|key| !failed.contains(key.as_str())) {
                let marker = versions.remove(key.as_str()).map(str::to_owned);
                deleted.changed.push(KeyChange::deleted(key, marker));
            }
        }
        // One request, one error: its text names how many keys it stands for.
        Err(error) => {
            if let Some(first) = keys.first() {
                deleted.failed.push(((*first).clone(), error));
            }
        }
    }
}

async fn delete_one(bucket: &Bucket, key: &str, request_payer: bool, deleted: &mut Deleted) {
    let answer = bucket
        .client
        .delete_object()
        .bucket(&bucket.name)
        .key(key)
        .set_request_payer(request_payer.then_some(RequestPayer::Requester))
        .send()
        .await
        .aws_context(&DELETE_OBJECTS, &bucket.object_arn(key), || {
            format!("cannot delete `{key}`")
        });
    match answer {
        Ok(answer) => deleted.changed.push(KeyChange::deleted(key, answer.version_id)),
        Err(error) => deleted.failed.push((key.to_owned(), error)),
    }
}

/// The error of one key within an answer that went well as a whole.
fn refused(bucket: &Bucket, key: &str, code: Option<&str>, message: Option<&str>) -> anyhow::Error {
    let service = ServiceError {
        action: DELETE_OBJECTS.action,
        code: code.map(str::to_owned),
        message: message.unwrap_or("S3 gives no reason").to_owned(),
        request_id: None,
        status: None,
    };
    let hint = hint_for(&service, &bucket.object_arn("*"));
    let error = anyhow::Error::new(service).context(format!("cannot delete `{key}`"));
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
