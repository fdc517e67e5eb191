//! What files a release had, and what it left of earlier ones.

use std::collections::BTreeSet;

use crate::aws::releases::History;
use crate::core::release::record::Record;
use crate::core::site::retirement::RetiredKey;

impl History {
    /// The digests of the files that the run of `record` had, where that can be read.
    pub(crate) async fn files(&self, record: &Record) -> Option<BTreeSet<u64>> {
        let place = self.site.as_ref()?;
        match place.files(&record.id, &self.kept).await {
            Ok(digests) => Some(digests.into_iter().collect()),
            Err(error) => {
                self.console.debug(&format!("{error:#}"));
                None
            }
        }
    }

    /// The old assets that `record` lists, in the order of their keys.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub(crate) async fn old_assets(&self, record: &Record) -> anyhow::Result<Vec<RetiredKey>> {
        let listed = record.site.as_ref().and_then(|site| site.retired).unwrap_or_default();
        let Some(place) = self.site.as_ref().filter(|_| listed > 0) else {
            return Ok(Vec::new());
        };
        let mut assets = place
            .old_assets(&record.id, &self.target, &self.reserved, &self.kept)
            .await?;
        assets.sort_by(|one, other| one.key.cmp(&other.key));
        assets.dedup_by(|one, other| one.key == other.key);
        Ok(assets)
    }
}
