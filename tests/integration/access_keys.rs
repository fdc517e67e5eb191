//! Keys of the inputs and of the environment, alone and on the way to a role.

use std::collections::BTreeSet;

use serde_json::json;

use crate::access::{KEY, ROLE, SECRET, assert_error, by_role, params, signers, site, trusting};

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
        .run();
    assert_error(
        &run,
        &[
            "is not authorized to perform: sts:AssumeRole",
            "\"Action\":\"sts:AssumeRole\"",
            "trust policy",
        ],
    );
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
        &json!({"access_key": "ASIAEXPIREDEXPIRED00", "secret_key": "s", "session_token": "t", "expires": 1}),
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
        ("ASIAEXPIREDEXPIRED00", "s", "t", ["ExpiredToken", "expired"]),
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
