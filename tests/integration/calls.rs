//! The table of calls against the calls that each kind of run really sends.

use std::collections::BTreeSet;

use aws_web_deploy::door::{CALLS, Need};
use serde_json::json;

use crate::support::{Action, Cloud};

const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// Operations that need a store, a size or a moment that a test cannot have, each with its reason.
const UNSEEN: &[(&str, &str)] = &[
    ("UploadPartCopy", "only for objects of more than 5 GB"),
    (
        "GetObjectTagging",
        "only for objects of more than 5 GB: CopyObject carries the tags of others along",
    ),
    (
        "GetCachePolicy",
        "only for cache policies of one's own; the paths' tests see it",
    ),
    (
        "AbortMultipartUpload",
        "only when a large upload is interrupted; the cancellation's tests see it",
    ),
];

/// The operations that a run for `needs` may send.
fn allowed(needs: &[Need]) -> BTreeSet<&'static str> {
    CALLS
        .iter()
        .filter(|call| call.needs.iter().any(|need| needs.contains(need)))
        .map(|call| call.operation)
        .collect()
}

/// What has been seen, checked against what may be.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    /// Takes the requests since the last time: each must be one that `needs` allow.
    #[track_caller]
    fn take(&mut self, cloud: &Cloud, kind: &str, needs: &[Need]) {
        let allowed = allowed(needs);
        for request in cloud.requests() {
            let service = request["service"].as_str().unwrap_or_default();
            if !["s3", "s3control", "sts", "cloudfront", "elasticbeanstalk"].contains(&service) {
                continue;
            }
            let operation = request["operation"].as_str().unwrap_or("?").to_owned();
            assert!(
                allowed.contains(operation.as_str()),
                "{kind} sends {operation}, which the table does not have"
            );
            self.0.insert(operation);
        }
        cloud.forget_requests();
    }
}

fn step(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("bucket", "my-site")
        .with("source", "public")
        .file("public/index.html", "one")
        .file("public/old.html", "old")
}

fn backend(action: Action) -> Action {
    action
        .with("application-name", "web")
        .with("environment-name", "web-prod")
        .with("package", "app")
        .with("poll-interval", "1")
        .with("recovery-seconds", "1")
        .file("app/main.py", "print(1)")
}

#[test]
fn the_table_has_every_call_and_no_other() {
    use Need::{
        Abort, Bundle, BundleStorage, Caller, Cdn, CdnSite, CdnVisitors, CdnWait, Environment, KeepVersions, Records,
        RoleByKeys, RoleByToken, Site, SiteAcl, SiteCheck, SiteDelete, SiteRollback, SiteVisitors, Version,
    };
    let mut seen = Seen::default();
    let cloud = Cloud::with_acl_bucket("my-site");
    cloud.set_versioning("my-site", "Enabled");
    cloud.add_distribution("E1EXAMPLE", "my-site", &json!({}));
    cloud.forget_requests();

    let first = step(&cloud).file("public/large.bin", vec![7; 9 * 1024 * 1024]);
    first.run().expect_exit(0);
    seen.take(&cloud, "a site", &[Site, Records]);

    step(&cloud)
        .with("headers", "*.html Cache-Control: max-age=30")
        .run()
        .expect_exit(0);
    seen.take(&cloud, "a site with other headers", &[Site, Records]);

    let second = step(&cloud)
        .with("acl", "public-read")
        .with("delete", "true")
        .with("headers", "*.html Cache-Control: max-age=60")
        .with("distribution", "E1EXAMPLE")
        .with("wait-for-invalidation", "true");
    std::fs::remove_file(second.workspace().join("public/old.html")).expect("a file");
    second.run().expect_exit(0);
    seen.take(
        &cloud,
        "a site with everything",
        &[Site, SiteAcl, SiteDelete, Records, Cdn, CdnSite, CdnWait],
    );

    Action::new(&cloud)
        .with("distribution", "E1EXAMPLE")
        .with("paths", "/*")
        .run()
        .expect_exit(0);
    seen.take(&cloud, "a cdn alone", &[Cdn]);

    let rollback = Action::new(&cloud)
        .with("bucket", "my-site")
        .with("command", "rollback");
    rollback.run().expect_exit(0);
    seen.take(&cloud, "a rollback", &[Site, SiteRollback, Records]);

    let origin = json!({"domain": "my-site.s3.us-east-1.amazonaws.com", "access_control": "OAC1"});
    cloud.post("/cloudfront", &json!({"id": "E2EXAMPLE", "origins": [origin]}));
    let policy = json!({"Statement": [{
        "Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::my-site/*",
    }]});
    cloud.post("/s3/bucket", &json!({"bucket": "my-site", "policy": policy}));
    step(&cloud)
        .with("command", "check")
        .with("acl", "public-read")
        .with("distribution", "E2EXAMPLE")
        .run()
        .expect_exit(0);
    seen.take(
        &cloud,
        "a check",
        &[Site, SiteCheck, SiteVisitors, Records, Caller, Cdn, CdnVisitors],
    );
    cloud.post("/s3/bucket", &json!({"bucket": "my-site", "policy": null}));

    cloud.add_environment("web", "web-prod", &json!({}));
    let deploy = [Version, Bundle, BundleStorage, Environment, Records, Caller];
    backend(Action::new(&cloud)).run().expect_exit(0);
    seen.take(&cloud, "a backend", &deploy);
    for label in ["a", "b", "c"] {
        cloud.post(
            "/beanstalk/versions",
            &json!({"application": "web", "version_label": label}),
        );
    }
    let settings = r#"[{"Namespace":"aws:elasticbeanstalk:application:environment","OptionName":"A","Value":"b"}]"#;
    backend(Action::new(&cloud))
        .with("keep-versions", "1")
        .with("option-settings", settings)
        .file("app/main.py", "print(2)")
        .run()
        .expect_exit(0);
    seen.take(
        &cloud,
        "a backend that keeps one version",
        &[deploy.as_slice(), &[KeepVersions]].concat(),
    );
    cloud.set_scenario("web-prod", "fails", &json!({"seconds": 1}));
    backend(Action::new(&cloud))
        .file("app/main.py", "print(3)")
        .run()
        .expect_exit(1);
    seen.take(&cloud, "a backend that fails", &deploy);
    cloud.set_scenario("web-prod", "busy", &json!({"seconds": 5}));
    backend(Action::new(&cloud))
        .with("when-busy", "abort")
        .file("app/main.py", "print(4)")
        .run();
    seen.take(&cloud, "a backend that aborts", &[deploy.as_slice(), &[Abort]].concat());
    backend(Action::new(&cloud)).with("command", "check").run();
    seen.take(&cloud, "a check of a backend", &deploy);

    cloud.post("/oidc", &json!({"trust": [{"role": ROLE, "sub": "*"}]}));
    let role = || {
        Action::without_credentials(&cloud)
            .with("distribution", "E1EXAMPLE")
            .with("paths", "/*")
            .with("role-to-assume", ROLE)
    };
    role().id_token(&cloud).run().expect_exit(0);
    role()
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "s")
        .run()
        .expect_exit(0);
    seen.take(&cloud, "a role", &[Cdn, RoleByToken, RoleByKeys]);

    let never: Vec<_> = CALLS
        .iter()
        .map(|call| call.operation)
        .filter(|operation| !seen.0.contains(*operation))
        .filter(|operation| !UNSEEN.iter().any(|(unseen, _)| unseen == operation))
        .collect();
    assert!(never.is_empty(), "in the table, and sent by no run: {never:?}");
}
