use super::*;
use crate::aws::cdn::fake::{Fake, SeenRequest, console, error, invalidation, planned, text};
use crate::core::inputs::{CdnInputs, InvalidationFailure};
use tokio_util::sync::CancellationToken;

fn inputs(distributions: &[&str]) -> CdnInputs {
    CdnInputs {
        distributions: distributions.iter().map(|&id| id.to_owned()).collect(),
        paths: Some(vec!["/a".into(), "/b/*".into()]),
        wait: None,
        on_failure: InvalidationFailure::Fail,
    }
}

/// One run against `fake`: what came of it, its log, and how many seconds of the paused clock it took.
async fn run(fake: &Fake, inputs: &CdnInputs, region: &'static str) -> (InvalidationOutcome, String, u64) {
    let (console, log) = console();
    let started = Instant::now();
    let (cdn, planned) = planned(&fake.aws(region), inputs, None, &[], &console)
        .await
        .expect("distributions");
    let stop = CancellationToken::new();
    let outcome = cdn.invalidate(&planned, "run-1", &stop, &console).await;
    (outcome, text(&log), started.elapsed().as_secs())
}

fn creates(fake: &Fake) -> Vec<SeenRequest> {
    let mut seen = fake.seen();
    seen.retain(|seen| seen.line.starts_with("POST"));
    seen
}

