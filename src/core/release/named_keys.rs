//! The words of a rollback for many keys: the first ones by name.

use crate::core::site::plan::SiteWarning;

/// How many keys an error or a warning names.
const NAMED: usize = 10;

/// `keys` in words.
pub(crate) fn name(keys: &[&str]) -> String {
    let named: Vec<String> = keys.iter().take(NAMED).map(|key| format!("`{key}`")).collect();
    match keys.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more keys", named.join(", ")),
    }
}

/// Of keys that somebody else changed: key, and the release that changed it last.
pub(crate) fn warnings(by_hand: &[(&str, &str)], prefix: &str) -> Vec<SiteWarning> {
    let named = by_hand.iter().take(NAMED).map(|(key, release)| SiteWarning {
        path: (*key).to_owned(),
        message: format!(
            "was modified outside this action since release `{release}`; the rollback will still restore it"
        ),
    });
    let more = by_hand.len().saturating_sub(NAMED);
    let rest = (more > 0).then(|| SiteWarning {
        path: prefix.to_owned(),
        message: format!("{more} more keys were modified outside this action; the rollback will still restore them"),
    });
    named.chain(rest).collect()
}
