//! Whether an unchanged object has the headers it should have, and which ones to send when it has not.
//!
//! A listing shows no headers, so each release records the settings it used ([`ObjectSettings`]); only when they differ from
//! this run's are the objects looked at. A repair rewrites all of an object's headers: whatever the inputs never named
//! is sent again as it is. Must not decide whether the content is to be uploaded.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::core::site::content_type;
use crate::core::site::header_rules::HeaderRules;
use crate::core::site::headers::HeaderName;
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::object::{Encryption, ObjectOptions};

/// What of a run's settings shapes its objects; nothing secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectSettings {
    /// `acl` or `--acl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acl: Option<String>,
    /// `--grants`, as typed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) grants: Vec<String>,
    /// Headers for every object.
    #[serde(default)]
    pub(crate) headers: ObjectHeaders,
    /// The lines of `headers`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rules: Vec<String>,
    /// [`content_type::VERSION`] of the run, when it guessed content types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_types: Option<u32>,
    /// `AES256`, `aws:kms` or `customer-key`; `None` is the bucket's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encryption: Option<String>,
}

impl ObjectSettings {
    /// The settings of a run.
    #[must_use]
    pub(crate) fn of(options: &ObjectOptions, rules: &HeaderRules) -> Self {
        let grant = |grant: &crate::core::site::object::Grant| format!("{}={}", grant.permission.name(), grant.grantee);
        Self {
            acl: options.acl.clone(),
            grants: options.grants.iter().map(grant).collect(),
            headers: options.headers.clone(),
            rules: rules.lines().map(str::to_owned).collect(),
            content_types: options.guess_content_type.then_some(content_type::VERSION),
            encryption: match options.encryption {
                Encryption::BucketDefault => None,
                Encryption::Aes256 => Some("AES256".to_owned()),
                Encryption::Kms { .. } => Some("aws:kms".to_owned()),
                Encryption::CustomerKey { .. } => Some("customer-key".to_owned()),
            },
        }
    }

    /// Whether objects, or some of them, were to have this storage class.
    #[must_use]
    pub(crate) fn names_class(&self, class: &str) -> bool {
        self.headers.storage_class.as_deref() == Some(class) || self.rules.iter().any(|rule| rule.ends_with(class))
    }

    /// Whether the ACL of objects would be another one.
    #[must_use]
    pub(crate) fn same_acl(&self, other: &Self) -> bool {
        self.acl == other.acl && self.grants == other.grants
    }
}

/// Which unchanged objects are to be looked at, and what they may have been sent with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HeaderCheck {
    /// What was applied before, by this step or by others.
    pub(crate) previous: Vec<ObjectSettings>,
    /// What steps with the same files beside this one have applied: headers that they name are theirs.
    pub(crate) beside: Vec<ObjectSettings>,
    /// Full keys; `None`: all of them.
    pub(crate) keys: Option<BTreeSet<String>>,
    /// The digests of the paths that this step had when it applied the same rules last; whatever has come back since is
    /// looked at too. `None` where nobody knows.
    pub(crate) had: Option<BTreeSet<u64>>,
    /// The digests of the paths that it deleted then: what is there was put back by somebody else.
    pub(crate) deleted: BTreeSet<u64>,
    /// When runs wrote that are on record: what was written at other times since is looked at too.
    pub(crate) recorded: Option<RecordedTimes>,
    /// All that was ever applied to objects here, as far as records tell.
    pub(crate) applied: Vec<ObjectSettings>,
}

/// When runs wrote objects, in seconds since 1970, by the clock that stamps the objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RecordedTimes {
    /// The end of the last release of this step: all before was as it should be.
    pub(crate) until: i64,
    /// The first and the last second of other runs.
    pub(crate) others: Vec<(i64, i64)>,
}

