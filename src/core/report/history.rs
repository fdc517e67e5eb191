//! The last releases as a table, so that a person can choose what to go back to.

use chrono::{DateTime, Utc};

use crate::core::release::live::live;
use crate::core::release::record::{EnvironmentOutcome, Record, RecordStatus, ReleaseKind};
use crate::core::report::markdown::{code, link, table, text};

/// Markdown for the summary: the newest `most` of `records`, newest first; empty when there is none.
#[must_use]
pub(crate) fn history(records: &[Record], most: usize, server_url: &str) -> String {
    if records.is_empty() {
        return String::new();
    }
    let live = live(records).map(|live| live.release.id.as_str());
    let rows: Vec<Vec<String>> = records
        .iter()
        .take(most)
        .map(|record| {
            vec![
                code(&record.id),
                when(record.started_at),
                commit(record, server_url),
                record.run.actor.as_deref().map(text).unwrap_or_default(),
                what(record),
                state(record, live == Some(record.id.as_str())),
            ]
        })
        .collect();
    let head = ["Release (`to`)", "When (UTC)", "Commit", "Who", "What", "State"];
    format!("### Last releases\n\n{}", table(&head, &rows))
}

/// The same for the log: one line a release.
#[must_use]
pub(crate) fn lines(records: &[Record], most: usize) -> Vec<String> {
    let live = live(records).map(|live| live.release.id.as_str());
    let line = |record: &Record| {
        let commit = record.commit.as_ref().map(|commit| short(&commit.sha)).unwrap_or("-");
        let is_live = live == Some(record.id.as_str());
        format!(
            "{}  {}  {commit:7}  {}{}",
            record.id,
            when(record.started_at),
            record.status.text(),
            if is_live { "  (live)" } else { "" }
        )
    };
    records.iter().take(most).map(line).collect()
}

fn when(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

fn short(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}

fn commit(record: &Record, server_url: &str) -> String {
    let Some(commit) = &record.commit else {
        return String::new();
    };
    let sha = match &record.run.repository {
        Some(repository) => link(
            short(&commit.sha),
            &format!("{server_url}/{repository}/commit/{}", commit.sha),
        ),
        None => code(short(&commit.sha)),
    };
    match &commit.subject {
        Some(subject) => format!("{sha} {}", text(&subject.chars().take(60).collect::<String>())),
        None => sha,
    }
}

/// What the release did, in a few words.
fn what(record: &Record) -> String {
    let mut parts = Vec::new();
    if let Some(target) = &record.rolls_back_to {
        parts.push(format!("rolled back to {}", code(target)));
    } else if record.command == ReleaseKind::Rollback {
        parts.push("rolled back".to_owned());
    }
    if let Some(site) = &record.site {
        match (site.written, site.deleted, record.status) {
            (_, _, RecordStatus::Started) if site.planned_keys > 0 => {
                parts.push(format!("up to {} objects", site.planned_keys))
            }
            (0, 0, _) => {}
            (written, 0, _) => parts.push(format!("{written} written")),
            (0, deleted, _) => parts.push(format!("{deleted} deleted")),
            (written, deleted, _) => parts.push(format!("{written} written, {deleted} deleted")),
        }
    }
    for environment in record.backend.iter().flat_map(|backend| &backend.environments) {
        let (name, label) = (text(&environment.name), code(&environment.label));
        match environment.outcome {
            EnvironmentOutcome::Succeeded | EnvironmentOutcome::Planned => parts.push(format!("{name} → {label}")),
            EnvironmentOutcome::Failed => parts.push(format!("{name} → {label} failed")),
            EnvironmentOutcome::Unchanged | EnvironmentOutcome::Skipped => {}
        }
    }
    parts.join("; ")
}

fn state(record: &Record, is_live: bool) -> String {
    let status = match &record.run.url {
        Some(url) => link(record.status.text(), url),
        None => record.status.text().to_owned(),
    };
    if is_live { format!("**live**, {status}") } else { status }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, rolls_back_to, with_commit, with_label, with_site};

    fn records() -> Vec<Record> {
        let sha = "8f3c2a1b5d7e9f00112233445566778899aabbcc";
        let mut first = with_commit(
            with_site(release("r1", RecordStatus::Succeeded), &[("a", "1"), ("b", "2")]),
            sha,
        );
        first.run.repository = Some("octo/site".into());
        first.run.actor = Some("mona|lisa".into());
        first.run.url = Some("https://github.com/octo/site/actions/runs/9".into());
        if let Some(commit) = &mut first.commit {
            commit.subject = Some("Make it <b>blue</b>".into());
        }
        vec![
            with_label(release("r4", RecordStatus::Failed), "v4", EnvironmentOutcome::Failed),
            rolls_back_to(with_site(release("r3", RecordStatus::Succeeded), &[("a", "3")]), "r1"),
            with_label(
                release("r2", RecordStatus::Succeeded),
                "v2",
                EnvironmentOutcome::Succeeded,
            ),
            first,
        ]
    }

    #[test]
    fn a_person_can_choose_from_the_table() {
        let table = history(&records(), 10, "https://github.com");
        let rows: Vec<&str> = table.lines().skip(4).collect();
        assert_eq!(rows.len(), 4, "{table}");
        assert!(rows[0].contains("web-prod → <code>v4</code> failed"), "{table}");
        assert!(rows[1].contains("rolled back to <code>r1</code>; 1 written"), "{table}");
        assert!(
            rows[3].contains("[8f3c2a1](https://github.com/octo/site/commit/8f3c2a1b5d"),
            "{table}"
        );
        assert!(rows[3].contains("Make it &lt;b&gt;blue"), "{table}");
        assert!(
            rows[3].contains("mona\\|lisa | 2 written | **live**, [succeeded](https://"),
            "{table}"
        );
        assert_eq!(table.matches("**live**").count(), 1, "{table}");
    }

    #[test]
    fn no_more_than_asked_for() {
        assert_eq!(history(&records(), 2, "").lines().count(), 6);
        assert_eq!(lines(&records(), 2).len(), 2);
        assert_eq!(history(&[], 2, ""), "");
        assert!(lines(&records(), 4)[3].ends_with("8f3c2a1  succeeded  (live)"));
    }
}