/// Whether the request is one for the configuration, which nobody may read here.
fn is_read(seen: &SeenRequest) -> bool {
    seen.line.ends_with("/config")
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_is_sent_once_to_the_partitions_region() {
    for (region, signed_for) in [("eu-west-1", "us-east-1"), ("cn-north-1", "cn-northwest-1")] {
        let fake = Fake::new(|seen, _| match is_read(seen) {
            true => error(403, "AccessDenied"),
            false => invalidation(201, "I1", "InProgress"),
        });
        let (outcome, log, _) = run(&fake, &inputs(&["E1"]), region).await;
        assert!(outcome.error.is_none() && outcome.unconfirmed.is_empty());
        assert_eq!(outcome.invalidations[0].id.as_deref(), Some("I1"));
        assert_eq!(outcome.invalidations[0].status, "InProgress");
        let creates = creates(&fake);
        assert_eq!(creates.len(), 1);
        assert_eq!(creates[0].line, "POST /distribution/E1/invalidation");
        assert!(
            creates[0].authorization.contains(&format!("/{signed_for}/cloudfront/")),
            "{creates:?}"
        );
        assert!(
            creates[0]
                .body
                .contains("<Quantity>2</Quantity><Items><Path>/a</Path><Path>/b/*</Path>")
        );
        assert!(creates[0].body.contains("<CallerReference>run-1-E1</CallerReference>"));
        assert!(log.contains("2 of the 1000 paths that are free each month"), "{log}");
        assert!(!log.contains("::notice"), "explicit paths need no configuration: {log}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_cloudfront_is_asked_again_with_the_same_reference() {
    let fake = Fake::new(|seen, before| match before {
        _ if is_read(seen) => error(403, "AccessDenied"),
        1 => error(400, "TooManyInvalidationsInProgress"),
        2 => error(400, "Throttling"),
        3 => error(503, "ServiceUnavailable"),
        4 => None,
        _ => invalidation(201, "I1", "InProgress"),
    });
    let (outcome, log, seconds) = run(&fake, &inputs(&["E1"]), "us-east-1").await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(seconds, 1 + 2 + 4 + 8);
    let creates = creates(&fake);
    assert_eq!(creates.len(), 5);
    assert!(creates.iter().all(|seen| seen.body == creates[0].body));
    assert!(
        log.contains("TooManyInvalidationsInProgress") && log.contains("trying again in 1 s"),
        "{log}"
    );
}

#[tokio::test(start_paused = true)]
async fn asking_again_has_a_deadline_and_leaves_the_paths_unconfirmed() {
    let fake = Fake::new(|seen, _| match is_read(seen) {
        true => error(403, "AccessDenied"),
        false => error(400, "TooManyInvalidationsInProgress"),
    });
    let (outcome, _, seconds) = run(&fake, &inputs(&["E1"]), "us-east-1").await;
    assert_eq!(seconds, ACCEPT_WITHIN.as_secs());
    assert_eq!(outcome.unconfirmed["E1"], ["/a", "/b/*"]);
    assert_eq!(outcome.invalidations[0].status, "Failed");
    let failure = crate::core::error::RenderedError::from(&outcome.error.expect("an error"));
    assert!(
        failure
            .message
            .starts_with("cannot invalidate 2 paths of distribution `E1`")
    );
    assert_eq!(failure.code.as_deref(), Some("TooManyInvalidationsInProgress"));
    assert!(failure.hint.expect("a hint").contains("15 wildcards"));
}

#[tokio::test(start_paused = true)]
async fn one_distribution_that_fails_does_not_keep_the_others_back() {
    let fake = Fake::new(|seen, _| match seen.line.as_str() {
        _ if is_read(seen) => error(403, "AccessDenied"),
        "POST /distribution/E2/invalidation" => error(403, "AccessDenied"),
        _ => invalidation(201, "I1", "InProgress"),
    });
    let (outcome, _, seconds) = run(&fake, &inputs(&["E1", "E2", "E3", "E1"]), "us-east-1").await;
    assert_eq!(seconds, 0, "a denial is not asked again");
    assert_eq!(creates(&fake).len(), 3, "each distribution once");
    assert_eq!(outcome.unconfirmed.keys().collect::<Vec<_>>(), ["E2"]);
    let failure = crate::core::error::RenderedError::from(&outcome.error.expect("an error"));
    let hint = failure.hint.expect("a hint");
    assert!(hint.contains("cloudfront:CreateInvalidation"), "{hint}");
    assert!(
        hint.contains("arn:aws:cloudfront::123456789012:distribution/E2"),
        "{hint}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_may_be_a_warning_and_is_carried_over_all_the_same() {
    let fake = Fake::new(|_, _| error(403, "AccessDenied"));
    let inputs = CdnInputs {
        on_failure: InvalidationFailure::Warn,
        ..inputs(&["E1", "E2"])
    };
    let (outcome, log, _) = run(&fake, &inputs, "us-east-1").await;
    assert!(outcome.error.is_none());
    assert_eq!(outcome.unconfirmed.len(), 2);
    assert!(
        log.contains("::warning title=Invalidation failed::2 of 2 invalidations failed"),
        "{log}"
    );
    assert!(log.contains("cloudfront:CreateInvalidation"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_when_the_invalidation_is_complete() {
    let fake = Fake::new(|seen, before| match seen.line.as_str() {
        _ if is_read(seen) => error(403, "AccessDenied"),
        "POST /distribution/E1/invalidation" => invalidation(201, "I1", "InProgress"),
        "GET /distribution/E1/invalidation/I1" if before == 3 => error(503, "ServiceUnavailable"),
        "GET /distribution/E1/invalidation/I1" if before < 6 => invalidation(200, "I1", "InProgress"),
        _ => invalidation(200, "I1", "Completed"),
    });
    let inputs = CdnInputs {
        wait: Some(Duration::from_secs(600)),
        ..inputs(&["E1"])
    };
    let (outcome, log, seconds) = run(&fake, &inputs, "us-east-1").await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(outcome.invalidations[0].status, "Completed");
    assert_eq!(seconds, 1 + 2 + 1 + 4 + 8);
    assert!(log.contains("complete after 16 s"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn waiting_has_a_deadline_and_the_invalidation_was_made_all_the_same() {
    let fake = Fake::new(|seen, _| match seen.line.as_str() {
        _ if is_read(seen) => error(403, "AccessDenied"),
        "POST /distribution/E1/invalidation" => invalidation(201, "I1", "InProgress"),
        _ => invalidation(200, "I1", "InProgress"),
    });
    let inputs = CdnInputs {
        wait: Some(Duration::from_secs(45)),
        ..inputs(&["E1"])
    };
    let (outcome, log, seconds) = run(&fake, &inputs, "us-east-1").await;
    assert_eq!(seconds, 45);
    assert!(
        log.contains("invalidation I1 of E1: still InProgress after 25 s, 20 s left"),
        "{log}"
    );
    assert!(outcome.unconfirmed.is_empty());
    assert_eq!(outcome.invalidations[0].id.as_deref(), Some("I1"));
    let failure = crate::core::error::RenderedError::from(&outcome.error.expect("an error"));
    assert_eq!(
        failure.message,
        "invalidation `I1` of distribution `E1` is still InProgress after 45 s"
    );
    assert!(failure.hint.expect("a hint").contains("invalidation-timeout"));
}

#[tokio::test(start_paused = true)]
async fn the_wish_to_stop_ends_waiting_and_starts_nothing() {
    let fake = Fake::new(|seen, _| match is_read(seen) {
        true => error(403, "AccessDenied"),
        false => error(503, "ServiceUnavailable"),
    });
    let (console, _) = console();
    let inputs = CdnInputs {
        on_failure: InvalidationFailure::Warn,
        ..inputs(&["E1"])
    };
    let (cdn, planned) = planned(&fake.aws("us-east-1"), &inputs, None, &[], &console)
        .await
        .expect("distributions");
    let stop = CancellationToken::new();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stop.cancel();
    };
    let (outcome, ()) = tokio::join!(cdn.invalidate(&planned, "run-1", &stop, &console), stopping);
    assert!(outcome.error.expect("an error").is::<Cancelled>());
    assert_eq!(outcome.unconfirmed["E1"], ["/a", "/b/*"]);
    let sent = creates(&fake).len();
    let outcome = cdn.invalidate(&planned, "run-1", &stop, &console).await;
    assert!(outcome.error.expect("an error").is::<Cancelled>());
    assert_eq!(creates(&fake).len(), sent);
}

#[tokio::test(start_paused = true)]
async fn where_the_number_of_tries_is_bounded_only_what_cloudfront_has_under_way_is_waited_out() {
    for (status, code, expected) in [
        (503, "ServiceUnavailable", 1),
        (400, "Throttling", 1),
        (400, "TooManyInvalidationsInProgress", 3),
    ] {
        let fake = Fake::new(move |seen, number| match is_read(seen) {
            true => error(403, "AccessDenied"),
            false if number > 2 => invalidation(201, "I1", "InProgress"),
            false => error(status, code),
        });
        let (console, _) = console();
        let inputs = inputs(&["E1"]);
        let (mut cdn, planned) = planned(&fake.aws("eu-west-1"), &inputs, None, &[], &console)
            .await
            .expect("distributions");
        cdn.is_bounded = true;
        let outcome = cdn
            .invalidate(&planned, "run-1", &CancellationToken::new(), &console)
            .await;
        assert_eq!(outcome.error.is_none(), expected > 1, "{code}");
        assert_eq!(creates(&fake).len(), expected, "{code}");
    }
}
