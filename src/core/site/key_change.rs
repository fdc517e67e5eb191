//! One fact, from the plan through the outcome to the release record: a run is about to change a key, or did.

use serde::{Deserialize, Serialize};

use crate::core::site::plan::{Reason, SitePlan};

/// A key that a run is about to change, or did change. The short names are those of the record's lists of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyChange {
    /// The full key.
    #[serde(rename = "k")]
    pub(crate) key: String,
    /// What happens to it.
    #[serde(rename = "c")]
    pub(crate) operation: KeyOperation,
    /// The version id that S3 answered (of the object, or of the delete marker), in a versioned bucket; none before.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version_id: Option<String>,
    /// Whether there was an object before, where the plan knew.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) existed: Option<bool>,
    /// Nobody knows whether it did happen: the answer was lost, or was none.
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) perhaps: bool,
}

/// What a run does to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyOperation {
    /// Uploaded or copied.
    Written,
    /// Deleted, or hidden by a delete marker.
    Deleted,
}

impl KeyChange {
    /// The deletion of an object; `version_id` is the delete marker's.
    #[must_use]
    pub(crate) fn deleted(key: &str, version_id: Option<String>) -> Self {
        Self {
            key: key.to_owned(),
            operation: KeyOperation::Deleted,
            version_id,
            existed: Some(true),
            perhaps: false,
        }
    }

    /// The writing of an object for `reason`.
    #[must_use]
    pub(crate) fn written(key: &str, reason: Reason, version_id: Option<String>) -> Self {
        Self {
            key: key.to_owned(),
            operation: KeyOperation::Written,
            version_id,
            existed: Some(reason != Reason::New),
            perhaps: false,
        }
    }

    /// The same, of which nobody knows whether it did happen.
    #[must_use]
    pub(crate) fn perhaps(self) -> Self {
        Self { perhaps: true, ..self }
    }
}

impl SitePlan {
    /// All changes of the plan, in its order.
    pub(crate) fn changes(&self) -> impl Iterator<Item = KeyChange> {
        let writes = self
            .writes
            .iter()
            .map(|write| KeyChange::written(&write.key, write.reason, None));
        writes.chain(self.deletes.iter().map(|key| KeyChange::deleted(key, None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_older_records_are_read() {
        for (line, expected) in [
            // What a run was about to change, and what it changed, as the first version wrote them.
            (
                r#"{"k":"a","c":"written","e":false}"#,
                KeyChange::written("a", Reason::New, None),
            ),
            (
                r#"{"k":"b","c":"deleted","v":"m1","e":true}"#,
                KeyChange::deleted("b", Some("m1".into())),
            ),
            (
                r#"{"k":"d","c":"written","e":true,"p":true}"#,
                KeyChange::written("d", Reason::Forced, None).perhaps(),
            ),
        ] {
            assert_eq!(serde_json::from_str::<KeyChange>(line).expect("a line"), expected);
            assert_eq!(serde_json::to_string(&expected).expect("JSON"), line);
        }
        let unknown: KeyChange = serde_json::from_str(r#"{"k":"c","c":"written"}"#).expect("a line");
        assert_eq!((unknown.existed, unknown.version_id), (None, None));
    }
}
