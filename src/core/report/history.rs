//! The last releases as a table, so that a person can choose what to go back to.

use chrono::{DateTime, Utc};

use crate::core::release::liveness::{LiveReleases, Liveness};
use crate::core::release::record::{EnvironmentOutcome, Record, RecordStatus, ReleaseKind};
use crate::core::report::markdown::{code, link, prose, table, text};
use crate::core::text::{cut, plural};

/// How much of a commit's subject is shown, in characters.
const MAX_SUBJECT: usize = 60;

/// A release whose record is there and is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadRelease {
    /// Its id.
    pub(crate) id: String,
    /// `unreadable` or `refused`.
    pub(crate) why: &'static str,
    /// How many of the listed releases are newer.
    pub(crate) position: usize,
}

/// What the list says of such a one.
fn note(unread: &UnreadRelease) -> String {
    format!("{}: nobody can go back to it", unread.why)
}

/// `rows`, with those of `unread` (the newest first) in their places.
fn with_unread<R>(mut rows: Vec<R>, unread: &[UnreadRelease], row: impl Fn(&UnreadRelease) -> R) -> Vec<R> {
    for release in unread.iter().rev() {
        rows.insert(release.position.min(rows.len()), row(release));
    }
    rows
}

/// Markdown for the summary: the newest of `records` for which `unreachable` says whether something speaks against going
/// back to it, newest first; empty when there is none.
#[must_use]
pub(crate) fn history(
    records: &[Record],
    live: &LiveReleases,
    unreachable: &[Option<String>],
    unread: &[UnreadRelease],
    repository_url: Option<&str>,
    now: DateTime<Utc>,
) -> String {
    if records.is_empty() && unread.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = records
        .iter()
        .zip(unreachable)
        .zip(&live.marks)
        .map(|((record, unreachable), &is_live)| {
            let unreachable = unreachable.as_deref().filter(|_| is_live != Some(Liveness::Whole));
            let note = unreachable.map(|reason| format!(", not possible: {}", prose(reason)));
            vec![
                code(&record.id),
                format!("{} ({})", when(record.started_at), ago(record.started_at, now)),
                commit(record, repository_url),
                record.run.actor.as_deref().map(text).unwrap_or_default(),
                what(record),
                format!("{}{}", state(record, is_live), note.unwrap_or_default()),
            ]
        })
        .collect();
    let rows = with_unread(rows, unread, |unread| {
        let mut row = vec![String::new(); 6];
        (row[0], row[5]) = (code(&unread.id), note(unread));
        row
    });
    let head = ["Release (`to`)", "When (UTC)", "Commit", "Who", "What", "State"];
    let lines: String = live.lines.iter().map(|line| format!("{}\n\n", prose(line))).collect();
    format!("### Last releases\n\n{lines}{}", table(&head, &rows))
}

/// The same for the log: one line a release.
#[must_use]
pub(crate) fn lines(
    records: &[Record],
    live: &LiveReleases,
    unreachable: &[Option<String>],
    unread: &[UnreadRelease],
    now: DateTime<Utc>,
) -> Vec<String> {
    let line = |((record, unreachable), &is_live): ((&Record, &Option<String>), &Option<Liveness>)| {
        let commit = record.commit.as_ref().map(|commit| short(&commit.sha)).unwrap_or("-");
        let mark = is_live
            .map(|liveness| format!("  ({})", liveness.text()))
            .unwrap_or_default();
        let unreachable = unreachable.as_deref().filter(|_| is_live != Some(Liveness::Whole));
        let note = unreachable.map(|reason| format!("  (not possible: {reason})"));
        let note = format!("{mark}{}", note.unwrap_or_default());
        let subject = record.commit.as_ref().and_then(|commit| commit.subject.as_deref());
        let subject = subject.map(|subject| format!("  {}", cut(subject, MAX_SUBJECT)));
        format!(
            "{}  {}  {}  {commit:7}  {}{}{note}",
            record.id,
            when(record.started_at),
            ago(record.started_at, now),
            state_text(record),
            subject.unwrap_or_default()
        )
    };
    let lines = records.iter().zip(unreachable).zip(&live.marks).map(line).collect();
    let mut lines = with_unread(lines, unread, |unread| format!("{}  {}", unread.id, note(unread)));
    lines.extend(live.lines.iter().cloned());
    lines
}

