//! The inputs of the backend part.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::bundle::label::{self, LabelValues};
use crate::core::context::RunContext;
use crate::core::inputs::parse::{MAX_SECONDS, is_http_url, path};
use crate::core::inputs::reader::Reader;
use crate::core::inputs::{BackendInputs, Command, Health, OptionSetting, PackageInputs, VerifyInputs, WhenBusy};

/// Reads the backend part; `None` only beside an error.
pub(crate) fn backend(
    reader: &mut Reader<'_>,
    command: Command,
    context: &RunContext,
    now: DateTime<Utc>,
) -> Option<BackendInputs> {
    let application = reader.owned("application-name")?;
    let package = (command != Command::Rollback)
        .then(|| package(reader, context, command))
        .flatten();
    let (version_label, version_description) = version(reader, command, context, now, &application, package.is_some());
    let backend = BackendInputs {
        environments: reader.words("environment-name"),
        package,
        version_label,
        version_description,
        package_bucket: reader.owned("package-bucket"),
        use_existing_version: reader.boolean("use_existing_version_if_available", false),
        option_settings: option_settings(reader, context),
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
        recovery: reader.seconds("recovery-seconds", 60, 0..=MAX_SECONDS),
        poll_interval: reader.number("poll-interval", 1..=600).map(Duration::from_secs),
        rollback_on_failure: reader.choice("on-failure", &[("keep", false), ("rollback", true)], false),
        verify: verify(reader),
        keep_versions: reader
            .number("keep-versions", 1..=1_000_000)
            .and_then(|number| u32::try_from(number).ok()),
        application,
    };
    check_combinations(reader, &backend);
    Some(backend)
}

/// Inputs that make no sense with each other.
fn check_combinations(reader: &mut Reader<'_>, backend: &BackendInputs) {
    if backend.environments.is_empty() {
        for name in ["option-settings", "verify-url", "on-failure"] {
            if reader.given(name).is_some() {
                reader.errors.push(format!(
                    "`{name}` is set but `environment-name` is empty: there is nothing to deploy to"
                ));
            }
        }
    }
    if !backend.wait {
        for name in ["verify-url", "on-failure"] {
            if (name != "on-failure" || backend.rollback_on_failure) && reader.given(name).is_some() {
                reader.errors.push(format!(
                    "`{name}` needs the end of the deployment, but `wait-for-deployment` is `false`"
                ));
            }
        }
    }
}

fn package(reader: &mut Reader<'_>, context: &RunContext, command: Command) -> Option<PackageInputs> {
    let typed = reader.owned("package");
    let exclude: Vec<String> = reader
        .lines("package-exclude")
        .into_iter()
        .map(ToOwned::to_owned)
        .collect();
    let ignore_file = reader.owned("package-ignore-file");
    let Some(typed) = typed else {
        for name in ["package-exclude", "package-ignore-file"] {
            if reader.given(name).is_some() {
                reader.errors.push(format!("`{name}` is set but `package` is empty"));
            }
        }
        return None;
    };
    let path = path(context, &typed);
    if command == Command::Deploy {
        let name = reader.given("package").map_or("package", |given| given.name);
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => check_archive(reader, name, &typed),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => reader.errors.push(format!(
                "`{name}` is `{typed}`, which does not exist in the workspace: was it checked out and built by an earlier step?"
            )),
            Err(error) => reader.errors.push(format!("`{name}` is `{typed}`, which cannot be read: {error}")),
        }
    }
    if let Some(file) = &ignore_file
        && file.contains('/')
    {
        reader.reject(
            "package-ignore-file",
            "the name of a file, without a directory: it is read in every directory",
        );
    }
    Some(PackageInputs {
        path,
        ignore_file,
        exclude,
    })
}

fn check_archive(reader: &mut Reader<'_>, name: &str, typed: &str) {
    let lower = typed.to_ascii_lowercase();
    if ![".zip", ".war", ".jar"].iter().any(|ending| lower.ends_with(ending)) {
        reader.errors.push(format!(
            "`{name}` is `{typed}`; it must be a directory, or a `.zip`, `.war` or `.jar` file"
        ));
    }
    for other in ["package-exclude", "package-ignore-file"] {
        if reader.given(other).is_some() {
            reader.errors.push(format!(
                "`{other}` is set, but `{name}` is a ready archive, which is taken as it is"
            ));
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
    let label = label::fill(typed.unwrap_or("{repo}-{timestamp}"), &values).unwrap_or_else(|reason| {
        let name = reader
            .given("version-label")
            .map_or("version-label", |given| given.name);
        reader.errors.push(format!("`{name}` cannot be used: {reason}"));
        String::new()
    });
    let description = label::description(
        reader.text("version-description"),
        &values,
        context.commit_subject.as_deref(),
    )
    .unwrap_or_else(|reason| {
        reader
            .errors
            .push(format!("`version-description` cannot be used: {reason}"));
        String::new()
    });
    (label, Some(description).filter(|text| !text.is_empty()))
}

fn option_settings(reader: &mut Reader<'_>, context: &RunContext) -> Vec<OptionSetting> {
    let Some(text) = reader.owned("option-settings") else {
        return Vec::new();
    };
    let (origin, json) = if text.starts_with('[') {
        ("`option-settings`".to_owned(), text)
    } else {
        match std::fs::read_to_string(context.workspace.join(&text)) {
            Ok(json) => (format!("the file `{text}` of `option-settings`"), json),
            Err(error) => {
                reader.errors.push(format!(
                    "`option-settings` is `{text}`; it must be a JSON array or the path of a file that holds one: {error}"
                ));
                return Vec::new();
            }
        }
    };
    match serde_json::from_str::<Vec<OptionSetting>>(&json) {
        Ok(settings) => settings,
        Err(error) => {
            reader.errors.push(format!(
                "{origin} cannot be used: {error}; it must be an array of objects with `Namespace`, `OptionName` and `Value`, all strings"
            ));
            Vec::new()
        }
    }
}

fn accepted_health(reader: &mut Reader<'_>) -> Vec<Health> {
    let words = reader.words("accepted-health");
    if words.is_empty() {
        return vec![Health::Green];
    }
    let colours = [Health::Green, Health::Yellow, Health::Red, Health::Grey];
    let accepted: Vec<Health> = colours
        .into_iter()
        .filter(|colour| words.iter().any(|word| word.eq_ignore_ascii_case(colour.name())))
        .collect();
    if accepted.len() != words.len() {
        reader.reject("accepted-health", "some of `Green`, `Yellow`, `Red` and `Grey`");
    }
    accepted
}

fn verify(reader: &mut Reader<'_>) -> Option<VerifyInputs> {
    let Some(url) = reader.owned("verify-url") else {
        for name in ["verify-contains", "verify-timeout"] {
            if reader.given(name).is_some() {
                reader.errors.push(format!("`{name}` is set but `verify-url` is empty"));
            }
        }
        return None;
    };
    if !is_http_url(&url) {
        reader.reject("verify-url", "an `http://` or `https://` address");
    }
    Some(VerifyInputs {
        url,
        contains: reader.owned("verify-contains"),
        timeout: reader.seconds("verify-timeout", 120, 1..=MAX_SECONDS),
    })
}
