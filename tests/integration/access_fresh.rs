//! Roles that were made a moment ago, and subjects with ids.

use serde_json::json;

use crate::access::{ROLE, assert_error, by_role, trusting};

#[test]
fn a_role_that_was_just_made_is_asked_for_again() {
    let cloud = trusting();
    cloud.post("/oidc", &json!({"fresh_tries": 2}));
    let run = by_role(&cloud).run().expect_exit(0);
    assert_eq!(run.log.matches("trying again for").count(), 1, "{}", run.log);
    assert_eq!(cloud.count("AssumeRoleWithWebIdentity"), 3);
}

#[test]
fn an_identity_provider_that_was_just_made_is_asked_for_again() {
    let cloud = trusting();
    cloud.post("/oidc", &json!({"fresh_provider_tries": 1}));
    let run = by_role(&cloud).run().expect_exit(0);
    assert!(
        run.log.contains("No OpenIDConnect provider found in your account"),
        "{}",
        run.log
    );
    assert_eq!(run.log.matches("trying again for").count(), 1, "{}", run.log);
}

/// <https://github.com/github/docs/issues/45221>
#[test]
fn a_subject_with_ids_is_let_in_by_a_policy_for_it_and_proposed_as_it_is() {
    let cloud = trusting();
    let subject = "repo:octo@1/site@2:ref:refs/heads/main";
    cloud.post(
        "/oidc",
        &json!({"sub": subject, "trust": [{"role": ROLE, "sub": subject}]}),
    );
    by_role(&cloud).run().expect_exit(0);

    cloud.post(
        "/oidc",
        &json!({"trust": [{"role": ROLE, "sub": "repo:octo/site:ref:refs/heads/main"}]}),
    );
    let run = by_role(&cloud).env("AWS_MAX_ATTEMPTS", "1").run();
    assert_error(
        &run,
        &[&format!("\"token.actions.githubusercontent.com:sub\": \"{subject}\"")],
    );
}

/// Each try takes the ten seconds after which it is given up: both at the same time.
#[test]
fn what_hardly_answers_or_not_at_all_is_given_up_and_asked_again() {
    std::thread::scope(|scope| {
        for (operation, fault) in [
            ("GetToken", json!({"service": "oidc", "kind": "trickle"})),
            (
                "AssumeRoleWithWebIdentity",
                json!({"operation": "AssumeRoleWithWebIdentity", "kind": "delay", "seconds": 60}),
            ),
        ] {
            scope.spawn(move || {
                let cloud = trusting();
                cloud.post("/faults", &fault);
                by_role(&cloud).run().expect_exit(0);
                assert_eq!(cloud.count(operation), 2, "{operation}");
            });
        }
    });
}

#[test]
fn no_policy_is_proposed_for_the_subject_of_pull_requests() {
    let cloud = trusting();
    cloud.post(
        "/oidc",
        &json!({"sub": "repo:octo/site:pull_request", "trust": [{"role": ROLE, "sub": "repo:octo/site:ref:refs/heads/main"}]}),
    );
    let run = by_role(&cloud).env("AWS_MAX_ATTEMPTS", "1").run();
    assert_error(&run, &["which every pull request has", "protected `environment:`"]);
    assert!(!run.log.contains("\"Principal\""), "{}", run.log);
}
