//! `keep-versions`, once a run has succeeded and that is on record.

use crate::aws::backend::api::Api;
use crate::aws::backend::retention::prune;
use crate::core::release::plan::Plan;
use crate::run::deployment::Deployment;
use crate::run::state::CurrentState;

impl Deployment<'_> {
    /// Deletes application versions that nobody needs any more; none when that cannot be told. `replaced` is what the
    /// updates of this run found.
    pub(crate) async fn prune(&self, state: &CurrentState, plan: &Plan, replaced: &[String]) {
        let (Some(inputs), Some(backend)) = (&self.inputs.backend, &plan.backend) else {
            return;
        };
        let Some(keep) = inputs.keep_versions else { return };
        let _activity = self.console.activity("looking for versions that nobody needs");
        let api = Api::new(&state.aws, &inputs.application, None);
        let pruned = async {
            let environments = api.environments().await?;
            let mut needed = state.history.needed_labels(&api, &environments).await?;
            needed.extend(environments.into_iter().filter_map(|environment| environment.label));
            needed.extend(backend.labels().map(ToOwned::to_owned));
            needed.extend(replaced.iter().cloned());
            prune(&api, keep as usize, &needed, self.console).await
        };
        if let Err(error) = pruned.await {
            self.allowance.note_error(&error);
            let text =
                format!("`keep-versions` has deleted nothing: it is not known which versions are needed: {error:#}");
            self.console.warning("Old versions kept", &text);
        }
    }
}
