//! From what was typed to [`Inputs`]: every error collected.

use chrono::{DateTime, Utc};

use crate::core::context::{Env, RunContext};
use crate::core::error::InputErrors;
use crate::core::inputs::args::sync_flags::SyncFlags;
use crate::core::inputs::aws::{self, AwsInputs};
use crate::core::inputs::backend::{self, BackendInputs};
use crate::core::inputs::cdn::{self, CdnInputs};
use crate::core::inputs::command::Command;
use crate::core::inputs::expand::{expression, variables};
use crate::core::inputs::files::Files;
use crate::core::inputs::headline::{CLOUDFRONT, Destination, Target, headline};
use crate::core::inputs::label_shell::without_commands;
use crate::core::inputs::raw::{RawInputs, is_expanded};
use crate::core::inputs::reader::{Reader, quoted, unique};
use crate::core::inputs::release::{self, GithubInputs, ReleaseInputs};
use crate::core::inputs::site::{self, SiteInputs};
use crate::core::inputs::table::{INPUTS, Part, is_secret};
use crate::core::release::history_folders;
use crate::core::secret::shown_text;
use crate::core::text::names;

/// All inputs, checked.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// What is deployed to, for a title: the site, the environments, else the distributions.
    pub(crate) places: Vec<Destination>,
    /// `command`.
    pub(crate) command: Command,
    /// `dry-run`, or `--dryrun` in `args`.
    pub(crate) dry_run: bool,
    /// Credentials and region.
    pub(crate) aws: AwsInputs,
    /// The site part, when it is on.
    pub(crate) site: Option<SiteInputs>,
    /// The cdn part, when it is on.
    pub(crate) cdn: Option<CdnInputs>,
    /// The backend part, when it is on.
    pub(crate) backend: Option<BackendInputs>,
    /// Rollback target and place of the records.
    pub(crate) release: ReleaseInputs,
    /// GitHub Deployments.
    pub(crate) github: GithubInputs,
    /// What this run does, to what and because of which input, and from which commit.
    pub(crate) headline: String,
    /// Things worth saying that are no errors, such as flags of `args` that have no effect here.
    pub(crate) notices: Vec<String>,
    /// Things that are probably mistakes, and no errors.
    pub(crate) warnings: Vec<String>,
}

/// Reads and checks all inputs.
///
/// # Errors
/// Everything that is wrong, each with the input's name, its value and what is legal.
pub(crate) fn parse(
    raw: &RawInputs,
    files: &dyn Files,
    env: &Env,
    context: &RunContext,
    now: DateTime<Utc>,
) -> Result<Inputs, InputErrors> {
    let mut reader = Reader::new(raw, files);
    let command = reader.choice(
        "command",
        &[
            ("deploy", Command::Deploy),
            ("rollback", Command::Rollback),
            ("check", Command::Check),
        ],
        Command::Deploy,
    );
    check_parts(&mut reader);
    let site_on = reader.is_on(Part::Site);
    let flags = if site_on {
        site::read_args(&mut reader, env, context)
    } else {
        SyncFlags::default()
    };
    let dry_run = reader.boolean("dry-run", false) || flags.dryrun;
    let aws = aws::read(&mut reader, env, context, &flags);
    let site = site::read(&mut reader, command, context, &flags);
    let cdn = reader
        .is_on(Part::Cdn)
        .then(|| cdn::read(&mut reader, command, context, site_on));
    let backend = backend::read(&mut reader, command, context, now);
    if backend.is_some() && aws.region.is_none() {
        reader.errors.push(
            "`aws-region` is empty; the backend needs it: set it, or `AWS_REGION` in the step's environment".to_owned(),
        );
    }
    let on_failure = backend.as_ref().map(|backend| backend.on_failure);
    let release = release::read(&mut reader, command, context.sha.as_deref(), on_failure);
    check_history(&mut reader, site.as_ref(), &release);
    let github = release::read_github(&reader);
    let asks = ["verify-url", "verify-site"]
        .iter()
        .any(|name| reader.given(name).is_some());
    if reader.given("verify-timeout").is_some() && !asks {
        reader
            .errors
            .push("`verify-timeout` is set but `verify-url` and `verify-site` are empty".to_owned());
    }
    if reader.given("max_backoff_retries").is_some() {
        let _ = reader.number("max_backoff_retries", 0..=1_000_000);
        reader.notices.push(
            "`max_backoff_retries` is not needed: throttled calls are retried until `deployment-timeout`".to_owned(),
        );
    }
    warn_of_variables(&mut reader);
    if !reader.errors.is_empty() {
        // Two parts may read the same input.
        return Err(InputErrors(unique(reader.errors.iter().map(String::as_str))));
    }
    let targets = targets(&reader, site.as_ref(), cdn.as_ref(), backend.as_ref());
    Ok(Inputs {
        headline: headline(command, dry_run, release.to.as_deref(), &targets, context),
        places: places(site.as_ref(), cdn.as_ref(), backend.as_ref()),
        command,
        dry_run,
        aws,
        site,
        cdn,
        backend,
        release,
        github,
        notices: reader.notices,
        warnings: reader.warnings,
    })
}

