//! The headers of an object: names, and values as S3 takes them.
//!
//! A value is checked where it is typed, so that S3 never refuses one in the middle of a deploy.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::site::http_date::http_date;

/// The headers of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectHeaders {
    /// `Content-Type`; `None` sends none, and S3 answers `binary/octet-stream`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    /// `Cache-Control`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    /// `Content-Encoding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    /// `Content-Disposition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    /// `Content-Language`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    /// `Expires`, as an HTTP date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) website_redirect: Option<String>,
    /// `x-amz-storage-class`; `None` is the bucket's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<String>,
    /// `x-amz-meta-*` without that prefix, in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// The storage classes that `aws s3 sync` takes.
pub(crate) const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
];

/// A header that an object can be sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderName {
    /// `Content-Type`.
    ContentType,
    /// `Cache-Control`.
    CacheControl,
    /// `Content-Encoding`.
    ContentEncoding,
    /// `Content-Disposition`.
    ContentDisposition,
    /// `Content-Language`.
    ContentLanguage,
    /// `Expires`.
    Expires,
    /// `x-amz-website-redirect-location`.
    WebsiteRedirect,
    /// `x-amz-storage-class`.
    StorageClass,
    /// `x-amz-meta-…`, without that prefix and in lower case, as S3 keeps it.
    Metadata(String),
}

const FIXED_NAMES: [(&str, HeaderName); 8] = [
    ("Content-Type", HeaderName::ContentType),
    ("Cache-Control", HeaderName::CacheControl),
    ("Content-Encoding", HeaderName::ContentEncoding),
    ("Content-Disposition", HeaderName::ContentDisposition),
    ("Content-Language", HeaderName::ContentLanguage),
    ("Expires", HeaderName::Expires),
    ("x-amz-website-redirect-location", HeaderName::WebsiteRedirect),
    ("x-amz-storage-class", HeaderName::StorageClass),
];

impl HeaderName {
    /// Reads a name, in any case.
    ///
    /// # Errors
    ///
    /// Says which names are legal.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        if let Some((_, header)) = FIXED_NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Ok(header.clone());
        }
        let lower = name.to_ascii_lowercase();
        match lower.strip_prefix("x-amz-meta-") {
            Some(key) if is_token(key) => Ok(Self::Metadata(key.to_owned())),
            _ => {
                let names: Vec<_> = FIXED_NAMES.iter().map(|(name, _)| format!("`{name}`")).collect();
                Err(format!(
                    "`{name}` is not a header that can be set; valid headers: {} and `x-amz-meta-*`",
                    names.join(", ")
                ))
            }
        }
    }

    /// Checks a value, and brings it into the form in which it is sent.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub(crate) fn check(&self, value: &str) -> Result<String, String> {
        if let Some(c) = value.chars().find(|c| c.is_control()) {
            return Err(format!("the value of `{self}` holds the control character {c:?}"));
        }
        if let Some(c) = value.chars().find(|c| !c.is_ascii()) {
            return Err(format!(
                "the value of `{self}` holds `{c}`, and a header takes ASCII only; encode it (such as \
                 `filename*=UTF-8''…` in Content-Disposition)"
            ));
        }
        let value = value.trim();
        match self {
            Self::Expires => http_date(value)
                .ok_or_else(|| format!("`{value}` is not a date for `Expires`; write it like `2030-01-31T00:00:00Z`")),
            Self::StorageClass if !STORAGE_CLASSES.contains(&value) => Err(format!(
                "`{value}` is not a storage class; valid values: {}",
                STORAGE_CLASSES.join(", ")
            )),
            Self::WebsiteRedirect if !is_redirect(value) => Err(format!(
                "`{value}` is not a redirect target; it begins with `/`, `http://` or `https://`"
            )),
            Self::ContentType if !is_media_type(value) => {
                Err(format!("`{value}` is not a content type; write it like `text/html`"))
            }
            _ => Ok(value.to_owned()),
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata(key) => write!(f, "x-amz-meta-{key}"),
            fixed => {
                let name = FIXED_NAMES.iter().find(|(_, header)| header == fixed);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

impl ObjectHeaders {
    /// The value of a header.
    #[must_use]
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&str> {
        match name {
            HeaderName::ContentType => self.content_type.as_deref(),
            HeaderName::CacheControl => self.cache_control.as_deref(),
            HeaderName::ContentEncoding => self.content_encoding.as_deref(),
            HeaderName::ContentDisposition => self.content_disposition.as_deref(),
            HeaderName::ContentLanguage => self.content_language.as_deref(),
            HeaderName::Expires => self.expires.as_deref(),
            HeaderName::WebsiteRedirect => self.website_redirect.as_deref(),
            HeaderName::StorageClass => self.storage_class.as_deref(),
            HeaderName::Metadata(key) => self.metadata.get(key).map(String::as_str),
        }
    }

    /// The headers that have a value.
    #[must_use]
    pub(crate) fn names(&self) -> Vec<HeaderName> {
        let metadata = self.metadata.keys().cloned().map(HeaderName::Metadata);
        FIXED_NAMES
            .into_iter()
            .map(|(_, name)| name)
            .filter(|name| self.get(name).is_some())
            .chain(metadata)
            .collect()
    }

    /// Sets a header to a checked value; `None` takes it away.
    pub(crate) fn set(&mut self, name: &HeaderName, value: Option<String>) {
        let field = match name {
            HeaderName::ContentType => &mut self.content_type,
            HeaderName::CacheControl => &mut self.cache_control,
            HeaderName::ContentEncoding => &mut self.content_encoding,
            HeaderName::ContentDisposition => &mut self.content_disposition,
            HeaderName::ContentLanguage => &mut self.content_language,
            HeaderName::Expires => &mut self.expires,
            HeaderName::WebsiteRedirect => &mut self.website_redirect,
            HeaderName::StorageClass => &mut self.storage_class,
            HeaderName::Metadata(key) => {
                match value {
                    Some(value) => self.metadata.insert(key.clone(), value),
                    None => self.metadata.remove(key),
                };
                return;
            }
        };
        *field = value;
    }
}

/// Whether `text` is a `token` of RFC 9110, of which names are made.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

fn is_redirect(value: &str) -> bool {
    ["/", "http://", "https://"]
        .iter()
        .any(|start| value.starts_with(start))
}

fn is_media_type(value: &str) -> bool {
    let essence = value.split(';').next().unwrap_or_default().trim_end();
    essence
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, proptest};

    proptest! {
        #[test]
        fn a_checked_value_can_be_sent(value in "[ -~é\n]{0,20}", name in 0..FIXED_NAMES.len()) {
            if let Ok(value) = FIXED_NAMES[name].1.check(&value) {
                prop_assert!(value.chars().all(|c| c.is_ascii_graphic() || c == ' '));
            }
        }
    }
}
