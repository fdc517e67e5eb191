//! Keys of the inputs and of the environment, alone and on the way to a role.

use std::collections::BTreeSet;

use serde_json::json;

use crate::access::{KEY, ROLE, SECRET, assert_error, by_role, params, signers, site, trusting};
use crate::support::{Action, Cloud, Run};

#[test]
fn keys_of_the_inputs_assume_the_role_where_they_are_given() {
    let cloud = trusting();
    by_role(&cloud)
        .with("aws-access-key-id", KEY)
        .with("aws-secret-access-key", SECRET)
        .run()
        .expect_exit(0);
    assert_eq!(cloud.count("AssumeRoleWithWebIdentity"), 0);
    assert_eq!(params(&cloud, "AssumeRole")["RoleArn"], ROLE);
    assert!(signers(&cloud).iter().all(|key| key.starts_with("ASIA")));
}

#[test]
fn a_role_that_assumes_a_role_gets_an_hour_at_most() {
    let cloud = trusting();
    cloud.post(
        "/identity",
        &json!({"access_key": "ASIAEXAMPLEEXAMPLE00", "secret_key": "first", "session_token": "token",
                "arn": "arn:aws:sts::123456789012:assumed-role/first/s"}),
    );
    cloud.post("/oidc", &json!({"max_duration_seconds": 43200}));
    site(&cloud)
        .env("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEEXAMPLE00")
        .env("AWS_SECRET_ACCESS_KEY", "first")
        .env("AWS_SESSION_TOKEN", "token")
        .with("role-to-assume", ROLE)
        .with("role-duration-seconds", "7200")
        .run()
        .expect_exit(0);
    assert_eq!(params(&cloud, "AssumeRole")["DurationSeconds"], "3600");
}

#[test]
fn keys_that_may_not_assume_the_role_are_told_both_sides() {
    let cloud = trusting();
    cloud.post("/deny", &json!({"action": "sts:AssumeRole"}));
    let run = site(&cloud)
        .with("aws-access-key-id", KEY)
        .with("aws-secret-access-key", SECRET)
        .with("role-to-assume", ROLE)
        .env("AWS_MAX_ATTEMPTS", "1")
        .run();
    assert_error(
        &run,
        &[
            "is not authorized to perform: sts:AssumeRole",
            "\"sts:AssumeRole\"",
            "trust policy",
        ],
    );
}

#[test]
fn a_role_by_keys_is_assumed_with_tags_external_id_and_policy() {
    let cloud = trusting();
    let policy = r#"{"Version": "2012-10-17", "Statement": []}"#;
    let step = || {
        site(&cloud)
            .with("aws-access-key-id", KEY)
            .with("aws-secret-access-key", SECRET)
            .with("role-to-assume", ROLE)
            .with("role-external-id", "octo/42")
            .with("inline-session-policy", policy)
            .github("workflow", "Deploy (all)")
            .github("actor", "octo-bot[bot]")
    };
    step().run().expect_exit(0);
    let asked = params(&cloud, "AssumeRole");
    assert_eq!(asked["ExternalId"], "octo/42");
    assert_eq!(asked["Policy"], policy);
    let tag = |wanted: &str| {
        let number = (1..=7).find(|number| asked[format!("Tags.member.{number}.Key")] == wanted);
        asked[format!("Tags.member.{}.Value", number.expect(wanted))].clone()
    };
    assert_eq!(tag("GitHub"), "Actions");
    assert_eq!(tag("Repository"), "octo/site");
    assert_eq!(tag("Workflow"), "Deploy _all_");
    assert_eq!(tag("Actor"), "octo-bot_bot_");
    assert_eq!(tag("Branch"), "refs/heads/main");

    cloud.forget_requests();
    step().with("role-skip-session-tagging", "true").run().expect_exit(0);
    assert!(!params(&cloud, "AssumeRole").to_string().contains("Tags.member"));
}

#[test]
fn a_session_that_may_not_be_tagged_is_told_both_ways_out() {
    let cloud = trusting();
    cloud.post("/deny", &json!({"action": "sts:TagSession"}));
    let step = || {
        site(&cloud)
            .with("aws-access-key-id", KEY)
            .with("aws-secret-access-key", SECRET)
            .with("role-to-assume", ROLE)
    };
    assert_error(
        &step().run(),
        &["sts:TagSession", "role-skip-session-tagging", "trust policy"],
    );
    step().with("role-skip-session-tagging", "true").run().expect_exit(0);
}

#[test]
fn a_role_by_the_jobs_token_takes_the_policy_and_no_external_id() {
    let cloud = trusting();
    let policy = r#"{"Version": "2012-10-17", "Statement": []}"#;
    let run = by_role(&cloud)
        .with("role-external-id", "octo/42")
        .with("inline-session-policy", policy)
        .run()
        .expect_exit(0);
    let asked = params(&cloud, "AssumeRoleWithWebIdentity");
    assert_eq!(asked["Policy"], policy);
    assert!(!asked.to_string().contains("Tags.member"), "{asked}");
    assert!(run.log.contains("`role-external-id` has no effect"), "{}", run.log);
}

