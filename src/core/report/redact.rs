//! Secrets are taken out of a report before it is rendered: once a text is escaped, cut or split, nobody finds them.

use crate::core::report::{EnvironmentReport, Report};

/// Cleans every text of `report` that can hold words from outside.
pub(crate) fn redact(report: &mut Report, clean: &dyn Fn(&str) -> String) {
    let each = |text: &mut String| *text = clean(text);
    let optional = |text: &mut Option<String>| text.iter_mut().for_each(each);
    if let Some(site) = &mut report.site {
        site.uploads.iter_mut().for_each(|upload| each(&mut upload.key));
        site.retired.iter_mut().for_each(|retired| each(&mut retired.key));
        for keys in [
            &mut site.deletes,
            &mut site.restored,
            &mut site.not_restored,
            &mut site.changed_by_others,
        ] {
            keys.iter_mut().for_each(each);
        }
        for warning in site.failures.iter_mut().chain(&mut site.warnings) {
            each(&mut warning.path);
            each(&mut warning.message);
        }
    }
    for invalidation in &mut report.invalidations {
        invalidation.paths.iter_mut().for_each(each);
    }
    if let Some(backend) = &mut report.backend {
        each(&mut backend.version_label);
        for environment in &mut backend.environments {
            redact_environment(environment, clean);
        }
    }
    report.forgotten.values_mut().flatten().for_each(each);
    report.wrong_inputs.iter_mut().for_each(each);
    optional(&mut report.site_url);
    optional(&mut report.live);
    optional(&mut report.advice);
    if let Some(error) = &mut report.error {
        each(&mut error.message);
        optional(&mut error.hint);
    }
}

fn redact_environment(environment: &mut EnvironmentReport, clean: &dyn Fn(&str) -> String) {
    let each = |text: &mut String| *text = clean(text);
    for label in [
        &mut environment.previous_version_label,
        &mut environment.version_label,
        &mut environment.planned_version_label,
        &mut environment.unknown_since_update_to,
        &mut environment.error,
    ] {
        label.iter_mut().for_each(each);
    }
    environment.sent_settings.iter_mut().for_each(each);
    for event in &mut environment.events {
        each(&mut event.message);
    }
    for excerpt in &mut environment.excerpts {
        each(&mut excerpt.title);
        excerpt.lines.iter_mut().for_each(each);
    }
}