/// An input of a part that is off, and no part on at all, are errors: an unset secret must never make a green run
/// that did nothing.
fn check_parts(reader: &mut Reader<'_>) {
    for part in [Part::Site, Part::Cdn, Part::Backend, Part::SiteOrBackend] {
        if reader.is_on(part) || (reader.is_unclear() && matches!(part, Part::Site | Part::Cdn)) {
            continue;
        }
        let of_part = INPUTS.iter().filter(|spec| spec.part == part);
        let others = of_part.filter(|spec| !part.enabled_by().contains(&spec.name));
        let given: Vec<&str> = others.filter_map(|spec| Some(reader.given(spec.name)?.name)).collect();
        if !given.is_empty() {
            let error = missing_switch(part, &given, &reader.notices);
            reader.errors.push(error);
        }
    }
    if reader.given("use_existing_version_if_available").is_some() && !reader.is_on(Part::Backend) {
        reader
            .errors
            .push("`use_existing_version_if_available` is set but `application-name` is empty".to_owned());
    }
    let any = [Part::Site, Part::Cdn, Part::Backend]
        .into_iter()
        .any(|part| reader.is_on(part));
    if !any && reader.errors.is_empty() {
        reader.errors.push(
            "No part is enabled: set `bucket` (site), `distribution` (cdn) or `application-name` (backend). If you set one from a secret or variable, that secret or variable is empty."
                .to_owned(),
        );
    }
}

