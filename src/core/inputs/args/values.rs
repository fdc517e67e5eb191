//! Values of flags: what aws-cli's argument types accept.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};

use crate::core::secret::Secret;
use crate::core::secret::shown_text;
use crate::core::site::headers::HeaderName;
use crate::core::site::object::{ChecksumAlgorithm, Grant, GrantPermission, check_acl};

/// `--sse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sse {
    /// `AES256`.
    Aes256,
    /// `aws:kms`.
    Kms,
}

/// `--sse-c-key`.
#[derive(Debug, Clone)]
pub(crate) struct CustomerKey {
    /// 32 bytes, base64.
    pub(crate) key: Secret,
    /// Its MD5, base64.
    pub(crate) md5: String,
}

/// The values of one flag.
pub(crate) struct Values<'a> {
    /// As typed, quotes removed.
    pub(crate) words: &'a [&'a str],
    /// Gives the bytes of a file.
    pub(crate) read: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
}

impl Values<'_> {
    /// The value of a flag that takes one; empty when an optional one is left out.
    pub(crate) fn first(&self) -> &str {
        self.words.first().copied().unwrap_or_default()
    }

    /// A value that must not be empty.
    pub(crate) fn present(&self) -> Result<String, String> {
        match self.first() {
            "" => Err("needs a value that is not empty".to_owned()),
            value => Ok(value.to_owned()),
        }
    }

    /// A text, or with `file://` that of a file.
    pub(crate) fn text(&self) -> Result<String, String> {
        match self.first().strip_prefix("file://") {
            None => Ok(self.first().to_owned()),
            Some(path) => {
                let bytes = self.file(path)?;
                let text = String::from_utf8(bytes).map_err(|_| format!("names `{path}`, which is not UTF-8 text"))?;
                Ok(text.trim_end_matches(['\n', '\r']).to_owned())
            }
        }
    }

    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        (self.read)(path).map_err(|error| format!("names `{path}`, which cannot be read: {error}"))
    }

    /// One of `valid`; the first one when the value is left out.
    pub(crate) fn one_of(&self, valid: &[&'static str]) -> Result<&'static str, String> {
        let Some(value) = self.words.first() else {
            return Ok(valid[0]);
        };
        let found = valid.iter().find(|known| *known == value);
        found.copied().ok_or_else(|| match may_be_customer_key(value) {
            true => format!(
                "has a value that may be a key, not shown here; valid values: {}",
                valid.join(", ")
            ),
            false => format!("is `{}`; valid values: {}", shown_text(value), valid.join(", ")),
        })
    }

    /// `--acl`.
    pub(crate) fn acl(&self) -> Result<String, String> {
        check_acl(self.first()).map_err(|error| format!("is wrong: {error}"))?;
        Ok(self.first().to_owned())
    }

    /// `--sse`.
    pub(crate) fn sse(&self) -> Result<Sse, String> {
        Ok(match self.one_of(&["AES256", "aws:kms"])? {
            "aws:kms" => Sse::Kms,
            _ => Sse::Aes256,
        })
    }

    /// `--page-size`; S3 gives at most 1000 keys whatever is asked.
    pub(crate) fn page_size(&self) -> Result<i32, String> {
        let value = self.first();
        match value.parse::<u64>() {
            Ok(size) if size > 0 => Ok(i32::try_from(size.min(1000)).unwrap_or(1000)),
            _ => Err(format!("is `{}`; valid values: 1 to 1000", shown_text(value))),
        }
    }

    /// `--checksum-algorithm`.
    pub(crate) fn checksum_algorithm(&self) -> Result<ChecksumAlgorithm, String> {
        Ok(
            match self.one_of(&["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])? {
                "CRC32C" => ChecksumAlgorithm::Crc32c,
                "CRC64NVME" => ChecksumAlgorithm::Crc64Nvme,
                "SHA1" => ChecksumAlgorithm::Sha1,
                "SHA256" => ChecksumAlgorithm::Sha256,
                _ => ChecksumAlgorithm::Crc32,
            },
        )
    }

    /// `--grants`: `permission=grantee[,grantee]`, one or more.
    pub(crate) fn grants(&self) -> Result<Vec<Grant>, String> {
        self.words.iter().map(|word| grant(word)).collect()
    }

    /// `--metadata`: `key=value,key=value`, or a JSON object of strings.
    pub(crate) fn metadata(&self) -> Result<BTreeMap<String, String>, String> {
        let text = self.text()?;
        let pairs = if text.trim_start().starts_with('{') {
            let map: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                format!("is not a JSON object whose values are strings (line {line}, column {column})")
            })?;
            map.into_iter().collect()
        } else {
            shorthand(&text)?
        };
        let mut metadata = BTreeMap::new();
        for (key, value) in pairs {
            let name = HeaderName::parse(&format!("x-amz-meta-{key}"))
                .map_err(|_| format!("has the key `{key}`, which cannot be the name of a header"))?;
            let value = name.check(&value).map_err(|error| format!("is wrong: {error}"))?;
            let HeaderName::Metadata(key) = name else {
                return Err(format!("has the key `{key}`, which cannot be the name of a header"));
            };
            if metadata.contains_key(&key) {
                return Err(format!("has the key `{key}` twice"));
            }
            metadata.insert(key, value);
        }
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
        let size: usize = metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
        if size > 2048 {
            return Err(format!("has {size} bytes of keys and values; S3 takes 2048"));
        }
        Ok(metadata)
    }

    /// `--sse-c-key`: 32 bytes as they are (`fileb://` for a file), or base64 of them.
    pub(crate) fn customer_key(&self) -> Result<CustomerKey, String> {
        let value = self.first();
        let file = value.strip_prefix("fileb://").or_else(|| value.strip_prefix("file://"));
        let bytes = match file {
            Some(path) => self.file(path)?,
            None => value.as_bytes().to_vec(),
        };
        let key = if bytes.len() == 32 {
            bytes
        } else {
            let text = bytes.trim_ascii();
            match BASE64.decode(text) {
                Ok(key) if key.len() == 32 => key,
                _ => return Err("must be a key of 32 bytes, or 44 characters of base64 for one".to_owned()),
            }
        };
        Ok(CustomerKey {
            md5: BASE64.encode(Md5::digest(&key)),
            key: Secret::new(BASE64.encode(key)),
        })
    }
}

