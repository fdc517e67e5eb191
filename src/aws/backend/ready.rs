//! The wait until an environment can be updated, behind the update of somebody else.

use anyhow::anyhow;
use tokio::time::Instant;

use crate::aws::backend::update::{Update, gone};
use crate::core::backend::backoff::Backoff;
use crate::core::backend::busy::{BusyStep, busy_step, still_busy};
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::follow::LOOK;
use crate::core::backend::outcome::{EnvironmentRun, UpdateOutcome};
use crate::core::error::{HintExt as _, code};
use crate::core::heartbeat::Heartbeat;
use crate::core::iam::calls;
use crate::core::retry::is_transient;

impl Update<'_> {
    /// Waits until the environment can be updated; tells too whether an update was seen to be aborted meanwhile.
    pub(crate) async fn until_ready(
        &self,
        run: &mut EnvironmentRun,
    ) -> anyhow::Result<Result<(EnvironmentState, bool), UpdateOutcome>> {
        let mut backoff = Backoff::new(self.name, self.backend.poll_interval, std::process::id());
        let (mut announced, mut aborted, mut was_aborted) = (false, false, false);
        let mut heartbeat = Heartbeat::new(Instant::now().into_std(), LOOK);
        loop {
            let step = match self.api.environment(self.name).await {
                Ok(found) => {
                    run.see(found.as_ref());
                    let Some(environment) = found else {
                        return Ok(Err(gone()));
                    };
                    match busy_step(&environment, self.when_busy, aborted) {
                        BusyStep::Update => return Ok(Ok((environment, was_aborted || aborted))),
                        step => {
                            was_aborted |= environment.is_aborting();
                            step
                        }
                    }
                }
                Err(error) if is_transient(&error) && Instant::now() < self.deadline => {
                    self.say(&format!("cannot read the environment's state now: {error:#}"));
                    self.rest(&mut backoff, |_| None).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let status = run.state().map_or("", |state| &state.status).to_owned();
            match step {
                BusyStep::Gone => return Ok(Err(gone())),
                BusyStep::Refuse => {
                    return Err(anyhow!(
                        "cannot deploy to `{}`: the environment is {status}, and `when-busy` is `fail`",
                        self.name
                    )
                    .hint("run this step again when it is Ready, or set `when-busy` to `wait` or `abort`"));
                }
                BusyStep::Abort => {
                    aborted = self.abort().await?;
                }
                BusyStep::Wait | BusyStep::Update => {}
            }
            if !announced {
                announced = true;
                self.say(&format!("the environment is {status}: waiting until it is Ready"));
            }
            if Instant::now() >= self.deadline {
                return Ok(Err(UpdateOutcome::Deadline { status, another: true }));
            }
            let sign_of_life = |now| {
                let left = self.deadline.into_std().saturating_duration_since(now);
                Some(still_busy(run.state()?, heartbeat.beat(now)?, left))
            };
            self.rest(&mut backoff, sign_of_life).await?;
        }
    }

    /// Asks for the running update to be aborted; whether there was an answer. Without one the next look tells.
    async fn abort(&self) -> anyhow::Result<bool> {
        let doing = || format!("cannot abort the running update of `{}`", self.name);
        let resource = self.api.environment_arn(self.name);
        let aborted = self
            .api
            .send(&calls::ABORT_ENVIRONMENT_UPDATE, &resource, doing, || {
                self.api
                    .client
                    .abort_environment_update()
                    .environment_name(self.name)
                    .send()
            })
            .await;
        match aborted {
            Ok(_) => self.say("asked Elastic Beanstalk to abort the running update"),
            // It has come to an end meanwhile, or to a point from which it cannot be aborted.
            Err(error) if code(&error) == Some("InvalidParameterValue") => {
                self.say("the running update cannot be aborted any more");
            }
            Err(error) if is_transient(&error) && Instant::now() < self.deadline => {
                self.say(&format!("{error:#}; looking whether it is aborted"));
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
