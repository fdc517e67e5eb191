//! What polls read of one environment: its state, and each of its events once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::aws::backend::api::Api;
use crate::aws::backend::reads::EventsOf;
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::events::{EnvironmentEvent, EventLog, last_update_failed};
use crate::core::backend::follow::{Follow, Poll};
use crate::core::backend::outcome::EnvironmentRun;
use crate::core::error::Cancelled;
use crate::core::retry::is_transient;

/// How long the instances are asked about in one poll: it must not keep what the environment itself says.
const INSTANCES_TIMEOUT: Duration = Duration::from_secs(15);

/// One environment from a moment on.
pub(crate) struct Watch {
    log: EventLog,
    /// Events that were read and not yet given to a poll.
    pending: Vec<EnvironmentEvent>,
    /// The last update before this moment failed.
    failed_before: bool,
}

impl Watch {
    /// From this moment on.
    pub(crate) async fn begin(api: &Api, environment: &str) -> anyhow::Result<Self> {
        let before = api.events(EventsOf::Environment(environment), None, Some(100)).await?;
        Ok(Self {
            log: EventLog::after(&before),
            pending: Vec::new(),
            failed_before: last_update_failed(&before),
        })
    }

    /// Whether the last update before this moment failed, by its events.
    pub(crate) fn failed_before(&self) -> bool {
        self.failed_before
    }

    /// The newest event before this moment.
    pub(crate) fn since(&self) -> Option<DateTime<Utc>> {
        self.log.floor()
    }

    /// The events that no poll has seen, oldest first.
    pub(crate) fn pending(&self) -> &[EnvironmentEvent] {
        &self.pending
    }

    /// Reads the environment, and keeps its new events for the next poll.
    ///
    /// Environment first, events then: an event that came before the state seen is never missing.
    pub(crate) async fn read(&mut self, api: &Api, environment: &str) -> anyhow::Result<Option<EnvironmentState>> {
        let state = api.environment(environment).await?;
        self.read_events(api, environment).await?;
        Ok(state)
    }

    async fn read_events(&mut self, api: &Api, environment: &str) -> anyhow::Result<()> {
        let found = api
            .events(EventsOf::Environment(environment), self.log.start(), None)
            .await?;
        self.pending.extend(self.log.take(&found));
        Ok(())
    }

    /// What `follow` needs to know; `run` sees the environment even when the rest cannot be read.
    pub(crate) async fn poll(
        &mut self,
        api: &Api,
        environment: &str,
        follow: &Follow,
        run: &mut EnvironmentRun,
    ) -> anyhow::Result<Poll> {
        let before = run.seen.clone();
        run.lose_sight();
        let state = api.environment(environment).await.inspect_err(|error| {
            if error.is::<Cancelled>() {
                run.seen = before;
            }
        })?;
        run.see(state.as_ref());
        self.read_events(api, environment).await?;
        let now = Instant::now().into_std();
        let (mut instances, mut instances_unreadable) = (Vec::new(), None);
        if follow.wants_instances(state.as_ref(), now) {
            match tokio::time::timeout(INSTANCES_TIMEOUT, api.instances(environment)).await {
                Ok(Ok(found)) => instances = found.unwrap_or_default(),
                Ok(Err(error)) if is_transient(&error) => instances_unreadable = Some(format!("{error:#}")),
                Ok(Err(error)) => return Err(error),
                Err(_) => instances_unreadable = Some("no answer".to_owned()),
            }
        }
        Ok(Poll {
            environment: state,
            events: std::mem::take(&mut self.pending),
            instances,
            instances_unreadable,
        })
    }
}
