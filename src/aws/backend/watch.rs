//! What polls read of one environment: its state, and each of its events once.

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::aws::backend::api::Api;
use crate::aws::backend::reads::EventsOf;
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::events::{EnvironmentEvent, EventLog};
use crate::core::backend::follow::{Follow, Poll};

/// One environment from a moment on.
pub(crate) struct Watch {
    log: EventLog,
    /// Events that were read and not yet given to a poll.
    pending: Vec<EnvironmentEvent>,
}

impl Watch {
    /// From this moment on.
    pub(crate) async fn begin(api: &Api, environment: &str) -> anyhow::Result<Self> {
        let before = api.events(EventsOf::Environment(environment), None, Some(100)).await?;
        Ok(Self {
            log: EventLog::after(&before),
            pending: Vec::new(),
        })
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
        let found = api
            .events(EventsOf::Environment(environment), self.log.start(), None)
            .await?;
        self.pending.extend(self.log.take(&found));
        Ok(state)
    }

    /// What `follow` needs to know.
    pub(crate) async fn poll(&mut self, api: &Api, environment: &str, follow: &Follow) -> anyhow::Result<Poll> {
        let state = self.read(api, environment).await?;
        let now = Instant::now().into_std();
        let instances = if follow.wants_instances(state.as_ref(), now) {
            api.instances(environment).await?.unwrap_or_default()
        } else {
            Vec::new()
        };
        let causes = if follow.wants_causes(state.as_ref()) {
            api.causes(environment).await.unwrap_or_default()
        } else {
            Vec::new()
        };
        Ok(Poll {
            environment: state,
            events: std::mem::take(&mut self.pending),
            instances,
            causes,
        })
    }
}