/// Whether `word` has the size of a customer's key: 32 bytes, or base64 of them.
pub(crate) fn may_be_customer_key(word: &str) -> bool {
    word.len() == 32 || (word.len() == 44 && word.ends_with('='))
}

fn grant(word: &str) -> Result<Grant, String> {
    let form = || {
        format!(
            "has `{}`; write it like `read=uri=http://acs.amazonaws.com/groups/global/AllUsers`",
            shown_text(word)
        )
    };
    let (permission, grantee) = word.split_once('=').ok_or_else(form)?;
    let permission = match permission {
        "read" => GrantPermission::Read,
        "readacl" => GrantPermission::ReadAcl,
        "writeacl" => GrantPermission::WriteAcl,
        "full" => GrantPermission::Full,
        _ => {
            return Err(format!(
                "has the permission `{}`; valid values: read, readacl, writeacl, full",
                shown_text(permission)
            ));
        }
    };
    let valid = |grantee: &str| {
        grantee
            .trim()
            .split_once('=')
            .is_some_and(|(kind, who)| matches!(kind, "uri" | "id" | "emailaddress") && !who.is_empty())
    };
    let printable = grantee.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if !printable || !grantee.split(',').all(valid) {
        return Err(form());
    }
    Ok(Grant {
        permission,
        grantee: grantee.to_owned(),
    })
}

/// aws-cli's [shorthand] for a map of strings: values may be quoted; `\,` is a comma.
///
/// [shorthand]: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html
fn shorthand(text: &str) -> Result<Vec<(String, String)>, String> {
    let form = || "is not of the form `key=value,key=value`, or JSON".to_owned();
    let mut pairs = Vec::new();
    let mut rest = text;
    loop {
        let (key, after) = rest.split_once('=').ok_or_else(form)?;
        let (value, after) = value(after.trim_start()).ok_or_else(form)?;
        pairs.push((key.trim().to_owned(), value));
        rest = match after.trim_start() {
            "" => return Ok(pairs),
            after => after.strip_prefix(',').ok_or_else(form)?,
        };
    }
}

/// The value at the start of `text`, and what comes after it.
fn value(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let mut value = String::new();
    let mut chars = text[quote.map_or(0, char::len_utf8)..].chars();
    loop {
        let rest = chars.as_str();
        match (chars.next(), quote) {
            (None, Some(_)) => return None,
            (None, None) => return Some((value.trim_end().to_owned(), "")),
            (Some(','), None) => return Some((value.trim_end().to_owned(), rest)),
            (Some(c), Some(quote)) if c == quote => return Some((value, chars.as_str())),
            (Some('\\'), _) => {
                let escaped = chars.clone().next().filter(|&c| match quote {
                    Some(quote) => c == quote || c == '\\',
                    None => c == ',',
                });
                value.push(escaped.unwrap_or('\\'));
                if escaped.is_some() {
                    chars.next();
                }
            }
            (Some(c), _) => value.push(c),
        }
    }
}