/// The error of inputs of a part that is off, all in one: they have one cause.
fn missing_switch(part: Part, given: &[&'static str], notices: &[String]) -> String {
    let variable = match part {
        Part::Site => Some("`AWS_S3_BUCKET` "),
        Part::Cdn => Some("`DISTRIBUTION` "),
        Part::All | Part::Backend | Part::SiteOrBackend => None,
    };
    let ignored = variable.and_then(|variable| notices.iter().find(|notice| notice.starts_with(variable)));
    let why = match ignored {
        Some(ignored) => format!(": {ignored}"),
        None => ". Is the secret or variable it comes from defined for this repository and environment?".to_owned(),
    };
    let verb = if given.len() == 1 { "is" } else { "are" };
    let (given, switches) = (names(given.iter().copied()), quoted(part.enabled_by()));
    format!("{given} {verb} set but {switches} is empty{why}")
}

/// A site inside of the folders of records would have no files.
fn check_history(reader: &mut Reader<'_>, site: Option<&SiteInputs>, release: &ReleaseInputs) {
    let (Some(site), Some(history)) = (site, &release.history) else {
        return;
    };
    let folders = history_folders(&history.prefix);
    let around = folders.iter().find(|folder| site.prefix.starts_with(folder.as_str()));
    if let Some(folder) = around.filter(|_| history.bucket == site.bucket) {
        reader.errors.push(format!(
            "`prefix` is `{}`, which is inside of `{folder}`, where `history` keeps release records: choose another \
             `history` or `prefix`",
            shown_text(&site.prefix)
        ));
    }
}

/// Inputs in which a `$NAME` is read by a shell, is an error already, or belongs to the value.
const WITH_VARIABLES: [&str; 5] = [
    "args",
    "inline-session-policy",
    "option-settings",
    "verify-contains",
    "version-label",
];

/// Only `args` and some old variables are expanded.
fn warn_of_variables(reader: &mut Reader<'_>) {
    let inputs = INPUTS.iter().map(|spec| spec.name);
    for name in inputs.filter(|name| !WITH_VARIABLES.contains(name) && !is_secret(name)) {
        let Some(given) = reader.given(name).filter(|given| !is_expanded(given.name)) else {
            continue;
        };
        // The old action took its description as it stood.
        if given.name == "version_description" {
            continue;
        }
        let (commands, rest) = without_commands(&given.value);
        let variables = variables(&rest);
        if !variables.is_empty() {
            reader
                .warnings
                .push(format!("`{}` {}", given.name, unexpanded(&variables)));
        }
        if let Some((typed, _)) = commands.first().filter(|(typed, _)| typed.starts_with('$')) {
            reader.warnings.push(format!(
                "`{}` holds `{}`, and no shell runs it: use the output of an earlier step, `${{{{ steps.ID.outputs.NAME }}}}`",
                given.name,
                shown_text(typed)
            ));
        }
    }
}

/// What is said of `variables` that no shell expands, behind the name of the input that holds them.
fn unexpanded(variables: &[&str]) -> String {
    let named: Vec<String> = variables.iter().map(|variable| format!("`${variable}`")).collect();
    let instead: Vec<String> = variables
        .iter()
        .map(|variable| format!("`{}`", expression(variable)))
        .collect();
    let (them, as_what) = match variables {
        [_] => ("it", "an expression such as"),
        _ => ("them", "expressions such as"),
    };
    format!(
        "holds {}, and no shell expands {them}: use {as_what} {}",
        named.join(" and "),
        instead.join(" and ")
    )
}

/// The same for a title: what a person knows it by. A distribution counts where nothing else is deployed.
fn places(site: Option<&SiteInputs>, cdn: Option<&CdnInputs>, backend: Option<&BackendInputs>) -> Vec<Destination> {
    let of = |part: &'static str| move |name: String| Destination { part, name };
    let site = site.map(|site| format!("s3://{}/{}", site.bucket, site.prefix));
    let environments = backend.iter().flat_map(|backend| backend.environments.iter().cloned());
    let site = site.into_iter().map(of("Site"));
    let mut places: Vec<Destination> = site.chain(environments.map(of("Backend"))).collect();
    if let (true, None, Some(cdn)) = (places.is_empty(), backend, cdn) {
        places.extend(cdn.distributions.iter().cloned().map(of(CLOUDFRONT)));
    }
    places
}

/// What the enabled parts deploy to.
fn targets(
    reader: &Reader<'_>,
    site: Option<&SiteInputs>,
    cdn: Option<&CdnInputs>,
    backend: Option<&BackendInputs>,
) -> Vec<Target> {
    let name = |switch| reader.given(switch).map_or(switch, |given| given.name);
    let site = site.map(|site| (format!("s3://{}/{}", site.bucket, site.prefix), name("bucket")));
    let cdn = cdn.map(|cdn| {
        (
            format!("CloudFront {}", cdn.distributions.join(", ")),
            name("distribution"),
        )
    });
    let backend = backend.map(|backend| {
        let application = &backend.application;
        let environments: Vec<String> = backend
            .environments
            .iter()
            .map(|environment| format!("{application}/{environment}"))
            .collect();
        let place = match environments.is_empty() {
            true => application.clone(),
            false => environments.join(", "),
        };
        (format!("Elastic Beanstalk {place}"), name("application-name"))
    });
    [site, cdn, backend].into_iter().flatten().collect()
}