#[test]
fn short_keys_of_a_store_black_nothing_out_and_are_not_printed() {
    let cloud = trusting();
    cloud.post("/identity", &json!({"access_key": "site", "secret_key": "qz!"}));
    let run = site(&cloud)
        .with("aws-access-key-id", "site")
        .with("aws-secret-access-key", "qz!")
        .run()
        .expect_exit(0);
    assert!(run.log.contains(" to s3://my-site/ (`bucket`)"), "{}", run.log);
    assert!(!run.log.contains("qz!"), "{}", run.log);
}

#[test]
fn keys_of_the_inputs_are_never_completed_from_the_environment() {
    let cloud = trusting();
    site(&cloud)
        .env("AWS_ACCESS_KEY_ID", "ASIASOMEBODYELSE0000")
        .env("AWS_SECRET_ACCESS_KEY", "else")
        .env("AWS_SESSION_TOKEN", "of somebody else")
        .with("aws-access-key-id", KEY)
        .with("aws-secret-access-key", SECRET)
        .run()
        .expect_exit(0);
    assert_eq!(signers(&cloud), BTreeSet::from([KEY.to_owned()]));
}

#[test]
fn half_a_pair_of_keys_is_an_error() {
    let cloud = trusting();
    let run = site(&cloud).with("aws-access-key-id", KEY).run();
    assert_eq!(run.exit_code, 2, "{}", run.log);
    assert!(run.error().contains("aws-secret-access-key"), "{}", run.error());
    let run = site(&cloud)
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", "")
        .run();
    assert_error(&run, &["`AWS_SECRET_ACCESS_KEY` is empty", "check the secret's name"]);
    assert_eq!(cloud.operations(), Vec::<String>::new());
}

#[test]
fn a_session_from_an_earlier_step_works() {
    let cloud = trusting();
    cloud.post(
        "/identity",
        &json!({"access_key": "ASIAEXAMPLEEXAMPLE00", "secret_key": "temporary", "session_token": "token"}),
    );
    site(&cloud)
        .env("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEEXAMPLE00")
        .env("AWS_SECRET_ACCESS_KEY", "temporary")
        .env("AWS_SESSION_TOKEN", "token")
        .run()
        .expect_exit(0);
    assert_eq!(signers(&cloud), BTreeSet::from(["ASIAEXAMPLEEXAMPLE00".to_owned()]));
    assert!(
        !cloud.operations().iter().any(|name| name == "GetCallerIdentity"),
        "nobody needs to know who we are"
    );
}

#[test]
fn keys_that_aws_refuses_are_told_apart() {
    let cloud = trusting();
    cloud.post(
        "/identity",
        &json!({"access_key": "ASIAEXPIREDEXPIRED00", "secret_key": "expired secret", "session_token": "t", "expires": 1}),
    );
    for (id, secret, token, parts) in [
        (
            "AKIAUNKNOWNUNKNOWN00",
            SECRET,
            "",
            ["InvalidAccessKeyId", "access key id"],
        ),
        (
            KEY,
            "not the secret",
            "",
            ["SignatureDoesNotMatch", "secret access key"],
        ),
        (
            "ASIAEXPIREDEXPIRED00",
            "expired secret",
            "t",
            ["ExpiredToken", "expired"],
        ),
    ] {
        let run = site(&cloud)
            .with("aws-access-key-id", id)
            .with("aws-secret-access-key", secret)
            .with("aws-session-token", token)
            .run();
        assert_error(&run, &parts);
        assert!(!run.log.contains(secret), "{}", run.log);
    }
}

#[test]
fn a_secret_is_redacted_before_it_is_escaped_or_cut() {
    let secret = r#"x_y+horse~battery!#st"aple\9"#;
    let (cloud, core) = (Cloud::with_bucket("site-bucket"), "horse");
    let with_keys = || {
        Action::without_credentials(&cloud)
            .with("aws-access-key-id", "AKIAIOSFODNN7EXAMPLE")
            .with("aws-secret-access-key", secret)
            .with("bucket", "site-bucket")
    };
    let report_of = |run: &Run| std::fs::read_to_string(run.output("report")).expect("the report");
    // As a wrong input, and as the name of a folder that is not there.
    for action in [
        with_keys()
            .with("source", "site")
            .with("compare", secret)
            .file("site/a", "a"),
        with_keys().with("source", secret),
        with_keys()
            .with("source", "site")
            .with("prefix", secret)
            .file("site/a", "a"),
    ] {
        let run = action.run();
        for (name, text) in [
            ("log", &run.log),
            ("summary", &run.summary),
            ("report", &report_of(&run)),
        ] {
            let shown = text
                .lines()
                .filter(|line| !line.contains("add-mask"))
                .any(|line| line.contains(core));
            assert!(!shown, "the {name} has it:\n{text}");
        }
    }
    // In the description of a deployment, cut in the middle of it.
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "times": -1, "kind": "error", "status": 403,
                "code": "AccessDenied", "message": format!("{} {secret}", "no ".repeat(20))}),
    );
    let run = with_keys()
        .with("source", "site")
        .with("github-environment", "production")
        .file("site/index.html", "a")
        .run();
    assert_eq!(run.exit_code, 1, "{}", run.log);
    let github = cloud.get("/github").to_string();
    assert!(github.contains("failure") && !github.contains(core), "{github}");
}
