//! Bounds on what comes from outside: listings that do not advance, files that never end, notices about profiles.

use serde_json::json;

use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "site-bucket";

fn site(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .file("site/index.html", "one")
        .file("site/other.html", "one")
}

fn backend(cloud: &Cloud) -> Action {
    cloud.add_environment("web", "web-prod", &json!({"instances": 2}));
    Action::new(cloud)
        .with("application-name", "web")
        .with("environment-name", "web-prod")
        .with("package", "app")
        .with("keep-versions", "1")
        .with("poll-interval", "1")
        .with("recovery-seconds", "1")
        .file("app/main.py", "print(1)")
}

/// From now on every page of `operation` says that more follow, and is the same.
fn stuck(cloud: &Cloud, operation: &str) {
    cloud.forget_requests();
    cloud.post(
        "/faults",
        &json!({"kind": "stuck", "operation": operation, "times": -1}),
    );
}

/// The run said that the listing does not go on, and did not ask for ever.
#[track_caller]
fn gave_up(cloud: &Cloud, run: &Run, operation: &str, text: &str) {
    assert!(run.log.contains(text), "{operation}\n{}", run.log);
    let count = cloud.count(operation);
    assert!((2..40).contains(&count), "{operation} was asked {count} times");
}

#[test]
fn listings_of_elastic_beanstalk_that_do_not_advance_are_an_error() {
    for operation in ["DescribeEnvironments", "DescribeApplicationVersions", "DescribeEvents"] {
        let cloud = Cloud::start();
        let action = backend(&cloud);
        stuck(&cloud, operation);
        let run = action.run();
        gave_up(&cloud, &run, operation, "the listing does not advance");
    }
}

#[test]
fn listings_of_s3_that_do_not_advance_are_an_error() {
    let cloud = Cloud::with_bucket(BUCKET);
    site(&cloud).with("delete", "true").run().expect_exit(0);
    stuck(&cloud, "ListObjectsV2");
    let run = site(&cloud).with("delete", "true").run().expect_exit(1);
    gave_up(&cloud, &run, "ListObjectsV2", "out of order");

    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    let action = site(&cloud);
    for content in ["two", "three"] {
        action.run().expect_exit(0);
        action.write("site/index.html", content);
        action.write("site/other.html", content);
    }
    stuck(&cloud, "ListObjectVersions");
    let run = action.with("command", "rollback").run().expect_exit(1);
    gave_up(&cloud, &run, "ListObjectVersions", "the listing does not advance");
}

#[test]
fn files_that_never_end_are_not_read() {
    let cloud = Cloud::with_bucket(BUCKET);
    let ended = |action: Action, text: &str| {
        let run = action.run();
        assert!(run.exit_code == 1 || run.exit_code == 2, "{}", run.log);
        assert!(run.error().contains(text), "{}", run.log);
    };
    ended(
        site(&cloud).env("AWS_CA_BUNDLE", "/dev/zero"),
        "it is not a regular file",
    );
    let cdn = || Action::new(&cloud).with("distribution", "E1");
    ended(cdn().with("paths-from", "/dev/zero"), "it is not a regular file");
    for (input, text) in [
        ("package", "neither a directory nor a regular file"),
        ("option-settings", "`option-settings` is neither"),
        ("package-ignore-file", "/dev/zero"),
    ] {
        ended(backend(&cloud).with(input, "/dev/zero"), text);
    }
    let action = backend(&cloud).file("app/.ebignore", vec![b'#'; 5 << 20]);
    ended(action, "it has more than 4 MiB");
}

#[test]
fn files_of_the_aws_configuration_are_regular_files_or_nothing() {
    let cloud = Cloud::with_bucket(BUCKET);
    for variable in [
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        let action = site(&cloud);
        let pipe = action.workspace().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()), "a FIFO");
        for file in [pipe.to_string_lossy().into_owned(), "/dev/zero".to_owned()] {
            let run = site(&cloud).env(variable, &file).run().expect_exit(1);
            let text = format!("cannot read `{file}`: it is not a regular file");
            assert!(
                run.error().contains(&text) && run.error().contains(variable),
                "{}",
                run.log
            );
        }
        if variable != "AWS_WEB_IDENTITY_TOKEN_FILE" {
            site(&cloud).env(variable, "/dev/null").run().expect_exit(0);
        }
    }
}

#[test]
fn a_profile_runs_commands_and_sends_requests_elsewhere_with_a_notice_only() {
    let cloud = Cloud::with_bucket(BUCKET);
    let (key, secret) = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let answer = json!({"Version": 1, "AccessKeyId": key, "SecretAccessKey": secret}).to_string();
    let action = Action::without_credentials(&cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .file("site/index.html", "one")
        .file("answer.json", answer);
    let file = |name: &str| action.workspace().join(name).to_string_lossy().into_owned();
    let config = format!(
        "[profile ci]\nendpoint_url = {}\ncredential_process = cat {}\n",
        cloud.endpoint,
        file("answer.json")
    );
    action.write("config", config);
    let config = file("config");
    let action = action
        .env("AWS_CONFIG_FILE", &config)
        .env("AWS_PROFILE", "ci")
        .without_env("AWS_ENDPOINT_URL");
    let run = action.run();
    let notices = run.messages("notice").join("\n");
    let elsewhere = format!(
        "the profile `ci` sends requests to `{}` (`endpoint_url`)",
        cloud.endpoint
    );
    assert!(notices.contains(&elsewhere), "{}", run.log);
    let command = "credentials may come from a command on this machine: `credential_process` of the profile `ci`";
    assert!(notices.contains(command), "{}", run.log);
    run.expect_exit(0);
    // Neither is used: the environment has its own.
    let run = Action::new(&cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .file("site/index.html", "one")
        .env("AWS_CONFIG_FILE", &config)
        .env("AWS_PROFILE", "ci")
        .run()
        .expect_exit(0);
    assert!(!run.log.contains("the profile `ci`"), "{}", run.log);
    assert!(!run.log.contains("credential_process"), "{}", run.log);
}
