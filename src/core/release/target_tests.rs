//! Which release `to` means.

use super::*;
use crate::core::release::fixtures::{release, rolls_back_to, with_commit, with_label, with_site};
use crate::core::release::record::EnvironmentOutcome;

const SITE: Parts<'static> = Parts {
    site: true,
    environments: &[],
};

/// A succeeded release that wrote one key.
fn done(id: &str) -> Record {
    with_site(release(id, RecordStatus::Succeeded), &[("index.html", id)])
}

fn failed(id: &str) -> Record {
    with_site(release(id, RecordStatus::Failed), &[("index.html", id)])
}

fn back(id: &str, target: &str) -> Record {
    rolls_back_to(done(id), target)
}

/// Newest first from oldest first.
fn records(mut oldest_first: Vec<Record>) -> Vec<Record> {
    oldest_first.reverse();
    oldest_first
}

fn target(records: &[Record], to: Option<&str>) -> String {
    match find(records, to, SITE) {
        Ok(TargetChoice::Release(record)) => record.id.clone(),
        Ok(TargetChoice::Label(label)) => format!("label {label}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn previous_is_what_was_live_before() {
    let nothing_before = "cannot roll back: there is no succeeded release before `r1`, which is live";
    let cases: Vec<(&str, Vec<Record>, &str)> = vec![
        ("one release", vec![done("r1")], nothing_before),
        ("two", vec![done("r1"), done("r2")], "r1"),
        (
            "back once: goes back twice",
            vec![done("r1"), done("r2"), done("r3"), back("r4", "r2")],
            "r1",
        ),
        (
            "back twice: nothing left",
            vec![done("r1"), done("r2"), done("r3"), back("r4", "r2"), back("r5", "r1")],
            nothing_before,
        ),
        (
            "back, then forward",
            vec![done("r1"), done("r2"), back("r3", "r1"), back("r4", "r2")],
            "r1",
        ),
        (
            "back, then a new deploy: the state of the rollback",
            vec![done("r1"), done("r2"), back("r3", "r1"), done("r4")],
            "r3",
        ),
        (
            "back to a rollback's state is its target's",
            vec![done("r1"), done("r2"), back("r3", "r1"), done("r4"), back("r5", "r3")],
            nothing_before,
        ),
        (
            "newest failed half-way",
            vec![done("r1"), done("r2"), failed("r3")],
            "r2",
        ),
        (
            "newest was killed",
            vec![
                done("r1"),
                done("r2"),
                with_site(release("r3", RecordStatus::Started), &[("k", "v")]),
            ],
            "r2",
        ),
        (
            "newest failed without a change",
            vec![done("r1"), done("r2"), release("r3", RecordStatus::Failed)],
            "r1",
        ),
        (
            "a failed one between does not count",
            vec![done("r1"), failed("r2"), done("r3")],
            "r1",
        ),
        (
            "a rollback that failed half-way",
            vec![done("r1"), done("r2"), rolls_back_to(failed("r3"), "r1")],
            "r1",
        ),
        (
            "a rollback repaired a failed run",
            vec![done("r1"), done("r2"), failed("r3"), back("r4", "r2")],
            "r1",
        ),
        (
            "nothing succeeded",
            vec![failed("r1")],
            "cannot roll back: none of the recorded releases succeeded",
        ),
        (
            "nothing at all",
            vec![],
            "cannot roll back: there is no record of any release",
        ),
    ];
    for (case, oldest_first, expected) in cases {
        assert_eq!(target(&records(oldest_first), None), expected, "{case}");
    }
}

#[test]
fn the_environment_counts_as_a_change_too() {
    let updated = with_label(release("r3", RecordStatus::Failed), "v3", EnvironmentOutcome::Failed);
    let untouched = with_label(release("r3", RecordStatus::Failed), "v3", EnvironmentOutcome::Skipped);
    assert_eq!(target(&records(vec![done("r1"), done("r2"), updated]), None), "r2");
    assert_eq!(target(&records(vec![done("r1"), done("r2"), untouched]), None), "r1");
}

#[test]
fn a_release_is_found_by_id_label_and_commit() {
    const A: &str = "aaaaaaa1111111111111111111111111111111aa";
    const B: &str = "bbbbbbb2222222222222222222222222222222bb";
    let deployed =
        |id: &str, sha: &str, label: &str| with_commit(with_label(done(id), label, EnvironmentOutcome::Succeeded), sha);
    let kept =
        |id: &str, sha: &str, label: &str| with_commit(with_label(done(id), label, EnvironmentOutcome::Unchanged), sha);
    let records = records(vec![
        deployed("r1", A, "v1"),
        deployed("r2", B, "v2"),
        kept("r3", "ccccccc3333333333333333333333333333333cc", "v2"),
        with_commit(failed("r4"), "ddddddd4444444444444444444444444444444dd"),
        deployed("r5", A, "v5"),
        deployed("r6", "aaaaaaa9999999999999999999999999999999aa", "twice"),
        deployed("r7", "eeeeeee5555555555555555555555555555555ee", "twice"),
        deployed("r8", "fffffff6666666666666666666666666666666ff", "v8"),
    ]);
    let cases = [
        ("r2", "r2"),
        ("v1", "r1"),
        ("v2", "r2"),
        ("bbbbbbb", "r2"),
        ("BBBBBBB2", "r2"),
        ("aaaaaaa1", "r5"),
        (A, "r5"),
        ("aaaaaaa", "cannot roll back to `aaaaaaa`: 2 releases match it: r6, r5"),
        ("twice", "cannot roll back to `twice`: 2 releases match it: r7, r6"),
        (
            "bbbbbb",
            "cannot roll back to `bbbbbb`: a commit needs at least 7 characters",
        ),
        ("r4", "cannot roll back to `r4`: release `r4` failed"),
        ("ddddddd", "cannot roll back to `ddddddd`: release `r4` failed"),
        ("r8", "cannot roll back to `r8`: release `r8` is live already"),
        ("fffffff", "cannot roll back to `fffffff`: release `r8` is live already"),
        (
            "main",
            "cannot roll back to `main`: no succeeded release has this id, version label or commit",
        ),
    ];
    for (to, expected) in cases {
        assert_eq!(target(&records, Some(to)), expected, "{to}");
    }
}

#[test]
fn what_a_rollback_brought_back_is_live_under_both_names() {
    let records = records(vec![done("r1"), done("r2"), back("r3", "r1")]);
    for live in ["r1", "r3"] {
        let error = find(&records, Some(live), SITE).expect_err("live");
        assert!(matches!(error, NoTarget::AlreadyLive { .. }), "{error}");
    }
    assert_eq!(target(&records, Some("r2")), "r2");
}

#[test]
fn the_live_release_can_be_named_to_repair_what_a_failed_run_or_a_hand_did() {
    let disturbed = records(vec![done("r1"), failed("r2")]);
    assert_eq!(target(&disturbed, Some("r1")), "r1");

    let with_backend = records(vec![with_label(done("r1"), "v1", EnvironmentOutcome::Succeeded)]);
    let by_hand = [("web-prod".to_owned(), Some("other".to_owned()))];
    let parts = Parts {
        site: true,
        environments: &by_hand,
    };
    assert!(matches!(
        find(&with_backend, Some("r1"), parts),
        Ok(TargetChoice::Release(_))
    ));
}

#[test]
fn a_backend_alone_takes_any_label_and_judges_by_what_runs() {
    let running = |label: &str| [("web-prod".to_owned(), Some(label.to_owned()))];
    let records = records(vec![
        with_label(
            release("r1", RecordStatus::Succeeded),
            "v1",
            EnvironmentOutcome::Succeeded,
        ),
        with_label(
            release("r2", RecordStatus::Succeeded),
            "v2",
            EnvironmentOutcome::Succeeded,
        ),
    ]);
    let on_v2 = running("v2");
    let parts = Parts {
        site: false,
        environments: &on_v2,
    };
    assert_eq!(find(&records, Some("v0"), parts), Ok(TargetChoice::Label("v0".into())));
    assert_eq!(
        find(&records, Some("v1"), parts),
        Ok(TargetChoice::Release(&records[1]))
    );
    assert!(matches!(
        find(&records, Some("v2"), parts),
        Err(NoTarget::AlreadyLive { .. })
    ));
    let by_hand = running("v9");
    let parts = Parts {
        site: false,
        environments: &by_hand,
    };
    assert_eq!(
        find(&records, Some("v2"), parts),
        Ok(TargetChoice::Release(&records[0]))
    );
    assert_eq!(find(&[], Some("v0"), parts), Ok(TargetChoice::Label("v0".into())));
    assert_eq!(find(&[], None, parts), Err(NoTarget::NoRecords));
}

#[test]
fn the_hint_names_what_is_possible() {
    let records = records(vec![
        with_commit(done("r1"), "aaaaaaa1111111111111111111111111111111aa"),
        done("r2"),
    ]);
    let error = choose(&records, Some("nonsense"), SITE).expect_err("unknown");
    let failure = crate::core::error::RenderedError::from(&error);
    assert_eq!(
        failure.hint.as_deref(),
        Some(
            "valid values for `to`: `r1` (commit aaaaaaa); the newest 2 releases were looked through, back to 2026-11-18 \
             11:07 UTC"
        )
    );
}

#[test]
fn a_time_is_the_release_that_was_live_then() {
    // The ids' digits are minutes since 2026-11-18T11:06:40Z.
    let records = [failed("r40"), done("r30"), done("r20"), done("r10")];
    for (to, expected) in [
        ("2026-11-18T11:30", Some("r20")),
        ("2026-11-18T11:30:00Z", Some("r20")),
        ("2026-11-18T12:30+01:00", Some("r20")),
        ("2026-11-18T06:30:00-05:00", Some("r20")),
        ("2026-11-18T11:16:40", Some("r10")),
        ("2026-11-18T11:16:39", None),
    ] {
        let found = find(&records, Some(to), SITE);
        match expected {
            Some(id) => assert!(
                matches!(&found, Ok(TargetChoice::Release(record)) if record.id == id),
                "{to}: {found:?}"
            ),
            None => assert_eq!(found, Err(NoTarget::NothingThen { to: to.to_owned() })),
        }
    }
}

#[test]
fn previous_after_a_rollback_that_did_not_finish_is_its_target() {
    let fled = || rolls_back_to(failed("r40"), "r20");
    let records = [fled(), done("r30"), done("r20"), done("r10")];
    assert_eq!(find(&records, None, SITE), Ok(TargetChoice::Release(&records[2])));
    // Also behind a deploy that failed on top of it.
    let records = [failed("r50"), fled(), done("r30"), done("r20"), done("r10")];
    assert_eq!(find(&records, None, SITE), Ok(TargetChoice::Release(&records[3])));
}

#[test]
fn a_failure_that_was_put_back_is_in_nobodys_way() {
    let mut undone = failed("r30");
    undone.put_back = Some(crate::core::release::record::RecordedPutBack {
        complete: true,
        keys: 1,
    });
    let records = [undone.clone(), done("r20"), done("r10")];
    assert_eq!(find(&records, None, SITE), Ok(TargetChoice::Release(&records[2])));
    let mut half = undone;
    half.put_back = Some(crate::core::release::record::RecordedPutBack {
        complete: false,
        keys: 1,
    });
    let records = [half, done("r20"), done("r10")];
    assert_eq!(find(&records, None, SITE), Ok(TargetChoice::Release(&records[1])));
}
