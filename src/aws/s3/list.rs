//! Listings, one page at a time.

use anyhow::bail;
use aws_sdk_s3::types::EncodingType;
use aws_sdk_s3::types::RequestPayer;
use percent_encoding::percent_decode_str;

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::core::iam::calls::LIST_OBJECTS;
use crate::core::site::plan::RemoteObject;

/// The most keys that S3 answers in one page.
pub(crate) const MAX_KEYS: i32 = 1000;

/// How many pages without keys in a row are gone on from: a server that never ends is not asked for ever.
const MAX_EMPTY_PAGES: u32 = 100;

/// A page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// In the byte order of their keys.
    pub(crate) objects: Vec<RemoteObject>,
    /// There are more keys behind.
    pub(crate) more: bool,
}

/// What to list.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) prefix: String,
    pub(crate) page_size: i32,
    pub(crate) request_payer: bool,
}

impl Listing {
    /// The page of keys that come after `after`, or the first. A page without keys that says that more follow is gone
    /// on from by its token (seen: <https://github.com/TileDB-Inc/TileDB/issues/1218>).
    ///
    /// # Errors
    /// The listing is refused, or does not get on.
    pub(crate) async fn page(&self, bucket: &Bucket, after: Option<&str>) -> anyhow::Result<Page> {
        let mut token = None;
        for _ in 0..MAX_EMPTY_PAGES {
            let (page, next) = self.any_page(bucket, after, token.clone()).await?;
            if !page.more || !page.objects.is_empty() {
                return Ok(page);
            }
            if next.is_none() || next == token {
                break;
            }
            token = next;
        }
        bail!(
            "cannot list `s3://{}/{}`: pages without keys say that more follow",
            bucket.name,
            self.prefix
        )
    }

    /// The page behind `token`, else the one that [`Self::page`] begins with; and the token of the next.
    async fn any_page(
        &self,
        bucket: &Bucket,
        after: Option<&str>,
        token: Option<String>,
    ) -> anyhow::Result<(Page, Option<String>)> {
        let answer = bucket
            .client
            .list_objects_v2()
            .bucket(&bucket.name)
            .set_prefix((!self.prefix.is_empty()).then(|| self.prefix.clone()))
            .set_start_after(after.map(str::to_owned))
            .set_continuation_token(token)
            .max_keys(self.page_size)
            // XML cannot carry every character that a key may have.
            .encoding_type(EncodingType::Url)
            .set_request_payer(self.request_payer.then_some(RequestPayer::Requester))
            .send()
            .await
            .aws_context(&LIST_OBJECTS, &bucket.arn(), || {
                format!("cannot list `s3://{}/{}`", bucket.name, self.prefix)
            })?;
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let more = answer.is_truncated() == Some(true);
        let next = answer.next_continuation_token;
        let mut objects = Vec::with_capacity(answer.contents.as_ref().map_or(0, Vec::len));
        for object in answer.contents.unwrap_or_default() {
            let Some(key) = object.key else { continue };
            let key = if encoded { decode(&key)? } else { key };
            objects.push(RemoteObject {
                key,
                size: object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                etag: object.e_tag.map(unquote).unwrap_or_default(),
                last_modified: object.last_modified.map_or(0, |time| time.secs()),
            });
        }
        Ok((Page { objects, more }, next))
    }
}

/// Takes the URL encoding off a key: a space may have come as `+`, and a `+` always as `%2B`.
pub(crate) fn decode(key: &str) -> anyhow::Result<String> {
    let spaces;
    let key = if key.contains('+') {
        spaces = key.replace('+', " ");
        &spaces
    } else {
        key
    };
    match percent_decode_str(key).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => bail!("cannot read the key `{key}`: it is not UTF-8"),
    }
}

pub(crate) fn unquote(etag: String) -> String {
    match etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.to_owned(),
        None => etag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_whatever_way_the_server_encodes_a_space() {
        assert_eq!(decode("a%20b+c%2Bd%25%0A").expect("legal"), "a b c+d%\n");
        assert_eq!(decode("%F0%9F%98%80").expect("legal"), "\u{1f600}");
        assert!(decode("%FF").is_err());
    }

    #[test]
    fn quotes_are_taken_off_etags() {
        assert_eq!(unquote("\"abc-2\"".to_owned()), "abc-2");
        assert_eq!(unquote("abc".to_owned()), "abc");
    }
}
