//! What earlier steps of the same job have deployed, as their reports tell: a rollback of this step leaves that alone.

use serde_json::Value;

use crate::core::release::workflow_run::{RUN, run_of};

/// How many earlier steps a line names.
const NAMED: usize = 5;

/// What an earlier step of this job has released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EarlierStep {
    /// Its release.
    release: String,
    /// Where to: the site's address in S3, and environments.
    places: Vec<String>,
}

impl EarlierStep {
    /// Reads the report of a step; `None` where it is of another workflow run than `run`, or released nothing.
    #[must_use]
    pub(crate) fn read(report: &[u8], run: &str) -> Option<Self> {
        let report: Value = serde_json::from_slice(report).ok()?;
        let release = report["release"].as_str().filter(|id| run_of(id) == Some(run))?;
        if report["command"] != "deploy" {
            return None;
        }
        let site = report["site"]["bucket"].as_str().map(|bucket| {
            let prefix = report["site"]["prefix"].as_str().unwrap_or_default();
            format!("s3://{bucket}/{prefix}")
        });
        let environments = report["backend"]["environments"].as_array().into_iter().flatten();
        let environments = environments.filter_map(|environment| environment["name"].as_str().map(str::to_owned));
        let places: Vec<String> = site.into_iter().chain(environments).collect();
        (!places.is_empty()).then(|| Self {
            release: release.to_owned(),
            places,
        })
    }
}

/// What the plan of a deploy says of what its rollback leaves alone: what the `earlier` steps of this job released in
/// workflow run `run`, and whatever its other steps do.
#[must_use]
pub(crate) fn left_alone_line(run: &str, earlier: &[EarlierStep]) -> String {
    let named: Vec<String> = earlier
        .iter()
        .take(NAMED)
        .map(|step| {
            let places: Vec<String> = step.places.iter().map(|place| format!("`{place}`")).collect();
            format!("{} (release `{}`)", places.join(" and "), step.release)
        })
        .collect();
    let more = match earlier.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", those of {more} more steps"),
    };
    let known = match named.is_empty() {
        true => String::new(),
        false => format!("{}{more}, which this job has released before, and ", named.join(", ")),
    };
    format!(
        "a rollback of this step leaves alone {known}whatever other steps of workflow run {run} deploy elsewhere (other \
         buckets, prefixes and environments): roll each back by a step with its inputs, `command: rollback` and \
         `to: {RUN}{run}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(run: &str, command: &str) -> Vec<u8> {
        let report = json!({
            "command": command,
            "release": format!("20261120-071837123-{run}-1-35f095"),
            "site": {"bucket": "b", "prefix": "docs/"},
            "backend": {"environments": [{"name": "web-prod"}]},
        });
        report.to_string().into_bytes()
    }

    #[test]
    fn the_steps_before_are_named_with_their_places() {
        let step = EarlierStep::read(&report("77", "deploy"), "77").expect("a step");
        let line = left_alone_line("77", std::slice::from_ref(&step));
        assert!(
            line.starts_with(
                "a rollback of this step leaves alone `s3://b/docs/` and `web-prod` (release \
                 `20261120-071837123-77-1-35f095`), which this job has released before, and whatever other steps"
            ),
            "{line}"
        );
        assert!(line.ends_with("`command: rollback` and `to: run:77`"), "{line}");
        let many = left_alone_line("77", &vec![step; 12]);
        assert!(many.contains(", those of 7 more steps, which"), "{many}");
        let none = left_alone_line("77", &[]);
        assert!(
            none.starts_with("a rollback of this step leaves alone whatever other steps of workflow run 77"),
            "{none}"
        );
    }

    #[test]
    fn reports_of_others_tell_nothing() {
        for (bytes, run) in [
            (report("77", "deploy"), "78"),
            (report("77", "rollback"), "77"),
            (b"{}".to_vec(), "77"),
            (b"nonsense".to_vec(), "77"),
            (
                json!({"command": "deploy", "release": "20261120-071837123-77-1-35f095"})
                    .to_string()
                    .into_bytes(),
                "77",
            ),
        ] {
            assert_eq!(EarlierStep::read(&bytes, run), None);
        }
    }
}
