//! `docs/permissions.md` says what the code says. `UPDATE_DOCS=1` writes it anew.

use std::fmt::Write as _;

use aws_web_deploy::aws::calls::{ALL, Need};
use aws_web_deploy::aws::policy::{BackendScope, Place, Scope, SiteScope, beanstalk_note, for_scope};
use aws_web_deploy::aws::trust;
use aws_web_deploy::github::oidc::Claims;
use aws_web_deploy::report::policy::policy_text;
use serde_json::Value;

use crate::support::project;

fn place() -> Place {
    Place {
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
        partition: "aws".to_owned(),
    }
}

fn site(prefix: &str, acl: bool, delete: bool) -> SiteScope {
    SiteScope {
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
        "site" => Scope {
            site: Some(site("", false, false)),
            ..Scope::default()
        },
        "site-cdn" => Scope {
            site: Some(site("docs/", true, true)),
            distributions,
            wait_for_invalidation: true,
            ..Scope::default()
        },
        "cdn" => Scope {
            distributions,
            ..Scope::default()
        },
        "backend" => Scope {
            backend: Some(BackendScope {
                application: "my-app".to_owned(),
                environments: vec!["my-app-prod".to_owned()],
                package: true,
                ..BackendScope::default()
            }),
            ..Scope::default()
        },
        "trust" => {
            let claims = Claims {
                iss: String::new(),
                sub: "repo:octo-org/octo-repo:ref:refs/heads/main".to_owned(),
            };
            return json(&trust::policy(
                "arn:aws:iam::123456789012:role/deploy",
                &claims,
                "sts.amazonaws.com",
            ));
        }
        "beanstalk" => return beanstalk_note("aws") + "\n",
        "calls" => return calls(),
        other => panic!("nobody generates `{other}`"),
    };
    json(&for_scope(&scope, &place()))
}

fn json(value: &Value) -> String {
    format!("```json\n{}\n```\n", policy_text(value))
}

fn calls() -> String {
    let mut out = String::from("| call | action | when |\n| --- | --- | --- |\n");
    for call in ALL {
        let when: Vec<_> = call.needs.iter().map(|need| words(*need)).collect();
        let _ = writeln!(out, "| {} | `{}` | {} |", call.operation, call.action, when.join(", "));
    }
    out
}

fn words(need: Need) -> &'static str {
    match need {
        Need::Caller => "`allowed-account-ids`, `check`, Beanstalk's bucket",
        Need::RoleByKeys => "`role-to-assume` by keys",
        Need::RoleByToken => "`role-to-assume` by OIDC",
        Need::Site => "site",
        Need::SiteAcl => "`acl`",
        Need::SiteDelete => "`delete`",
        Need::SiteRollback => "rollback of a site",
        Need::SiteCheck => "`check` of a site",
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
            if (block && fences == 2)
                || (!block && next.starts_with('#'))
                || (!block && next.starts_with("With `keep-versions`"))
            {
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
