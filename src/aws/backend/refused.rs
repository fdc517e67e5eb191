//! A version that Elastic Beanstalk refuses to deploy: it is still processed, or could not be.
//!
//! The words of that refusal are documented nowhere, so the state of the version tells what it is about ("The AWS API will
//! not let you deploy it", of one that failed: <https://github.com/Safecast/safecastapi/pull/686>; the states:
//! <https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ApplicationVersionDescription.html>).

use crate::aws::backend::convert::version_state;
use crate::aws::backend::update::Update;
use crate::aws::backend::version::{processed, why_failed};
use crate::core::backend::version_table::VersionStatus;
use crate::core::error::{HintExt as _, code};

impl Update<'_> {
    /// Waits where `error` refused a version that is still processed.
    ///
    /// # Errors
    /// `error` otherwise, explained where the version is what is wrong.
    pub(crate) async fn after_refused_version(&self, error: anyhow::Error) -> anyhow::Result<()> {
        if code(&error) != Some("InvalidParameterValue") {
            return Err(error);
        }
        let label = self.label;
        let version = self
            .api
            .versions(&[label.to_owned()])
            .await
            .ok()
            .and_then(|mut found| found.pop());
        match version.map(|version| version_state(version).status) {
            None | Some(VersionStatus::Usable) => Err(error),
            Some(VersionStatus::Processing) => {
                self.say(&format!(
                    "Elastic Beanstalk still processes version `{label}`: waiting until it is ready"
                ));
                processed(
                    &self.api,
                    label,
                    self.deadline,
                    self.backend.poll_interval,
                    self.console,
                )
                .await
            }
            Some(VersionStatus::Failed) => Err(error.hint(format!(
                "Elastic Beanstalk could not process its bundle: {}; set `package` to create the version again, or take \
                 another version",
                why_failed(&self.api, label).await
            ))),
        }
    }
}
