//! Who may in: roles by OIDC, keys, the default chain, and what is said when AWS or GitHub refuses.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{Action, Cloud, Run};

pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
pub(crate) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A cloud whose role lets `octo/site` in on any branch.
pub(crate) fn trusting() -> Cloud {
    let cloud = Cloud::with_bucket("my-site");
    cloud.post(
        "/oidc",
        &json!({"sub": "repo:octo/site:ref:refs/heads/main", "trust": [{"role": ROLE, "sub": "repo:octo/site:*"}]}),
    );
    // From now on unknown keys are refused.
    cloud.post("/identity", &json!({"access_key": KEY, "secret_key": SECRET}));
    cloud.forget_requests();
    cloud
}

/// A deploy of one file without any credentials.
pub(crate) fn site(cloud: &Cloud) -> Action {
    Action::without_credentials(cloud)
        .with("bucket", "my-site")
        .with("source", "public")
        .file("public/index.html", "<h1>hello</h1>")
}

/// A deploy by the role.
pub(crate) fn by_role(cloud: &Cloud) -> Action {
    site(cloud).id_token(cloud).with("role-to-assume", ROLE)
}

/// The keys that signed requests of S3.
pub(crate) fn signers(cloud: &Cloud) -> BTreeSet<String> {
    cloud
        .requests()
        .iter()
        .filter(|one| one["service"] == "s3")
        .filter_map(|one| one["access_key"].as_str().map(ToOwned::to_owned))
        .collect()
}

/// The parameters of the only request of `operation`.
pub(crate) fn params(cloud: &Cloud, operation: &str) -> Value {
    let mut found: Vec<Value> = cloud
        .requests()
        .into_iter()
        .filter(|one| one["operation"] == operation)
        .map(|one| one["params"].clone())
        .collect();
    assert_eq!(found.len(), 1, "{operation}: {found:?}");
    found.remove(0)
}

#[track_caller]
pub(crate) fn assert_error(run: &Run, parts: &[&str]) {
    assert_eq!(run.exit_code, 1, "{}", run.log);
    for part in parts {
        assert!(run.error().contains(part), "`{part}` is not in:\n{}", run.error());
    }
}

#[test]
fn a_role_is_assumed_by_the_jobs_token_in_the_same_step() {
    let cloud = trusting();
    let run = by_role(&cloud).run().expect_exit(0);
    assert_eq!(run.uploaded(), ["index.html"]);
    let asked = params(&cloud, "AssumeRoleWithWebIdentity");
    assert_eq!(asked["RoleArn"], ROLE);
    assert_eq!(asked["RoleSessionName"], "GitHubActions");
    assert_eq!(asked["DurationSeconds"], "3600");
    assert!(
        signers(&cloud).iter().all(|key| key.starts_with("ASIA")),
        "{:?}",
        signers(&cloud)
    );
    assert_eq!(run.raw["env"], json!({}), "nothing is left for later steps");
}

#[test]
fn session_name_duration_and_audience_are_the_inputs() {
    let cloud = trusting();
    cloud.post(
        "/oidc",
        &json!({"audience": "my-audience", "max_duration_seconds": 7200,
                "trust": [{"role": ROLE, "sub": "*", "aud": "my-audience"}]}),
    );
    by_role(&cloud)
        .with("role-audience", "my-audience")
        .with("role-session-name", "site.deploy@42")
        .with("role-duration-seconds", "7200")
        .run()
        .expect_exit(0);
    let asked = params(&cloud, "AssumeRoleWithWebIdentity");
    assert_eq!(asked["RoleSessionName"], "site.deploy@42");
    assert_eq!(asked["DurationSeconds"], "7200");
}

#[test]
fn no_temporary_secret_shows_anywhere() {
    let cloud = trusting();
    let run = by_role(&cloud).env("RUNNER_DEBUG", "1").run().expect_exit(0);
    let mut secrets = Vec::new();
    for request in cloud.requests() {
        for value in [
            &request["headers"]["x-amz-security-token"],
            &request["params"]["WebIdentityToken"],
        ] {
            secrets.extend(value.as_str().map(ToOwned::to_owned));
        }
    }
    assert!(secrets.len() >= 2, "{secrets:?}");
    let masks = run.raw["masks"].to_string();
    let told = [
        run.log.clone(),
        run.summary.clone(),
        run.report.to_string(),
        format!("{:?}", run.outputs),
    ];
    for secret in &secrets {
        assert!(masks.contains(secret.as_str()), "not masked");
        for text in &told {
            assert!(!text.contains(secret.as_str()), "a secret in {text}");
        }
    }
}

