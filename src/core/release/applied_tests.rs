use super::*;
use crate::core::release::fixtures::{release, with_site};
use crate::core::release::record::{ReleaseKind, WorkflowRun};

fn settings(acl: &str) -> ObjectSettings {
    ObjectSettings {
        acl: Some(acl.to_owned()),
        ..ObjectSettings::default()
    }
}

/// A release of the step `scope` in run `run`, which applied `acl` and wrote `key`.
fn applied(id: &str, run: &str, scope: &str, acl: &str, key: &str) -> Record {
    let mut record = with_site(release(id, RecordStatus::Succeeded), &[(key, "v")]);
    record.run.id = (!run.is_empty()).then(|| run.to_owned());
    if let Some(site) = &mut record.site {
        site.applied = Some(settings(acl));
        site.scope = if scope.is_empty() {
            Vec::new()
        } else {
            vec![scope.to_owned()]
        };
    }
    record
}

/// What the step `scope` with `acl` in run `run` looks at: the ACLs of before, and the keys.
fn check(records: &[Record], run: &str, scope: &str, acl: &str) -> (Vec<String>, Option<Vec<String>>) {
    let run = WorkflowRun {
        id: (!run.is_empty()).then(|| run.to_owned()),
        ..WorkflowRun::default()
    };
    let (scope, settings) = ([scope.to_owned()], settings(acl));
    let step = ThisStep {
        scope: &scope,
        settings: &settings,
        run: &run,
    };
    let found = header_check(records, step);
    let acls = found.previous.into_iter().filter_map(|previous| previous.acl).collect();
    (acls, found.keys.map(|keys| keys.into_iter().collect()))
}

fn all(acl: &str) -> (Vec<String>, Option<Vec<String>>) {
    (vec![acl.to_owned()], None)
}

fn some(acl: &str, key: &str) -> (Vec<String>, Option<Vec<String>>) {
    (vec![acl.to_owned()], Some(vec![key.to_owned()]))
}

fn nothing() -> (Vec<String>, Option<Vec<String>>) {
    (Vec::new(), Some(Vec::new()))
}

#[test]
fn a_step_looks_at_all_objects_once_its_own_rules_change() {
    assert_eq!(check(&[], "1", "all", "a"), (Vec::new(), None));
    let mut records = vec![applied("r1", "1", "all", "a", "k")];
    assert_eq!(check(&records, "2", "all", "a"), nothing());
    assert_eq!(check(&records, "2", "all", "b"), all("a"));
    // Records of older versions name no step.
    assert_eq!(check(&[applied("r1", "1", "", "a", "k")], "2", "all", "b"), all("a"));
    // One that failed may not have come to any object, nor to all.
    let mut first = applied("r1", "1", "all", "a", "k");
    first.status = RecordStatus::Cancelled;
    assert_eq!(check(&[first], "2", "all", "a"), (Vec::new(), None));
    let mut failed = applied("r2", "2", "all", "b", "k");
    failed.status = RecordStatus::Failed;
    records.insert(0, failed);
    assert_eq!(check(&records, "3", "all", "b"), all("a"));
    assert_eq!(check(&records, "3", "all", "a"), all("b"));
}

#[test]
fn what_was_excluded_while_the_rules_changed_gets_them_later() {
    let records = [
        applied("r2", "2", "all but a", "b", "k"),
        applied("r1", "1", "all", "a", "k"),
    ];
    assert_eq!(check(&records, "3", "all", "b"), all("a"));
    // The rules of before again: what was written since has others.
    assert_eq!(check(&records, "3", "all", "a"), some("b", "k"));
    assert_eq!(check(&records, "3", "new", "a"), all("b"));
}

#[test]
fn of_two_steps_on_one_prefix_only_the_later_one_looks_at_what_the_other_wrote() {
    for runs in [["1", "2"], ["", ""], ["7", "7"]] {
        let [one, two] = runs;
        let mut records = vec![
            applied("r2", one, "pages", "b", "index.html"),
            applied("r1", one, "all", "a", "app.js"),
        ];
        assert_eq!(check(&records, two, "all", "a"), nothing(), "{runs:?}");
        records.insert(0, applied("r3", two, "all", "a", "index.html"));
        assert_eq!(check(&records, two, "pages", "b"), some("a", "index.html"), "{runs:?}");
    }
}

