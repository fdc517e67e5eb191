//! `keep-versions`: deletes old versions.

use std::collections::BTreeSet;

use crate::aws::backend::api::Api;
use crate::aws::backend::convert::version_state;
use crate::aws::backend::version;
use crate::console::Console;
use crate::core::backend::retention::{may_delete_bundle, superfluous};
use crate::core::backend::version_table::VersionState;

/// Deletes the oldest versions beyond the `keep` newest, less those of `needed`; a bundle with the last version that is
/// made from it.
///
/// # Errors
/// The versions cannot be listed, this application's and others'. A version that cannot be deleted is a warning.
pub(crate) async fn prune(api: &Api, keep: usize, needed: &BTreeSet<String>, console: &Console) -> anyhow::Result<()> {
    let versions: Vec<VersionState> = api.versions(&[]).await?.into_iter().map(version_state).collect();
    let mut staying: Vec<&VersionState> = versions.iter().collect();
    let mut failures = Vec::new();
    let superfluous = superfluous(&versions, keep, needed);
    if superfluous.is_empty() {
        return Ok(());
    }
    let others = api.bundles_of_others().await?;
    for old in superfluous {
        let label = &old.label;
        staying.retain(|version| version.label != *label);
        let with_bundle = may_delete_bundle(old, &staying, &others);
        match version::delete(api, label, with_bundle).await {
            Ok(()) if with_bundle => console.line(&format!("deleted version `{label}` and its bundle")),
            Ok(()) => console.line(&format!(
                "deleted version `{label}`; another version is made from its bundle, which stays"
            )),
            Err(error) => {
                staying.push(old);
                failures.push(format!("{error:#}"));
            }
        }
    }
    if let Some(first) = failures.first() {
        let text = format!("{} old versions could not be deleted: {first}", failures.len());
        console.warning("Old versions kept", &text);
    }
    Ok(())
}
