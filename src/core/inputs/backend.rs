//! The inputs of the backend part.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::bundle::label::{self, LabelValues};
use crate::core::context::RunContext;
use crate::core::inputs::bucket;
use crate::core::inputs::command::Command;
use crate::core::inputs::label_shell::unexpanded;
use crate::core::inputs::option_settings::{self, OptionSetting};
use crate::core::inputs::package::{self, PackageInputs};
use crate::core::inputs::reader::{MAX_SECONDS, Reader};
use crate::core::inputs::table::Part;
use crate::core::inputs::urls::check_url;

/// The backend part.
#[derive(Debug, Clone)]
pub(crate) struct BackendInputs {
    /// `application-name`.
    pub(crate) application: String,
    /// `environment-name`, in input order; empty: only create the version.
    pub(crate) environments: Vec<String>,
    /// `package`; `None`: the version must exist already.
    pub(crate) package: Option<PackageInputs>,
    /// `version-label`, placeholders filled and checked.
    pub(crate) version_label: String,
    /// `version-description`, filled and cut.
    pub(crate) version_description: Option<String>,
    /// `package-bucket`; `None`: CreateStorageLocation's.
    pub(crate) package_bucket: Option<String>,
    /// `use_existing_version_if_available`.
    pub(crate) use_existing_version: bool,
    /// `option-settings`.
    pub(crate) option_settings: Vec<OptionSetting>,
    /// `force`.
    pub(crate) force: bool,
    /// `wait-for-deployment`.
    pub(crate) wait: bool,
    /// `deployment-timeout`.
    pub(crate) timeout: Duration,
    /// `when-busy`.
    pub(crate) when_busy: WhenBusy,
    /// `accepted-health`.
    pub(crate) accepted_health: Vec<Health>,
    /// `recovery-seconds`.
    pub(crate) recovery: Duration,
    /// `poll-interval`; `None`: adaptive.
    pub(crate) poll_interval: Option<Duration>,
    /// `on-failure`.
    pub(crate) on_failure: OnFailure,
    /// `log-tail`.
    pub(crate) log_tail: bool,
    /// `verify-url` and what belongs to it.
    pub(crate) verify: Option<VerifyInputs>,
    /// `keep-versions`.
    pub(crate) keep_versions: Option<u32>,
}

/// `when-busy`: what to do with an environment that is not Ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenBusy {
    /// Wait until it is.
    Wait,
    /// Abort the running update where Beanstalk allows it.
    Abort,
    /// Fail at once.
    Fail,
}

/// `on-failure`: what to do when the run fails after something changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// Leave everything as the failure left it.
    #[default]
    Keep,
    /// Go back to what was live when the run began.
    Rollback,
}

/// The colors of environment health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Healthy.
    Green,
    /// Warnings.
    Yellow,
    /// Failing.
    Red,
    /// Unknown, or being updated.
    Grey,
}

impl Health {
    /// The name that the API uses.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Green => "Green",
            Self::Yellow => "Yellow",
            Self::Red => "Red",
            Self::Grey => "Grey",
        }
    }
}

/// `verify-url`, `verify-contains`, `verify-timeout`.
#[derive(Debug, Clone)]
pub(crate) struct VerifyInputs {
    /// The address to GET.
    pub(crate) url: String,
    /// Text that the answer must contain.
    pub(crate) contains: Option<String>,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

/// Reads the backend part; `None` where it is off.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    command: Command,
    context: &RunContext,
    now: DateTime<Utc>,
) -> Option<BackendInputs> {
    let application = reader.owned("application-name")?;
    let package = (command != Command::Rollback)
        .then(|| package::read(reader, context, command))
        .flatten();
    let (version_label, version_description) = version(reader, command, context, now, &application, package.is_some());
    let backend = BackendInputs {
        environments: reader.names("environment-name"),
        package,
        version_label,
        version_description,
        package_bucket: package_bucket(reader),
        use_existing_version: reader.boolean("use_existing_version_if_available", false),
        option_settings: option_settings::read(reader, context),
        force: reader.boolean("force", false),
        wait: reader.boolean("wait-for-deployment", true),
        timeout: reader.seconds("deployment-timeout", 1800, 1..=MAX_SECONDS),
        when_busy: reader.choice(
            "when-busy",
            &[
                ("wait", WhenBusy::Wait),
                ("abort", WhenBusy::Abort),
                ("fail", WhenBusy::Fail),
            ],
            WhenBusy::Wait,
        ),
        accepted_health: accepted_health(reader),
        recovery: recovery(reader),
        poll_interval: reader.number("poll-interval", 1..=600).map(Duration::from_secs),
        on_failure: read_on_failure(reader),
        log_tail: reader.boolean("log-tail", true),
        verify: verify(reader),
        keep_versions: reader
            .number("keep-versions", 1..=1_000_000)
            .and_then(|number| u32::try_from(number).ok()),
        application,
    };
    check_combinations(reader, &backend);
    Some(backend)
}

fn package_bucket(reader: &mut Reader<'_>) -> Option<String> {
    let bucket = reader.owned("package-bucket")?;
    bucket::check(reader, "package-bucket", &bucket, None);
    Some(bucket)
}