#[test]
fn what_a_rollback_restored_is_looked_at() {
    let mut back = applied("r3", "3", "all", "a", "k");
    back.command = ReleaseKind::Rollback;
    let records = [
        back,
        applied("r2", "2", "all", "b", "k"),
        applied("r1", "1", "all", "a", "k"),
    ];
    assert_eq!(check(&records, "4", "all", "b"), some("a", "k"));
    let mut unread = records;
    if let Some(site) = &mut unread[0].site {
        site.changed.clear();
    }
    assert_eq!(check(&unread, "4", "all", "b"), all("a"));
}

#[test]
fn steps_that_differ_in_their_rules_alone_are_told_apart_from_the_very_first_run_on() {
    let first = [applied("r1", "1", "all", "a", "k")];
    // It comes after another one in this very run, and looks at everything without taking away what that one named.
    assert_eq!(check(&first, "1", "all", "b"), (Vec::new(), None));
    // In another run these are the rules of before.
    assert_eq!(check(&first, "2", "all", "b"), all("a"));
    assert_eq!(check(&first, "", "all", "b"), all("a"));
    let both = [applied("r2", "1", "all", "b", "k"), applied("r1", "1", "all", "a", "k")];
    assert_eq!(check(&both, "2", "all", "a"), nothing());
    assert_eq!(check(&both, "2", "all", "b"), nothing());
}

#[test]
fn new_rules_are_those_of_the_step_that_they_are_most_like() {
    let with = |lines: &[&str], run: &str| {
        let mut record = applied("r1", run, "all", "", "k");
        if let Some(site) = &mut record.site {
            site.applied = Some(rules(lines));
        }
        record
    };
    let check = |records: &[Record], lines: &[&str]| {
        let run = WorkflowRun {
            id: Some("9".into()),
            ..WorkflowRun::default()
        };
        let step = ThisStep {
            scope: &["all".to_owned()],
            settings: &rules(lines),
            run: &run,
        };
        header_check(records, step)
    };
    let (scripts, pages) = (["*.js A: 1", "*.css A: 2"], ["*.html A: 3"]);
    let mut records = vec![with(&pages, "1"), with(&scripts, "1")];
    assert_eq!(
        check(&records, &["*.js A: 4", "*.css A: 2"]).previous,
        [rules(&scripts)]
    );
    assert_eq!(check(&records, &["*.html A: 4"]).previous, [rules(&pages)]);
    // The other one's rules have changed since, in a run in which this one wrote no record.
    records.insert(0, with(&["*.js A: 4", "*.css A: 2"], "2"));
    assert_eq!(check(&records, &pages).keys, Some(["k".to_owned()].into()));
    assert_eq!(
        check(&records, &["*.js A: 4"]).previous,
        [rules(&["*.js A: 4", "*.css A: 2"])]
    );
    // The two became one, which has lost a line.
    let merged = ["*.js A: 1", "*.css A: 2", "*.html A: 3"];
    records.insert(0, with(&merged, "3"));
    assert_eq!(
        check(&records, &["*.html A: 3", "*.js A: 1"]).previous,
        [rules(&merged)]
    );
}

fn rules(lines: &[&str]) -> ObjectSettings {
    ObjectSettings {
        rules: lines.iter().map(|line| (*line).to_owned()).collect(),
        ..ObjectSettings::default()
    }
}

#[test]
fn a_step_beside_another_writes_a_record_now_and_then_so_that_it_stays_known() {
    let mut records = Vec::new();
    let note = |records: &[Record], run: &str, acl: &str| {
        let (run, settings) = (
            WorkflowRun {
                id: Some(run.to_owned()),
                ..WorkflowRun::default()
            },
            settings(acl),
        );
        let scope = ["all".to_owned()];
        let step = ThisStep {
            scope: &scope,
            settings: &settings,
            run: &run,
        };
        is_to_be_noted(records, step)
    };
    let mut noted = 0;
    for run in 1..40 {
        let run = format!("{run}");
        assert!(
            !note(&records, &run, "a"),
            "alone in its first run, and there in all others"
        );
        records.insert(0, applied("r1", &run, "all", "a", "k"));
        let window = &records[..records.len().min(20)];
        if note(window, &run, "b") {
            noted += 1;
            records.insert(0, applied("r1", &run, "all", "b", "k"));
        }
        let window = &records[..records.len().min(20)];
        assert!(check(window, "next", "all", "b").1.is_some(), "run {run}");
    }
    assert_eq!(noted, 4);
}
