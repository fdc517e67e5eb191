//! Answers of the SDK in types of our own, once, where they come in.

use aws_sdk_elasticbeanstalk::types::{
    ApplicationVersionDescription, ConfigurationOptionSetting, EnvironmentDescription, EventDescription,
    OptionSpecification, SingleInstanceHealth,
};
use chrono::{DateTime, Utc};

use crate::core::backend::environment::{EnvironmentState, InstanceState};
use crate::core::backend::events::EnvironmentEvent;
use crate::core::backend::version_table::{BundleLocation, VersionState, VersionStatus};
use crate::core::inputs::OptionSetting;

pub(crate) fn environment(description: EnvironmentDescription) -> EnvironmentState {
    let tier = description.tier.and_then(|tier| tier.name).unwrap_or_default();
    let cname = description.cname.filter(|cname| !cname.is_empty());
    EnvironmentState {
        name: description.environment_name.unwrap_or_default(),
        id: description.environment_id.unwrap_or_default(),
        application: description.application_name.unwrap_or_default(),
        label: description.version_label.filter(|label| !label.is_empty()),
        status: description
            .status
            .map_or_else(String::new, |status| status.as_str().to_owned()),
        health: description
            .health
            .map_or_else(|| "Grey".to_owned(), |health| health.as_str().to_owned()),
        // A worker has none that answers.
        url: cname
            .filter(|_| tier != "Worker")
            .map(|cname| format!("http://{cname}")),
        is_cluster: tier == "Cluster",
        is_abortable: description.abortable_operation_in_progress == Some(true),
        causes: Vec::new(),
    }
}

pub(crate) fn instance(health: SingleInstanceHealth) -> InstanceState {
    let (label, deployment_status) = match health.deployment {
        Some(deployment) => (deployment.version_label, deployment.status),
        None => (None, None),
    };
    InstanceState {
        id: health.instance_id.unwrap_or_else(|| "an instance".to_owned()),
        color: health.color,
        health_status: health.health_status,
        causes: health.causes.unwrap_or_default(),
        label: label.filter(|label| !label.is_empty()),
        deployment_status,
    }
}

/// An event; `None` for one without a time, which cannot be put into order.
pub(crate) fn event(description: EventDescription) -> Option<EnvironmentEvent> {
    let date = description.event_date?;
    Some(EnvironmentEvent {
        date: DateTime::from_timestamp(date.secs(), date.subsec_nanos())?,
        severity: description
            .severity
            .map_or_else(|| "INFO".to_owned(), |severity| severity.as_str().to_owned()),
        message: description.message.unwrap_or_default(),
        request_id: description.request_id,
    })
}

/// A version in our own words.
pub(crate) fn version_state(version: ApplicationVersionDescription) -> VersionState {
    let status = version.status.as_ref().map_or("", |status| status.as_str());
    VersionState {
        status: VersionStatus::of(status),
        label: version.version_label.unwrap_or_default(),
        created: version.date_created.map_or(0, |date| date.secs()),
        bundle: version.source_bundle.and_then(|source| {
            Some(BundleLocation {
                bucket: source.s3_bucket?,
                key: source.s3_key?,
            })
        }),
    }
}

pub(crate) fn to_sdk_time(date: DateTime<Utc>) -> aws_smithy_types::DateTime {
    aws_smithy_types::DateTime::from_secs_and_nanos(date.timestamp(), date.timestamp_subsec_nanos())
}

/// An option with its value; `None` for one that has none.
pub(crate) fn setting(setting: ConfigurationOptionSetting) -> Option<OptionSetting> {
    Some(OptionSetting {
        namespace: setting.namespace?,
        option_name: setting.option_name?,
        value: setting.value?,
        resource_name: setting.resource_name,
    })
}

pub(crate) fn to_sdk_setting(setting: &OptionSetting) -> ConfigurationOptionSetting {
    ConfigurationOptionSetting::builder()
        .namespace(&setting.namespace)
        .option_name(&setting.option_name)
        .value(&setting.value)
        .set_resource_name(setting.resource_name.clone())
        .build()
}

pub(crate) fn to_sdk_option(setting: &OptionSetting) -> OptionSpecification {
    OptionSpecification::builder()
        .namespace(&setting.namespace)
        .option_name(&setting.option_name)
        .set_resource_name(setting.resource_name.clone())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_elasticbeanstalk::types::EnvironmentTier;

    #[test]
    fn a_worker_has_no_url() {
        let url = |tier: &str| {
            let tier = EnvironmentTier::builder().name(tier).build();
            environment(EnvironmentDescription::builder().cname("a.b").tier(tier).build()).url
        };
        assert_eq!(url("WebServer").as_deref(), Some("http://a.b"));
        assert_eq!(url("Worker"), None);
    }

    #[test]
    fn times_come_and_go_unchanged() {
        let date = aws_smithy_types::DateTime::from_millis(1_609_677_296_789);
        let event = event(EventDescription::builder().event_date(date).message("m").build()).expect("an event");
        assert_eq!(to_sdk_time(event.date), date);
        assert_eq!(event.severity, "INFO");
    }
}
