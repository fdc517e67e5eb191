//! What records tell of old assets, read; a list that cannot be read counts from now.

use std::collections::HashSet;

use crate::aws::releases::History;
use crate::core::release::old_assets::{WayBack, newest_list, written_keys};
use crate::core::release::overlap::{in_all, is_under_way, overlapping};
use crate::core::release::record::Record;
use crate::core::site::plan::SitePlan;
use crate::core::site::retirement::{KnownAssets, RetiredKey, SeenObject};
use crate::run::deployment::Deployment;
use crate::run::state::CurrentState;

impl Deployment<'_> {
    /// The old assets that the newest of `records` lists; nothing is read where none is listed.
    pub(crate) async fn known_assets(&self, history: &History, records: &[Record]) -> KnownAssets {
        let Some(position) = newest_list(records) else {
            return KnownAssets::default();
        };
        if let Some(unread) = history.unread_after(Some(&records[position])).first() {
            let id = &unread.id;
            let text = format!("what release `{id}` used is not known, so `delete-after` counts from now");
            self.console.warning("Release record", &text);
            return KnownAssets::default();
        }
        let Some(overlapping) = overlapping(records, position) else {
            return KnownAssets::default();
        };
        let overlapping = || overlapping.iter().map(|place| &records[*place]);
        let lists = |record: &&Record| record.site.as_ref().is_some_and(|site| site.retired.is_some());
        let mut lists_of_all = vec![self.listed_assets(history, &records[position]).await];
        for record in overlapping().filter(lists) {
            lists_of_all.push(self.listed_assets(history, record).await);
        }
        let assets = in_all(lists_of_all);
        // Runs without `delete-after`, and those that were killed.
        let unlisted = records[..position]
            .iter()
            .chain(overlapping().filter(|record| !lists(record)));
        let unlisted = unlisted.filter(|record| record.may_have_changed_objects());
        let mut unlisted: Vec<Record> = unlisted.filter(|_| !assets.is_empty()).cloned().collect();
        if let Err(error) = history.load_keys(&mut unlisted).await {
            self.console.debug(&format!("{error:#}"));
        }
        KnownAssets {
            rewritten: written_keys(&unlisted),
            // A run that has no end may still write.
            recorded_until: history.seen.until().filter(|_| !is_under_way(records)),
            assets,
        }
    }

    /// Retires what `plan`, the way back to the first of `records`, would hide.
    pub(crate) async fn retire_hidden(
        &self,
        state: &CurrentState,
        records: &[Record],
        plan: &mut SitePlan,
        current: impl Fn(&str) -> Option<SeenObject>,
    ) {
        let (Some(inputs), Some(bucket)) = (&self.inputs.site, &state.bucket) else {
            return;
        };
        let known = &state.known_assets;
        let written = plan.writes.iter().filter_map(|write| current(&write.key));
        let is_known = known.explains(written.map(|object| object.modified).max());
        let assets = if is_known { known.assets.as_slice() } else { &[] };
        let at_target = match newest_list(records) {
            Some(position) => self.listed_assets(&state.history, &records[position]).await,
            None => Vec::new(),
        };
        let way = WayBack {
            rules: &inputs.delete_after,
            now: bucket.clock.now(),
            known: assets,
            at_target: &at_target,
            in_use: &HashSet::new(),
        };
        way.retire(plan, current);
    }

    async fn listed_assets(&self, history: &History, record: &Record) -> Vec<RetiredKey> {
        history.old_assets(record).await.unwrap_or_else(|error| {
            let text = format!(
                "cannot read the old assets that release `{}` lists, so `delete-after` counts from now: {error:#}",
                record.id
            );
            self.console.warning("Release record", &text);
            Vec::new()
        })
    }
}