/// A digest of a path, short enough to be kept for each file.
#[must_use]
pub(crate) fn path_digest(path: &str) -> u64 {
    let digest = Sha256::digest(path.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl HeaderCheck {
    /// Whether nobody knows what the object of the file at `path` was sent with: this step did not have the file before, or
    /// the object was written, at `modified`, when no recorded run was there.
    #[must_use]
    pub(crate) fn is_foreign(&self, path: &str, modified: i64) -> bool {
        let digest = if self.had.is_some() || !self.deleted.is_empty() {
            path_digest(path)
        } else {
            0
        };
        let came_back = self.had.as_ref().is_some_and(|had| !had.contains(&digest)) || self.deleted.contains(&digest);
        let is_unrecorded = self.recorded.as_ref().is_some_and(|recorded| {
            let is_within = |(from, to): &(i64, i64)| (*from..=*to).contains(&modified);
            modified > recorded.until && !recorded.others.iter().any(is_within)
        });
        came_back || is_unrecorded
    }

    /// Whether an ACL was named before that `now` does not name.
    #[must_use]
    pub(crate) fn drops_acl(&self, now: &ObjectSettings) -> bool {
        let names = |settings: &ObjectSettings| settings.acl.is_some() || !settings.grants.is_empty();
        self.keys.is_none() && !names(now) && self.previous.iter().any(names)
    }

    /// Whether no object is looked at for sure.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        let no_keys = self.keys.as_ref().is_some_and(BTreeSet::is_empty);
        no_keys && self.had.is_none() && self.deleted.is_empty() && self.recorded.is_none()
    }
}

/// The settings of this run beside those of earlier releases.
#[derive(Debug)]
pub(crate) struct Repair<'a> {
    options: &'a ObjectOptions,
    rules: &'a HeaderRules,
    previous: Vec<Previous>,
    content_types_differ: bool,
    /// `force-headers`: objects are to be as an upload would make them.
    exact: bool,
}

#[derive(Debug)]
struct Previous {
    headers: ObjectHeaders,
    rules: HeaderRules,
}

impl<'a> Repair<'a> {
    /// Prepares the comparison; `previous` is what release records hold.
    ///
    /// Without any, only headers that the inputs name are looked at. With some, what those releases named and this run
    /// does not is taken away; with `exact`, whatever an upload would not send.
    #[must_use]
    pub(crate) fn new(
        options: &'a ObjectOptions,
        rules: &'a HeaderRules,
        previous: &[ObjectSettings],
        exact: bool,
    ) -> Self {
        let now = options.guess_content_type.then_some(content_type::VERSION);
        let read = |previous: &ObjectSettings| Previous {
            headers: previous.headers.clone(),
            // A record of another version may hold rules that this one does not know.
            rules: HeaderRules::parse(&previous.rules.join("\n")).unwrap_or_default(),
        };
        Self {
            options,
            rules,
            content_types_differ: previous.iter().any(|previous| previous.content_types != now),
            previous: previous.iter().map(read).collect(),
            exact,
        }
    }

    /// Whether the object of the file at `path` must be looked at.
    #[must_use]
    pub(crate) fn concerns(&self, path: &str) -> bool {
        self.exact || !self.named(path).is_empty()
    }

    /// All headers to send for the object of the file at `path`, when one differs from `wanted`; `None` when the
    /// object has them.
    #[must_use]
    pub(crate) fn headers(&self, path: &str, wanted: &ObjectHeaders, actual: &ObjectHeaders) -> Option<ObjectHeaders> {
        let mut repaired = actual.clone();
        let mut differs = false;
        let mut names = self.named(path);
        if self.exact {
            names.extend(wanted.names());
            // A lifecycle rule may have moved it.
            names.extend(
                actual
                    .names()
                    .into_iter()
                    .filter(|name| *name != HeaderName::StorageClass),
            );
            names.push(HeaderName::ContentType);
        }
        for name in names {
            let value = wanted.get(&name);
            if !same(&name, value, actual.get(&name)) {
                repaired.set(&name, value.map(str::to_owned));
                differs = true;
            }
        }
        differs.then_some(repaired)
    }

    /// The headers that the inputs of this run or of the last release name for `path`.
    fn named(&self, path: &str) -> Vec<HeaderName> {
        let mut names = self.options.headers.names();
        names.extend(self.rules.of(path).map(|(name, _)| name.clone()));
        for previous in &self.previous {
            names.extend(previous.headers.names());
            names.extend(previous.rules.of(path).map(|(name, _)| name.clone()));
        }
        if self.content_types_differ {
            names.push(HeaderName::ContentType);
        }
        names
    }
}