/// How long ago, in its largest unit.
fn ago(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let minutes = (now - time).num_minutes();
    match minutes {
        ..1 => "just now".to_owned(),
        1..120 => format!("{} ago", plural(usize::try_from(minutes).unwrap_or_default(), "minute")),
        120..2880 => format!("{} hours ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

fn when(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

fn short(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}

fn commit(record: &Record, repository_url: Option<&str>) -> String {
    let Some(commit) = &record.commit else {
        return String::new();
    };
    let is_ours = |page: &&str| {
        let repository = record.run.repository.as_deref();
        repository.is_some_and(|name| page.strip_suffix(name).is_some_and(|above| above.ends_with('/')))
    };
    let sha = match repository_url.filter(is_ours) {
        Some(page) => link(short(&commit.sha), &format!("{page}/commit/{}", commit.sha)),
        None => code(short(&commit.sha)),
    };
    match &commit.subject {
        Some(subject) => format!("{sha} {}", text(&cut(subject, MAX_SUBJECT))),
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
                let s = if site.planned_keys == 1 { "" } else { "s" };
                parts.push(format!("up to {} object{s}", site.planned_keys));
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

/// The status for the log.
fn state_text(record: &Record) -> String {
    let is_back = record.put_back.is_some_and(|put_back| put_back.complete);
    let back = if is_back { ", rolled back" } else { "" };
    format!("{}{back}", record.status.text())
}

fn state(record: &Record, is_live: Option<Liveness>) -> String {
    let status = match &record.run.url {
        Some(url) => link(&state_text(record), url),
        None => state_text(record),
    };
    match is_live {
        Some(liveness) => format!("**{}**, {status}", liveness.text()),
        None => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, rolls_back_to, with_commit, with_label, with_site};
    use crate::core::release::liveness::live_releases;
    use crate::core::release::parts::Parts;
    use crate::core::release::record::RecordedPutBack;

    fn by_records(records: &[Record]) -> LiveReleases {
        live_releases(records, &[], Parts::default())
    }

    fn possible(most: usize) -> Vec<Option<String>> {
        vec![None; most]
    }

    /// Ten minutes after the first of the fixtures' minutes.
    fn now() -> DateTime<Utc> {
        release("r10", RecordStatus::Started).started_at
    }

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
        let table = history(
            &records(),
            &by_records(&records()),
            &possible(4),
            &[],
            Some("https://github.com/octo/site"),
            now(),
        );
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
            rows[3].contains("mona\\|lisa | 2 written | **live in part**, [succeeded](https://"),
            "{table}"
        );
        assert_eq!(table.matches("**live").count(), 1, "{table}");
    }

    #[test]
    fn no_more_than_asked_for() {
        assert_eq!(
            history(&records(), &by_records(&records()), &possible(2), &[], None, now())
                .lines()
                .count(),
            6
        );
        assert_eq!(
            lines(&records(), &by_records(&records()), &possible(2), &[], now()).len(),
            2
        );
        assert_eq!(
            history(&[], &LiveReleases::default(), &possible(2), &[], None, now()),
            ""
        );
        let line = &lines(&records()[1..], &by_records(&records()[1..]), &possible(3), &[], now())[2];
        assert!(
            line.ends_with("8f3c2a1  succeeded  Make it <b>blue</b>  (live)"),
            "{line}"
        );
    }

    #[test]
    fn what_a_newer_run_changed_is_live_in_part_only_and_may_be_out_of_reach() {
        for status in [RecordStatus::Failed, RecordStatus::Cancelled, RecordStatus::Started] {
            let mut records = records();
            records[0].status = status;
            let gone = [None, None, None, Some("its versions are gone".to_owned())];
            let lines = lines(&records, &by_records(&records), &gone, &[], now());
            assert!(
                lines[3].ends_with("  (live in part)  (not possible: its versions are gone)"),
                "{lines:?}"
            );
            let table = history(&records, &by_records(&records), &gone, &[], None, now());
            assert!(table.contains("**live in part**, "), "{table}");
            assert!(table.contains("not possible: its versions are gone"), "{table}");
            records[0].put_back = Some(RecordedPutBack {
                complete: false,
                keys: 1,
            });
            assert!(history(&records, &by_records(&records), &gone, &[], None, now()).contains("**live in part**, "));
        }
    }

    #[test]
    fn what_cannot_be_gone_back_to_is_marked_and_says_why() {
        let mut records = records();
        records[0].put_back = Some(RecordedPutBack {
            complete: true,
            keys: 1,
        });
        let unreachable = [
            Some("it did not succeed".to_owned()),
            None,
            Some("the versions of `a` are gone".to_owned()),
            // What is live needs no way back.
            Some("it is not possible".to_owned()),
        ];
        let lines = lines(&records, &by_records(&records), &unreachable, &[], now());
        assert!(
            lines[0].ends_with("failed, rolled back  (not possible: it did not succeed)"),
            "{lines:?}"
        );
        assert!(!lines[1].contains("not possible"), "{lines:?}");
        assert!(
            lines[2].ends_with("(not possible: the versions of `a` are gone)"),
            "{lines:?}"
        );
        assert!(lines[3].ends_with("(live)"), "{lines:?}");
        assert!(lines[2].contains("8 minutes ago"), "{lines:?}");
        let table = history(&records, &by_records(&records), &unreachable, &[], None, now());
        assert_eq!(table.matches("not possible").count(), 2, "{table}");
        assert!(table.contains("the versions of <code>a</code> are gone"), "{table}");
    }

    #[test]
    fn what_runs_otherwise_than_on_record_is_said_and_marked() {
        let records = [2, 1].map(|n| {
            let release = release(&format!("r{n}"), RecordStatus::Succeeded);
            with_label(release, &format!("v{n}"), EnvironmentOutcome::Succeeded)
        });
        let environments = [("web-prod".to_owned(), Some("v1".to_owned()))];
        let parts = Parts {
            site: false,
            environments: &environments,
        };
        let live = live_releases(&records, &[], parts);
        let lines = lines(&records, &live, &possible(2), &[], now());
        assert!(!lines[0].contains("(live") && lines[1].ends_with("(live)"), "{lines:?}");
        assert!(
            lines[2].contains("`web-prod` runs version `v1` instead of `v2`"),
            "{lines:?}"
        );
        let table = history(&records, &live, &possible(2), &[], None, now());
        assert!(
            table.contains("<code>web-prod</code> runs version <code>v1</code>"),
            "{table}"
        );
    }

    #[test]
    fn how_long_ago_is_said_in_its_largest_unit() {
        for (minutes, expected) in [
            (-5, "just now"),
            (1, "1 minute ago"),
            (119, "119 minutes ago"),
            (120, "2 hours ago"),
            (2880, "2 days ago"),
        ] {
            assert_eq!(ago(now() - chrono::Duration::minutes(minutes), now()), expected);
        }
    }
}
