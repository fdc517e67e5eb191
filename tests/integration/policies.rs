//! The policy that `check` prints: narrow, literal, and no more than the inputs need.

use aws_web_deploy::door::PolicyScope;
use serde_json::{Value, json};

use crate::permissions::{allow_only, site};
use crate::support::{Action, Cloud, project};

#[test]
fn a_site_below_a_prefix_sees_nothing_beside_it_whatever_characters_it_has() {
    let cloud = Cloud::with_bucket("my-site");
    cloud.set_versioning("my-site", "Enabled");
    let prefix = "a*b/$/c?/";
    allow_only(
        &cloud,
        &PolicyScope {
            site: Some(site(prefix, false, true)),
            history: Some(("my-records".to_owned(), "team*/".to_owned())),
            rollback: true,
            ..PolicyScope::default()
        },
    );
    cloud.create_bucket("my-records");
    let step = |command: &str| {
        Action::new(&cloud)
            .with("bucket", "my-site")
            .with("prefix", prefix)
            .with("delete", "true")
            .with("history", "s3://my-records/team*")
            .with("command", command)
    };
    let deploy = |name: &str| {
        let run = step("deploy")
            .with("source", "public")
            .file(format!("public/{name}").as_str(), name)
            .run();
        assert_eq!(run.expect_exit(0).messages("warning"), Vec::<&str>::new());
    };
    deploy("one.html");
    deploy("two.html");
    let back = step("rollback").run().expect_exit(0);
    assert_eq!(back.messages("warning"), Vec::<&str>::new());
    assert_eq!(cloud.keys("my-site"), ["a*b/$/c?/one.html"]);
    for request in cloud.requests() {
        // What else of the same run there is below other prefixes is only said where it may be seen.
        let looks_beside =
            request["params"]["delimiter"] == "/" && request["params"]["prefix"] == "team*/site/my-site/";
        assert!(request["status"] != 403 || looks_beside, "{request}");
    }
    // What the characters would mean in a pattern is another site's.
    let other = step("deploy").with("prefix", "axb/$/cx/").with("source", "public");
    let refused = other.file("public/index.html", "x").run().expect_exit(1);
    assert!(refused.error().contains("AccessDenied"), "{}", refused.log);
}

#[test]
fn only_a_tagged_session_takes_the_right_to_tag_it() {
    for (skip, expected) in [("true", false), ("false", true)] {
        let cloud = Cloud::with_bucket("my-site");
        let run = Action::new(&cloud)
            .with("bucket", "my-site")
            .with("command", "check")
            .with("aws-access-key-id", "AKIAIOSFODNN7EXAMPLE")
            .with("aws-secret-access-key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
            .with("role-to-assume", "arn:aws:iam::123456789012:role/deploy")
            .with("role-skip-session-tagging", skip)
            .run();
        assert!(run.log.contains("\"sts:AssumeRole\""), "{}", run.log);
        assert_eq!(run.log.contains("sts:TagSession"), expected, "{}", run.log);
    }
}

#[test]
fn rights_to_delete_and_on_acls_are_printed_for_inputs_that_need_them() {
    for (input, value, actions) in [
        ("cache-control", "no-cache", [false, false, false]),
        ("acl", "public-read", [true, false, false]),
        ("delete", "true", [false, true, false]),
        ("on-failure", "rollback", [false, true, true]),
    ] {
        let cloud = Cloud::with_acl_bucket("my-site");
        let run = Action::new(&cloud)
            .with("bucket", "my-site")
            .with("command", "check")
            .with(input, value)
            .run();
        let printed = |action: &str| run.log.contains(&format!("\"{action}\""));
        let seen = ["s3:PutObjectAcl", "s3:DeleteObject", "s3:GetObjectVersion"].map(printed);
        assert_eq!(seen, actions, "{input}\n{}", run.log);
        assert_eq!(
            run.log.contains("run this check with `on-failure: rollback`"),
            input != "on-failure"
        );
    }
}

#[test]
fn records_that_everybody_can_read_are_a_warning_until_they_are_hidden() {
    let cloud = Cloud::with_bucket("my-site");
    let open = json!({
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::my-site/*",
    });
    let check = |statements: Vec<Value>| {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        cloud.post(
            "/s3/bucket",
            &json!({"bucket": "my-site", "block_public_access": false, "policy": policy}),
        );
        let run = Action::new(&cloud)
            .with("bucket", "my-site")
            .with("command", "check")
            .run();
        run.expect_exit(0).log
    };
    let log = check(vec![open.clone()]);
    assert!(log.contains("release records: everybody can read them"), "{log}");
    let hint = "add this statement to the bucket's policy: ";
    let statement = log
        .split(hint)
        .nth(1)
        .and_then(|rest| rest.lines().next())
        .expect("the statement");
    let statement: Value = serde_json::from_str(statement).expect("JSON");
    let log = check(vec![open, statement.clone()]);
    assert!(!log.contains("everybody can read them"), "{log}");
    // Every page that shows the statement shows this one.
    for page in ["README.md", "docs/rollback.md"] {
        let text = std::fs::read_to_string(project().join(page)).expect(page);
        let shown = text
            .split("```")
            .find(|block| block.contains("PrincipalAccount"))
            .expect(page);
        let mut shown: Value = serde_json::from_str(shown.trim_start_matches("json")).expect("JSON");
        shown["Resource"] = statement["Resource"].clone();
        assert_eq!(shown, statement, "{page}");
    }
}