#[test]
fn a_role_is_assumed_again_when_a_run_outlives_it() {
    let cloud = trusting();
    cloud.post("/oidc", &json!({"session_seconds": 30}));
    by_role(&cloud).run().expect_exit(0);
    assert!(cloud.count("AssumeRoleWithWebIdentity") > 1, "{:?}", cloud.operations());
    assert!(signers(&cloud).len() > 1, "fresh credentials are used");
}

#[test]
fn a_missing_permission_is_named_with_the_lines_to_add() {
    let cloud = trusting();
    let run = site(&cloud).with("role-to-assume", ROLE).run();
    assert_error(&run, &[ROLE, "permissions:\n  id-token: write"]);
    assert_eq!(cloud.operations(), Vec::<String>::new());
}

#[test]
fn an_untrusted_repository_gets_the_trust_policy_for_it() {
    let cloud = trusting();
    cloud.post("/oidc", &json!({"sub": "repo:octo/other:environment:production"}));
    let run = by_role(&cloud).env("AWS_MAX_ATTEMPTS", "1").run();
    assert_error(
        &run,
        &[
            "cannot assume the role `arn:aws:iam::123456789012:role/deploy`: Not authorized to perform sts:AssumeRoleWithWebIdentity (AccessDenied, request id ",
            "\"token.actions.githubusercontent.com:sub\": \"repo:octo/other:environment:production\"",
            "\"Federated\": \"arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com\"",
        ],
    );
    assert!(
        run.summary
            .contains("repo&#58;octo/other&#58;environment&#58;production"),
        "{}",
        run.summary
    );
    assert_eq!(run.report["error"]["code"], "AccessDenied");
}

#[test]
fn each_refusal_of_a_token_says_what_to_change() {
    for (settings, parts) in [
        (
            json!({"audience": "somebody-else"}),
            ["Incorrect token audience", "set `role-audience`"],
        ),
        (
            json!({"has_provider": false}),
            [
                "No OpenIDConnect provider found",
                "create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com",
            ],
        ),
        (json!({"token_seconds": -60}), ["Token expired", "check the clocks"]),
        (
            json!({"max_duration_seconds": 1800}),
            ["exceeds the MaxSessionDuration", "`role-duration-seconds`"],
        ),
        (
            json!({"token_request_token": "another"}),
            ["GitHub answered HTTP 401", "id-token: write"],
        ),
    ] {
        let cloud = trusting();
        cloud.post("/oidc", &settings);
        assert_error(&by_role(&cloud).env("AWS_MAX_ATTEMPTS", "1").run(), &parts);
        assert_eq!(cloud.count("PutObject"), 0);
    }
}

#[test]
fn a_clock_that_is_off_is_set_right_by_what_aws_answers() {
    let cloud = trusting();
    cloud.post("/oidc", &json!({"clock_skew": 3600}));
    site(&cloud)
        .with("aws-access-key-id", KEY)
        .with("aws-secret-access-key", SECRET)
        .run()
        .expect_exit(0);
    let refused = cloud.requests().iter().filter(|one| one["status"] == 403).count();
    assert!(refused > 0, "the clock was never off");
}

#[test]
fn without_credentials_it_says_what_to_set_and_waits_for_nothing() {
    let cloud = trusting();
    let run = site(&cloud).run();
    assert_error(
        &run,
        &[
            "found no AWS credentials",
            "`role-to-assume`",
            "id-token: write",
            "`aws-access-key-id`",
            "configure-aws-credentials",
        ],
    );
    let seconds = run.raw["duration"].as_f64().unwrap_or(f64::MAX);
    assert!(seconds < 3.0, "{seconds} s: an instance was waited for");
}

