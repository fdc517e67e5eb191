//! `docs/permissions.md` says what the code says. `UPDATE_DOCS=1` writes it anew.

use std::fmt::Write as _;

use aws_web_deploy::door::{
    BackendScope, CALLS, Need, PolicyScope, PolicySite, PolicyTarget, actions, beanstalk_note, policy_for, policy_text,
    trust_policy,
};
use serde_json::{Value, json};

use crate::support::{Action, Cloud, project};

fn place(region: &str) -> PolicyTarget {
    PolicyTarget {
        account: "123456789012".to_owned(),
        region: region.to_owned(),
        partition: "aws".to_owned(),
    }
}

pub(crate) fn site(prefix: &str, acl: bool, delete: bool) -> PolicySite {
    PolicySite {
        bucket: "my-site".to_owned(),
        prefix: prefix.to_owned(),
        acl,
        delete,
    }
}

/// What stands behind the mark `name`.
fn generated(name: &str) -> String {
    let distributions = vec!["E1EXAMPLE".to_owned()];
    let scope = match name {
        "site" => PolicyScope {
            site: Some(site("", false, false)),
            ..PolicyScope::default()
        },
        "site-cdn" => PolicyScope {
            site: Some(site("docs/", true, true)),
            distributions,
            wait_for_invalidation: true,
            rollback: true,
            ..PolicyScope::default()
        },
        "cdn" => PolicyScope {
            distributions,
            ..PolicyScope::default()
        },
        "backend" => PolicyScope {
            backend: Some(BackendScope {
                application: "my-app".to_owned(),
                environments: vec!["my-app-prod".to_owned()],
                package: true,
                ..BackendScope::default()
            }),
            ..PolicyScope::default()
        },
        "trust" => {
            return block(&trust_policy(
                "arn:aws:iam::123456789012:role/deploy",
                "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main",
                "sts.amazonaws.com",
            ));
        }
        "beanstalk" => return beanstalk_note("aws") + "\n",
        "calls" => return calls(),
        other => panic!("nobody generates `{other}`"),
    };
    block(&policy_for(&scope, &place("eu-west-1")))
}

fn block(value: &Value) -> String {
    format!("```json\n{}\n```\n", policy_text(value))
}

fn calls() -> String {
    let mut out = String::from("| call | action | when |\n| --- | --- | --- |\n");
    for call in CALLS {
        let when: Vec<_> = call.needs.iter().map(|need| words(*need)).collect();
        let _ = writeln!(out, "| {} | `{}` | {} |", call.operation, call.action, when.join(", "));
    }
    out
}

fn words(need: Need) -> &'static str {
    match need {
        Need::Caller => "`allowed-account-ids`, `check`, Beanstalk's bucket",
        Need::RoleByKeys => "`role-to-assume` by keys",
        Need::SessionTags => "the same, unless `role-skip-session-tagging`",
        Need::RoleByToken => "`role-to-assume` by OIDC",
        Need::Site => "site",
        Need::SiteAcl => "`acl`",
        Need::SiteDelete => "`delete`",
        Need::SiteRollback => "rollback of a site",
        Need::SiteCheck => "`check` of a site",
        Need::SiteVisitors => "`check` of a site, for its visitors",
        Need::CdnVisitors => "`check` of a site with a distribution, for its visitors",
        Need::Records => "release records",
        Need::Cdn => "cdn",
        Need::CdnSite => "cdn with a site",
        Need::CdnWait => "`wait-for-invalidation`",
        Need::Version => "backend",
        Need::BundleStorage => "backend without `package-bucket`",
        Need::Bundle => "`package`",
        Need::KeepVersions => "`keep-versions`",
        Need::Environment => "`environment-name`",
        Need::Abort => "`when-busy: abort`",
    }
}

/// The page with every generated part made anew: from its mark to the next blank line behind a block of text.
fn renew(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(name) = line
            .strip_prefix("<!-- generated: ")
            .and_then(|rest| rest.strip_suffix(" -->"))
        else {
            continue;
        };
        let block = matches!(lines.peek(), Some(next) if next.starts_with("```"));
        let mut fences = 0;
        while let Some(next) = lines.peek() {
            let ends = if block { fences == 2 } else { next.starts_with('#') };
            if ends {
                break;
            }
            fences += usize::from(next.starts_with("```"));
            lines.next();
        }
        if !block {
            out.push('\n');
        }
        out.push_str(&generated(name));
        if !block {
            out.push('\n');
        }
    }
    out
}

#[test]
fn the_page_about_permissions_is_what_the_code_says() {
    let path = project().join("docs/permissions.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let renewed = renew(&page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &renewed).expect("the page is written");
        return;
    }
    assert_eq!(page, renewed, "run the tests with UPDATE_DOCS=1");
    assert_eq!(page.matches("<!-- generated: ").count(), 7);
}

/// Refuses the steps everything that the policy for `scope` does not allow.
pub(crate) fn allow_only(cloud: &Cloud, scope: &PolicyScope) {
    let policy = policy_for(scope, &place("us-east-1"));
    cloud.post(
        "/policy",
        &json!({"access_key": "AKIAIOSFODNN7EXAMPLE", "policy": policy}),
    );
}

/// The steps were refused nothing; S3 only says that a key is missing to those who may list the whole bucket.
#[track_caller]
fn nothing_refused(cloud: &Cloud) {
    for request in cloud.requests() {
        let asks_for_missing = request["operation"] == "HeadObject";
        assert!(request["status"] != 403 || asks_for_missing, "{request}");
    }
}