/// Whether two values of a header mean the same to S3 and to browsers.
fn same(name: &HeaderName, wanted: Option<&str>, actual: Option<&str>) -> bool {
    let plain = |value: &str| value.to_ascii_lowercase().replace([' ', '"'], "");
    match name {
        // What S3 answers for an object that was sent without a type.
        HeaderName::ContentType => {
            plain(wanted.unwrap_or("binary/octet-stream")) == plain(actual.unwrap_or("binary/octet-stream"))
        }
        // S3 names no class for this one.
        HeaderName::StorageClass => wanted.unwrap_or("STANDARD") == actual.unwrap_or("STANDARD"),
        _ => wanted == actual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::site::content_type::TextEncoding;

    fn rules(text: &str) -> HeaderRules {
        HeaderRules::parse(text).expect("legal rules")
    }

    fn cached(value: &str) -> ObjectOptions {
        let mut options = ObjectOptions::default();
        options.headers.cache_control = Some(value.to_owned());
        options
    }

    /// What S3 holds: sent by another tool, with a header and metadata that no input names.
    fn stored() -> ObjectHeaders {
        ObjectHeaders {
            content_type: Some("text/html".into()),
            cache_control: Some("max-age=60".into()),
            content_language: Some("ko".into()),
            metadata: [("owner".to_owned(), "web".to_owned())].into(),
            ..ObjectHeaders::default()
        }
    }

    fn repaired(
        options: &ObjectOptions,
        rules: &HeaderRules,
        previous: Option<&ObjectSettings>,
    ) -> Option<ObjectHeaders> {
        let previous: Vec<ObjectSettings> = previous.into_iter().cloned().collect();
        let wanted = options.headers_for(rules, "index.html", || TextEncoding::Utf8);
        Repair::new(options, rules, &previous, false).headers("index.html", &wanted, &stored())
    }

    #[test]
    fn without_a_record_only_named_headers_are_repaired() {
        let none = rules("");
        assert_eq!(repaired(&ObjectOptions::default(), &none, None), None);
        assert_eq!(repaired(&cached("max-age=60"), &none, None), None);
        let changed = repaired(&cached("no-store"), &none, None).expect("another Cache-Control");
        assert_eq!(
            changed,
            ObjectHeaders {
                cache_control: Some("no-store".into()),
                ..stored()
            }
        );
    }

    #[test]
    fn what_the_last_release_named_is_taken_away() {
        let none = rules("");
        let before = ObjectSettings::of(
            &cached("max-age=60"),
            &rules("*.html Content-Language: ko\n*.js Expires: 0"),
        );
        let changed = repaired(&ObjectOptions::default(), &none, Some(&before)).expect("fewer headers");
        assert_eq!(
            changed,
            ObjectHeaders {
                cache_control: None,
                content_language: None,
                ..stored()
            }
        );
    }

    #[test]
    fn exactly_is_as_an_upload_would_make_it_and_the_class_stays() {
        let options = cached("no-store");
        let (none, actual) = (
            rules(""),
            ObjectHeaders {
                storage_class: Some("STANDARD_IA".into()),
                ..stored()
            },
        );
        let wanted = options.headers_for(&none, "index.html", || TextEncoding::Utf8);
        let repair = Repair::new(&options, &none, &[], true);
        assert!(repair.concerns("index.html"));
        let changed = repair.headers("index.html", &wanted, &actual).expect("other headers");
        assert_eq!(
            changed,
            ObjectHeaders {
                storage_class: Some("STANDARD_IA".into()),
                ..wanted.clone()
            }
        );
        assert_eq!(repair.headers("index.html", &wanted, &changed), None);
    }

    #[test]
    fn a_rule_for_other_files_repairs_nothing() {
        assert_eq!(
            repaired(&ObjectOptions::default(), &rules("*.pdf Content-Type: a/b"), None),
            None
        );
    }

    #[test]
    fn guessed_types_are_repaired_once_the_way_of_guessing_changes() {
        let options = ObjectOptions::default();
        let mut before = ObjectSettings::of(&options, &rules(""));
        assert_eq!(repaired(&options, &rules(""), Some(&before)), None);
        before.content_types = Some(content_type::VERSION - 1);
        let changed = repaired(&options, &rules(""), Some(&before)).expect("a charset");
        assert_eq!(changed.content_type.as_deref(), Some("text/html; charset=utf-8"));
    }

    #[test]
    fn a_record_survives_its_file() {
        let mut options = cached("no-cache");
        options.acl = Some("public-read".into());
        options.headers.metadata.insert("team".into(), "web".into());
        let applied = ObjectSettings::of(&options, &rules("* Expires: 0"));
        let text = serde_json::to_string(&applied).expect("plain data");
        assert_eq!(
            serde_json::from_str::<ObjectSettings>(&text).expect("our own text"),
            applied
        );
        assert!(!applied.same_acl(&ObjectSettings::default()));
    }
}