/// `recovery-seconds`; under its old name, what was no number meant the default.
fn recovery(reader: &mut Reader<'_>) -> Duration {
    const DEFAULT: u64 = 60;
    let old = reader
        .given("recovery-seconds")
        .filter(|given| given.name == "wait_for_environment_recovery")
        .map(|given| given.value.to_ascii_lowercase());
    match old.as_deref() {
        Some("false" | "true") => Duration::from_secs(DEFAULT),
        _ => reader.seconds("recovery-seconds", DEFAULT, 0..=MAX_SECONDS),
    }
}

/// `on-failure`, of site and backend.
pub(crate) fn read_on_failure(reader: &mut Reader<'_>) -> OnFailure {
    reader.choice(
        "on-failure",
        &[("keep", OnFailure::Keep), ("rollback", OnFailure::Rollback)],
        OnFailure::Keep,
    )
}

/// `verify-timeout`, of `verify-url` and `verify-site`.
pub(crate) fn verify_timeout(reader: &mut Reader<'_>) -> Duration {
    reader.seconds("verify-timeout", 120, 1..=MAX_SECONDS)
}

/// Inputs that make no sense with each other.
fn check_combinations(reader: &mut Reader<'_>, backend: &BackendInputs) {
    if backend.environments.is_empty() {
        for name in ["option-settings", "verify-url", "on-failure"] {
            let is_for_site = name == "on-failure" && reader.is_on(Part::Site);
            if reader.given(name).is_some() && !is_for_site {
                reader.errors.push(format!(
                    "`{name}` is set but `environment-name` is empty: there is nothing to deploy to"
                ));
            }
        }
    }
    if !backend.wait {
        for name in ["verify-url", "on-failure"] {
            if (name != "on-failure" || backend.on_failure == OnFailure::Rollback) && reader.given(name).is_some() {
                reader.errors.push(format!(
                    "`{name}` needs the end of the deployment, but `wait-for-deployment` is `false`"
                ));
            }
        }
    }
}

/// Label and description of the version.
fn version(
    reader: &mut Reader<'_>,
    command: Command,
    context: &RunContext,
    now: DateTime<Utc>,
    application: &str,
    has_package: bool,
) -> (String, Option<String>) {
    if command == Command::Rollback {
        return (String::new(), None);
    }
    let values = LabelValues {
        timestamp: now,
        sha: context.sha.clone(),
        ref_name: context.ref_name.clone(),
        repo: Some(context.repository_name().unwrap_or(application).to_owned()),
        run_id: context.run_id.clone(),
        run_number: context.run_number.clone(),
        run_attempt: context.run_attempt.clone(),
    };
    let typed = reader.text("version-label");
    if typed.is_none() && !has_package && reader.text("package").is_none() && command == Command::Deploy {
        reader.errors.push(
            "`package` and `version-label` are both empty: say what to deploy, or which version that exists".to_owned(),
        );
    }
    let unexpanded = typed.map(unexpanded).unwrap_or_default();
    if !unexpanded.is_empty() {
        let name = reader
            .given("version-label")
            .map_or("version-label", |given| given.name);
        let errors = unexpanded.iter().map(|what| format!("`{name}` holds {what}"));
        reader.errors.extend(errors);
        return (String::new(), None);
    }
    let label = label::fill(typed.unwrap_or("{repo}-{timestamp}"), &values).unwrap_or_else(|reason| {
        let name = reader
            .given("version-label")
            .map_or("version-label", |given| given.name);
        reader.errors.push(format!("`{name}` is wrong: {reason}"));
        String::new()
    });
    let (template, text) = match reader.given("version-description") {
        // The old action knew no placeholders.
        Some(old) if old.name == "version_description" => (None, Some(old.value.as_str())),
        given => (
            given.map(|given| given.value.as_str()),
            context.commit_subject.as_deref(),
        ),
    };
    let description = label::description(template, &values, text).unwrap_or_else(|reason| {
        reader.errors.push(format!("`version-description` is wrong: {reason}"));
        String::new()
    });
    (label, Some(description).filter(|text| !text.is_empty()))
}

fn accepted_health(reader: &mut Reader<'_>) -> Vec<Health> {
    let words = reader.names("accepted-health");
    if words.is_empty() || words.iter().any(|word| word.contains(',')) {
        return vec![Health::Green];
    }
    let colors = [Health::Green, Health::Yellow, Health::Red, Health::Grey];
    let accepted: Vec<Health> = colors
        .into_iter()
        .filter(|color| words.iter().any(|word| word.eq_ignore_ascii_case(color.name())))
        .collect();
    if accepted.len() != words.len() {
        reader.reject("accepted-health", "some of `Green`, `Yellow`, `Red` and `Grey`");
    }
    accepted
}

fn verify(reader: &mut Reader<'_>) -> Option<VerifyInputs> {
    let Some(url) = reader.owned("verify-url") else {
        if reader.given("verify-contains").is_some() {
            reader
                .errors
                .push("`verify-contains` is set but `verify-url` is empty".to_owned());
        }
        return None;
    };
    check_url(reader, "`verify-url`", &url);
    Some(VerifyInputs {
        url,
        contains: reader.owned("verify-contains"),
        timeout: verify_timeout(reader),
    })
}
