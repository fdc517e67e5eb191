//! A last look at old assets right before they are deleted: a run that overlaps this one may use them again.

use std::collections::{BTreeMap, HashSet};

use crate::aws::releases::History;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::list::{Listing, MAX_KEYS};
use crate::console::Console;
use crate::core::site::plan::SitePlan;
use crate::core::site::retirement::{RetiredKey, SeenObject};
use crate::core::text::count;

/// How many keys are named in a warning.
const NAMED: usize = 10;

/// The keys of `plan` that are due and are left after all: a release that this run has not known has been recorded, or
/// their objects are others than were planned for. The next run decides about them. Sends only reads, and none where
/// nothing is due.
pub(crate) async fn spared(
    bucket: &Bucket,
    history: &History,
    plan: &SitePlan,
    request_payer: bool,
    console: &Console,
) -> Vec<String> {
    let due = plan.retirement.as_ref().map_or(&[][..], |retirement| &retirement.due);
    if due.is_empty() {
        return Vec::new();
    }
    let stays = |why: String| {
        let verb = if due.len() == 1 { "stays" } else { "stay" };
        let text = format!(
            "{} whose time has passed {verb} until the next run: {why}",
            count(due.len(), "old asset")
        );
        console.warning("Old assets", &text);
        due.iter().map(|asset| asset.key.clone()).collect()
    };
    match history.came_between().await {
        Ok(None) => {}
        Ok(Some(id)) => return stays(format!("release `{id}` was recorded meanwhile, and may use them")),
        Err(error) => return stays(format!("{error:#}")),
    }
    let listing = Listing {
        prefix: plan.prefix.clone(),
        page_size: MAX_KEYS,
        request_payer,
    };
    let changed = match changed(bucket, &listing, due).await {
        Ok(changed) => changed,
        Err(error) => return stays(format!("{error:#}")),
    };
    if let Some(first) = changed.first() {
        let named: Vec<String> = changed.iter().take(NAMED).map(|key| format!("`{key}`")).collect();
        let more = changed.len().saturating_sub(NAMED);
        let named = match (changed.len(), more) {
            (1, _) => format!("`{first}` was"),
            (_, 0) => format!("{} were", named.join(", ")),
            _ => format!("{} and {more} more were", named.join(", ")),
        };
        let text = format!(
            "{named} written or deleted while this run was under way, so `delete-after` leaves that to the next run"
        );
        console.warning("Old assets", &text);
    }
    changed
}

/// Those of `due` whose objects are not what was planned for. Pages are listed from where the next one should be, so that
/// there are never more of them than the whole listing has.
async fn changed(bucket: &Bucket, listing: &Listing, due: &[RetiredKey]) -> anyhow::Result<Vec<String>> {
    let mut waiting: BTreeMap<&str, &RetiredKey> = due.iter().map(|asset| (asset.key.as_str(), asset)).collect();
    let mut changed = HashSet::new();
    let mut after: Option<String> = None;
    while let Some(next) = waiting.keys().next() {
        let before_next = before(next);
        // Many keys may lie between: the listing goes on from where it is.
        let from = after
            .take()
            .filter(|after| **after > *before_next)
            .unwrap_or_else(|| before_next.to_owned());
        let page = listing
            .page(bucket, Some(&from).filter(|from| !from.is_empty()).map(String::as_str))
            .await?;
        let last = page.objects.last().map(|object| object.key.clone());
        for object in page.objects {
            let Some(asset) = waiting.remove(object.key.as_str()) else {
                continue;
            };
            let seen = SeenObject {
                etag: object.etag,
                modified: object.last_modified,
            };
            if asset.seen.as_ref() != Some(&seen) {
                changed.insert(asset.key.as_str());
            }
        }
        let (Some(last), true) = (last, page.more) else { break };
        // What the page has passed and not shown is gone.
        waiting.retain(|key, asset| {
            let is_ahead = *key > last.as_str();
            if !is_ahead {
                changed.insert(asset.key.as_str());
            }
            is_ahead
        });
        after = Some(last);
    }
    changed.extend(waiting.into_keys());
    let in_order = due
        .iter()
        .map(|asset| asset.key.as_str())
        .filter(|key| changed.contains(key));
    Ok(in_order.map(ToOwned::to_owned).collect())
}

/// A text that sorts before `key`, with little between the two.
fn before(key: &str) -> &str {
    key.char_indices().next_back().map_or("", |(last, _)| &key[..last])
}

#[cfg(test)]
mod tests {
    use super::before;

    #[test]
    fn a_listing_that_begins_before_a_key_shows_it() {
        for (key, expected) in [("assets/a.js", "assets/a.j"), ("\u{e4}", ""), ("", "")] {
            assert_eq!(before(key), expected);
            assert!(key.is_empty() || before(key) < key);
        }
    }
}