#[test]
fn only_allowed_accounts_go_on() {
    let cloud = trusting();
    let with_keys = || {
        site(&cloud)
            .with("aws-access-key-id", KEY)
            .with("aws-secret-access-key", SECRET)
    };
    let run = with_keys()
        .with("allowed-account-ids", "111122223333 444455556666")
        .run();
    assert_error(&run, &["the account 123456789012", "111122223333, 444455556666"]);
    assert_eq!(cloud.operations(), ["GetCallerIdentity"]);
    with_keys()
        .with("allowed-account-ids", "111122223333\n123456789012")
        .run()
        .expect_exit(0);
}

#[test]
fn profiles_web_identity_files_and_credential_processes_work() {
    let cloud = trusting();
    let profile = site(&cloud)
        .file(
            "aws/credentials",
            format!("[deploy]\naws_access_key_id={KEY}\naws_secret_access_key={SECRET}\n"),
        )
        .env("AWS_PROFILE", "deploy");
    let file = profile.workspace().join("aws/credentials");
    profile
        .env("AWS_SHARED_CREDENTIALS_FILE", &file.to_string_lossy())
        .run()
        .expect_exit(0);

    let answer = json!({"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": SECRET});
    let process = site(&cloud)
        .file("answer.json", answer.to_string())
        .file("aws/config", "");
    let file = process.workspace().join("aws/config");
    process.write(
        "aws/config",
        format!(
            "[default]\ncredential_process = cat {}\n",
            process.workspace().join("answer.json").display()
        ),
    );
    let run = process
        .env("AWS_CONFIG_FILE", &file.to_string_lossy())
        .run()
        .expect_exit(0);
    assert!(!run.log.contains(SECRET));

    let payload = "eyJzdWIiOiJyZXBvOm9jdG8vc2l0ZTp4IiwiYXVkIjoic3RzLmFtYXpvbmF3cy5jb20iLCJleHAiOjk5OTk5OTk5OTl9";
    let web = site(&cloud)
        .file("token", format!("e30.{payload}.c2ln"))
        .env("AWS_ROLE_ARN", ROLE);
    let file = web.workspace().join("token");
    web.env("AWS_WEB_IDENTITY_TOKEN_FILE", &file.to_string_lossy())
        .run()
        .expect_exit(0);
    assert_eq!(cloud.count("AssumeRoleWithWebIdentity"), 1);
}

#[test]
fn a_container_gets_its_role_from_its_agent() {
    let cloud = trusting();
    let agent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = agent.local_addr().expect("an address");
    let temporary = "ASIAEXAMPLEEXAMPLE00";
    cloud.post(
        "/identity",
        &json!({"access_key": temporary, "secret_key": "temporary", "session_token": "a-session-token"}),
    );
    let answer = json!({"AccessKeyId": temporary, "SecretAccessKey": "temporary", "Token": "a-session-token",
                        "Expiration": "2099-01-01T00:00:00Z"})
    .to_string();
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = agent.accept().expect("a connection");
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).expect("a request");
        let head = String::from_utf8_lossy(&head[..length]).into_owned();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
            answer.len()
        )
        .expect("an answer");
        head
    });
    let run = site(&cloud)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("http://{address}/role"))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a-token-of-the-agent")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .run()
        .expect_exit(0);
    let asked = asked.join().expect("the agent was asked");
    assert!(asked.starts_with("GET /role "), "{asked}");
    assert!(asked.contains("a-token-of-the-agent"), "{asked}");
    assert!(
        run.raw["masks"].to_string().contains("a-token-of-the-agent"),
        "{}",
        run.raw["masks"]
    );
    assert_eq!(signers(&cloud), BTreeSet::from([temporary.to_owned()]));
}

#[test]
fn a_denied_upload_names_action_resource_and_the_statement_to_add() {
    let cloud = trusting();
    cloud.post("/deny", &json!({"action": "s3:PutObject"}));
    let run = site(&cloud)
        .with("aws-access-key-id", KEY)
        .with("aws-secret-access-key", SECRET)
        .run();
    assert_error(
        &run,
        &[
            "s3:PutObject",
            "arn:aws:s3:::my-site/",
            "\"Effect\": \"Allow\"",
            "AccessDenied",
        ],
    );
}
