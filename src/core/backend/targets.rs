//! The environments that a run is for, out of those that exist.

use anyhow::anyhow;

use crate::core::backend::environment::EnvironmentState;
use crate::core::error::HintExt as _;
use crate::core::inputs::WhenBusy;
use crate::core::text::names;

/// How many of the names that exist an error lists.
const NAMED: usize = 20;

/// The environments called `wanted`, in that order.
///
/// # Errors
/// The names of those that do not exist.
pub(crate) fn find_environments(
    wanted: &[String],
    existing: &[EnvironmentState],
) -> Result<Vec<EnvironmentState>, Vec<String>> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for name in wanted {
        match existing.iter().find(|environment| environment.name == *name) {
            Some(environment) => found.push(environment.clone()),
            None => missing.push(name.clone()),
        }
    }
    if missing.is_empty() { Ok(found) } else { Err(missing) }
}

/// Checks that an environment can take an update, now or later.
///
/// # Errors
/// It is being terminated, or busy when `when-busy` says to fail then.
pub(crate) fn check_deployable(environment: &EnvironmentState, when_busy: WhenBusy) -> anyhow::Result<()> {
    let EnvironmentState { name, status, .. } = environment;
    if environment.is_gone() {
        return Err(anyhow!("cannot deploy to `{name}`: the environment is {status}")
            .hint("create it again, or name another in `environment-name`"));
    }
    if !environment.is_ready() && when_busy == WhenBusy::Fail {
        return Err(
            anyhow!("cannot deploy to `{name}`: the environment is {status}, and `when-busy` is `fail`")
                .hint("run this step again when it is Ready, or set `when-busy` to `wait` or `abort`"),
        );
    }
    Ok(())
}

/// The error of an application that does not exist, beside those that do.
pub(crate) fn missing_application(application: &str, existing: &[String]) -> anyhow::Error {
    let known = if existing.is_empty() {
        "there is none in this region".to_owned()
    } else {
        format!("there are {}", listed(existing))
    };
    anyhow!("cannot find the application `{application}`: {known}")
        .hint("correct `application-name`, or `aws-region`: applications belong to a region")
}

/// The error of environments that do not exist in `application`, which has `existing`; `elsewhere` are environments of
/// these names in other applications, and terminated ones.
pub(crate) fn missing_environments(
    application: &str,
    missing: &[String],
    existing: &[EnvironmentState],
    elsewhere: &[EnvironmentState],
) -> anyhow::Error {
    let mut notes = Vec::new();
    for name in missing {
        for environment in elsewhere.iter().filter(|environment| environment.name == *name) {
            let is_terminated = environment.status == "Terminated";
            if environment.application != application && !is_terminated {
                notes.push(format!(
                    "`{name}` belongs to the application `{}`",
                    environment.application
                ));
            } else if is_terminated {
                notes.push(format!("`{name}` was terminated"));
            }
        }
    }
    let existing: Vec<String> = existing.iter().map(|environment| environment.name.clone()).collect();
    notes.push(if existing.is_empty() {
        format!("`{application}` has no environments")
    } else {
        format!("`{application}` has {}", listed(&existing))
    });
    let what = if missing.len() == 1 {
        "environment"
    } else {
        "environments"
    };
    anyhow!(
        "cannot find the {what} {} in `{application}`: {}",
        names(missing.iter().map(String::as_str)),
        notes.join("; ")
    )
    .hint("correct `environment-name`, or `aws-region`: environments belong to a region")
}

fn listed(existing: &[String]) -> String {
    let mut list = names(existing.iter().take(NAMED).map(String::as_str));
    if existing.len() > NAMED {
        list.push_str(&format!(" and {} more", existing.len() - NAMED));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str, application: &str, status: &str) -> EnvironmentState {
        EnvironmentState {
            name: name.to_owned(),
            application: application.to_owned(),
            status: status.to_owned(),
            ..EnvironmentState::default()
        }
    }

    #[test]
    fn environments_come_in_the_order_of_the_inputs_or_are_named() {
        let existing = [environment("a", "app", "Ready"), environment("b", "app", "Ready")];
        let wanted = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let found = find_environments(&wanted(&["b", "a"]), &existing).expect("both");
        assert_eq!((found[0].name.as_str(), found[1].name.as_str()), ("b", "a"));
        let missing = find_environments(&wanted(&["c", "a", "d"]), &existing).expect_err("two are missing");
        assert_eq!(missing, ["c", "d"]);
        let elsewhere = [
            environment("c", "other", "Ready"),
            environment("d", "app", "Terminated"),
        ];
        let error = missing_environments("app", &missing, &existing, &elsewhere).to_string();
        assert_eq!(
            error,
            "cannot find the environments `c`, `d` in `app`: `c` belongs to the application `other`; `d` was \
             terminated; `app` has `a`, `b`"
        );
    }

    #[test]
    fn a_busy_environment_is_an_error_only_when_told_so() {
        for (status, when_busy, is_fine) in [
            ("Ready", WhenBusy::Fail, true),
            ("Updating", WhenBusy::Wait, true),
            ("Updating", WhenBusy::Abort, true),
            ("Updating", WhenBusy::Fail, false),
            ("Terminating", WhenBusy::Wait, false),
            ("Terminated", WhenBusy::Abort, false),
        ] {
            let checked = check_deployable(&environment("a", "app", status), when_busy);
            assert_eq!(checked.is_ok(), is_fine, "{status}");
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..25).map(|number| format!("app-{number}")).collect();
        let error = missing_application("app", &names).to_string();
        assert!(error.contains("`app-19` and 5 more"), "{error}");
        assert!(
            missing_application("app", &[])
                .to_string()
                .contains("none in this region")
        );
    }
}