#[test]
fn the_policy_of_a_site_is_enough_to_deploy_repair_and_roll_back() {
    let cloud = Cloud::with_bucket("my-site");
    cloud.set_versioning("my-site", "Enabled");
    allow_only(
        &cloud,
        &PolicyScope {
            site: Some(site("", false, false)),
            rollback: true,
            ..PolicyScope::default()
        },
    );
    let step = |content: &str, headers: &str| {
        Action::new(&cloud)
            .with("bucket", "my-site")
            .with("source", "public")
            .with("headers", headers)
            .file("public/index.html", content)
            .file("public/style.css", "same")
            .run()
            .expect_exit(0)
    };
    step("one", "");
    let repaired = step("two", "*.css Cache-Control: max-age=60");
    assert_eq!(repaired.uploaded(), ["style.css", "index.html"]);
    let back = Action::new(&cloud)
        .with("bucket", "my-site")
        .with("command", "rollback")
        .run()
        .expect_exit(0);
    assert_eq!(back.messages("warning"), Vec::<&str>::new());
    nothing_refused(&cloud);
}

#[test]
fn the_policy_of_a_site_with_everything_is_enough() {
    let cloud = Cloud::with_acl_bucket("my-site");
    cloud.add_distribution("E1EXAMPLE", "my-site/docs", &json!({}));
    cloud.put("my-site", "docs/old.html", &[], b"old");
    allow_only(
        &cloud,
        &PolicyScope {
            site: Some(site("docs/", true, true)),
            distributions: vec!["E1EXAMPLE".to_owned()],
            wait_for_invalidation: true,
            ..PolicyScope::default()
        },
    );
    Action::new(&cloud)
        .with("bucket", "my-site")
        .with("source", "public")
        .with("prefix", "docs/")
        .with("acl", "public-read")
        .with("delete", "true")
        .with("distribution", "E1EXAMPLE")
        .with("wait-for-invalidation", "true")
        .file("public/index.html", "one")
        .run()
        .expect_exit(0);
    assert_eq!(cloud.keys("my-site"), ["docs/index.html"]);
    nothing_refused(&cloud);
}

#[test]
fn the_policy_of_a_backend_is_enough_for_the_direct_calls() {
    let cloud = Cloud::start();
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    allow_only(
        &cloud,
        &PolicyScope {
            backend: Some(BackendScope {
                application: "my-app".to_owned(),
                environments: vec!["my-app-prod".to_owned()],
                package: true,
                ..BackendScope::default()
            }),
            ..PolicyScope::default()
        },
    );
    Action::new(&cloud)
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "app")
        .with("poll-interval", "1")
        .file("app/main.py", "print()")
        .run()
        .expect_exit(0);
    nothing_refused(&cloud);
}

/// Runs with each action of `actions` denied, one at a time: a run that fails for it names it, the resource and the
/// statement to add.
fn deny_each(actions: &[&str], prepare: impl Fn() -> Cloud, step: impl Fn(&Cloud) -> Action) {
    let mut failed = 0;
    for action in actions {
        let cloud = prepare();
        cloud.post("/deny", &json!({"action": action}));
        let run = step(&cloud).run();
        if run.exit_code == 0 {
            continue;
        }
        failed += 1;
        let told = format!("{}\n{}", run.error(), run.report["error"]["hint"]);
        for part in [
            *action,
            "AccessDenied",
            &format!("\"{action}\""),
            "\"Effect\": \"Allow\"",
            "arn:aws:",
        ] {
            assert!(
                told.replace("\\\"", "\"").contains(part),
                "{action} denied, `{part}` is not in:\n{told}\n{}",
                run.log
            );
        }
    }
    assert!(failed > 0, "nothing of {actions:?} is needed");
}

#[test]
fn every_refusal_on_a_site_names_the_statement_to_add() {
    let prepare = || {
        let cloud = Cloud::with_acl_bucket("my-site");
        cloud.set_versioning("my-site", "Enabled");
        cloud.put("my-site", "old.html", &[], b"old");
        cloud.add_distribution("E1EXAMPLE", "my-site", &json!({}));
        cloud
    };
    let step = |cloud: &Cloud| {
        Action::new(cloud)
            .with("bucket", "my-site")
            .with("source", "public")
            .with("acl", "public-read")
            .with("delete", "true")
            .with("force", "true")
            .with("max-delete", "100%")
            .with("distribution", "E1EXAMPLE")
            .with("wait-for-invalidation", "true")
            .file("public/index.html", "one")
    };
    let needs = [Need::Site, Need::SiteAcl, Need::SiteDelete, Need::Cdn, Need::CdnWait];
    deny_each(&actions(&needs), prepare, step);
}

#[test]
fn every_refusal_on_a_backend_names_the_statement_to_add() {
    let prepare = || {
        let cloud = Cloud::start();
        cloud.add_environment("my-app", "my-app-prod", &json!({}));
        cloud
    };
    let step = |cloud: &Cloud| {
        Action::new(cloud)
            .with("application-name", "my-app")
            .with("environment-name", "my-app-prod")
            .with("package", "app")
            .with("poll-interval", "1")
            .with("deployment-timeout", "20")
            .file("app/main.py", "print()")
    };
    let needs = [Need::Version, Need::BundleStorage, Need::Bundle, Need::Environment];
    deny_each(&actions(&needs), prepare, step);
}

#[test]
fn the_policy_of_a_version_alone_is_enough_to_make_it() {
    let cloud = Cloud::start();
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    allow_only(
        &cloud,
        &PolicyScope {
            backend: Some(BackendScope {
                application: "my-app".to_owned(),
                package: true,
                ..BackendScope::default()
            }),
            ..PolicyScope::default()
        },
    );
    Action::new(&cloud)
        .with("application-name", "my-app")
        .with("package", "app")
        .file("app/main.py", "print()")
        .run()
        .expect_exit(0);
    nothing_refused(&cloud);
    assert_eq!(cloud.count("DescribeEnvironments"), 0);
}
